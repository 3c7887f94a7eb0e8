"""Scores against slow obvious oracles and answers known by hand."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mode.featurevis import scores


def probabilities_of(classes, sure=0.9, width=3):
    rest = (1 - sure) / (width - 1)
    return np.where(np.eye(width)[classes] > 0, sure, rest)


def test_scores_are_arithmetic_without_keras():
    code = "import sys; from mode.featurevis import scores, verdict; print('keras' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_over_confidence_is_confidence_minus_agreement():
    probabilities = probabilities_of([0, 1, 2, 2])
    values = scores.over_confidence(probabilities, np.array([0, 1, 2, 0]))
    assert values == pytest.approx([-0.1, -0.1, -0.1, 0.9])


def test_confusion_counts_as_a_loop_does():
    pick = np.random.default_rng(0)
    expected, predicted = pick.integers(0, 4, 50), pick.integers(0, 4, 50)
    slow = [
        [np.mean(predicted[expected == i] == j) if (expected == i).any() else 0 for j in range(4)]
        for i in range(4)
    ]
    assert scores.confusion(expected, predicted, 4) == pytest.approx(np.array(slow))


@settings(deadline=None)  # a busy machine is not a failure
@given(st.permutations(range(5)))
def test_match_undoes_any_permutation_of_a_good_classifier(order):
    table = np.full((5, 5), 0.05)
    table[np.arange(5), order] = 0.8
    assert scores.match(table).tolist() == list(order)


def test_match_leaves_the_order_alone_where_nothing_agrees():
    table = np.full((4, 4), 0.2)
    table[np.arange(4), [1, 2, 3, 0]] = 0.4
    assert scores.match(table).tolist() == [0, 1, 2, 3]


def test_spread_is_the_mean_over_pairs():
    images = np.random.default_rng(0).random((6, 3, 3))
    slow = [np.linalg.norm(a - b) for a, b in itertools.combinations(images, 2)]
    assert scores.spread(images) == pytest.approx(np.mean(slow))


def test_diversity_is_one_for_the_priors_own_samples_and_zero_for_one_image():
    samples = np.random.default_rng(0).random((20, 3, 3))
    expected = np.repeat([0, 1], 10)
    samples_of_each = np.stack([samples[:10], samples[10:]])
    assert scores.diversity(samples_of_each, samples, expected) == pytest.approx([1, 1])
    same = np.repeat(samples_of_each[:, :1], 10, axis=1)
    assert scores.diversity(same, samples, expected) == pytest.approx([0, 0], abs=1e-6)


def test_unevenness_tells_whole_modes_from_scattered_errors():
    component = np.repeat(np.arange(10), 100)
    modes = (component < 3).astype(float)
    scattered = np.random.default_rng(0).permutation(modes)
    assert scores.unevenness(modes, component) == pytest.approx(1, abs=0.01)
    assert abs(scores.unevenness(scattered, component)) < 0.03
    assert scores.unevenness(np.zeros(1000), component) == 0


def test_implausibility_is_high_for_predictions_that_are_ruled_out():
    probabilities = probabilities_of([0, 1])
    expected = np.array([2, 2])
    reference = np.array([[0.5, 0.0, 0.5], [0.0, 0.5, 0.5]])
    likely = scores.implausibility(probabilities, expected, reference)
    unlikely = scores.implausibility(probabilities, expected, reference[::-1])
    assert likely == pytest.approx(np.log(2))
    assert unlikely == pytest.approx(-np.log(1e-4))
    assert scores.implausibility(probabilities, np.array([0, 1]), reference) == 0


def test_islands_counts_inner_points_between_ends_that_agree():
    path = np.array([[1, 1, 2, 1], [1, 1, 1, 1], [1, 2, 2, 2]])
    assert scores.islands(path) == pytest.approx([0.5, 0, np.nan], nan_ok=True)


def test_effort_is_the_share_of_steps_to_nine_tenths_of_the_rise():
    trace = np.array([0.0, 5.0, 9.5, 10.0]).reshape(4, 1, 1)
    assert scores.effort(trace) == pytest.approx(np.array([[0.5]]))


def test_cross_talk_and_robustness_by_hand():
    predicted = np.array([[0, 0, 1, 0], [1, 1, 1, 1]])
    assert scores.cross_talk(predicted) == pytest.approx(np.array([[0.75, 0.25], [0, 1]]))
    probabilities = np.stack([probabilities_of([0, 1], width=2), probabilities_of([1, 1], width=2)])
    assert scores.robustness(probabilities) == pytest.approx([0.5, 1])


def test_nearest_finds_what_a_loop_finds():
    pick = np.random.default_rng(0)
    a, b = pick.random((4, 5, 5)), pick.random((7, 5, 5))
    gaps = np.array([[np.linalg.norm(p - q) for q in b] for p in a])
    index, distance = scores.nearest(a, b)
    assert index.tolist() == gaps.argmin(axis=1).tolist()
    assert distance == pytest.approx(gaps.min(axis=1))
