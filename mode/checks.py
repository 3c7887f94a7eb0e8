"""Check arguments; all messages have one form.

Every message says what was expected, what was received and, where there is a
closed set of values, which ones are valid and which of them is a near match::

    metric must be one of 'canberra', 'cosine', ... Received: 'cosin'. Did you mean 'cosine'?
"""

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any, NoReturn

import numpy as np


class InputError(ValueError):
    """Bad input, described in one line. The command line prints it without a traceback."""


def fail(expectation: str, received: Any, hint: str = "") -> NoReturn:
    """Raise the one error: `expectation`. Received: `received`. `hint`

    Example:
        >>> fail("rounds must be at least 1", 0, "One round is the least.")
        Traceback (most recent call last):
            ...
        mode.checks.InputError: rounds must be at least 1. Received: 0. One round is the least.

    Raises:
        InputError: always.
    """
    raise InputError(f"{expectation}. Received: {received}." + (f" {hint}" if hint else ""))


def one_of(name: str, value: Any, allowed: Iterable[str]) -> Any:
    """Return `value` if it is one of `allowed` (a registry or any iterable of names).

    Example:
        >>> one_of("map", "hci", ["hci", "hmi"])
        'hci'
        >>> one_of("map", "hc", ["hci", "hmi"])
        Traceback (most recent call last):
            ...
        mode.checks.InputError: map must be one of ... Received: 'hc'. Did you mean 'hci'?

    Raises:
        InputError: with the valid names, and the nearest of them where there is one.
    """
    names = sorted(allowed)
    if isinstance(value, str) and value in names:
        return value
    near = get_close_matches(str(value), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(repr(option) for option in names)
    raise InputError(f"{name} must be one of {listed}. Received: {value!r}.{hint}")


def number(
    name: str, value: Any, low: float = -np.inf, high: float = np.inf, *, integer: bool = False
) -> Any:
    """Return `value` if it is a number (a whole one with `integer`) with low <= value <= high.

    Example:
        >>> number("share", 0.3, 0, 1)
        0.3
        >>> number("rounds", 2.5, 1, integer=True)
        Traceback (most recent call last):
            ...
        mode.checks.InputError: rounds must be a whole number of at least 1. Received: 2.5.

    Raises:
        InputError: for another type, NaN, infinities, or a number outside the range.
    """
    is_number = isinstance(value, Integral if integer else Real) and not isinstance(value, bool)
    if not (is_number and low <= value <= high and -np.inf < value < np.inf):
        noun = "a whole number" if integer else "a number"
        fail(f"{name} must be {noun}{_range_text(low, high)}", repr(value))
    return value


def _range_text(low: float, high: float) -> str:
    if np.isfinite(low) and np.isfinite(high):
        return f" from {low:g} to {high:g}"
    if np.isfinite(low):
        return f" of at least {low:g}"
    return f" of at most {high:g}" if np.isfinite(high) else ""


def numeric(name: str, value: Any, *, ndim: int | None = None, finite: bool = True) -> np.ndarray:
    """Return `value`, of any shape or of `ndim` axes, as a numeric array without NaN or infinities.

    The array is not copied where it already is one. NaN and infinities pass where `finite` is
    False.

    Example:
        >>> numeric("x", [[1, 2], [3, 4]]).shape
        (2, 2)
        >>> numeric("x", [1.0, float("nan")])
        Traceback (most recent call last):
            ...
        mode.checks.InputError: x must be finite. Received: nan at index (1,), 1 in all.

    Raises:
        InputError: naming the first index that is not finite, or the shape or dtype received.
    """
    try:
        array = np.asarray(value)
    except ValueError:  # numpy's message for rows of unequal length does not name the argument
        fail(f"{name} must be an array of numbers", "rows of different shapes")
    if array.dtype.kind not in "biuf":
        fail(f"{name} must be an array of numbers", f"dtype {array.dtype}")
    if ndim is not None and array.ndim != ndim:
        fail(f"{name} must have {ndim} {'axis' if ndim == 1 else 'axes'}", f"shape {array.shape}")
    if finite and array.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            suspect = not np.isfinite(array.sum())  # no mask of the whole array
        if suspect:
            _refuse_non_finite(name, array)
    return array


def _refuse_non_finite(name: str, array: np.ndarray) -> None:
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:  # a finite array may still overflow its sum
        where = tuple(int(i) for i in np.unravel_index(bad[0], array.shape))
        fail(f"{name} must be finite", f"{array.flat[bad[0]]} at index {where}, {bad.size} in all")


def images(name: str, value: Any) -> np.ndarray:
    """Return `value` if it is a numeric array, n x ..., with every value in [0, 1].

    Example:
        >>> images("x", np.zeros((2, 28, 28, 1))).shape
        (2, 28, 28, 1)
        >>> images("x", np.full((2, 28, 28), 255.0))
        Traceback (most recent call last):
            ...
        mode.checks.InputError: x must lie in [0, 1]. Received: values from 255 to 255. Divide ...

    Raises:
        InputError: for NaN, values outside [0, 1] or fewer than two axes.
    """
    array = numeric(name, value)
    if array.ndim < 2:
        fail(f"{name} must be an array of inputs, n x ...", f"shape {array.shape}")
    if array.size and (array.min() < 0 or array.max() > 1):
        fail(
            f"{name} must lie in [0, 1]",
            f"values from {array.min():g} to {array.max():g}",
            "Divide 8-bit images by 255.",
        )
    return array


def labels(name: str, value: Any, classes: int | None = None) -> np.ndarray:
    """Return integer labels, shape (n,); one-hot rows (n x classes) become integers.

    Example:
        >>> labels("y", [[0, 0, 1], [1, 0, 0]])
        array([2, 0])
        >>> labels("y", [0, 3], classes=3)
        Traceback (most recent call last):
            ...
        mode.checks.InputError: y must be from 0 to 2. Received: labels from 0 to 3.

    Raises:
        InputError: for labels that are not whole numbers, negative, or not below `classes`.
    """
    array = numeric(name, value)
    if array.ndim == 2 and array.shape[1] > 1 and _is_one_hot(array):
        array = array.argmax(axis=1)
    array = array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array
    if array.ndim != 1 or (array.dtype.kind == "f" and (array % 1 != 0).any()):
        fail(
            f"{name} must be whole numbers (n,) or one-hot rows (n, classes)",
            f"dtype {array.dtype}, shape {array.shape}",
        )
    array = array.astype(np.int64, copy=False)
    if array.size and (array.min() < 0 or (classes is not None and array.max() >= classes)):
        limit = f"from 0 to {classes - 1}" if classes is not None else "of at least 0"
        fail(f"{name} must be {limit}", f"labels from {array.min()} to {array.max()}")
    return array


def _is_one_hot(array: np.ndarray) -> bool:
    return bool(((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all())


def same_length(**arrays: Any) -> int:
    """Return the common length of the named arrays.

    Example:
        >>> same_length(x=[1, 2, 3], y="abc")
        3
        >>> same_length(x=[1, 2, 3], y="ab")
        Traceback (most recent call last):
            ...
        mode.checks.InputError: x and y must have the same length. Received: x: 3, y: 2.

    Raises:
        InputError: naming every array with its length where they differ.
    """
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        received = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        fail(f"{' and '.join(lengths)} must have the same length", received)
    return next(iter(lengths.values()))


def not_empty(name: str, value: Any) -> Any:
    """Return `value` if it has at least one element.

    Example:
        >>> not_empty("pool", [7])
        [7]
        >>> not_empty("pool", [])
        Traceback (most recent call last):
            ...
        mode.checks.InputError: pool must not be empty. Received: length 0.

    Raises:
        InputError: for an empty one.
    """
    if len(value) == 0:
        fail(f"{name} must not be empty", f"length {len(value)}")
    return value
