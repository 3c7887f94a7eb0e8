"""Labels of any values: numbered 0 to k - 1, and what each number was called."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mode import checks

Names = tuple[str, ...] | None


def numbered(
    labels: Mapping[str, Any], names: Any = None
) -> tuple[dict[str, np.ndarray], int, Names]:
    """Return the labels of each array as numbers from 0, the number of classes, and their names.

    Class names (text) are numbered in the order of `names`, else of the alphabet. Whole numbers
    stay what they are if they are 0 to k - 1 without a gap, if they are one-hot rows, or if
    `names` says what they stand for; else they are numbered by size, and their values are names.

    Args:
        labels: name -> labels (n,), or one-hot rows (n, classes).
        names: of the classes 0 to k - 1.

    Raises:
        InputError: for labels that are neither whole numbers nor text, or have no name.
    """
    names = None if names is None else tuple(map(str, np.asarray(names).ravel().tolist()))
    arrays = {key: np.asarray(value) for key, value in labels.items()}
    if any(array.dtype.kind == "U" for array in arrays.values()):
        texts = {key: array.astype(str).ravel() for key, array in arrays.items()}
        names = names or tuple(np.unique(np.concatenate(list(texts.values()))).tolist())
        return {key: _places(key, text, names) for key, text in texts.items()}, len(names), names
    whole = {key: checks.labels(key, array) for key, array in arrays.items()}
    if names:
        checked = {key: checks.labels(key, y, len(names)) for key, y in whole.items()}
        return checked, len(names), names
    values = np.unique(np.concatenate(list(whole.values())))
    wide = max(array.shape[1] if array.ndim == 2 else 0 for array in arrays.values())
    if wide > 1 or not values.size or len(values) == values[-1] + 1:
        return whole, max(wide, 1 + int(values.max(initial=0))), None
    places = {key: np.searchsorted(values, y) for key, y in whole.items()}
    return places, len(values), tuple(map(str, values.tolist()))


def _places(key: str, texts: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    for text in np.setdiff1d(texts, names):
        checks.one_of(f"a label of {key}", str(text), names)
    order = {name: number for number, name in enumerate(names)}
    return np.array([order[text] for text in texts.tolist()], np.int64)
