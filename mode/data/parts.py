"""What a data set is once it is loaded: four parts and the number of classes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mode import checks

PARTS = ("train", "pool", "diagnosis", "test")


@dataclass(frozen=True)
class Part:
    """Inputs `x` (n x ..., float32 in [0, 1]) with labels `y` (n,), which one-hot rows become."""

    x: np.ndarray
    y: np.ndarray

    def __post_init__(self):
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
    the faults, feeds the maps and stops the loop, and `test` is scored once.
    """

    train: Part
    pool: Part
    diagnosis: Part
    test: Part
    classes: int

    def __post_init__(self):
        """Refuse inputs that are not images of one shape, and labels outside the classes."""
        for name in PARTS:
            part = getattr(self, name)
            checks.images(f"{name} inputs", part.x)
            checks.labels(f"{name} labels", part.y, self.classes)
            if part.x.shape[1:] != self.shape:
                wanted = ("n", *self.shape)
                checks.fail(f"{name} inputs must have shape {wanted}", f"shape {part.x.shape}")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return self.train.x.shape[1:]

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
        return Data(**renamed, classes=len(labels))

    def sizes(self) -> dict[str, int]:
        """Return part name -> number of inputs."""
        return {name: len(getattr(self, name)) for name in PARTS}
