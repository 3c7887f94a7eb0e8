"""The scores: arrays in, numbers out. No Keras here, and no verdict.

Samples are images drawn from the prior with a class each; preferred inputs are the images that
units prefer. Probabilities are softmax outputs (n, classes); classes are whole numbers (n,).
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import confusion_matrix, pairwise_distances_argmin


def confusion(expected: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return the share of each expected class (rows) predicted as each class (columns)."""
    return confusion_matrix(expected, predicted, labels=np.arange(classes), normalize="true")


def match(table: np.ndarray, slack: float = 0.05, least: float = 0.5) -> np.ndarray:
    """Return for each of the prior's classes the model's output for it (Hungarian method).

    The identity wins unless another order agrees better by `slack` and on at least `least` of the
    images: with a poor or foreign model the best assignment of noise is never the identity.
    """
    rows, columns = linear_sum_assignment(-table)
    identity = np.trace(table) / len(table)
    best = table[rows, columns].mean()
    return columns if best > max(identity + slack, least) else np.arange(len(table))


def errors(probabilities: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return 1.0 where the most likely class is not the expected one, (n,)."""
    return (probabilities.argmax(axis=1) != expected).astype(float)


def confidence(probabilities: np.ndarray) -> np.ndarray:
    """Return the probability of the most likely class, C, (n,)."""
    return probabilities.max(axis=1)


def over_confidence(probabilities: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return confidence minus correctness, O, (n,); the mean of a calibrated model is near 0."""
    return confidence(probabilities) - (1 - errors(probabilities, expected))


def implausibility(probabilities: np.ndarray, expected: np.ndarray, reference: np.ndarray) -> float:
    """Return how improbable the wrong predictions are, in nats; 0 without any.

    reference: probabilities of the reference classifier (n, classes). Mistaking a 4 for a 9 costs
    little, a 4 for a 0 much: the sign of random labels.
    """
    wrong = errors(probabilities, expected) > 0
    if not wrong.any():
        return 0.0
    predicted = reference[wrong, probabilities[wrong].argmax(axis=1)]
    return float(-np.log(np.maximum(predicted, 1e-4)).mean())


def unevenness(wrong: np.ndarray, component: np.ndarray) -> float:
    """Return how concentrated errors are in components of the prior: 0 evenly, 1 all or nothing.

    Variance of the error rate between components beyond what counting gives, relative to the
    largest possible; small components (under 5 samples) are left out.
    """
    sizes = np.bincount(component)
    counted = np.flatnonzero(sizes >= 5)
    sizes, errors_by_component = sizes[counted], np.bincount(component, weights=wrong)[counted]
    rates = errors_by_component / sizes
    mean = np.average(rates, weights=sizes)
    if mean in (0.0, 1.0):
        return 0.0
    between = np.average((rates - mean) ** 2, weights=sizes)
    counting = np.average(rates * (1 - rates) / (sizes - 1), weights=sizes)
    return float((between - counting) / (mean * (1 - mean)))


def islands(path: np.ndarray) -> np.ndarray:
    """Return the share of inner points predicted as another class than both ends, (paths,).

    path: predicted classes (paths, points) between two samples of one class; NaN for paths whose
    ends are predicted differently.
    """
    ends = path[:, 0] == path[:, -1]
    inside = (path[:, 1:-1] != path[:, :1]).mean(axis=1)
    return np.where(ends, inside, np.nan)


def distances(images: np.ndarray) -> np.ndarray:
    """Return the Euclidean distances between images (n, ...), (n, n)."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    squares = (flat**2).sum(axis=1)
    return np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * flat @ flat.T, 0))


def spread(images: np.ndarray) -> float:
    """Return the mean Euclidean distance between all pairs of images (n, ...)."""
    return float(distances(images)[np.triu_indices(len(images), 1)].mean())


def diversity(preferred: np.ndarray, samples: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return D per class: spread of its restarts relative to that of the prior's samples of it.

    preferred (classes, restarts, ...), samples (n, ...), expected (n,).
    """
    base = samples_by_class(samples, expected, len(preferred))
    return np.array([spread(p) / spread(b) for p, b in zip(preferred, base, strict=True)])


def samples_by_class(samples: np.ndarray, expected: np.ndarray, classes: int) -> list[np.ndarray]:
    """Return at most 64 samples (n, ...) of each class; of all classes for one without two."""
    by_class = [samples[expected == k][:64] for k in range(classes)]
    return [s if len(s) > 1 else samples[:128] for s in by_class]


def cross_talk(predicted: np.ndarray) -> np.ndarray:
    """Return the matrix: share of class i's preferred inputs predicted as class j.

    predicted: predictions of the reference classifier, (classes, restarts).
    """
    classes, restarts = predicted.shape
    return confusion(np.repeat(np.arange(classes), restarts), predicted.reshape(-1), classes)


def effort(trace: np.ndarray) -> np.ndarray:
    """Return the share of steps until 90 % of the whole rise, (units, restarts).

    trace: activations (steps, units, restarts).
    """
    top, start = trace.max(axis=0), trace[0]
    reached = trace >= start + 0.9 * (top - start)
    return reached.argmax(axis=0) / len(trace)


def robustness(probabilities: np.ndarray) -> np.ndarray:
    """Return the share of disturbed copies still predicted as the unit's class, (units,).

    probabilities: (units, copies, classes), unit i being class i.
    """
    return (probabilities.argmax(axis=-1) == np.arange(len(probabilities))[:, None]).mean(axis=1)


def nearest(queries: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each query (n, ...) the index of and distance to the nearest image (m, ...)."""
    a, b = (array.reshape(len(array), -1) for array in (queries, images))
    index = pairwise_distances_argmin(a, b)
    return index, np.linalg.norm(a.astype(np.float64) - b[index], axis=1)
