"""Heat maps of states whose means are known by hand."""

import numpy as np
import pytest

from mode.heatmaps import KINDS, differential, heatmaps, scaled
from tests.messages import listed

# Labels 0 0 0 1 1 2 2, of which input 2 (a 0) is taken for 1 and input 6 (a 2) for 0.
LABELS = np.array([0, 0, 0, 1, 1, 2, 2])
PREDICTIONS = np.array([0, 0, 1, 1, 1, 2, 0])
STATES = np.array(
    [[4, 0], [0, 4], [8, -4], [2, 2], [0, 4], [-4, 2], [1, 2]],
    dtype=np.float32,
)


def test_each_map_by_hand():
    maps = heatmaps(STATES, LABELS, PREDICTIONS)
    np.testing.assert_allclose(maps.hci, [[1, 1], [1 / 3, 1], [-1, 0.5]])
    np.testing.assert_allclose(maps.hmi, [[0.5, 1], [1, -0.5], [-1, 0.5]])
    np.testing.assert_allclose(maps.hwi, [[1, -0.5], [1 / 3, 1], [0.5, 1]])
    assert {name: counts.tolist() for name, counts in maps.counts.items()} == {
        "hci": [2, 2, 1],
        "hmi": [1, 1, 0],
        "hwi": [1, 0, 1],
    }
    assert tuple(map(str, maps.fallbacks)) == (
        "label 2 has no input for HMI: it is HCI",
        "label 1 has no input for HWI: it is HCI",
    )
    assert [item.label for item in maps.fallbacks] == [2, 1]


def test_swapped_as_the_replication_grouped_them():
    right, swapped = (heatmaps(STATES, LABELS, PREDICTIONS, swapped=on) for on in (False, True))
    np.testing.assert_array_equal(swapped.hci, right.hci)
    np.testing.assert_array_equal(swapped.hmi, right.hwi)
    np.testing.assert_array_equal(swapped.hwi, right.hmi)
    assert (right.hmi != right.hwi).any()


def test_importance_weighs_the_mean_state_by_the_head():
    weights = np.array([[1, 0, 2], [-2, 1, 0]])
    maps = heatmaps(STATES, LABELS, PREDICTIONS, kind="importance", weights=weights)
    np.testing.assert_allclose(maps.hci, [[0.5, -1], [0, 1], [-1, 0]])
    np.testing.assert_allclose(maps.hwi[2], [1, 0])


