"""The scores: arrays in, numbers out. No Keras here, no opinion on what a number means.

Samples are pictures drawn from the prior with a class each, stimuli the pictures that units
prefer. Odds are softmax outputs (n, classes); classes are whole numbers (n,).
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

CHUNK = 4000  # images compared at a time, so that a whole training set fits into memory


def softmax(scores: np.ndarray) -> np.ndarray:
    """Return odds over the last axis."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def confusion(expected: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return the share of each expected class (rows) predicted as each class (columns)."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (expected, predicted), 1)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def match(table: np.ndarray, slack: float = 0.05, least: float = 0.5) -> np.ndarray:
    """Return for each of the prior's classes the classifier's output that means it (Hungarian).

    The order as it is wins unless another agrees better by `slack` and on at least `least` of the
    pictures: with a poor or foreign classifier the best assignment of noise is never the identity.
    """
    rows, columns = linear_sum_assignment(-table)
    same = np.trace(table) / len(table)
    best = table[rows, columns].mean()
    return columns if best > max(same + slack, least) else np.arange(len(table))


def errors(odds: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return 1.0 where the most likely class is not the expected one, (n,)."""
    return (odds.argmax(axis=1) != expected).astype(float)


def confidence(odds: np.ndarray) -> np.ndarray:
    """Return the odds of the most likely class, C, (n,)."""
    return odds.max(axis=1)


def over_confidence(odds: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return confidence minus agreement, O, (n,); its mean is near 0 where both match."""
    return confidence(odds) - (1 - errors(odds, expected))


def implausibility(odds: np.ndarray, expected: np.ndarray, judged: np.ndarray) -> float:
    """Return how unlikely the judge finds the wrong answers, in nats; 0 where there are none.

    Mistaking a 4 for a 9 costs little, a 4 for a 0 much: the mark of labels that were random.
    """
    wrong = errors(odds, expected) > 0
    if not wrong.any():
        return 0.0
    given = judged[wrong, odds[wrong].argmax(axis=1)]
    return float(-np.log(np.maximum(given, 1e-4)).mean())


def unevenness(wrong: np.ndarray, component: np.ndarray) -> float:
    """Return how far errors keep to some of the prior's components: 0 evenly, 1 all or nothing.

    Variance of the error rate between components beyond what counting gives, relative to the
    largest possible; small components (under 5 samples) are left out.
    """
    sizes = np.bincount(component)
    kept = np.flatnonzero(sizes >= 5)
    rates = np.bincount(component, weights=wrong)[kept] / sizes[kept]
    mean = np.average(rates, weights=sizes[kept])
    if mean in (0.0, 1.0):
        return 0.0
    between = np.average((rates - mean) ** 2, weights=sizes[kept])
    counting = np.average(rates * (1 - rates) / (sizes[kept] - 1), weights=sizes[kept])
    return float((between - counting) / (mean * (1 - mean)))


def islands(path: np.ndarray) -> np.ndarray:
    """Return the share of inner points that leave the class of both ends, (paths,).

    path: predicted classes (paths, points) along the way between two samples of one class; paths
    whose ends differ do not count (NaN).
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


def diversity(stimuli: np.ndarray, samples: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return D by class: spread of its restarts relative to that of the prior's samples of it.

    stimuli (classes, restarts, ...), samples (n, ...), expected (n,); 64 samples a class at most.
    """
    base = yardsticks(samples, expected, len(stimuli))
    return np.array([spread(s) / spread(b) for s, b in zip(stimuli, base, strict=True)])


def yardsticks(samples: np.ndarray, expected: np.ndarray, classes: int) -> list[np.ndarray]:
    """Return the samples (n, ...) that each class's restarts are compared with."""
    own = [samples[expected == k][:64] for k in range(classes)]
    return [s if len(s) > 1 else samples[:128] for s in own]


def cross_talk(judged: np.ndarray) -> np.ndarray:
    """Return the matrix: share of class i's stimuli that the judge calls j.

    judged: the judge's classes, (classes, restarts).
    """
    classes = len(judged)
    return confusion(np.repeat(np.arange(classes), judged.shape[1]), judged.reshape(-1), classes)


def effort(trace: np.ndarray) -> np.ndarray:
    """Return the share of steps until 90 % of the whole rise, (units, restarts).

    trace: activations (steps, units, restarts).
    """
    top, start = trace.max(axis=0), trace[0]
    reached = trace >= start + 0.9 * (top - start)
    return reached.argmax(axis=0) / len(trace)


def robustness(odds: np.ndarray) -> np.ndarray:
    """Return the share of disturbed copies still given the unit's class, (units,).

    odds: (units, copies, classes), unit i being class i.
    """
    return (odds.argmax(axis=-1) == np.arange(len(odds))[:, None]).mean(axis=1)


def nearest(stimuli: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each stimulus (n, ...) the index of and distance to the nearest image (m, ...)."""
    a = stimuli.reshape(len(stimuli), -1).astype(np.float64)
    rows = np.arange(len(a))
    index, least = np.zeros(len(a), int), np.full(len(a), np.inf)
    for first in range(0, len(images), CHUNK):
        b = images[first : first + CHUNK].reshape(-1, a.shape[1]).astype(np.float64)
        gaps = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
        best = gaps.argmin(axis=1)
        nearer = gaps[rows, best] < least
        index = np.where(nearer, first + best, index)
        least = np.where(nearer, gaps[rows, best], least)
    return index, np.sqrt(np.maximum(least, 0))
