"""Pools that are streamed: inputs in memory, in an array library or in a `tf.data` dataset.

A pool has a length, the shape and dtype of an input, blocks of inputs in order, and the inputs at
chosen indices. `open_pool` makes one; pools on disk are in `mode.data.stores`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from mode import checks

COMPARED = 32  # inputs at the beginning of a dataset that have to be the same in a second pass


class Pool(ABC):
    """Inputs that are read block by block.

    shape, dtype: of one input. labels: (n,) where the source brings them, and names: of their
    classes. is_distributable: whether another process can open it too.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    labels: np.ndarray | None = None
    names: tuple[str, ...] | None = None
    is_distributable = True

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of inputs."""

    @abstractmethod
    def read(self, indices: np.ndarray | range, size: int) -> Iterator[np.ndarray]:
        """Yield the inputs at ascending indices, `size` at a time."""

    def blocks(self, size: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (start, inputs from there on), all of them in order, `size` at a time."""
        blocks = self.read(range(len(self)), size)
        yield from zip(range(0, len(self), size), blocks, strict=True)

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Return the inputs at indices of any order; no others are held in memory."""
        ascending, inverse = np.unique(indices, return_inverse=True)
        if not len(ascending):
            return np.zeros((0, *self.shape), self.dtype)
        return np.concatenate(list(self.read(ascending, len(ascending))))[inverse]


class Indexed(Pool):
    """A pool whose inputs can be read in any order."""

    @abstractmethod
    def rows(self, indices: np.ndarray | range) -> np.ndarray:
        """Return the inputs at ascending indices."""

    def read(self, indices: np.ndarray | range, size: int) -> Iterator[np.ndarray]:
        """Yield the inputs at ascending indices, `size` at a time."""
        for start in range(0, len(indices), size):
            yield self.rows(indices[start : start + size])


def as_slice(indices: np.ndarray | range) -> slice | None:
    """Return ascending indices as a slice, None where they have gaps."""
    if not len(indices) or int(indices[-1]) - int(indices[0]) + 1 != len(indices):
        return None
    return slice(int(indices[0]), int(indices[-1]) + 1)


class Arrays(Indexed):
    """A numpy, Zarr or Dask array; whatever has a shape, a dtype, and can be sliced."""

    def __init__(self, source: Any):
        self.source = source
        self.shape, self.dtype = tuple(source.shape[1:]), np.dtype(source.dtype)
        self.is_distributable = not isinstance(source, np.ndarray)

    def __len__(self) -> int:
        return int(self.source.shape[0])

    def rows(self, indices: np.ndarray | range) -> np.ndarray:
        part = as_slice(indices)
        source = self.source if part else getattr(self.source, "oindex", self.source)
        # Dask computes here.
        x = np.asarray(source[np.asarray(indices, np.int64) if part is None else part])
        # Of a memory map this is what reads the file, in the thread that reads ahead.
        return np.array(x) if isinstance(self.source, np.memmap) else x


class Dataset(Pool):
    """A finite `tf.data` dataset of inputs or (input, label), batched (leading size None) or not.

    It is read once to count it and to keep its labels, and once more from its beginning each time.

    Raises:
        InputError: for elements that are neither, and for another order in a second pass.
    """

    is_distributable = False

    def __init__(self, source: Any):
        spec = source.element_spec
        self.has_labels = isinstance(spec, tuple) and len(spec) == 2
        spec = spec[0] if self.has_labels else spec
        if getattr(spec, "shape", None) is None or spec.shape.rank is None:
            expected = "elements of the tf.data dataset must be an input or (input, label)"
            checks.fail(expected, " ".join(str(source.element_spec).split()))
        if source.cardinality() == -1:
            checks.fail("the tf.data dataset must be finite", "an infinite dataset")
        batched = spec.shape.rank and spec.shape[0] is None
        self.source = source.unbatch() if batched else source
        self._scan()

    def _scan(self) -> None:
        first: list = []
        labels: list = []
        self.length = 0
        for element in self.source.as_numpy_iterator():
            x, y = element if self.has_labels else (element, None)
            first += [x] if len(first) < COMPARED else []
            labels += [y] if self.has_labels else []
            self.length += 1
        if not first:
            checks.fail("the tf.data dataset must not be empty", "length 0")
        self.shape, self.dtype = first[0].shape, first[0].dtype
        self.labels = np.asarray(labels) if self.has_labels else None
        again = next(self.read(range(len(first)), len(first)))
        if not np.array_equal(again, np.stack(first)):
            hint = "Shuffle with reshuffle_each_iteration=False, or not at all."
            checks.fail("the dataset must have the same order each time", "another order", hint)

    def __len__(self) -> int:
        return self.length

    def read(self, indices: np.ndarray | range, size: int) -> Iterator[np.ndarray]:
        remaining = iter(indices)
        index, rows = next(remaining, None), []
        for number, element in enumerate(self.source.as_numpy_iterator()):
            if index is None:
                break
            if number == index:
                rows.append(element[0] if self.has_labels else element)
                index = next(remaining, None)
            if len(rows) == size:
                yield np.stack(rows)
                rows = []
        if rows:
            yield np.stack(rows)


class Subset(Pool):
    """Some inputs of another pool, as a pool; indices count these alone."""

    def __init__(self, whole: Pool, places: np.ndarray):
        self.whole, self.places = whole, places
        self.shape, self.dtype, self.names = whole.shape, whole.dtype, whole.names
        self.is_distributable = whole.is_distributable
        self.labels = None if whole.labels is None else whole.labels[places]

    def __len__(self) -> int:
        return len(self.places)

    def read(self, indices: np.ndarray | range, size: int) -> Iterator[np.ndarray]:
        part = as_slice(indices)
        return self.whole.read(self.places[indices if part is None else part], size)
