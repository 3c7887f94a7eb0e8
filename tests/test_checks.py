"""Every check with its whole message."""

import numpy as np
import pytest

from mode import checks

GOOD = [
    (checks.one_of("metric", "dot", {"dot": 1}), "dot"),
    (checks.number("alpha", 0.25, 0, 1), 0.25),
    (checks.number("alpha", 0, 0, 1), 0),
    (checks.number("alpha", 1, 0, 1), 1),
    (checks.number("n", np.int32(3), 0, integer=True), 3),
    (checks.same_length(x=[1, 2], y=[3, 4]), 2),
    (checks.not_empty("x", [1]), [1]),
]


@pytest.mark.parametrize(("returned", "expected"), GOOD)
def test_a_good_value_is_returned(returned, expected):
    assert returned == expected


BAD = [
    (
        (checks.one_of, "metric", "cosin", ["dot", "cosine"]),
        "metric must be one of 'cosine', 'dot'. Received: 'cosin'. Did you mean 'cosine'?",
    ),
    ((checks.one_of, "kind", "xyz", ["a", "b"]), "kind must be one of 'a', 'b'. Received: 'xyz'."),
    ((checks.one_of, "kind", None, ["a", "b"]), "kind must be one of 'a', 'b'. Received: None."),
    ((checks.number, "alpha", 2, 0, 1), "alpha must be a number from 0 to 1. Received: 2."),
    (
        (checks.number, "alpha", float("nan"), 0, 1),
        "alpha must be a number from 0 to 1. Received: nan.",
    ),
    ((checks.number, "replay", np.inf, 0), "replay must be a number of at least 0. Received: inf."),
    ((checks.number, "z", "1", -np.inf, 3), "z must be a number of at most 3. Received: '1'."),
    ((checks.number, "z", None), "z must be a number. Received: None."),
    ((checks.number, "z", True), "z must be a number. Received: True."),
    ((checks.numeric, "x", [["a"]]), "x must be an array of numbers. Received: dtype <U1."),
    (
        (checks.numeric, "x", [[1, 2], [3]]),
        "x must be an array of numbers. Received: rows of different shapes.",
    ),
    (
        (checks.numeric, "x", [[1, np.nan], [np.inf, 2]]),
        "x must be finite. Received: nan at index (0, 1), 2 in all.",
    ),
    ((checks.images, "x", [1, 0]), "x must be an array of inputs, n x .... Received: shape (2,)."),
    (
        (checks.images, "x", [[0, 255]]),
        "x must lie in [0, 1]. Received: values from 0 to 255. Divide 8-bit images by 255.",
    ),
    ((checks.labels, "y", [0, 10], 10), "y must be from 0 to 9. Received: labels from 0 to 10."),
    ((checks.labels, "y", [-1, 1]), "y must be of at least 0. Received: labels from -1 to 1."),
    (
        (checks.labels, "y", [0.5]),
        "y must be whole numbers (n,) or one-hot rows (n, classes). "
        "Received: dtype float64, shape (1,).",
    ),
    (
        (checks.labels, "y", [[0.2, 0.8]]),
        "y must be whole numbers (n,) or one-hot rows (n, classes). "
        "Received: dtype float64, shape (1, 2).",
    ),
    ((checks.not_empty, "x", []), "x must not be empty. Received: length 0."),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=[message[:30] for _, message in BAD])
def test_a_bad_value_is_refused_in_one_line(call, message, refused):
    function, *arguments = call
    assert refused(function, *arguments) == message


def test_options_of_the_checks(refused):
    assert refused(checks.number, "rounds", 1.5, 1, integer=True) == (
        "rounds must be a whole number of at least 1. Received: 1.5."
    )
    assert refused(checks.numeric, "x", [1], ndim=2) == "x must have 2 axes. Received: shape (1,)."
    assert refused(checks.same_length, x=[1], y=[1, 2]) == (
        "x and y must have the same length. Received: x: 1, y: 2."
    )


def test_one_hot_rows_and_columns_become_labels():
    labels = np.array([2, 0, 1])
    for given in (labels, np.eye(3)[labels], labels[:, None], labels.astype(float)):
        found = checks.labels("y", given, 3)
        assert found.tolist() == [2, 0, 1]
        assert found.dtype == np.int64


def test_arrays_are_neither_copied_nor_changed():
    array = np.array([[0.0, 1.0]])
    assert checks.numeric("x", array) is array
    assert checks.images("x", array) is array


def test_a_large_finite_array_is_finite():
    array = np.full(4, 1e308)  # its sum is not
    assert checks.numeric("x", array) is array
