"""What a data set is once it is loaded: four parts and the number of classes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mode import checks

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
class Data:
    """The four parts an experiment needs (protocol of Ma et al. 2018).

    `train` made the model, `pool` holds the inputs a repair may choose from, `diagnosis` finds
    the faults, feeds the maps and stops the loop, and `test` is scored once. `names` are what the
    labels 0 to classes - 1 are called, where they have names or other values.
    """

    train: Part
    pool: Part
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
            inputs(f"{name} inputs", part.x)
            checks.labels(f"{name} labels", part.y, self.classes)
            if part.x.shape[1:] != self.shape:
                wanted = ("n", *self.shape)
                checks.fail(f"{name} inputs must have shape {wanted}", f"shape {part.x.shape}")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return self.train.x.shape[1:]

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
        return replace(self, **{checks.one_of("part", name, PARTS): part})

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
