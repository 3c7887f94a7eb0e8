"""Each method against an answer known from its paper's formula."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.special import softmax
from scipy.stats import entropy

from mode.distances.transport import solver
from mode.estimation import methods
from mode.estimation.calibration import Hidden
from mode.estimation.label_shift import class_shares, reweighted
from mode.estimation.outputs import Labeled, Outputs, fit_temperature, tempered


def outputs(probabilities) -> Outputs:
    p = np.asarray(probabilities, float)
    return Outputs(p, p, np.arange(len(p)))


def with_labels(probabilities, labels) -> Labeled:
    p = np.asarray(probabilities, float)
    return Labeled(p, p, np.arange(len(p)), np.asarray(labels))


def drawn(n: int, classes: int = 4, seed: int = 0) -> Labeled:
    """Calibrated outputs: each label is drawn from its probabilities."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(classes, 0.4), n)
    return with_labels(p, (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1))


FOUR = with_labels([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]], [0, 1, 1, 1])  # 3 of 4 right
TWO = outputs([[0.65, 0.35], [0.2, 0.8]])


def test_average_confidence_is_the_mean_of_the_highest_probabilities():
    assert methods.average_confidence(FOUR, TWO) == pytest.approx(0.725)


def test_doc_subtracts_the_difference_of_confidences():
    assert methods.doc(FOUR, TWO) == pytest.approx(0.75 - (0.75 - 0.725))


def test_atc_counts_what_passes_the_threshold_that_three_of_four_pass():
    assert methods.atc_confidence(FOUR, TWO) == 0.5  # the threshold is 0.7
    assert methods.atc_entropy(FOUR, TWO) == 0.5


def test_atc_gives_the_labeled_accuracy_for_the_labeled_set_itself():
    labeled = drawn(500)
    for method in (methods.atc_confidence, methods.atc_entropy):
        assert method(labeled, labeled) == pytest.approx(labeled.accuracy)
    assert methods.cott(labeled, labeled) == pytest.approx(labeled.accuracy, abs=0.004)


def test_cot_is_the_cheapest_assignment_to_one_hot_labels():
    labeled, unlabeled = drawn(12, seed=1), drawn(12, seed=2)
    one_hot = np.eye(4)[labeled.labels]
    gaps = np.abs(unlabeled.probabilities[:, None] - one_hot[None]).sum(axis=2) / 2
    cheapest = gaps[linear_sum_assignment(gaps)].mean()
    assert methods.cot(labeled, unlabeled) == pytest.approx(1 - cheapest)


