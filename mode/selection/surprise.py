"""How far an input's states lie from those of the training inputs of the class it is taken for."""

import numpy as np

from mode import checks
from mode.selection.candidates import Candidates, lowest, needed, states
from mode.selection.geometry import centred, lengths, nearest

KNOWN = 5_000  # training states that are compared with, drawn at random from more
PRIOR = 5  # training states that the covariance of all classes counts as in that of each
SHRINK = 1e-3  # of a covariance towards that of independent units


def dsa(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """The highest distance-based surprise adequacy (Kim, Feldt & Yoo, ICSE 2019, eq. 4 to 6).

    That is the distance from the nearest training state of the predicted class, over the distance
    of that state from the nearest one of another class. Of more than KNOWN training states,
    KNOWN random ones count. A predicted class without training states surprises most.
    """
    predicted, x, known, labels = _known(candidates)
    if len(known) > KNOWN:
        kept = generator.permutation(len(known))[:KNOWN]
        known, labels = known[kept], labels[kept]
    x, known = centred(x, known)
    surprise = np.full(len(x), np.inf, np.float32)
    for label in np.unique(predicted):
        own, others, rows = known[labels == label], known[labels != label], predicted == label
        if len(own):
            surprise[rows] = _relative_distance(x[rows], own, others)
    return lowest(-surprise, n)


def _relative_distance(x: np.ndarray, own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distance of x from its nearest of `own`, over that one's from its nearest of `others`."""
    match = nearest(x, own)
    distance = lengths(x - own[match])
    if not len(others):
        return distance
    used, back = np.unique(match, return_inverse=True)
    edge = lengths(own[used] - others[nearest(own[used], others)])
    return distance / np.maximum(edge, np.finfo(np.float32).tiny)[back]


def mdsa(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """The highest Mahalanobis distance from the training states of the predicted class.

    Mahalanobis-distance-based surprise adequacy (Kim, Ju, Feldt & Yoo, ESEC/FSE 2020). A class's
    covariance is mixed with that of all classes about their means, which counts as PRIOR states,
    and shrunk by SHRINK, so that few states and silent units leave it invertible.
    A predicted class without training states surprises most.
    """
    predicted, x, known, labels = _known(candidates)
    means = {label: known[labels == label].mean(axis=0) for label in np.unique(labels)}
    pooled = _scatter(known - np.stack([means[label] for label in labels.tolist()])) / len(known)
    surprise = np.full(len(x), np.inf)
    for label in set(means) & set(np.unique(predicted).tolist()):
        own, rows = known[labels == label] - means[label], predicted == label
        covariance = _scatter(own) + PRIOR * pooled
        covariance /= len(own) + PRIOR
        surprise[rows] = _mahalanobis(x[rows] - means[label], covariance)
    return lowest(-surprise, n)


def _scatter(x: np.ndarray) -> np.ndarray:
    return (x.T @ x).astype(np.float64)


def _mahalanobis(x: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Squared length of each row, (n,), where the covariance is shrunk to the unit matrix."""
    units = len(covariance)
    variance = np.trace(covariance) / units or 1.0
    shrunk = (1 - SHRINK) * covariance + SHRINK * variance * np.eye(units)
    whitened = np.linalg.solve(np.linalg.cholesky(shrunk), x.T.astype(np.float64))
    return np.einsum("ij,ij->j", whitened, whitened)


def _known(candidates: Candidates) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the predicted labels and the pool's states, then the training states and labels."""
    predicted = needed(candidates, "probabilities").argmax(axis=1)
    known = states(candidates, "known_features")
    checks.not_empty("known_features", known)
    return predicted, states(candidates), known, needed(candidates, "known_labels")
