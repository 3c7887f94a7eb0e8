"""Load data from a name, an `.npz`, a folder of images by class, or arrays."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mode import checks
from mode.data import splits
from mode.data.archives import SOURCES, RawArrays, read_arrays
from mode.data.parts import Data, Part
from mode.data.schema import PARTS, Names, encode_labels, is_gray, labeled_indices, prepared
from mode.data.stores import open_streamed

SPLITS = ("seeded", "published", "halves")


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
    names stand for x_train, y_train and class_names. Parts that are there stay as they are.
    Missing parts are created with a fixed seed, from the pool where all of it has labels, else
    from the first other part; a small pool gives up to a third of its inputs to the diagnosis
    part. `Data.origin` records which inputs they got. Where the test or
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
            halves of x_train, whose diagnosis part *is* its test part, or "halves" for these
            halves with a sixth of the pool as the diagnosis part. Defaults to "seeded".
        data_dir: folder to look in first for `mnist.npz`, `fashion_mnist.npz` and `cifar10.npz`;
            then come the folder that the environment variable MODE_DATA names, Keras's cache,
            and a download. Defaults to None.
        pool: a pool that is streamed, instead of x_pool, as `open_pool` takes it.
            Defaults to None.
        pool_labels: labels of `pool`, or the path of an `.npy` file of them. Defaults to None.
        client: a Dask client whose workers share the reading of `pool`. Defaults to None.
        classes: number of classes of the model. Defaults to None: as many as there are labels.

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
        checks.fail("pool_labels must come with a pool", "no pool")
    is_named = isinstance(source, str) and source in SOURCES
    if is_named and pool is not None:
        hint = "Pass the arrays or an .npz."
        checks.fail(f"pool must be None for the data set '{source}'", "a pool", hint)
    arrays = read_arrays(source, data_dir)
    if pool is not None and "x_pool" in arrays.values:
        checks.fail("the data must hold one pool", f"a pool beside x_pool in {arrays.source}")
    x, y, labeled = _prepared(arrays)
    y, classes, names = encode_labels(y, arrays.values.get("class_names"), classes=classes)
    parts = {key[2:]: Part(x[key[2:]], labels, _checked=True) for key, labels in y.items()}
    if split != "seeded":
        if not is_named and (pool is not None or set(x) != {"train", "test"}):
            expected = f"the split {split!r} needs x_train, y_train, x_test, y_test alone"
            received = f"keys {', '.join(arrays.values)}"
            checks.fail(expected, received if pool is None else "a pool")
        data = splits.published(parts, classes, seed=seed if split == "halves" else None)
    elif is_named:
        data = splits.seeded(parts, classes, seed)
    elif pool is not None:
        data = _with_streamed(parts, arrays, names, classes, seed, (pool, pool_labels, client))
    else:
        data = _in_memory(parts, x.get("pool"), labeled, arrays, classes, seed)
    features = _feature_names(arrays.values.get("feature_names"), data.shape)
    facts: dict[str, Any] = {
        "class_names": names,
        "from_bytes": arrays.from_bytes,
        "feature_names": features,
    }
    duplicates = () if is_named else splits.duplicate_notes(data)
    return replace(data, **facts, notes=(*data.notes, *duplicates, *arrays.notes))


def _prepared(arrays: RawArrays) -> tuple[dict, dict, np.ndarray]:
    """Return part -> inputs, key -> labels, and the indices of the pool's inputs with labels.

    The pool's other inputs are left out; where none has a label, all are there, and no labels.
    """
    values, keys = arrays.values, ", ".join(arrays.values)
    raw = {name: values[f"x_{name}"] for name in PARTS if f"x_{name}" in values}
    labels = {f"y_{name}": values[f"y_{name}"] for name in raw if f"y_{name}" in values}
    gray = all(is_gray(x) for x in raw.values() if x.ndim == 3)
    made, labeled = {}, np.zeros(0, np.int64)
    for name, x in raw.items():
        if x.ndim:
            checks.not_empty(f"x_{name}", x)
        shape = (*x.shape[1:], 1) if x.ndim == 3 and (gray or x.dtype == np.uint8) else x.shape[1:]
        made[name] = prepared(f"x_{name}", x, shape)
        if f"y_{name}" in labels:
            labels[f"y_{name}"] = np.atleast_1d(labels[f"y_{name}"])
            checks.same_length(**{f"x_{name}": x, f"y_{name}": labels[f"y_{name}"]})
        elif name != "pool":
            checks.fail(f"{arrays.source} must hold y_{name} beside x_{name}", f"keys {keys}")
    if "y_pool" in labels:
        y = labels.pop("y_pool")
        labeled = labeled_indices(y)
        if len(labeled):
            made["pool"], labels["y_pool"] = made["pool"][labeled], y[labeled]
    if not labels:
        expected = "x_train and y_train, or another part with its labels"
        checks.fail(
            f"{arrays.source} must hold {expected}",
            f"keys {keys}" if keys else "no array of such a name",
        )
    return made, labels, labeled


def _with_streamed(
    parts: dict[str, Part], arrays: RawArrays, names: Names, classes: int, seed: int, pool: tuple
) -> Data:
    """Return the data whose pool (x, labels, client) is streamed; missing parts are created."""
    made, where = splits.create_missing_parts(parts, ["pool"], [*parts], seed)
    # The names are values where labels had to be numbered, not where the numbers have names.
    names_are_values = names is not None and "class_names" not in arrays.values
    shape = next(iter(parts.values())).x.shape[1:]
    names = names or tuple(map(str, range(classes)))
    x, labels, client = pool
    streamed, indices, labeled = open_streamed(x, labels, shape, names, names_are_values, client)
    facts = {"labeled_indices": indices, "labeled": labeled}
    return _put_together({**made, "pool": streamed}, where, arrays, classes, **facts)


def _in_memory(
    parts: dict[str, Part],
    pool: np.ndarray | None,
    labeled: np.ndarray,
    arrays: RawArrays,
    classes: int,
    seed: int,
) -> Data:
    """Return the data whose pool is in memory; missing parts are created."""
    unlabeled = None if "pool" in parts else pool
    # Not from a pool that is being labeled: the parts are to stay from one call to the next.
    partly = "pool" in parts and len(labeled) < len(arrays.values["x_pool"])
    donors = [name for name in parts if name != "pool" or not partly]
    present = [] if unlabeled is None else ["pool"]
    made, where = splits.create_missing_parts(parts, present, donors, seed)
    if unlabeled is not None:
        made["pool"] = Part(unlabeled, np.zeros(len(unlabeled), np.int64), _checked=True)
        where["pool"] = ("pool", np.arange(len(unlabeled)))
    elif len(labeled):
        where = {n: (s, labeled[i] if s == "pool" else i) for n, (s, i) in where.items()}
    return _put_together(made, where, arrays, classes, labeled=unlabeled is None)


def _put_together(
    parts: Mapping[str, Any], where: dict, arrays: RawArrays, classes: int, **facts: Any
) -> Data:
    """Return the data with its origin, and with a note where a part is not held out."""
    tables = [
        pd.DataFrame({"part": name, "source": where[name][0], "index": where[name][1]})
        for name in PARTS
        if name in where
    ]
    notes = splits.created_notes(where, arrays.source)
    facts |= {"origin": pd.concat(tables, ignore_index=True), "notes": notes}
    return Data(**parts, classes=classes, held_out=not notes, **facts)


def _feature_names(names: Any, shape: tuple[int, ...]) -> Names:
    if names is None:
        return None
    features = tuple(map(str, np.asarray(names).ravel().tolist()))
    if (len(features),) != shape:
        checks.fail(f"feature_names must fit inputs of shape {shape}", f"{len(features)} names")
    return features
