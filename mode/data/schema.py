"""The one schema of data: keys, inputs as a model gets them, labels from 0 and their names."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from mode import checks

PARTS = ("train", "pool", "diagnosis", "test")
KEYS = [f"{axis}_{part}" for part in PARTS for axis in "xy"]
NAMES = ("class_names", "feature_names")
SHORT = {"x": "x_train", "y": "y_train", "names": "class_names"}
UNLABELED = -1  # the label of an input that has none yet; among labels that are text, ""
Names = tuple[str, ...] | None


def schema_keys(names: Iterable[str]) -> dict[str, str]:
    """Return key of the schema -> the name that stands for it; other names are left out.

    x, y and names stand for x_train, y_train and class_names where these are not there.

    Example:
        >>> schema_keys(["x", "y", "x_test", "weights"])
        {'x_train': 'x', 'y_train': 'y', 'x_test': 'x_test'}
    """
    names = list(names)
    full = {name: SHORT.get(name, name) for name in names}
    return {
        key: name
        for name, key in full.items()
        if key in (*KEYS, *NAMES) and (name == key or key not in names)
    }


def inputs(name: str, value: Any) -> np.ndarray:
    """Return `value` if it is an array of inputs: four axes are images, in [0, 1]; two, three or
    more than four hold any finite numbers (vectors, sequences, tokens, volumes).

    Raises:
        InputError: for other arrays.
    """
    if isinstance(value, np.ndarray) and value.ndim == 4 and _in_unit_range(value):
        return value  # NaN and infinities are not in the range
    array = checks.numeric(name, value)
    if array.ndim < 2:
        checks.fail(f"{name} must be an array of inputs, n x ...", f"shape {array.shape}")
    return checks.images(name, array) if array.ndim == 4 else array


def _in_unit_range(x: np.ndarray) -> bool:
    """Return whether x holds only numbers from 0 to 1; False where one is NaN."""
    if x.dtype.kind not in "biuf":
        return False
    return not x.size or bool(x.min() >= 0 and x.max() <= 1)


def prepared(name: str, value: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return raw inputs as a model gets them.

    8-bit inputs are gray values, divided by 255; whole numbers that are no images stay whole, as
    int32; all others become float32. Each array is checked once, in the form that is returned.

    Args:
        name: what messages call the inputs.
        value: raw inputs, n x ...
        shape: of one prepared input. A gray image gets its channel so. Defaults to None: inputs
            n x h x w that lie in [0, 1] are gray images, all others sequences.

    Raises:
        InputError: as `inputs`, and for another shape.
    """
    x = checks.numeric(name, value, finite=False)
    if is_gray(x) if shape is None else (*x.shape[1:], 1) == tuple(shape):
        x = x[..., None]
    if x.dtype == np.uint8 and x.ndim > 1:
        x = x.astype(np.float32)
        x /= np.float32(255)
    else:
        tokens = x.dtype.kind in "iu" and x.ndim != 4
        with np.errstate(over="ignore"):  # what overflows is refused as infinite
            x = inputs(name, x.astype(np.int32 if tokens else np.float32, copy=False))
    if shape is not None and x.shape[1:] != tuple(shape):
        checks.fail(f"{name} must have shape {('n', *shape)}", f"shape {x.shape}")
    return x


def is_gray(x: np.ndarray) -> bool:
    """Return whether x, n x h x w, holds gray images without a channel: bytes, or in [0, 1]."""
    if x.dtype == np.uint8 or x.ndim != 3:
        return x.ndim == 3
    return x.dtype.kind == "f" and bool(x.size) and _in_unit_range(x)


def encode_labels(
    labels: Mapping[str, Any], names: Any = None, *, classes: int | None = None
) -> tuple[dict[str, np.ndarray], int, Names]:
    """Return the labels of each array as numbers from 0, the number of classes, and their names.

    Class names (text) are numbered in the order of `names`, else of the alphabet. Whole numbers
    stay what they are in four cases: they are 0 to k - 1 without a gap; they are below `classes`;
    they are one-hot rows; `names` says what they stand for. Else they are numbered by size, and
    their values are names.

    Args:
        labels: name -> labels (n,), or one-hot rows (n, classes).
        names: of the classes 0 to k - 1. Defaults to None.
        classes: number of classes of the model. Defaults to None: as many as there are labels.

    Raises:
        InputError: for labels that are neither whole numbers nor text, have no name, or are not
            of that many classes.
    """
    names = None if names is None else tuple(map(str, np.asarray(names).ravel().tolist()))
    arrays = {key: np.asarray(value) for key, value in labels.items()}
    if any(array.dtype.kind == "U" for array in arrays.values()):
        texts = [array.astype(str).ravel() for array in arrays.values()]
        names = names or tuple(np.unique(np.concatenate(texts)).tolist())
        _check_count(names, classes)
        encoded = {key: name_indices(key, array, names) for key, array in arrays.items()}
        return encoded, len(names), names
    if names:
        _check_count(names, classes)
        encoded = {key: checks.labels(key, array, len(names)) for key, array in arrays.items()}
        return encoded, len(names), names
    numbers = {key: checks.labels(key, array) for key, array in arrays.items()}
    values = np.unique(np.concatenate(list(numbers.values())))
    width = max(array.shape[1] if array.ndim == 2 else 0 for array in arrays.values())
    count = max(width, 1 + int(values.max(initial=0)))
    if width > 1 or len(values) in (0, count) or (classes and count <= classes):
        if classes and count > classes:
            checks.fail(f"labels must be from 0 to {classes - 1}", f"labels up to {count - 1}")
        return numbers, max(count, classes or 0), None
    names = tuple(map(str, values.tolist()))
    _check_count(names, classes)
    return {key: name_indices(key, y, names) for key, y in numbers.items()}, len(names), names


def name_indices(key: str, labels: Any, names: tuple[str, ...]) -> np.ndarray:
    """Return the index in `names` of each label (n,); numbers are looked up by their spelling.

    Raises:
        InputError: for a label that is none of the names.
    """
    array = np.asarray(labels)
    array = array.astype(str).ravel() if array.dtype.kind == "U" else checks.labels(key, array)
    values, inverse = np.unique(array, return_inverse=True)
    indices = [names.index(checks.one_of(f"a label of {key}", str(v), names)) for v in values]
    return np.array(indices, np.int64)[inverse]


def labeled_indices(y: np.ndarray) -> np.ndarray:
    """Return the ascending indices of the inputs that have a label; one-hot rows all have one."""
    y = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1:
        return np.arange(len(y))
    return np.flatnonzero(y != ("" if y.dtype.kind == "U" else UNLABELED))


def _check_count(names: tuple[str, ...], classes: int | None) -> None:
    if classes is not None and not classes == len(names) == len(set(names)):
        listed = ", ".join(map(repr, names[:12])) + (", ..." if len(names) > 12 else "")
        hint = "Name them by class_names, in the order of the model's outputs."
        checks.fail(f"the labels must have {classes} different names", listed, hint)
