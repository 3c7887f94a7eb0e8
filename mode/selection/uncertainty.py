"""Selectors that sort the pool by one number an input: a distance, a doubt, a mistake, chance."""

from collections.abc import Callable
from functools import wraps

import numpy as np

from mode import checks
from mode.selection.candidates import Candidates, Selector, lowest, needed

# One number an input, lowest first: what can be measured block by block. A measure draws at most
# one random number an input, so that a block's numbers do not depend on where blocks begin.
Measure = Callable[[Candidates, np.random.Generator], np.ndarray]


def by_measure(measure: Measure) -> Selector:
    """Return the selector of the lowest numbers of a measure."""

    @wraps(measure)
    def selector(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
        return lowest(measure(candidates, generator), n)

    return selector


def nearest(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """The inputs nearest to the heat map."""
    return needed(candidates, "distances")


def farthest(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """The inputs farthest from the heat map."""
    return -needed(candidates, "distances")


def random(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Any inputs."""
    return generator.permutation(len(candidates))[:n]


def quota_random(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Random inputs with `quota` of each label: the control that isolates a ranking's own worth."""
    labels, quota = needed(candidates, "labels"), needed(candidates, "quota")
    order = generator.permutation(len(labels))
    chosen = [order[labels[order] == label][:wanted] for label, wanted in quota.items()]
    return np.concatenate(chosen)[:n] if chosen else np.zeros(0, np.int64)


def misclassified(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Inputs whose prediction differs from their label, in random order; then random others."""
    wrong = are_wrong(candidates)
    order = generator.permutation(len(wrong))
    wrong = wrong[order]
    return np.concatenate([order[wrong], order[~wrong]])[:n]


def near_miss(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """Wrong inputs, nearest to being right first; then right ones, nearest to being wrong first.

    The measure is the label's probability minus the likeliest other one's. What is wrong by far,
    as a mislabelled input is, comes last among the wrong ones.
    """
    ahead = leads(candidates)
    return np.where(are_wrong(candidates), -1 - (1 + ahead), ahead)


def mistakes(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """Wrong inputs in random order, so that no kind of them is preferred; then right ones, nearest
    to being wrong first. It trusts the labels of the pool; `near_miss` is warier of them."""
    ahead = leads(candidates)
    return np.where(are_wrong(candidates), -1 - generator.random(len(ahead)), ahead)


def are_wrong(candidates: Candidates) -> np.ndarray:
    """Return whether the prediction is another class than the label, (n,).

    Of equally likely classes the first is the prediction, as in every accuracy.
    """
    predicted = needed(candidates, "probabilities").argmax(axis=1)
    return predicted != needed(candidates, "labels")


def leads(candidates: Candidates) -> np.ndarray:
    """Return how far the label is ahead of the likeliest other class, (n,)."""
    probabilities, labels = needed(candidates, "probabilities"), needed(candidates, "labels")
    rows = np.arange(len(labels))
    others = probabilities.copy()
    others[rows, labels] = -np.inf
    return probabilities[rows, labels] - others.max(axis=1)


def least_confidence(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """The inputs whose likeliest class is least likely."""
    return needed(candidates, "probabilities").max(axis=1)


def margin(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """The inputs whose two likeliest classes are nearest to each other."""
    return margins(needed(candidates, "probabilities"))


def margins(probabilities: np.ndarray) -> np.ndarray:
    """Return by how much the likeliest class is ahead of the second, (n,).

    Raises:
        InputError: for probabilities of fewer than two classes.
    """
    if probabilities.ndim != 2 or probabilities.shape[1] < 2:
        wanted = "probabilities must have the shape (n, classes), two classes or more"
        checks.fail(wanted, f"shape {probabilities.shape}")
    top = np.partition(probabilities, -2, axis=1)[:, -2:]
    return top[:, 1] - top[:, 0]


def entropy(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """The inputs whose predicted distribution has the highest entropy."""
    p = needed(candidates, "probabilities")
    return (p * np.log(np.maximum(p, 1e-12))).sum(axis=1)


def gini(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """DeepGini (Feng et al. 2020): the highest 1 - sum p^2."""
    return (needed(candidates, "probabilities") ** 2).sum(axis=1)


MEASURES = {
    "nearest": nearest,
    "farthest": farthest,
    "near_miss": near_miss,
    "mistakes": mistakes,
    "least_confidence": least_confidence,
    "margin": margin,
    "entropy": entropy,
    "gini": gini,
}