def transported(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What each row costs in POT's exact transport to one-hot labels: one point for each label, and
    the largest difference of an entry as cost, as the paper has it."""
    gaps = cdist(p, np.eye(p.shape[1])[labels], "chebyshev")
    plan = solver("emd")(np.full(len(p), 1 / len(p)), np.full(len(labels), 1 / len(labels)), gaps)
    return (plan * gaps).sum(axis=1) * len(p)


@pytest.mark.parametrize("classes", [2, 4, 7])
def test_cot_and_cott_are_those_of_an_exact_transport_to_every_label(classes):
    labeled, unlabeled = drawn(90, classes, seed=1), drawn(60, classes, seed=2)
    costs = transported(unlabeled.probabilities, labeled.labels)
    assert methods.cot(labeled, unlabeled) == pytest.approx(1 - costs.mean())
    own = np.sort(transported(labeled.probabilities, labeled.labels))
    threshold = own[labeled.right.sum() - 1]
    assert methods.cott(labeled, unlabeled) == pytest.approx((costs <= threshold).mean(), abs=0.02)


@pytest.mark.parametrize(
    ("method", "score"),
    [
        (methods.atc_confidence, lambda p: p.max(axis=1)),
        (methods.atc_entropy, lambda p: -entropy(p, axis=1)),
    ],
)
def test_atc_leaves_as_many_labeled_scores_below_its_threshold_as_are_wrong(method, score):
    labeled, unlabeled = drawn(400, seed=8), drawn(300, seed=9)
    scores = score(labeled.probabilities)
    wrong = (~labeled.right).sum()
    threshold = next(t for t in np.sort(scores) if (scores < t).sum() == wrong)
    expected = (score(unlabeled.probabilities) >= threshold).mean()
    assert method(labeled, unlabeled) == pytest.approx(expected)


def test_average_confidence_and_doc_after_scaling_are_those_of_the_scaled_logits():
    rng = np.random.default_rng(10)
    logits = rng.normal(0, 4, (600, 5))
    chance = softmax(logits / 2.5, axis=1)
    labels = (chance.cumsum(axis=1) > rng.random((600, 1))).argmax(axis=1)
    temperatures = np.linspace(1, 5, 2001)
    losses = [
        -np.log(softmax(logits / t, axis=1)[np.arange(600), labels]).mean() for t in temperatures
    ]
    best = temperatures[np.argmin(losses)]
    temperature = fit_temperature(softmax(logits, axis=1), labels)
    assert temperature == pytest.approx(best, abs=0.004)
    source = with_labels(softmax(logits, axis=1), labels).tempered(temperature)
    target = outputs(softmax(logits[:200] * 1.3, axis=1)).tempered(temperature)
    confidence = softmax(logits[:200] * 1.3 / best, axis=1).max(axis=1).mean()
    assert methods.average_confidence(source, target) == pytest.approx(confidence, abs=1e-3)
    gap = softmax(logits / best, axis=1).max(axis=1).mean() - confidence
    accuracy = (logits.argmax(axis=1) == labels).mean()
    assert methods.doc(source, target) == pytest.approx(accuracy - gap, abs=1e-3)


def test_nearest_class_is_the_mean_over_a_window_of_the_sorted_confidences():
    labeled, unlabeled = drawn(900, 3, seed=11), drawn(200, 3, seed=12)
    rates = []
    for p in unlabeled.probabilities:
        same = np.flatnonzero(labeled.predictions == p.argmax())
        same = same[np.argsort(labeled.confidence[same])]
        below = (labeled.confidence[same] < p.max()).sum()
        start = min(max(below - methods.NEIGHBORS // 2, 0), len(same) - methods.NEIGHBORS)
        rates.append(labeled.right[same[start : start + methods.NEIGHBORS]].mean())
    assert methods.nearest_class(labeled, unlabeled) == pytest.approx(np.mean(rates))


def test_cot_of_a_part_is_near_that_of_all(monkeypatch):
    labeled, unlabeled = drawn(500), drawn(6000, seed=3)
    few = methods.cot(labeled, unlabeled)
    monkeypatch.setattr(methods, "TRANSPORTED", 6000)
    assert few == pytest.approx(methods.cot(labeled, unlabeled), abs=0.003)


def test_nearest_class_looks_at_the_same_predicted_class_alone():
    sure = [[0.9, 0.1]] * 60 + [[0.1, 0.9]] * 60
    labeled = with_labels(sure, [0] * 120)  # right whenever it predicts 0, else wrong
    assert methods.nearest_class(labeled, outputs([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])) == (
        pytest.approx(2 / 3)
    )


def test_agreement_is_the_share_of_equal_predictions():
    assert methods.agreement(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])) == 0.75


def test_the_temperature_that_was_applied_is_found():
    labeled = drawn(4000)
    too_sure = tempered(labeled.probabilities, 0.5)
    assert fit_temperature(too_sure, labeled.labels) == pytest.approx(2, rel=0.1)


def with_shares(source: Labeled, shares, count: int, seed: int) -> Labeled:
    rng = np.random.default_rng(seed)
    chance = np.asarray(shares)[source.labels] / np.bincount(source.labels)[source.labels]
    rows = rng.choice(len(source.labels), count, p=chance / chance.sum())
    return with_labels(source.probabilities[rows], source.labels[rows])


def test_class_shares_are_found_and_explain_the_predictions():
    shares = [0.7, 0.1, 0.15, 0.05]
    target = with_shares(drawn(5000, seed=4), shares, 3000, seed=5)
    found = class_shares(drawn(5000), target)
    assert found.shares == pytest.approx(shares, abs=0.04)
    assert found.residual < 0.02
    assert found.distance == pytest.approx(np.abs(np.array(shares) - 0.25).sum() / 2, abs=0.05)


def test_class_shares_are_the_solution_of_the_equations_of_black_box_shift_estimation():
    shares = np.array([0.5, 0.2, 0.25, 0.05])
    source, target = drawn(20_000, seed=13), with_shares(drawn(30_000, seed=14), shares, 20_000, 15)
    joint = np.stack([source.probabilities[source.labels == k].sum(axis=0) for k in range(4)])
    weights = np.linalg.solve(joint.T / 20_000, target.probabilities.mean(axis=0))
    solved = weights * np.bincount(source.labels) / 20_000
    estimated = class_shares(source, target)
    assert estimated.shares == pytest.approx(solved, abs=0.01)
    recalls = [(source.predictions == k)[source.labels == k].mean() for k in range(4)]
    assert methods.label_shift(source, target) == pytest.approx(solved @ recalls, abs=0.01)


def test_under_a_label_shift_the_recalls_in_the_new_shares_are_the_accuracy():
    rng = np.random.default_rng(6)
    labels = rng.integers(0, 3, 6000)
    hit = rng.random(6000) < np.array([0.95, 0.8, 0.6])[labels]
    top = np.where(hit, labels, (labels + 1) % 3)
    p = np.full((6000, 3), 0.1) + 0.7 * np.eye(3)[top]
    source = with_labels(p[:3000], labels[:3000])
    target = with_shares(with_labels(p[3000:], labels[3000:]), [0.1, 0.2, 0.7], 3000, seed=7)
    truth = target.accuracy
    assert abs(source.accuracy - truth) > 0.05
    assert methods.label_shift(source, target) == pytest.approx(truth, abs=0.04)
    weighted = reweighted(source, class_shares(source, target))
    assert weighted.accuracy == pytest.approx(truth, abs=0.04)


def test_the_predictions_of_other_inputs_are_no_mixture_of_the_classes():
    labeled = drawn(3000)
    flat = outputs(np.tile([0.3, 0.2, 0.25, 0.25], (500, 1)))
    assert class_shares(labeled, flat).residual < 0.02  # a mixture explains a flat mean
    vertex = outputs(np.tile([0.999, 0.001, 0, 0], (500, 1)))
    assert class_shares(labeled, vertex).residual > 0.1


def test_where_nothing_tells_the_sets_apart_the_made_sets_most_alike_bound_the_error():
    rng = np.random.default_rng(16)
    points = np.repeat([[0.0, 0.0], [3.0, 0.0]], 20, axis=0)
    points += rng.normal(0, 0.1, points.shape)
    drops = np.repeat([0.01, 0.3], 20)
    hidden = Hidden(points, drops, np.zeros(len(drops)))
    assert hidden.bound(np.array([0.0, 0.0])) == pytest.approx(0.01)
    assert hidden.bound(np.array([3.0, 0.0])) == pytest.approx(0.3)
    assert Hidden(points[:4], drops[:4], np.zeros(4)).bound(points[0]) == 0
