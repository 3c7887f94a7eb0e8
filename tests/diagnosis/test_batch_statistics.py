"""Statistics of a copied batch against the slow obvious way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mode.diagnosis.facts.training import COLUMNS, HEAD_COLUMNS
from mode.diagnosis.recorder import batch_statistics as batch


def _slow(values: np.ndarray, bad: float) -> list[float]:
    values = np.where(np.isfinite(values), values, 0)
    if not len(values):
        return [0.0] * (len(COLUMNS) - 1) + [bad]
    size = np.abs(values)
    edge = np.mean((values < 0.001) | (values > 0.999))
    shares = np.mean(values == 0), np.mean(size > 0.999), edge
    return [size.mean(), np.sqrt(np.mean(values**2)), size.max(), *shares, bad]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5), st.integers(1, 3), st.integers(0, 99))
def test_statistics_of_every_tensor_at_once(lengths, records, seed):
    draw = np.random.default_rng(seed)
    parts = [
        [draw.normal(size=n).round(1).astype("float32") for n in lengths] for _ in range(records)
    ]
    for part in (part for record in parts for part in record):
        part[:1] = draw.choice([0.0, np.nan, np.inf, 5.0])
    bad = draw.integers(0, 2, (records, len(lengths))).astype("float32")
    found = batch.statistics(np.stack([*map(np.concatenate, parts)]), np.array(lengths), bad)
    expected = [
        [_slow(*known) for known in zip(*both, strict=True)]
        for both in zip(parts, bad, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_moments_leave_out_what_is_not_finite():
    values = np.array([[1, np.nan], [3, -2], [np.inf, 4]], "float32")
    total, squares, low, high, count, bad = batch.moments(values)
    assert (total.tolist(), squares.tolist()) == ([4, 2], [10, 20])
    assert ((-low).tolist(), high.tolist()) == ([1, -2], [3, 4])
    assert (count.tolist(), bad.tolist()) == ([2, 2], [1, 1])


def test_labels_are_counted_with_a_bin_below_and_one_beyond():
    extremes, counts = batch.label_statistics(np.array([0, 2, 2, 9, -4], "float32"), 3)
    assert counts.tolist() == [1, 1, 0, 2, 1]
    assert extremes.tolist() == [4, 9, 0]


def test_sums_of_target_rows_and_the_largest_fraction():
    extremes, _ = batch.label_statistics(np.array([[0.75, 0.5], [0.0, 1.0]], "float32"), 3)
    np.testing.assert_allclose(extremes, [-1.0, 1.25, 0.5])


@pytest.mark.parametrize(
    ("target", "hits", "square"),
    [
        ([[1], [1]], 1.0, np.nan),
        ([1, 1], 1.0, np.nan),
        ([[0, 1], [0, 1]], 1.0, np.mean([0.04, 0.04, 0.16, 0.16])),
        (None, np.nan, np.nan),
        ([1, 0, 1], np.nan, np.nan),
    ],
)
def test_heads_are_judged_against_each_form_of_target(target, hits, square):
    # of two records, the second is looked at; in the first everything is wrong
    output = np.array([[[0.8, 0.2], [0.6, 0.4]], [[0.2, 0.8], [0.4, 0.6]]], "float32")
    target = None if target is None else np.array([target, target], "float32")
    _, columns = batch.head_statistics(output, target)
    found = dict(zip(HEAD_COLUMNS, columns, strict=True))
    np.testing.assert_allclose([found["hits"], found["square"]], [hits, square], rtol=1e-5)
    np.testing.assert_allclose([found["low"], found["high"]], [0.2, 0.8], rtol=1e-6)
    np.testing.assert_allclose(found["spread"], 0.1, rtol=1e-5)
    assert found["pairs"] == (0.0 if np.isnan(hits) else 1.0)


@pytest.mark.parametrize("form", ["values", "one-hot", "labels", "column"])
def test_predictions_follow_targets_as_far_as_they_correlate(form):
    draw = np.random.default_rng(3)
    output = draw.normal(size=(2, 40, 3)).astype("float32")
    labels = draw.integers(0, 3, (2, 40))
    one_hot = np.eye(3, dtype="float32")[labels]
    target = {"values": output + draw.normal(size=output.shape), "one-hot": one_hot}.get(form)
    if form == "column":
        output = output[..., :1]
        target = output[..., 0] * -3 + 7
    given = labels.astype("float32") if form == "labels" else target
    truth = one_hot if form == "labels" else target.reshape(output.shape)
    found = batch.head_statistics(output, given.astype("float32"))
    for record, columns in enumerate(found):
        a, b = (part[record] - part[record].mean(0) for part in (truth, output))
        expected = np.corrcoef(a.ravel(), b.ravel())[0, 1]
        follows = dict(zip(HEAD_COLUMNS, columns, strict=True))["follows"]
        np.testing.assert_allclose(follows, expected, rtol=1e-4)


def test_constant_predictions_follow_nothing():
    found = batch.head_statistics(np.ones((1, 8, 1), "float32"), np.arange(8.0)[None])
    assert dict(zip(HEAD_COLUMNS, found[0], strict=True))["follows"] == 0


def test_a_row_has_the_same_marks_wherever_it_lies():
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(500, 7)).astype("float32")
    marks = batch.row_marks([rows])
    assert marks.shape == (2, 500)
    order = draw.permutation(500)
    np.testing.assert_array_equal(batch.row_marks([rows[order]]), marks[:, order])
    np.testing.assert_array_equal(batch.row_marks([rows[:, :3], rows[:, 3:]]), marks)
    assert len({tuple(pair) for pair in marks.T}) == 500
    assert (marks >= 0).all()
    assert (marks < 1 << batch.HASH_BITS).all()


def test_arrays_are_unpacked_in_their_shapes():
    values = np.arange(20, dtype="float32").reshape(2, 10)
    first, second, third = batch.unpack(values, np.array([2, 3, 3]), [2, 1, 0])
    assert first.tolist() == [[[0, 1, 2], [3, 4, 5]], [[10, 11, 12], [13, 14, 15]]]
    assert (second.tolist(), third.tolist()) == ([[6, 7, 8], [16, 17, 18]], [[9], [19]])
