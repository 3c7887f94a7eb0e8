"""Estimates of accuracy from a labeled and an unlabeled set, each from its paper.

A method is a function of (labeled, unlabeled) with probabilities that were temperature-scaled on
the labeled set; it returns the estimated accuracy, 0 to 1. Methods see `labeled.weights`, which
are all 1 in the papers.
"""

from collections.abc import Callable

import numpy as np

from mode.distances.transport import solver
from mode.estimation.label_shift import class_shares
from mode.estimation.outputs import LEAST, Labeled, Outputs

Method = Callable[[Labeled, Outputs], float]
TRANSPORTED = 5000  # inputs that are transported; of a larger set every so manieth
NEIGHBORS = 50  # labeled inputs of the nearest confidence


def average_confidence(labeled: Labeled, unlabeled: Outputs) -> float:
    """Return the mean confidence (Hendrycks and Gimpel 2017) after temperature scaling (Guo et al.
    2017, section 4.2, equation 9)."""
    return float(unlabeled.confidence.mean())


def doc(labeled: Labeled, unlabeled: Outputs) -> float:
    """Return the accuracy of the labeled set minus the difference of confidences (DoC; Guillory et
    al. 2021).

    Without a shift the confidence is a control variate of the accuracy.
    """
    difference = labeled.mean(labeled.confidence) - unlabeled.confidence.mean()
    return float(np.clip(labeled.accuracy - difference, 0, 1))


def atc_confidence(labeled: Labeled, unlabeled: Outputs) -> float:
    """Return the share of confidences above a threshold that as many of the labeled set pass as it
    has right predictions (ATC, max confidence; Garg et al. 2022, section 4, equations 1 and 2)."""
    return _above_threshold(
        labeled.accuracy, labeled.weights, labeled.confidence, unlabeled.confidence
    )


def atc_entropy(labeled: Labeled, unlabeled: Outputs) -> float:
    """Return as `atc_confidence`, with the negative entropy as score (ATC-NE, the same paper)."""
    entropies = (negative_entropy(o.probabilities) for o in (labeled, unlabeled))
    return _above_threshold(labeled.accuracy, labeled.weights, *entropies)


def negative_entropy(probabilities: np.ndarray) -> np.ndarray:
    """Return sum p log p of each row, (n,)."""
    return (probabilities * np.log(np.maximum(probabilities, LEAST))).sum(axis=1)


def _above_threshold(
    accuracy: float, weights: np.ndarray, scores: np.ndarray, unlabeled: np.ndarray
) -> float:
    """Return the share of unlabeled scores at or above the threshold that a share `accuracy` of
    the labeled scores reaches."""
    order = np.argsort(-scores, kind="stable")
    passed = np.cumsum(np.broadcast_to(weights, scores.shape)[order])
    last = np.searchsorted(passed, (accuracy - 1e-9) * passed[-1])
    return float((unlabeled >= scores[order[min(last, len(order) - 1)]]).mean())


def cot(labeled: Labeled, unlabeled: Outputs) -> float:
    """Return 1 minus the least cost of transporting probabilities to one-hot labels in the shares
    of the labeled set (COT; Lu et al. 2023)."""
    return float(1 - transport_costs(unlabeled.probabilities, labeled.class_shares).mean())


def cott(labeled: Labeled, unlabeled: Outputs) -> float:
    """Return the share of transported inputs that cost less than a threshold, which as many of
    the labeled set pass as it has right predictions (COTT; Lu et al. 2023)."""
    labeled_costs = -labeled.cached("cott", _labeled_costs)
    costs = -transport_costs(unlabeled.probabilities, labeled.class_shares)
    rows = _spread(len(labeled.labels))
    weights = np.broadcast_to(labeled.weights, labeled.labels.shape)[rows]
    return _above_threshold(labeled.mean(labeled.right), weights, labeled_costs, costs)


def _labeled_costs(labeled: Labeled) -> np.ndarray:
    """Return what the labeled set's own inputs cost in a transport to its labels' shares."""
    rows = _spread(len(labeled.labels))
    counts = np.bincount(labeled.labels[rows], minlength=labeled.probabilities.shape[1])
    return transport_costs(labeled.probabilities[rows], counts)


def transport_costs(probabilities: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return what each row costs in the cheapest transport to one-hot labels, (n or TRANSPORTED,).

    A row p that becomes class y costs 1 - p_y: half the L1 distance to its one-hot vector, and the
    largest difference of an entry.
    `shares` (classes,) is how much of the mass each class takes.
    """
    rows = probabilities[_spread(len(probabilities))].astype(float)
    mass = np.full(len(rows), 1 / len(rows))
    costs = np.ascontiguousarray(1 - rows)
    plan = solver("emd")(mass, shares / shares.sum(), costs, numItermax=10**7)
    return (plan * costs).sum(axis=1) * len(rows)


def _spread(count: int) -> np.ndarray:
    """Return the indices of at most TRANSPORTED inputs, evenly spread."""
    return np.linspace(0, count - 1, min(count, TRANSPORTED)).astype(int)


def nearest_class(labeled: Labeled, unlabeled: Outputs) -> float:
    """Return the mean, over the unlabeled inputs, of the share of right predictions among the
    labeled inputs of the same predicted class with the nearest confidence.

    After histogram binning (Zadrozny and Elkan 2001), of each class on its own, with the nearest
    NEIGHBORS inputs as the bin.
    """
    return float(nearest_class_rates(labeled, unlabeled).mean())


def nearest_class_rates(labeled: Labeled, unlabeled: Outputs) -> np.ndarray:
    """Return the calibrated probability that each unlabeled prediction is right, (n,)."""
    rates = np.full(len(unlabeled.predictions), labeled.accuracy)
    weights = np.broadcast_to(labeled.weights, labeled.labels.shape)
    for label in np.unique(unlabeled.predictions):
        of_class = np.flatnonzero(labeled.predictions == label)
        if not len(of_class):
            continue
        order = of_class[np.argsort(labeled.confidence[of_class])]
        total = np.append(0.0, np.cumsum(weights[order]))
        right = np.append(0.0, np.cumsum(weights[order] * labeled.right[order]))
        rows = unlabeled.predictions == label
        place = np.searchsorted(labeled.confidence[order], unlabeled.confidence[rows])
        size = min(NEIGHBORS, len(order))
        first = np.clip(place - size // 2, 0, len(order) - size)
        last = first + size
        weight = np.maximum(total[last] - total[first], LEAST)
        rates[rows] = (right[last] - right[first]) / weight
    return rates


def label_shift(labeled: Labeled, unlabeled: Outputs) -> float:
    """Return the sum of the recalls of the classes in their estimated shares of the unlabeled set:
    the accuracy under a pure label shift (BBSE; Lipton, Wang and Smola 2018)."""
    shares = class_shares(labeled, unlabeled).shares
    recalls = np.full(len(shares), labeled.accuracy)
    for label in np.unique(labeled.labels):
        recalls[label] = labeled.right[labeled.labels == label].mean()
    return float(shares @ recalls)


ESTIMATORS: dict[str, Method] = {
    "average_confidence": average_confidence,
    "doc": doc,
    "atc_confidence": atc_confidence,
    "atc_entropy": atc_entropy,
    "cot": cot,
    "cott": cott,
    "nearest_class": nearest_class,
    "label_shift": label_shift,
}
GDE = "gde"  # needs a second model


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Return the share of inputs on which the predictions (n,) of two trainings agree: the accuracy
    by GDE (Jiang et al. 2022), which counts every disagreement as an error."""
    return float((first == second).mean())
