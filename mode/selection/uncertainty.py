"""Selectors by one number per input: a distance, an uncertainty, a mistake, chance."""

import numpy as np

from mode import checks
from mode.selection.candidates import Candidates, required


def nearest(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """Score inputs so that those nearest to the heat map come first."""
    return required(candidates, "distances")


def farthest(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """Score inputs so that those farthest from the heat map come first."""
    return -required(candidates, "distances")


def random(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Choose any inputs."""
    return generator.permutation(len(candidates))[:n]


def class_matched_random(
    candidates: Candidates, n: int, generator: np.random.Generator
) -> np.ndarray:
    """Choose random inputs with `quota` of each label: the control that isolates a ranking."""
    labels, quota = required(candidates, "labels"), required(candidates, "quota")
    order = generator.permutation(len(labels))
    chosen = [order[labels[order] == label][:count] for label, count in quota.items()]
    return np.concatenate(chosen)[:n] if chosen else np.zeros(0, np.int64)


def misclassified_then_random(
    candidates: Candidates, n: int, generator: np.random.Generator
) -> np.ndarray:
    """Choose misclassified inputs in random order, then random others."""
    wrong = are_wrong(candidates)
    order = generator.permutation(len(wrong))
    wrong = wrong[order]
    return np.concatenate([order[wrong], order[~wrong]])[:n]


def signed_margin(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """Score misclassified inputs first, nearest to being right first; then right ones, nearest to
    being wrong first.

    The score is the signed margin. An input that is wrong by far, as one with a wrong label is,
    comes last among the misclassified ones.
    """
    margins = signed_margins(candidates)
    return np.where(are_wrong(candidates), -1 - (1 + margins), margins)


def misclassified_then_margin(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """Score misclassified inputs first, in random order, so that no kind of them is preferred; then
    right ones, nearest to being wrong first. It trusts the labels of the pool more than
    `signed_margin` does."""
    margins = signed_margins(candidates)
    return np.where(are_wrong(candidates), -1 - generator.random(len(margins)), margins)


def are_wrong(candidates: Candidates) -> np.ndarray:
    """Return whether the prediction is another class than the label, (n,).

    Of equally likely classes the first is the prediction, as in every accuracy.
    """
    predicted = required(candidates, "probabilities").argmax(axis=1)
    return predicted != required(candidates, "labels")


def signed_margins(candidates: Candidates) -> np.ndarray:
    """Return the label's probability minus that of the likeliest other class, (n,)."""
    probabilities, labels = required(candidates, "probabilities"), required(candidates, "labels")
    rows = np.arange(len(labels))
    others = probabilities.copy()
    others[rows, labels] = -np.inf
    return probabilities[rows, labels] - others.max(axis=1)


def least_confidence(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """Score inputs by the probability of their likeliest class."""
    return required(candidates, "probabilities").max(axis=1)


def margin(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """Score inputs by the difference between their two likeliest classes."""
    return margins(required(candidates, "probabilities"))


def margins(probabilities: np.ndarray) -> np.ndarray:
    """Return the probability of the likeliest class minus that of the second, (n,).

    Raises:
        InputError: for probabilities of fewer than two classes.
    """
    if probabilities.ndim != 2 or probabilities.shape[1] < 2:
        expected = "probabilities must have the shape (n, classes), two classes or more"
        checks.fail(expected, f"shape {probabilities.shape}")
    top = np.partition(probabilities, -2, axis=1)[:, -2:]
    return top[:, 1] - top[:, 0]


def entropy(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """Score inputs by the entropy of their predicted distribution, highest first."""
    p = required(candidates, "probabilities")
    return (p * np.log(np.maximum(p, 1e-12))).sum(axis=1)


def gini(candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
    """Score inputs by DeepGini (Feng et al. 2020), 1 - sum p^2, highest first."""
    return (required(candidates, "probabilities") ** 2).sum(axis=1)
