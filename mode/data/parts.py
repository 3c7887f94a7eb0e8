"""A loaded data set: four parts, the classes, and where the inputs come from."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from mode import checks
from mode.data.pools import Pool
from mode.data.schema import PARTS, inputs, prepared


@dataclass(frozen=True)
class Part:
    """Inputs `x` (n x ...) with labels `y` (n,), which one-hot rows become.

    Images are n x h x w x c, float32 in [0, 1]; vectors and sequences any floats; tokens integers.
    """

    x: np.ndarray
    y: np.ndarray
    # Whether the values of x were checked: each array is scanned once, however many Data hold it.
    _checked: bool = field(default=False, repr=False, compare=False)

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
        return Part(self.x[indices], self.y[indices], self._checked)

    def with_labels(self, y: Any) -> "Part":
        """Return the same inputs with other labels (n,)."""
        return Part(self.x, y, self._checked)


@dataclass(frozen=True)
class Streamed:
    """The inputs of a pool that is read in blocks, with labels (n,): a part that is streamed.

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
        return Part(x, self.y[indices], _checked=True)


@dataclass(frozen=True, repr=False)
class Data:
    """The four parts that a repair or an experiment needs, with facts about them.

    Attributes:
        train: inputs that made the model.
        pool: inputs that a repair may choose from, in memory or streamed from where they are.
        diagnosis: inputs that find the faults, feed the heat maps and decide when to stop.
        test: inputs that are scored once.
        classes: number of classes; labels are 0 to classes - 1.
        class_names: names of the labels, in their order; None where they have none.
        feature_names: names of the numbers of an input that is a vector, or None.
        from_bytes: whether the inputs were 8-bit numbers, which were divided by 255.
        labeled: whether the pool has labels; where it has none, they are 0.
        origin: one row per input, columns part, source (the part of the caller's data that the
            input comes from) and index (its row there); None for named data sets. A streamed
            pool has no rows.
        labeled_indices: indices of the inputs of a streamed pool that have labels, where only
            some have; `pool` holds these alone.
        notes: warnings about the data, the most important one first.
        held_out: False where the test or the diagnosis part was created from data that the model
            may have learned from.

    Example:
        >>> from mode.data import load_data
        >>> load_data("digits")
        Data(train 1,500, pool 2,000, diagnosis 500, test 1,000; inputs 28 x 28 x 1; 10 classes)
    """

    train: Part
    pool: Part | Streamed
    diagnosis: Part
    test: Part
    classes: int
    class_names: tuple[str, ...] | None = None
    _: KW_ONLY
    feature_names: tuple[str, ...] | None = None
    from_bytes: bool = False
    labeled: bool = True
    origin: pd.DataFrame | None = None
    labeled_indices: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    held_out: bool = True

    def __post_init__(self):
        """Refuse inputs that are not of one shape, and labels outside the classes."""
        names = self.class_names
        if names is not None and not len(names) == self.classes == len(set(names)):
            checks.fail(f"class_names must be {self.classes} different ones", repr(names))
        for name in PARTS:
            part = getattr(self, name)
            checks.labels(f"{name} labels", part.y, self.classes)
            if isinstance(part, Part) and not part._checked:
                inputs(f"{name} inputs", part.x)
            shape = part.shape if isinstance(part, Streamed) else part.x.shape[1:]
            if shape != self.shape:
                expected = f"{name} inputs must have shape {('n', *self.shape)}"
                checks.fail(expected, f"shape {(len(part), *shape)}")
            if isinstance(part, Part):
                object.__setattr__(part, "_checked", True)

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the classes: another name of `class_names`."""
        return self.class_names

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
        return str(label) if self.class_names is None else self.class_names[label]

    def label(self, name: str | int) -> int:
        """Return the label of that name, or of that number where labels have no names.

        Raises:
            InputError: for a name that no class has.
        """
        names = [self.name(label) for label in range(self.classes)]
        return names.index(checks.one_of("label", str(name), names))

    def source(self, part: str) -> str:
        """Return the part of the caller's data that the inputs of a part come from.

        Example:
            >>> from mode.data import load
            >>> arrays = {"x_train": np.zeros((60, 2)), "y_train": np.arange(60) % 2}
            >>> load(arrays).source("diagnosis")
            'train'
        """
        checks.one_of("part", part, PARTS)
        if self.origin is None:
            return part
        sources = self.origin.loc[self.origin["part"] == part, "source"]
        return str(sources.iloc[0]) if len(sources) else part

    def places(self, part: str) -> np.ndarray:
        """Return the rows of the caller's arrays that the inputs of a part come from.

        They are the positions in the part itself where the origin is not recorded: in named data
        sets, in data put together by hand, and in exchanged parts.
        """
        inputs_of = getattr(self, checks.one_of("part", part, PARTS))
        if part == "pool" and self.labeled_indices is not None:
            return self.labeled_indices
        rows = None if self.origin is None else self.origin[self.origin["part"] == part]
        if rows is None or not len(rows):
            return np.arange(len(inputs_of))
        return rows["index"].to_numpy()

    def with_part(self, name: str, part: Part) -> "Data":
        """Return new data with one part exchanged; the other parts are not checked again."""
        changed: dict[str, Any] = {checks.one_of("part", name, PARTS): part}
        if self.origin is not None:
            changed["origin"] = self.origin[self.origin["part"] != name]
        if name == "pool":
            changed |= {"labeled_indices": None, "labeled": True}
        return replace(self, **changed)

    def only(self, labels: Sequence[int]) -> "Data":
        """Return the inputs of `labels` alone, renumbered 0, 1, ... in their order.

        Raises:
            InputError: for fewer than two labels, a label twice, or labels outside the classes.
        """
        checks.labels("labels", labels, self.classes)
        checks.number("number of labels", len(labels), 2)
        if len(set(labels)) < len(labels):
            checks.fail("labels must differ from each other", str(list(labels)))
        number = np.full(self.classes, -1)
        number[list(labels)] = np.arange(len(labels))
        changed: dict[str, Any] = {"classes": len(labels), "labeled_indices": None}
        rows = []
        for name in PARTS:
            part = getattr(self, name)
            selected = number[part.y] >= 0
            remaining = part.take(selected)
            changed[name] = remaining.with_labels(number[remaining.y])
            table = {"part": name, "source": name, "index": self.places(name)[selected]}
            if self.origin is not None and (self.origin["part"] == name).any():
                table = self.origin[self.origin["part"] == name][selected]
            rows.append(pd.DataFrame(table))
        if self.origin is not None:
            changed["origin"] = pd.concat(rows, ignore_index=True)
        if self.class_names is not None:
            changed["class_names"] = tuple(self.class_names[label] for label in labels)
        return replace(self, **changed)

    def sizes(self) -> dict[str, int]:
        """Return part name -> number of inputs."""
        return {name: len(getattr(self, name)) for name in PARTS}

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {size:,}" for name, size in self.sizes().items())
        return f"Data({'; '.join([sizes, *self._facts()])})"

    def _repr_html_(self) -> str:
        """Return the sizes of the parts as a table, with the facts and the notes below it."""
        names = "".join(f"<th>{name}</th>" for name in PARTS)
        sizes = "".join(f"<td>{size:,}</td>" for size in self.sizes().values())
        lines = ["; ".join(self._facts()), *self.notes]
        text = "".join(f"<p>{escape(line)}</p>" for line in lines)
        return f"<table><tr>{names}</tr><tr>{sizes}</tr></table>{text}"

    def _facts(self) -> list[str]:
        facts = [f"inputs {' x '.join(map(str, self.shape))}", f"{self.classes} classes"]
        if isinstance(self.pool, Streamed):
            facts.append("pool streamed")
        if not self.labeled:
            facts.append("pool without labels")
        if not self.held_out:
            facts.append("not held out")
        if self.notes:
            facts.append(f"{len(self.notes)} note{'s' * (len(self.notes) > 1)}")
        return facts
