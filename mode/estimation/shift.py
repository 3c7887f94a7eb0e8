"""How far an unlabeled set is from the labeled one: measures on predictions and activations."""

import warnings

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from mode.estimation.corruptions import IMAGE_CORRUPTIONS, corruptions_for
from mode.estimation.image_statistics import SMALLEST, image_statistics
from mode.estimation.outputs import Labeled, Outputs

COMPONENTS = 32  # of the activations, that the domain classifier sees
WIDE = 512  # activations from which on the components are found by random projections
COMPARED = 400  # inputs of each set, that the domain classifier sees
NEAREST = 10  # labeled inputs that an unlabeled one is compared with


class Activations:
    """The labeled activations, standardized on their principal components, and their labels."""

    def __init__(self, labeled: Labeled):
        raw = labeled.activations.astype(np.float64)
        self.spread = max(float(raw.std()), 1e-12)
        count = min(COMPONENTS, *raw.shape)
        solver = "covariance_eigh" if raw.shape[1] <= WIDE else "randomized"
        self.pca = PCA(count, svd_solver=solver, random_state=0).fit(raw / self.spread)
        self.points = self.pca.transform(raw / self.spread)
        self.squares = (self.points**2).sum(1)
        self.labels = labeled.labels[labeled.rows]
        near, distances = self._nearest(self.points[:COMPARED], skip=1)
        self.own_distance = max(float(np.median(distances)), 1e-12)
        predicted = labeled.predictions[labeled.rows][:COMPARED]
        self.own_agreement = float((self.labels[near] == predicted[:, None]).mean())

    def of(self, outputs: Outputs) -> np.ndarray:
        """Return activations as points (m, components)."""
        return self.pca.transform(outputs.activations.astype(np.float64) / self.spread)

    def _nearest(self, points: np.ndarray, skip: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices of the nearest labeled points, (m, NEAREST), and their mean distance
        (m,); the `skip` nearest are left out."""
        squares = (points**2).sum(1)[:, None] + self.squares - 2 * points @ self.points.T
        count = min(NEAREST + skip, len(self.points))
        near = np.argpartition(squares, count - 1, axis=1)[:, :count]
        distances = np.sqrt(np.maximum(np.take_along_axis(squares, near, axis=1), 0))
        order = np.argsort(distances, axis=1)[:, skip:]
        near = np.take_along_axis(near, order, axis=1)
        return near, np.take_along_axis(distances, order, axis=1).mean(axis=1)

    def neighbors(self, points: np.ndarray, outputs: Outputs) -> tuple[float, float]:
        """Return the share of nearest labeled inputs whose label is an unlabeled input's predicted
        class, and the logarithm of the median distance to them, relative to the labeled set's.

        points: of the outputs.
        """
        near, distances = self._nearest(points)
        same = self.labels[near] == outputs.predictions[outputs.rows][:, None]
        return float(same.mean()), float(np.log(np.median(distances) / self.own_distance + 1e-6))

    def apart(self, points: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> float:
        """Return how well `apart` separates the two sets by their activations.

        points: of the unlabeled set. weights: of the labeled activations, (rows,).
        """
        return apart(self.points, points, weights, rng)


def apart(
    points: np.ndarray, new: np.ndarray, weights: np.ndarray, rng: np.random.Generator
) -> float:
    """Return how well a logistic regression separates the two sets, fitted on one half and asked
    about the other: 0 within two standard errors of chance, 1 where it always can.

    That is 2 AUC - 1 less two standard errors (Hanley and McNeil 1982, at an area of 0.5).
    Lopez-Paz and Oquab (2017, section 3), on activations (Rabanser et al. 2019, section 2.2).
    points (n, features): of the labeled set, with weights (n,). new: of the unlabeled set.
    """
    chosen = rng.choice(len(points), min(COMPARED, len(points)), replace=False)
    others = rng.permutation(len(new))[:COMPARED]
    x = np.vstack([points[chosen], new[others]])
    y = np.repeat([False, True], [len(chosen), len(others)])
    w = np.concatenate([weights[chosen] / weights[chosen].mean(), np.ones(len(others))])
    half = np.concatenate([np.arange(len(chosen)) % 2, np.arange(len(others)) % 2]) == 0
    model = LogisticRegression(C=0.1, solver="newton-cholesky", max_iter=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x[half], y[half], sample_weight=w[half])
    area = area_under_curve(model.decision_function(x[~half]), y[~half], w[~half])
    old_count, new_count = (~y[~half]).sum(), y[~half].sum()
    chance = 2 * np.sqrt((old_count + new_count + 1) / (3 * old_count * new_count))
    return float(max(0.0, 2 * area - 1 - chance))


def images_apart(
    images: np.ndarray, new: np.ndarray, weights: np.ndarray, rng: np.random.Generator
) -> float | None:
    """Return how well `apart` separates the two sets by `image_statistics`; None for inputs that
    are no images."""
    if corruptions_for(images) is not IMAGE_CORRUPTIONS or min(images.shape[1:3]) < SMALLEST:
        return None
    old, others = image_statistics(images), image_statistics(new)
    mean, deviation = old.mean(axis=0), np.maximum(old.std(axis=0), 1e-6)
    return apart((old - mean) / deviation, (others - mean) / deviation, weights, rng)


def area_under_curve(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> float:
    """Return the weighted chance that a positive has the higher score than a negative.

    Example:
        >>> area_under_curve(np.array([1, 2, 3]), np.array([False, True, True]), np.ones(3))
        1.0
    """
    order = np.argsort(scores[~positive])
    below = np.append(0.0, np.cumsum(weights[~positive][order]))
    ranked, ups = scores[~positive][order], scores[positive]
    ahead, level = (np.searchsorted(ranked, ups, side) for side in ("left", "right"))
    won = (below[ahead] + below[level]) / 2 / max(below[-1], 1e-12)
    return float((won * weights[positive]).sum() / weights[positive].sum())
