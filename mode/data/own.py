"""A user's own arrays: the parts that are given are kept, the others are cut by seed, written down.

Keys are x_train, y_train, x_pool, y_pool, x_diagnosis, y_diagnosis, x_test, y_test, any subset
with inputs and labels of at least one part (x and y stand for train), and class_names.
"""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mode import checks, seeds
from mode.data.archives import read
from mode.data.opening import open_pool
from mode.data.parts import PARTS, Data, Part, Streamed, is_grey, prepared
from mode.data.pools import Some
from mode.data.splits import stratified_order

UNKNOWN = -1  # in y_pool: an input that has no label yet
# What each part takes of a part that has to be cut: 6/5/1 as of MNIST, and two for a test part.
WEIGHTS = {"train": 6, "pool": 5, "diagnosis": 1, "test": 2}


@dataclass(frozen=True)
class Own:
    """Own data.

    data: the four parts; its pool holds labelled inputs alone, and where none is labelled the
        inputs with class 0 in place of labels. where: one row an input of each part, columns
        part, source (a key without its axis) and index; none of a streamed pool. names: of the
        classes.
    labelled: whether the pool has labels. from_bytes: whether the inputs were 8-bit numbers.
    known: where only some inputs of a streamed pool have labels, their indices.
    """

    data: Data
    where: pd.DataFrame
    names: tuple[str, ...]
    labelled: bool
    from_bytes: bool = False
    known: np.ndarray | None = None

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
        path: with the keys above; inputs are prepared as by `mode.data.parts.prepared`. y_pool
            may lack, or be -1 for inputs without label.
        pool, pool_labels: instead of x_pool and y_pool, what `open_pool` takes; it is streamed.
        client: a Dask client whose workers share the reading of `pool`.
        classes: how many there are; one more than the largest label where None.
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
    given, unlabelled = _given(arrays, str(path))
    classes = classes or 1 + max(int(part.y.max()) for part in given.values())
    names = _names(arrays.get("class_names"), classes)
    if pool is not None:
        shape = next(iter(given.values())).x.shape[1:]
        streamed, known, labelled = _streamed(pool, pool_labels, shape, names, client)
        parts, where = _cut(given, ["pool"], [*given], seed)
        parts["pool"] = streamed
    else:
        labelled, known = not unlabelled, None
        parts, where = _in_memory(arrays, given, unlabelled, seed)
    table = [
        pd.DataFrame({"part": name, "source": where[name][0], "index": where[name][1]})
        for name in PARTS
        if name in where
    ]
    data = Data(**{name: parts[name] for name in PARTS}, classes=classes)
    from_bytes = any(a.dtype == np.uint8 for key, a in arrays.items() if key.startswith("x_"))
    return Own(data, pd.concat(table, ignore_index=True), names, labelled, from_bytes, known)


def _in_memory(arrays: dict, given: dict, unlabelled: dict, seed: int) -> tuple[dict, dict]:
    """Return the four parts, and part -> (source, indices)."""
    # Not from a pool that is being labelled: the parts are to stay from one call to the next.
    whole = "pool" in given and len(given["pool"]) == len(arrays["x_pool"])
    donors = [name for name in given if name != "pool" or whole]
    parts, where = _cut(given, [*unlabelled], donors, seed)
    for name, x in unlabelled.items():
        parts[name] = Part(x, np.zeros(len(x), np.int64))
        where[name] = ("pool", np.arange(len(x)))
    if "y_pool" in arrays and not unlabelled:
        known = np.flatnonzero(arrays["y_pool"].reshape(len(arrays["x_pool"]), -1)[:, 0] != UNKNOWN)
        where = {n: (s, known[i] if s == "pool" else i) for n, (s, i) in where.items()}
    return parts, where