def test_pixel_maps_keep_the_shape_of_the_images(small):
    predictions = np.where(np.arange(len(small.test)) % 5, small.test.y, 3)
    maps = heatmaps(small.test.x, small.test.y, predictions, kind="pixel")
    assert maps.hci.shape == (10, 28, 28, 1)
    for label in range(10):
        group = small.test.x[(small.test.y == label) & (predictions == label)]
        mean = sum(image.astype(np.float64) for image in group) / len(group)
        np.testing.assert_allclose(maps.hci[label], mean / mean.max(), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_every_map_lies_within_one(kind):
    generator = np.random.default_rng(0)
    states = 100 * generator.standard_normal((80, 7))
    labels, predictions = generator.integers(0, 4, (2, 80))
    maps = heatmaps(states, labels, predictions, kind=kind, weights=np.full((7, 4), -3.0))
    for array in (maps.hci, maps.hmi, maps.hwi):
        np.testing.assert_allclose(np.abs(array).max(axis=1), 1)
    for name in ("dhci", "dhmi", "dhwi"):
        assert np.abs(differential(maps, 2, name)).max() == pytest.approx(1)


def test_differential_maps_by_hand():
    maps = heatmaps(STATES, LABELS, PREDICTIONS)
    np.testing.assert_allclose(differential(maps, 0), [1, 3 / 16])  # [1, 1] - [-1/3, 3/4]
    np.testing.assert_allclose(differential(maps, 0, against=1), [1, 0])
    np.testing.assert_allclose(differential(maps, 0, "dhmi"), [-1, 0])
    np.testing.assert_allclose(differential(maps, 0, "dhwi"), [0, -1])
    assert not differential(maps, 2, "dhmi").any(), "it fell back to HCI"
    assert not differential(maps, 1, against=1).any()


def test_a_label_without_correct_input_falls_back_and_says_so():
    maps = heatmaps(STATES, LABELS, np.where(LABELS == 1, 2, PREDICTIONS))
    assert str(maps.fallbacks[0]) == "label 1 has no correct input: HCI is that of all labels"
    np.testing.assert_allclose(maps.hci[1], [0, 1])  # mean of inputs 0, 1 and 5
    assert maps.counts["hci"].tolist() == [2, 0, 1]


def test_a_label_without_any_input_falls_back_and_says_so():
    maps = heatmaps(STATES, LABELS, PREDICTIONS, classes=4)
    assert str(maps.fallbacks[0]) == "label 3 has no correct input: HCI is that of all labels"
    assert "label 3 has no input for HMI: it is HCI" in map(str, maps.fallbacks)
    assert maps.hci.shape == (4, 2)


def test_probabilities_columns_and_one_hot_rows_say_the_same():
    expected = heatmaps(STATES, LABELS, PREDICTIONS)
    for predictions in (np.eye(3)[PREDICTIONS], PREDICTIONS[:, None]):
        found = heatmaps(STATES, np.eye(3)[LABELS], predictions)
        np.testing.assert_array_equal(found.hmi, expected.hmi)


def test_order_does_not_matter_and_nothing_is_changed():
    order = np.random.default_rng(1).permutation(7)
    copies = STATES.copy(), LABELS.copy(), PREDICTIONS.copy()
    one, two = (heatmaps(STATES[o], LABELS[o], PREDICTIONS[o]) for o in (order, np.arange(7)))
    for name in ("hci", "hmi", "hwi"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-6)
    for array, copy in zip((STATES, LABELS, PREDICTIONS), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_scaled():
    np.testing.assert_array_equal(scaled(np.array([1.0, -4])), [0.25, -1])
    np.testing.assert_array_equal(scaled(np.zeros(2)), [0, 0])


BAD = [
    (
        {"kind": "means"},
        f"kind must be one of {listed(KINDS)}. Received: 'means'. Did you mean 'mean'?",
    ),
    (
        {"states": STATES[:5]},
        "states and labels and predictions must have the same length. "
        "Received: states: 5, labels: 7, predictions: 7.",
    ),
    (
        {"states": np.where(STATES == 8, np.nan, STATES)},
        "states must be finite. Received: nan at index (2, 0), 1 in all.",
    ),
    (
        {"kind": "importance"},
        "weights must have shape (2, 3) for kind 'importance'. Received: None.",
    ),
    (
        {"kind": "importance", "weights": np.ones((3, 2))},
        "weights must have shape (2, 3) for kind 'importance'. Received: (3, 2).",
    ),
    ({"classes": 2}, "labels must be from 0 to 1. Received: labels from 0 to 2."),
    (
        {"predictions": (LABELS + 1) % 3},
        "heat maps need at least one correctly classified input. Received: none.",
    ),
    (
        {"states": STATES[:0], "labels": LABELS[:0], "predictions": LABELS[:0]},
        "labels must not be empty. Received: length 0.",
    ),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=[message[:25] for _, message in BAD])
def test_bad_input_is_refused(changes, message, refused):
    given = {"states": STATES, "labels": LABELS, "predictions": PREDICTIONS, **changes}
    assert refused(heatmaps, **given) == message


def test_differential_refuses(refused):
    maps = heatmaps(STATES, LABELS, PREDICTIONS)
    assert refused(differential, maps, 0, "hci") == (
        "kind must be one of 'dhci', 'dhmi', 'dhwi'. Received: 'hci'. Did you mean 'dhci'?"
    )
    assert (
        refused(differential, maps, 3) == "label must be from 0 to 2. Received: labels from 3 to 3."
    )
    assert refused(differential, maps, 0, against=-1) == (
        "against must be from 0 to 2. Received: labels from -1 to -1."
    )


def test_one_class_has_no_other_to_differ_from(refused):
    maps = heatmaps(np.ones((3, 2)), np.zeros(3, int), np.zeros(3, int), classes=1)
    assert refused(differential, maps, 0) == (
        "dhci needs the maps of two classes or more. Received: 1."
    )
