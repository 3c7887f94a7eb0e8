"""A tf.data dataset as a pool: it can only be gone through from its beginning."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from mode import checks
from mode.data.pools import Pool

COMPARED = 32  # inputs at the beginning that have to be the same in a second pass


class Dataset(Pool):
    """A finite dataset of inputs, or of (input, label), batched (leading size None) or not.

    It is gone through once to count it and to keep its labels.

    Raises:
        InputError: for elements that are neither, and for another order in a second pass.
    """

    spreads = False

    def __init__(self, source: Any):
        spec = source.element_spec
        pair = isinstance(spec, tuple) and len(spec) == 2
        spec = spec[0] if pair else spec
        if getattr(spec, "shape", None) is None or spec.shape.rank is None:
            wanted = "elements of the tf.data dataset must be an input or (input, label)"
            checks.fail(wanted, " ".join(str(source.element_spec).split()))
        if source.cardinality() == -1:
            checks.fail("the tf.data dataset must end", "one without end")
        if spec.shape.rank and spec.shape[0] is None:
            source = source.unbatch()
        self.source, self.pair = source, pair
        self._look()

    def _look(self) -> None:
        first: list = []
        labels: list = []
        self.length = 0
        for element in self.source.as_numpy_iterator():
            x, y = element if self.pair else (element, None)
            first += [x] if len(first) < COMPARED else []
            labels += [y] if self.pair else []
            self.length += 1
        if not first:
            checks.fail("the tf.data dataset must not be empty", "length 0")
        self.shape, self.dtype = first[0].shape, first[0].dtype
        self.labels = np.asarray(labels) if self.pair else None
        again = next(self.read(range(len(first)), len(first)))
        if not np.array_equal(again, np.stack(first)):
            hint = "Shuffle with reshuffle_each_iteration=False, or not at all."
            checks.fail("the dataset must have the same order each time", "another order", hint)

    def __len__(self) -> int:
        return self.length

    def read(self, indices: np.ndarray | range, size: int) -> Iterator[np.ndarray]:
        wanted, kept = iter(indices), []
        place = next(wanted, None)
        for number, element in enumerate(self.source.as_numpy_iterator()):
            if place is None:
                break
            if number == place:
                kept.append(element[0] if self.pair else element)
                place = next(wanted, None)
            if len(kept) == size:
                yield np.stack(kept)
                kept = []
        if kept:
            yield np.stack(kept)
