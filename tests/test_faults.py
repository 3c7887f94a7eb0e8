"""Faulty labels, transitions and confusions against counts made by hand or in plain loops."""

import numpy as np
import pandas as pd
import pytest

from mode.checks import InputError
from mode.faults import (
    accuracy_by_label,
    confusion,
    faulty_labels,
    labels_without_inputs,
    order_note,
    transitions,
)


def split(rights, count=100):
    """Labels and predictions of a split in which label l has rights[l] of `count` right."""
    labels = np.repeat(np.arange(len(rights)), count)
    predictions = labels.copy()
    for label, right in enumerate(rights):
        wrong = np.flatnonzero(labels == label)[right:]
        predictions[wrong] = (label + 1) % len(rights)
    return labels, predictions


def judged(held_out, reference, **options):
    table = faulty_labels(*split(held_out), *split(reference), **options)
    return dict(zip(table["label"], table["kind"], strict=True))


@pytest.fixture
def random_split():
    generator = np.random.default_rng(3)
    return generator.integers(0, 6, 200), generator.integers(0, 6, 200)


def test_accuracy_by_label_equals_a_loop_over_the_inputs(random_split):
    labels, predictions = random_split
    table = accuracy_by_label(labels, predictions, classes=7)
    for label in range(7):
        hits = [p == label for t, p in zip(labels, predictions, strict=True) if t == label]
        expected = sum(hits) / len(hits) if hits else np.nan
        row = table.iloc[label]
        assert row["label"] == label
        assert row["count"] == len(hits)
        np.testing.assert_equal(row["accuracy"], expected)
    assert table["count"].iloc[6] == 0


def test_scores_and_one_hot_labels_say_the_same_as_classes():
    labels = np.array([0, 1, 2, 2])
    scores = np.array([[3.0, 1, 2], [0.1, 0.2, 0.9], [0, 0, 1], [5, 4, 4]])
    expected = accuracy_by_label(labels, [0, 2, 2, 0], classes=3)
    assert expected["accuracy"].tolist() == [1.0, 0.0, 0.5]
    pd.testing.assert_frame_equal(accuracy_by_label(labels, scores), expected)
    pd.testing.assert_frame_equal(accuracy_by_label(np.eye(3)[labels], scores), expected)
    assert len(accuracy_by_label([0, 1], np.eye(4)[[0, 1]])) == 4, "the width counts the classes"


def test_faulty_labels_by_hand():
    table = faulty_labels(*split([80, 95, 60, 90]), *split([85, 99, 99, 93]))
    assert table.columns.tolist() == ["label", "accuracy", "reference accuracy", "gap", "kind"]
    assert table.to_numpy().tolist() == [
        [2, 0.60, 0.99, 0.39, "over-fitted"],
        [0, 0.80, 0.85, 0.05, "under-fitted"],
    ]
    assert not table.attrs, "nothing is hidden in the table"


@pytest.mark.parametrize(
    ("held_out", "reference", "kind"),
    [
        (92, 92, None),  # theta itself is enough
        (91, 91, "under-fitted"),
        (91, 92, None),
        (92, 91, None),
        (70, 80, "under-fitted"),
        (82, 92, None),  # a gap of gamma is allowed; 0.92 - 0.82 is above 0.1 in floats
        (81, 92, "over-fitted"),
        (60, 90, "over-fitted"),  # both: 0.30 - 0.10 above 0.92 - 0.90
        (55, 70, "under-fitted"),  # both: 0.15 - 0.10 below 0.92 - 0.70
        (68, 85, "under-fitted"),  # both, and equal: 0.07
        (34, 68, "under-fitted"),  # both, and equal: 0.24, but not in floats
        (67, 85, "over-fitted"),  # both: 0.08 above 0.07
    ],
)
def test_kind_at_the_thresholds(held_out, reference, kind):
    assert judged([held_out, 100], [reference, 100]).get(0) == kind


def test_thresholds_are_options():
    assert judged([80, 99], [80, 99], theta=0.8) == {}
    assert judged([80, 99], [95, 99], gamma=0.2) == {}
    assert judged([80, 99], [95, 99], gamma=0.1) == {0: "over-fitted"}


def test_worst_first_and_ties_by_label():
    table = faulty_labels(*split([70, 50, 70, 60]), *split([70, 50, 70, 60]))
    assert table["label"].tolist() == [1, 3, 0, 2]


def test_a_label_that_training_lacks_is_under_fitted_where_it_is_not_known():
    labels, predictions = split([0, 99, 99])
    seen = labels != 0
    table = faulty_labels(labels, predictions, labels[seen], predictions[seen], classes=3)
    assert table[["label", "kind"]].values.tolist() == [[0, "under-fitted"]]
    assert np.isnan(table["gap"][0])
    assert labels_without_inputs(labels, 3) == []


def test_a_label_without_inputs_in_a_split_has_no_row_and_is_listed():
    labels, predictions = split([50, 99, 50, 99])
    keep = labels != 0
    table = faulty_labels(labels[keep], predictions[keep], labels, predictions, classes=5)
    assert table["label"].tolist() == [2]
    assert labels_without_inputs(labels[keep], 5) == [0, 4]
    assert labels_without_inputs(np.eye(5)[labels[keep]], 5) == [0, 4]


