"""Labels of any values: numbered 0 to k - 1, and what each number was called."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mode import checks

Names = tuple[str, ...] | None
UNKNOWN = -1  # the label of an input that has none yet; among labels that are text, ""


def numbered(
    labels: Mapping[str, Any], names: Any = None, *, classes: int | None = None
) -> tuple[dict[str, np.ndarray], int, Names]:
    """Return the labels of each array as numbers from 0, the number of classes, and their names.

    Class names (text) are numbered in the order of `names`, else of the alphabet. Whole numbers
    stay what they are if they are 0 to k - 1 without a gap, if they are below `classes`, if they
    are one-hot rows, or if `names` says what they stand for; else they are numbered by size, and
    their values are names.

    Args:
        labels: name -> labels (n,), or one-hot rows (n, classes).
        names: of the classes 0 to k - 1.
        classes: how many there are, where that is known.

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
        found = {key: recoded(key, array, names) for key, array in arrays.items()}
        return found, len(names), names
    if names:
        _check_count(names, classes)
        found = {key: checks.labels(key, array, len(names)) for key, array in arrays.items()}
        return found, len(names), names
    whole = {key: checks.labels(key, array) for key, array in arrays.items()}
    values = np.unique(np.concatenate(list(whole.values())))
    wide = max(array.shape[1] if array.ndim == 2 else 0 for array in arrays.values())
    count = max(wide, 1 + int(values.max(initial=0)))
    if wide > 1 or len(values) in (0, count) or (classes and count <= classes):
        if classes and count > classes:
            checks.fail(f"labels must be from 0 to {classes - 1}", f"labels up to {count - 1}")
        return whole, max(count, classes or 0), None
    names = tuple(map(str, values.tolist()))
    _check_count(names, classes)
    return {key: recoded(key, y, names) for key, y in whole.items()}, len(names), names


def recoded(key: str, labels: Any, names: tuple[str, ...]) -> np.ndarray:
    """Return labels (n,), one-hot rows, or names as places in `names`, the values' own spelling.

    Raises:
        InputError: for a label that is none of the names.
    """
    array = np.asarray(labels)
    array = array.astype(str).ravel() if array.dtype.kind == "U" else checks.labels(key, array)
    values, back = np.unique(array, return_inverse=True)
    places = [names.index(checks.one_of(f"a label of {key}", str(v), names)) for v in values]
    return np.array(places, np.int64)[back]


def labeled_indices(y: np.ndarray) -> np.ndarray:
    """Return the ascending indices of the inputs that have a label; one-hot rows all have one."""
    y = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1:
        return np.arange(len(y))
    return np.flatnonzero(y != ("" if y.dtype.kind == "U" else UNKNOWN))


def _check_count(names: tuple[str, ...], classes: int | None) -> None:
    if classes is not None and not classes == len(names) == len(set(names)):
        spelt = ", ".join(map(repr, names[:12])) + (", ..." if len(names) > 12 else "")
        hint = "Name them by class_names, in the order of the model's outputs."
        checks.fail(f"the labels must have {classes} different names", spelt, hint)
