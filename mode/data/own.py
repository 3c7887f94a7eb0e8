"""A user's own arrays: the parts that are given are kept, the others are cut by seed, written down.

Keys are x_train, y_train, x_pool, y_pool, x_diagnosis, y_diagnosis, x_test, y_test, any subset
with inputs and labels of at least one part (x and y stand for train), class_names in the order of
the model's outputs, and feature_names of inputs that are vectors.
"""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mode import checks
from mode.data.archives import read
from mode.data.cutting import cut
from mode.data.naming import Names, numbered
from mode.data.own_pools import labelled_of, streamed
from mode.data.parts import PARTS, Data, Part, Streamed, is_grey, prepared


@dataclass(frozen=True)
class Own:
    """Own data.

    data: the four parts; its pool holds labelled inputs alone, and where none is labelled the
        inputs with class 0 in place of labels. where: one row an input of each part, columns
        part, source (a key without its axis) and index; none of a streamed pool.
    labelled: whether the pool has labels. from_bytes: whether the inputs were 8-bit numbers.
    known: where only some inputs of a streamed pool have labels, their indices.
    features: what the numbers of an input are called, where it is a vector and they have names.
    """

    data: Data
    where: pd.DataFrame
    labelled: bool
    from_bytes: bool = False
    known: np.ndarray | None = None
    features: Names = None

    @property
    def names(self) -> tuple[str, ...]:
        """What the classes are called: their numbers where they have no names."""
        return tuple(self.data.name(label) for label in range(self.data.classes))

    def places(self, part: str) -> np.ndarray:
        """Return the ascending indices into the source's arrays of the inputs of a part."""
        if part == "pool" and isinstance(self.data.pool, Streamed):
            return np.arange(len(self.data.pool)) if self.known is None else self.known
        return self.where.loc[self.where["part"] == part, "index"].to_numpy()


def own(
    path: str | os.PathLike,
    *,
    pool: Any = None,
    pool_labels: Any = None,
    client: Any = None,
    classes: int | None = None,
    seed: int = 0,
) -> Own:
    """Return the data in an `.npz`; nothing is unpickled.

    Args:
        path: with the keys above; inputs are prepared as by `mode.data.parts.prepared`, labels
            numbered as by `mode.data.naming.numbered`. y_pool may lack, or be -1 ("" among
            labels that are text) for inputs without label.
        pool, pool_labels: instead of x_pool and y_pool, what `open_pool` takes; it is streamed.
        client: a Dask client whose workers share the reading of `pool`.
        classes: how many the model tells apart; as many as there are labels where None.
        seed: decides which inputs go into the parts that the file lacks. They are cut from the
            pool where all of it has labels, for the model has not seen it, else from another part.

    Raises:
        InputError: for a file that is missing, damaged, pickled or larger than it may be, keys
            that do not fit each other, and too few inputs to cut a part from.
    """
    checks.number("seed", seed, 0, integer=True)
    arrays = read(path)
    if pool is not None and "x_pool" in arrays:
        checks.fail("the pool must be given once", f"a pool beside x_pool in {path}")
    inputs, labels, known = _held(arrays, str(path))
    numbers, classes, names = numbered(labels, arrays.get("class_names"), classes=classes)
    given = {key[2:]: Part(inputs.pop(key[2:]), y) for key, y in numbers.items()}
    labelled, there = "pool" not in inputs, None
    if pool is None:
        parts, where = _in_memory(
            given, inputs.get("pool"), known, len(arrays.get("x_pool", ())), seed
        )
    else:
        parts, where = cut(given, ["pool"], [*given], seed)
        shape = next(iter(given.values())).x.shape[1:]
        # Values that had to be numbered, not numbers that have names.
        valued = names is not None and "class_names" not in arrays
        spelling = (names or tuple(map(str, range(classes))), valued)
        parts["pool"], there, labelled = streamed(pool, pool_labels, shape, *spelling, client)
    table = [
        pd.DataFrame({"part": name, "source": where[name][0], "index": where[name][1]})
        for name in PARTS
        if name in where
    ]
    data = Data(**{name: parts[name] for name in PARTS}, classes=classes, names=names)
    from_bytes = any(a.dtype == np.uint8 for key, a in arrays.items() if key.startswith("x_"))
    features = _features(arrays.get("feature_names"), data.shape)
    return Own(data, pd.concat(table, ignore_index=True), labelled, from_bytes, there, features)


def _held(arrays: dict, path: str) -> tuple[dict, dict, np.ndarray]:
    """Return part -> inputs, key -> labels, and the indices of the pool's inputs that have a label.

    The pool's other inputs are left out; where none has a label, all are there, and no labels.
    """
    held = {name: arrays[f"x_{name}"] for name in PARTS if f"x_{name}" in arrays}
    labels = {f"y_{name}": arrays[f"y_{name}"] for name in held if f"y_{name}" in arrays}
    grey, known = all(is_grey(x) for x in held.values()), np.zeros(0, np.int64)
    for name, raw in held.items():
        checks.not_empty(f"x_{name}", checks.numeric(f"x_{name}", raw))
        held[name] = prepared(f"x_{name}", raw, None if grey else raw.shape[1:])
        if f"y_{name}" in labels:
            checks.same_length(**{f"x_{name}": raw, f"y_{name}": labels[f"y_{name}"]})
        elif name != "pool":
            checks.fail(f"{path} must hold y_{name} beside x_{name}", f"keys {', '.join(arrays)}")
    if "y_pool" in labels:
        known, y = labelled_of(labels["y_pool"]), labels.pop("y_pool")
        if len(known):
            held["pool"], labels["y_pool"] = held["pool"][known], y[known]
    if not labels:
        wanted = "x_train and y_train, or another part with its labels"
        checks.fail(f"{path} must hold {wanted}", f"keys {', '.join(arrays) or 'of other names'}")
    return held, labels, known


def _in_memory(
    given: dict[str, Part], unlabelled: np.ndarray | None, known: np.ndarray, count: int, seed: int
) -> tuple[dict, dict]:
    """Return the four parts, and part -> (source, indices); `count` inputs are in the pool."""
    # Not from a pool that is being labelled: the parts are to stay from one call to the next.
    partly = "pool" in given and len(known) < count
    donors = [name for name in given if name != "pool" or not partly]
    parts, where = cut(given, [] if unlabelled is None else ["pool"], donors, seed)
    if unlabelled is not None:
        parts["pool"] = Part(unlabelled, np.zeros(len(unlabelled), np.int64))
        where["pool"] = ("pool", np.arange(len(unlabelled)))
    elif len(known):
        where = {n: (s, known[i] if s == "pool" else i) for n, (s, i) in where.items()}
    return parts, where


def _features(names: Any, shape: tuple[int, ...]) -> Names:
    if names is None:
        return None
    found = tuple(map(str, np.asarray(names).ravel().tolist()))
    if (len(found),) != shape:
        checks.fail(f"feature_names must fit inputs of shape {shape}", f"{len(found)} names")
    return found