def _streamed(
    pool: Any, labels: Any, shape: tuple[int, ...], names: tuple[str, ...], client: Any
) -> tuple[Streamed, np.ndarray | None, bool]:
    """Return the pool, the indices of its labelled inputs, and whether there are any."""
    pool = open_pool(pool, labels, shape=shape)
    if pool.labels is None:
        return Streamed(pool, np.zeros(len(pool), np.int8), shape, client), None, False
    y = checks.numeric("pool labels", _renamed(pool.labels, pool.names, names))
    known = np.flatnonzero(y != UNKNOWN) if y.ndim == 1 and (y == UNKNOWN).any() else None
    if known is None:
        return Streamed(pool, y, shape, client), None, True
    if not len(known):
        return Streamed(pool, np.zeros(len(pool), np.int8), shape, client), None, False
    return Streamed(Some(pool, known), y[known], shape, client), known, True


def _renamed(labels: np.ndarray, own: tuple[str, ...] | None, names: tuple[str, ...]) -> np.ndarray:
    """Return labels numbered as `names`, where the pool has its `own` names of the classes."""
    if own is None:
        return labels
    places = [names.index(checks.one_of("a class of the pool", name, names)) for name in own]
    return np.array(places)[labels]


def _given(arrays: dict, path: str) -> tuple[dict[str, Part], dict[str, np.ndarray]]:
    """Return part -> labelled inputs, and "pool" -> inputs where none of it has a label."""
    given, unlabelled = {}, {}
    held = {name: arrays[f"x_{name}"] for name in PARTS if f"x_{name}" in arrays}
    grey = all(is_grey(x) for x in held.values())
    for name, raw in held.items():
        checks.not_empty(f"x_{name}", checks.numeric(f"x_{name}", raw))
        x = prepared(f"x_{name}", raw, None if grey else raw.shape[1:])
        y = arrays.get(f"y_{name}")
        if name == "pool":
            x, y = _known(x, y)
            if y is None:
                unlabelled[name] = x
                continue
        if y is None:
            checks.fail(f"{path} must hold y_{name} beside x_{name}", f"keys {', '.join(arrays)}")
        y = checks.labels(f"y_{name}", y)
        checks.same_length(**{f"x_{name}": x, f"y_{name}": y})
        given[name] = Part(x, y)
    if not given:
        wanted = "x_train and y_train, or another part with its labels"
        checks.fail(f"{path} must hold {wanted}", f"keys {', '.join(arrays) or 'of other names'}")
    return given, unlabelled


def _known(x: np.ndarray, y) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the inputs of the pool that have a label; all of them, and None, where none has."""
    if y is None:
        return x, None
    y = checks.numeric("y_pool", y)
    checks.same_length(x_pool=x, y_pool=y)
    y = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1:
        return x, y
    known = y != UNKNOWN
    return (x[known], y[known]) if known.any() else (x, None)


def _cut(
    given: dict[str, Part], filled: list[str], donors: list[str], seed: int
) -> tuple[dict, dict]:
    """Return part -> inputs, and part -> (source, indices); missing parts come from one given."""
    missing = [name for name in PARTS if name not in given and name not in filled]
    parts, where = dict(given), {name: (name, np.arange(len(p))) for name, p in given.items()}
    if not missing:
        return parts, where
    if not donors:
        lacking = ", ".join(missing)
        checks.fail(f"a wholly labelled part must be given to cut {lacking} from", "none")
    donor = next(name for name in ("pool", "train", "diagnosis", "test") if name in donors)
    wanted = [*missing, donor]
    total = sum(WEIGHTS[name] for name in wanted)
    rest = given[donor]
    ends = np.cumsum([len(rest) * WEIGHTS[name] // total for name in missing])
    if min(np.diff(ends, prepend=0)) < 1 or ends[-1] >= len(rest):
        checks.fail(f"{donor} must have enough inputs to cut {', '.join(missing)} from", len(rest))
    order = stratified_order(rest.y, seeds.generator(seed, "own split"))
    for name, indices in zip(wanted, np.split(order, ends), strict=True):
        indices = np.sort(indices)
        parts[name], where[name] = rest.take(indices), (donor, indices)
    return parts, where


def _names(given, classes: int) -> tuple[str, ...]:
    if given is None:
        return tuple(str(label) for label in range(classes))
    names = tuple(str(name) for name in np.asarray(given).reshape(-1))
    if len(names) != classes or len(set(names)) < classes:
        checks.fail(f"class_names must be {classes} different names", f"{len(names)} names")
    return names
