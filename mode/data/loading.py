"""Load data from a name, an `.npz`, a folder of images by class, or arrays."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mode import checks
from mode.data import archives, sources, splits
from mode.data.archives import KEYS, NAMES, SHORT
from mode.data.folders import Folder
from mode.data.labels import Names, labeled_indices, numbered
from mode.data.notes import created_notes, duplicate_notes
from mode.data.opening import open_streamed
from mode.data.parts import PARTS, Data, Part, Streamed, is_grey, prepared

SPLITS = ("seeded", "published")
DIGITS_SIZES = {"train": 1500, "pool": 2000, "diagnosis": 500, "test": 1000}
# Shares of the training inputs of a named set that brings its own test part; on MNIST's 60,000
# they give 30,000 / 25,000 / 5,000, as near to the published halves as a diagnosis part allows.
SHARES = {"train": 6 / 12, "pool": 5 / 12, "diagnosis": 1 / 12}


def load_data(
    source: str | os.PathLike | Mapping[str, Any],
    *,
    seed: int = 0,
    split: str = "seeded",
    data_dir: str | os.PathLike | None = None,
    pool: Any = None,
    pool_labels: Any = None,
    client: Any = None,
    classes: int | None = None,
) -> Data:
    """Load the four parts of a data set: train, pool, diagnosis and test.

    An `.npz` or a dict holds any of x_train, y_train, x_pool, y_pool, x_diagnosis, y_diagnosis,
    x_test, y_test, class_names (in the order of the model's outputs) and feature_names; x, y and
    names stand for x_train, y_train and class_names. Parts that are there are kept as they are.
    Missing parts are created with a fixed seed, from the pool where all of it has labels, else
    from the first other part; `Data.origin` records which inputs they got. Where the test or
    the diagnosis part was created from x_train, `Data.held_out` is False and the first note says
    so.

    Inputs that are 8-bit numbers are divided by 255, and three axes of them are images n x h x w;
    four axes are images in [0, 1]; others (vectors, sequences, tokens) stay as they are. Labels
    are whole numbers, one-hot rows or class names. y_pool may be missing, or be -1 ("" among
    class names) for inputs without a label. Nothing is unpickled.

    Args:
        source: "digits" (5,000 MNIST images, embedded), "mnist", "fashion_mnist", "cifar10", the
            path of an `.npz`, a folder with one subfolder of images per class, a folder with
            such folders called train, pool, diagnosis or test, or a dict of arrays. Images get
            the shape of the first one.
        seed: seed of the split. Defaults to 0.
        split: "seeded", with the classes in proportion, or "published" for the replication's
            halves of x_train, whose diagnosis part *is* its test part. Defaults to "seeded".
        data_dir: folder to look in first for `mnist.npz`, `fashion_mnist.npz` and `cifar10.npz`;
            then come the folder that the environment variable MODE_DATA names, Keras's cache,
            and a download. Defaults to None.
        pool: a pool to stream from where it is, instead of x_pool, as `open_pool` takes it.
            Defaults to None.
        pool_labels: labels of `pool`, or the path of an `.npy` file of them. Defaults to None.
        client: a Dask client whose workers share the reading of `pool`. Defaults to None.
        classes: number of classes of the model; None means as many as there are labels.

    Returns:
        Data whose parts have inputs `.x` (images float32 in [0, 1], n x h x w x c) and labels
        `.y` (int64, from 0).

    Example:
        >>> data = load_data("digits")
        >>> data
        Data(train 1,500, pool 2,000, diagnosis 500, test 1,000; inputs 28 x 28 x 1; 10 classes)
        >>> data.train.x.shape, data.train.x.dtype, float(data.train.x.max())
        ((1500, 28, 28, 1), dtype('float32'), 1.0)
        >>> mine = load_data({"x": np.eye(140), "y": np.arange(140) % 2})
        >>> mine.sizes(), mine.held_out
        ({'train': 60, 'pool': 50, 'diagnosis': 10, 'test': 20}, False)
        >>> load_data("digit")
        Traceback (most recent call last):
            ...
        mode.checks.InputError: data set must be one of ... Did you mean 'digits'?

    Raises:
        InputError: for an unknown name or split, files that cannot be read, keys that do not fit
            each other, bad arrays, or too few inputs to create a part from.
    """
    checks.one_of("split", split, SPLITS)
    checks.number("seed", seed, 0, integer=True)
    if pool is None and pool_labels is not None:
        checks.fail("pool_labels must be given with a pool", "no pool")
    if isinstance(source, str) and source in sources.SOURCES:
        if pool is not None:
            hint = "Pass the arrays or an .npz."
            checks.fail(f"pool must be None for the data set '{source}'", "a pool", hint)
        return _load_named(source, seed, split, data_dir, classes)
    arrays = _read(source)
    if pool is not None and "x_pool" in arrays.values:
        checks.fail("the pool must be given once", f"a pool beside x_pool in {arrays.place}")
    opened = None if pool is None else (pool, pool_labels, client)
    data = _from_arrays(arrays, opened, seed, split, classes)
    return replace(data, notes=(*data.notes, *duplicate_notes(data), *arrays.notes))


@dataclass(frozen=True)
class _Arrays:
    """The caller's arrays by the keys of the schema.

    place: what messages call the source. from_bytes: whether the inputs were 8-bit numbers.
    """

    values: dict[str, np.ndarray]
    place: str
    from_bytes: bool = False
    notes: tuple[str, ...] = ()


def _load_named(
    name: str, seed: int, split: str, data_dir: str | os.PathLike | None, classes: int | None
) -> Data:
    arrays = sources.SOURCES[name](data_dir)
    train = ("x_train", "y_train") if "x_train" in arrays else ("x", "y")
    keys = {"rest": train} | ({"test": ("x_test", "y_test")} if "x_test" in arrays else {})
    labels = {y: arrays[y] for _, y in keys.values()}
    numbers, classes, names = numbered(labels, arrays.get("class_names"), classes=classes)
    parts = {}
    for part, (x, y) in keys.items():
        checks.not_empty(x, arrays[x])
        checks.same_length(**{x: arrays[x], y: numbers[y]})
        parts[part] = Part(prepared(x, arrays[x]), numbers[y]).validated()
    from_bytes = all(arrays[x].dtype == np.uint8 for x, _ in keys.values())
    if split == "published":
        data = splits.published(parts, classes)
    else:
        total = len(parts["rest"])
        sizes = {part: int(total * share) for part, share in SHARES.items()}
        data = splits.seeded(parts, sizes if "test" in parts else DIGITS_SIZES, classes, seed)
    return replace(data, class_names=names, from_bytes=from_bytes)


def _read(source: Any) -> _Arrays:
    if isinstance(source, Mapping):
        return _from_mapping(source)
    if not isinstance(source, str | os.PathLike):
        wanted = "data must be a name, the path of an .npz or of a folder of images, or a dict"
        checks.fail(wanted, type(source).__name__)
    path = Path(source)
    if path.is_dir():
        return _from_folder(path)
    if isinstance(source, str) and path.suffix != ".npz":
        checks.one_of("data set", source, [*sources.SOURCES, "FOLDER", "PATH.npz"])
    values, other = archives.read(path)
    unused = sorted(name for name in other if name in SHORT or name.startswith(("x_", "y_")))
    notes = (f"arrays of {path.name} that are not used: {', '.join(unused)}",)
    return _Arrays(values, str(path), _are_bytes(values), notes if unused else ())


def _from_mapping(source: Mapping[str, Any]) -> _Arrays:
    keys = archives.keys(source)
    for name in source:
        if name not in keys.values():
            checks.one_of("a key of the data", name, [*KEYS, *NAMES])
    values = {}
    for key, name in keys.items():
        array = source[name] if key[:2] == "x_" else np.atleast_1d(np.asarray(source[name]))
        values[key] = checks.numeric(key, array) if key[:2] == "x_" else _text(array)
    return _Arrays(values, "the data", _are_bytes(values))


def _text(array: np.ndarray) -> np.ndarray:
    """Return an array of Python strings as one of numpy's; others as they are."""
    known = array.dtype == object and all(isinstance(value, str) for value in array.flat)
    return array.astype(str) if known or array.dtype.kind == "T" else array


def _are_bytes(values: Mapping[str, np.ndarray]) -> bool:
    return any(a.dtype == np.uint8 for key, a in values.items() if key.startswith("x_"))


def _from_folder(path: Path) -> _Arrays:
    """Return the images of a folder of classes, or of folders of classes called like parts."""
    inside = sorted(place.name for place in path.iterdir() if place.is_dir())
    parts = [name for name in PARTS if name in inside]
    if parts and set(inside) - set(parts):
        wanted = f"{path} must hold one folder per class, or one per part ({', '.join(PARTS)})"
        checks.fail(wanted, f"folders {', '.join(inside)}")
    places = {name: path / name for name in parts} or {"train": path}
    values: dict[str, np.ndarray] = {}
    names: list[str] = []
    shape = None
    for name, place in places.items():
        folder = Folder(place, shape)
        shape = folder.shape
        values[f"x_{name}"] = folder.rows(range(len(folder)))
        values[f"y_{name}"] = np.array(folder.names)[folder.labels]
        names += folder.names
    values["class_names"] = np.unique(names)
    return _Arrays(values, str(path), True)


def _from_arrays(
    arrays: _Arrays, opened: tuple | None, seed: int, split: str, classes: int | None
) -> Data:
    """Return the caller's parts, and those that are missing; `opened` is a pool to be streamed."""
    given = arrays.values
    held, labels, labeled = _checked(given, arrays.place)
    numbers, classes, names = numbered(labels, given.get("class_names"), classes=classes)
    parts = {key[2:]: Part(held[key[2:]], y).validated() for key, y in numbers.items()}
    if split == "published":
        if opened or set(held) != {"train", "test"}:
            wanted = "the published split needs x_train, y_train, x_test, y_test alone"
            checks.fail(wanted, "a pool" if opened else f"keys {', '.join(given)}")
        both = {"rest": parts["train"], "test": parts["test"]}
        data = splits.published(both, classes)
        facts: dict[str, Any] = {}
    else:
        if opened:
            made, where = splits.create_missing_parts(parts, ["pool"], [*parts], seed)
            # Values that had to be numbered, not numbers that have names.
            valued = names is not None and "class_names" not in given
            shape = next(iter(parts.values())).x.shape[1:]
            spelled = names or tuple(map(str, range(classes)))
            pool, pool_labels, client = opened
            streamed, some, known = open_streamed(pool, pool_labels, shape, spelled, valued, client)
            facts = {"labeled_indices": some, "labeled": known}
            filled: dict[str, Part | Streamed] = {**made, "pool": streamed}
        else:
            made, where = _in_memory(parts, held.get("pool"), labeled, given, seed)
            facts = {"labeled": "pool" in parts or "pool" not in held}
            filled = {**made}
        facts |= {"origin": _origin(where), "notes": created_notes(where, arrays.place)}
        facts["held_out"] = not facts["notes"]
        data = Data(**filled, classes=classes)  # type: ignore[arg-type]
    facts["feature_names"] = _feature_names(given.get("feature_names"), data.shape)
    return replace(data, class_names=names, from_bytes=arrays.from_bytes, **facts)


def _checked(given: Mapping[str, np.ndarray], place: str) -> tuple[dict, dict, np.ndarray]:
    """Return part -> inputs, key -> labels, and the indices of the pool's inputs with labels.

    The pool's other inputs are left out; where none has a label, all are there, and no labels.
    """
    raw = {name: given[f"x_{name}"] for name in PARTS if f"x_{name}" in given}
    labels = {f"y_{name}": given[f"y_{name}"] for name in raw if f"y_{name}" in given}
    grey = all(is_grey(x) for x in raw.values() if x.ndim == 3)
    held, labeled = {}, np.zeros(0, np.int64)
    for name, x in raw.items():
        if x.ndim:
            checks.not_empty(f"x_{name}", x)
        shape = (*x.shape[1:], 1) if x.ndim == 3 and (grey or x.dtype == np.uint8) else x.shape[1:]
        held[name] = prepared(f"x_{name}", x, shape)
        if f"y_{name}" in labels:
            labels[f"y_{name}"] = np.atleast_1d(labels[f"y_{name}"])
            checks.same_length(**{f"x_{name}": x, f"y_{name}": labels[f"y_{name}"]})
        elif name != "pool":
            checks.fail(f"{place} must hold y_{name} beside x_{name}", f"keys {', '.join(given)}")
    if "y_pool" in labels:
        y = labels.pop("y_pool")
        labeled = labeled_indices(y)
        if len(labeled):
            held["pool"], labels["y_pool"] = held["pool"][labeled], y[labeled]
    if not labels:
        wanted = "x_train and y_train, or another part with its labels"
        checks.fail(f"{place} must hold {wanted}", f"keys {', '.join(given) or 'of other names'}")
    return held, labels, labeled


def _in_memory(
    parts: dict[str, Part],
    unlabeled: np.ndarray | None,
    labeled: np.ndarray,
    given: Mapping[str, np.ndarray],
    seed: int,
) -> tuple[dict, dict]:
    """Return the four parts, and part -> (source, indices)."""
    unlabeled = None if "pool" in parts else unlabeled
    # Not from a pool that is being labeled: the parts are to stay from one call to the next.
    partly = "pool" in parts and len(labeled) < len(given["x_pool"])
    donors = [name for name in parts if name != "pool" or not partly]
    present = [] if unlabeled is None else ["pool"]
    made, where = splits.create_missing_parts(parts, present, donors, seed)
    if unlabeled is not None:
        made["pool"] = Part(unlabeled, np.zeros(len(unlabeled), np.int64)).validated()
        where["pool"] = ("pool", np.arange(len(unlabeled)))
    elif len(labeled):
        where = {n: (s, labeled[i] if s == "pool" else i) for n, (s, i) in where.items()}
    return made, where


def _origin(where: dict[str, tuple[str, np.ndarray]]) -> pd.DataFrame:
    tables = [
        pd.DataFrame({"part": name, "source": where[name][0], "index": where[name][1]})
        for name in PARTS
        if name in where
    ]
    return pd.concat(tables, ignore_index=True)


def _feature_names(names: Any, shape: tuple[int, ...]) -> Names:
    if names is None:
        return None
    found = tuple(map(str, np.asarray(names).ravel().tolist()))
    if (len(found),) != shape:
        checks.fail(f"feature_names must fit inputs of shape {shape}", f"{len(found)} names")
    return found
