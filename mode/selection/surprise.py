"""Selectors by surprise: how far activations lie from those of the predicted class in training."""

import numpy as np

from mode import checks
from mode.selection.candidates import Candidates, activations, k_smallest, required
from mode.selection.geometry import centered, nearest_rows, row_norms

MAX_TRAINING = 5_000  # training activations that are compared with, drawn at random from more
PRIOR = 5  # training activations that the covariance of all classes counts as in that of each
SHRINKAGE = 1e-3  # of a covariance toward that of independent units


def dsa(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Choose the highest distance-based surprise adequacy (Kim, Feldt & Yoo 2019, eq. 4 to 6).

    That is the distance from the nearest training activation of the predicted class, over the
    distance of that activation from the nearest one of another class. Of more than MAX_TRAINING
    training activations, as many random ones count. A predicted class without training activations
    surprises most.
    """
    predicted, x, train, labels = _columns(candidates)
    if len(train) > MAX_TRAINING:
        sample = generator.permutation(len(train))[:MAX_TRAINING]
        train, labels = train[sample], labels[sample]
    x, train = centered(x, train)
    surprise = np.full(len(x), np.inf, np.float32)
    for label in np.unique(predicted):
        same, others, rows = train[labels == label], train[labels != label], predicted == label
        if len(same):
            surprise[rows] = _relative_distance(x[rows], same, others)
    return k_smallest(-surprise, n)


def _relative_distance(x: np.ndarray, same: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the distance (n,) of x from its nearest of `same`, over that one's from its nearest of
    `others`."""
    match = nearest_rows(x, same)
    distance = row_norms(x - same[match])
    if not len(others):
        return distance
    used, inverse = np.unique(match, return_inverse=True)
    edge = row_norms(same[used] - others[nearest_rows(same[used], others)])
    return distance / np.maximum(edge, np.finfo(np.float32).tiny)[inverse]


def mdsa(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Choose the highest Mahalanobis distance from the training activations of the predicted class.

    Mahalanobis-distance-based surprise adequacy (Kim, Ju, Feldt & Yoo, ESEC/FSE 2020). A class's
    covariance is mixed with that of all classes about their means, which counts as PRIOR
    activations, and shrunk by SHRINKAGE: few activations and silent units leave it invertible.
    A predicted class without training activations surprises most.
    """
    predicted, x, train, labels = _columns(candidates)
    means = {label: train[labels == label].mean(axis=0) for label in np.unique(labels)}
    pooled = _scatter(train - np.stack([means[label] for label in labels.tolist()])) / len(train)
    surprise = np.full(len(x), np.inf)
    for label in set(means) & set(np.unique(predicted).tolist()):
        deviations, rows = train[labels == label] - means[label], predicted == label
        covariance = _scatter(deviations) + PRIOR * pooled
        covariance /= len(deviations) + PRIOR
        surprise[rows] = _mahalanobis(x[rows] - means[label], covariance)
    return k_smallest(-surprise, n)


def _scatter(x: np.ndarray) -> np.ndarray:
    return (x.T @ x).astype(np.float64)


def _mahalanobis(x: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return the squared length of each row, (n,), where the covariance is shrunk to the unit
    matrix."""
    units = len(covariance)
    variance = np.trace(covariance) / units or 1.0
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * variance * np.eye(units)
    whitened = np.linalg.solve(np.linalg.cholesky(shrunk), x.T.astype(np.float64))
    return np.einsum("ij,ij->j", whitened, whitened)


def _columns(candidates: Candidates) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return predicted labels and activations of the pool, then training activations and labels."""
    predicted = required(candidates, "probabilities").argmax(axis=1)
    train = activations(candidates, "train_features")
    checks.not_empty("train_features", train)
    return predicted, activations(candidates), train, required(candidates, "train_labels")
