"""How frequent the classes are in an unlabeled set, and how well that explains its predictions."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from mode.estimation.outputs import Labeled, Outputs

PRIOR = 100.0  # inputs that the labeled set's shares count as
UNITY = 100.0  # how strictly the shares sum to one


@dataclass(frozen=True)
class ClassShares:
    """Estimated shares of the classes, (classes,), the shares in the labeled set, and the residual:
    half the L1 distance of the mean prediction to the nearest mixture of the labeled classes'."""

    shares: np.ndarray
    labeled: np.ndarray
    residual: float

    @property
    def distance(self) -> float:
        """The total variation distance between the shares, 0 to 1."""
        return float(np.abs(self.shares - self.labeled).sum() / 2)


def class_shares(labeled: Labeled, unlabeled: Outputs) -> ClassShares:
    """Return the class shares of an unlabeled set under a label shift.

    Black box shift estimation (Lipton, Wang and Smola 2018) with probabilities: the mean prediction
    is a mixture of the mean predictions of the labeled classes. Least squares, with shares of at
    least 0 that sum to 1. They are pulled toward the labeled set's shares, as Azizzadenesheli et
    al. (2019) pull the ratios of both.
    """
    classes = labeled.probabilities.shape[1]
    present = np.flatnonzero(np.bincount(labeled.labels, minlength=classes))
    means = labeled.cached("class means", _class_means)
    target = unlabeled.probabilities.mean(axis=0)
    before = np.bincount(labeled.labels, minlength=classes) / len(labeled.labels)
    pull = np.sqrt(PRIOR / (PRIOR + len(unlabeled.probabilities))) * 0.1
    matrix = np.vstack([means.T, UNITY * np.ones(len(present)), pull * np.eye(len(present))])
    values = np.concatenate([target, [UNITY], pull * before[present]])
    mix = nnls(matrix, values)[0]
    mix /= mix.sum()
    shares = np.zeros(classes)
    shares[present] = mix
    residual = float(np.abs(means.T @ mix - target).sum() / 2)
    return ClassShares(shares, before, residual)


def _class_means(labeled: Labeled) -> np.ndarray:
    """Return the mean probabilities of each class that has labels, (present, classes)."""
    present = np.unique(labeled.labels)
    return np.stack([labeled.probabilities[labeled.labels == k].mean(axis=0) for k in present])


def reweighted(labeled: Labeled, shares: ClassShares) -> Labeled:
    """Return the labeled set with weights that give its classes these shares."""
    ratio = shares.shares / np.maximum(shares.labeled, 1e-12)
    weights = ratio[labeled.labels]
    return replace(labeled, weights=weights / weights.mean())
