"""What a data set is once it is loaded: four parts and the number of classes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mode import checks
from mode.data.pools import Pool

PARTS = ("train", "pool", "diagnosis", "test")


def inputs(name: str, value: Any) -> np.ndarray:
    """Return `value` if it is an array of inputs: four axes are images, in [0, 1]; two, three or
    more than four hold any finite numbers (vectors, sequences, tokens, volumes).

    Raises:
        InputError: for other arrays.
    """
    array = checks.numeric(name, value)
    if array.ndim < 2:
        checks.fail(f"{name} must be an array of inputs, n x ...", f"shape {array.shape}")
    return checks.images(name, array) if array.ndim == 4 else array


def prepared(name: str, value: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return raw inputs as a model gets them.

    8-bit inputs are grey values, divided by 255; whole numbers that are no images stay whole, as
    int32; all others become float32.

    Args:
        shape: of one prepared input, where known. A grey image gets its channel so; where None,
            inputs n x h x w that lie in [0, 1] are grey images, all others sequences.

    Raises:
        InputError: as `inputs`, and for another shape.
    """
    x = checks.numeric(name, value)
    if x.dtype == np.uint8:
        x = x.astype(np.float32)
        x /= np.float32(255)
    if is_grey(x) if shape is None else (*x.shape[1:], 1) == tuple(shape):
        x = x[..., None]
    tokens = x.dtype.kind in "iu" and x.ndim != 4
    x = inputs(name, x).astype(np.int32 if tokens else np.float32, copy=False)
    if shape is not None and x.shape[1:] != tuple(shape):
        checks.fail(f"{name} must have shape {('n', *shape)}", f"shape {x.shape}")
    return x


def is_grey(x: np.ndarray) -> bool:
    """Say whether x holds grey images without a channel: floats n x h x w in [0, 1], or bytes."""
    if x.dtype == np.uint8 or x.ndim != 3:
        return x.ndim == 3
    return x.dtype.kind == "f" and bool(x.size) and x.min() >= 0 and x.max() <= 1


@dataclass(frozen=True)
class Part:
    """Inputs `x` (n x ...) with labels `y` (n,), which one-hot rows become.

    Images are n x h x w x c, float32 in [0, 1]; vectors and sequences any floats; tokens integers.
    """

    x: np.ndarray
    y: np.ndarray

    def __post_init__(self):
        if isinstance(self.x, tuple | list | dict):
            checks.fail(
                "x must be one array",
                f"a {type(self.x).__name__} of {len(self.x)}",
                "A model of several inputs can be trained and asked, but not repaired.",
            )
        object.__setattr__(self, "y", checks.labels("y", self.y))
        checks.same_length(x=self.x, y=self.y)

    def __len__(self):
        return len(self.y)

    def take(self, indices: np.ndarray) -> "Part":
        """Return the inputs at `indices` (or where a mask is true) as a new part."""
        return Part(self.x[indices], self.y[indices])


@dataclass(frozen=True)
class Streamed:
    """The inputs of a pool that stays where it is, with labels (n,): a part that is read in blocks.

    pool: see `open_pool`. shape: of one prepared input. client: the Dask client whose workers
    share the reading, where there is one.
    """

    pool: Pool
    y: np.ndarray
    shape: tuple[int, ...]
    client: Any = None

    def __post_init__(self):
        object.__setattr__(self, "y", checks.labels("y", self.y))
        checks.same_length(pool=self.pool, y=self.y)
        prepared("the pool's first input", self.pool.take(np.arange(1)), self.shape)

    def __len__(self):
        return len(self.y)

    def take(self, indices: np.ndarray) -> Part:
        """Return the inputs at `indices`; no others are read."""
        indices = np.arange(len(self))[indices] if np.asarray(indices).dtype == bool else indices
        x = prepared("pool inputs", self.pool.take(indices), self.shape)
        return Part(x, self.y[indices])


@dataclass(frozen=True)
class Data:
    """The four parts an experiment needs (protocol of Ma et al. 2018).

    `train` made the model, `pool` holds the inputs a repair may choose from, `diagnosis` finds
    the faults, feeds the maps and stops the loop, and `test` is scored once. `names` are what the
    labels 0 to classes - 1 are called, where they have names or other values.
    """

    train: Part
    pool: Part | Streamed
    diagnosis: Part
    test: Part
    classes: int
    names: tuple[str, ...] | None = None

    def __post_init__(self):
        """Refuse inputs that are not of one shape, and labels outside the classes."""
        if self.names is not None and not len(self.names) == self.classes == len(set(self.names)):
            checks.fail(f"names must be {self.classes} different ones", repr(self.names))
        for name in PARTS:
            part = getattr(self, name)
            checks.labels(f"{name} labels", part.y, self.classes)
            if not isinstance(part, Streamed):
                inputs(f"{name} inputs", part.x)
            shape = part.shape if isinstance(part, Streamed) else part.x.shape[1:]
            if shape != self.shape:
                wanted, given = ("n", *self.shape), (len(part), *shape)
                checks.fail(f"{name} inputs must have shape {wanted}", f"shape {given}")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return self.train.x.shape[1:]

    @property
    def pool_in_memory(self) -> Part:
        """The pool, where its inputs are in memory.

        Raises:
            InputError: for a pool that is streamed.
        """
        if isinstance(self.pool, Streamed):
            checks.fail("the pool must be in memory for this", "one that is streamed")
        return self.pool

    def name(self, label: int) -> str:
        """Return what a label is called: its name, or its number."""
        return str(label) if self.names is None else self.names[label]

    def label(self, name: str | int) -> int:
        """Return the label of that name, or of that number where labels have no names.

        Raises:
            InputError: for a name that no class has.
        """
        names = [self.name(label) for label in range(self.classes)]
        return names.index(checks.one_of("label", str(name), names))

    def with_part(self, name: str, part: Part) -> "Data":
        """Return new data with one part exchanged."""
        changed: dict[str, Any] = {checks.one_of("part", name, PARTS): part}
        return replace(self, **changed)

    def only(self, labels: Sequence[int]) -> "Data":
        """Return the inputs of `labels` alone, renumbered 0, 1, ... in the order given.

        Raises:
            InputError: for fewer than two labels, a label twice, or labels outside the classes.
        """
        checks.labels("labels", labels, self.classes)
        checks.number("number of labels", len(labels), 2)
        if len(set(labels)) < len(labels):
            checks.fail("labels must differ from each other", str(list(labels)))
        number = np.full(self.classes, -1)
        number[list(labels)] = np.arange(len(labels))
        parts = {name: getattr(self, name) for name in PARTS}
        kept = {name: part.take(number[part.y] >= 0) for name, part in parts.items()}
        renamed = {name: Part(part.x, number[part.y]) for name, part in kept.items()}
        names = None if self.names is None else tuple(self.names[label] for label in labels)
        return Data(**renamed, classes=len(labels), names=names)

    def sizes(self) -> dict[str, int]:
        """Return part name -> number of inputs."""
        return {name: len(getattr(self, name)) for name in PARTS}