def test_order_of_the_inputs_does_not_matter_and_nothing_is_changed(random_split):
    labels, predictions = random_split
    copies = labels.copy(), predictions.copy()
    order = np.random.default_rng(0).permutation(len(labels))
    one = faulty_labels(labels, predictions, labels, predictions)
    two = faulty_labels(labels[order], predictions[order], labels, predictions)
    pd.testing.assert_frame_equal(one, two)
    np.testing.assert_array_equal(labels, copies[0])
    np.testing.assert_array_equal(predictions, copies[1])


def test_transitions_equal_a_loop_over_the_inputs(random_split):
    labels, before = random_split
    after = np.where(np.arange(200) % 3 == 0, labels, np.roll(before, 1))
    names = {(0, 1): "repaired", (1, 0): "broken", (0, 0): "still wrong", (1, 1): "still right"}
    expected = {name: [0] * 6 for name in names.values()}
    for label, first, second in zip(labels, before, after, strict=True):
        expected[names[int(first == label), int(second == label)]][label] += 1
    found = transitions(labels, before, after)
    assert found.by_label.columns.tolist() == ["label", *expected]
    assert found.by_label["label"].tolist() == list(range(6))
    for name, counts in expected.items():
        assert found.by_label[name].tolist() == counts
        assert getattr(found, name.replace(" ", "_")) == sum(counts)
    assert all(sum(counts) > 0 for counts in expected.values()), "each outcome occurs"


def test_a_repair_undone_swaps_repaired_and_broken(random_split):
    labels, before = random_split
    after = np.roll(before, 1)
    there, back = transitions(labels, before, after), transitions(labels, after, before)
    assert (there.repaired, there.broken) == (back.broken, back.repaired)
    assert transitions(labels, before, before).repaired == 0


def test_confusion_equals_a_loop_over_the_inputs(random_split):
    labels, predictions = random_split
    expected = np.zeros((6, 6), int)
    for label, predicted in zip(labels, predictions, strict=True):
        expected[label, predicted] += 1
    np.testing.assert_array_equal(confusion(labels, predictions, 6), expected)
    np.testing.assert_array_equal(confusion(labels, np.eye(6)[predictions], 6), expected)


LABELS = [0, 1, 1]
REFUSED = [
    (
        lambda: accuracy_by_label(LABELS, [0, 1]),
        "labels and predictions must have the same length. Received: labels: 3, predictions: 2.",
    ),
    (
        lambda: accuracy_by_label([0, 5, 1], LABELS, classes=2),
        "labels must be from 0 to 1. Received: labels from 0 to 5.",
    ),
    (
        lambda: accuracy_by_label([0, 5, 1], np.eye(3)),
        "labels must be from 0 to 2. Received: labels from 0 to 5.",
    ),
    (
        lambda: accuracy_by_label(LABELS, np.zeros((3, 4)), classes=2),
        "predictions must have 2 columns. Received: shape (3, 4).",
    ),
    (
        lambda: accuracy_by_label(LABELS, [[0.5, np.nan]] * 3),
        "predictions must be finite. Received: nan at index (0, 1), 3 in all.",
    ),
    (
        lambda: accuracy_by_label(LABELS, [0.0, 0.5, 1.0], classes=2),
        "predictions must be whole numbers (n,) or one-hot rows (n, classes). "
        "Received: dtype float64, shape (3,).",
    ),
    (lambda: accuracy_by_label([], []), "labels must not be empty. Received: length 0."),
    (
        lambda: accuracy_by_label(LABELS, LABELS, classes=1),
        "classes must be a whole number of at least 2. Received: 1.",
    ),
    (
        lambda: faulty_labels(LABELS, LABELS, LABELS, LABELS, theta=92),
        "theta must be a number from 0 to 1. Received: 92.",
    ),
    (
        lambda: faulty_labels(LABELS, LABELS, LABELS, LABELS, gamma=-0.1),
        "gamma must be a number from 0 to 1. Received: -0.1.",
    ),
    (
        lambda: faulty_labels(LABELS, LABELS, LABELS, [1]),
        "reference_labels and reference_predictions must have the same length. "
        "Received: reference_labels: 3, reference_predictions: 1.",
    ),
    (
        lambda: faulty_labels(LABELS, LABELS, [0, 1, 9], LABELS, classes=3),
        "reference_labels must be from 0 to 2. Received: labels from 0 to 9.",
    ),
    (
        lambda: transitions(LABELS, LABELS, [0]),
        "labels and before and after must have the same length. "
        "Received: labels: 3, before: 3, after: 1.",
    ),
    (
        lambda: confusion(LABELS, [0, 1, 3], 3),
        "predictions must be from 0 to 2. Received: labels from 0 to 3.",
    ),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_bad_input_is_refused_with_the_whole_message(call, message):
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize("seed", range(5))
def test_another_order_of_the_classes_is_suggested(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, 200)
    order = np.roll(np.arange(5), 1 + seed % 4)
    predictions = np.where(rng.random(200) < 0.8, order[labels], rng.integers(0, 5, 200))
    assert "another order" in order_note(labels, predictions, 5)
    right = np.where(rng.random(200) < 0.5, labels, rng.integers(0, 5, 200))
    assert order_note(labels, right, 5) == ""
    assert order_note(labels, np.zeros(200, int), 5) == "", "a constant fits no order"
    assert order_note(labels, rng.integers(0, 5, 200), 5) == "", "nor does chance"
    assert order_note(labels[:10], predictions[:10], 5) == "", "of few inputs nothing is said"
