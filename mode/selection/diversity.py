"""Selectors that spread their choice over the activations of the pool."""

from collections.abc import Callable

import numpy as np

from mode.selection.candidates import Candidates, activations, k_smallest, required, subsampled
from mode.selection.geometry import (
    centered,
    kmeans_plusplus,
    nearest_rows,
    row_norms,
    squared_distances,
)
from mode.selection.surprise import MAX_TRAINING
from mode.selection.uncertainty import margins

SHORTLIST = 3  # times n: so many of the smallest margins are left for diversity to choose among


@subsampled
def core_set(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Choose inputs by greedy k-center (Sener & Savarese 2018, algorithm 1): farthest from all
    chosen before.

    The training activations are centers from the start where there are train_features (of more
    than MAX_TRAINING, as many random ones); else the first input is random.
    """
    x = activations(candidates)
    if not n:
        return np.zeros(0, np.int64)
    if candidates.train_features is None or not len(candidates.train_features):
        (x,) = centered(x)
        return _farthest_first(x, np.full(len(x), np.inf), n, int(generator.integers(len(x))))
    centers = activations(candidates, "train_features")
    x, centers = centered(x, centers[generator.permutation(len(centers))[:MAX_TRAINING]])
    gaps = row_norms(x - centers[nearest_rows(x, centers)]) ** 2
    return _farthest_first(x, gaps, n, int(gaps.argmax()))


def _farthest_first(x: np.ndarray, gaps: np.ndarray, n: int, first: int) -> np.ndarray:
    """Return n positions, each the farthest from those before; gaps: squared distances so far."""
    distances, chosen = squared_distances(x), np.empty(n, np.int64)
    for turn in range(n):
        chosen[turn] = gaps.argmax() if turn else first
        np.minimum(gaps, distances(chosen[turn]), out=gaps)
        gaps[chosen[turn]] = -np.inf
    return chosen


@subsampled
def badge(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Choose inputs with diverse gradient embeddings (BADGE, Ash et al. 2020, algorithm 1).

    The seeding of k-means++ over (p - onehot(argmax p)) x f, the gradient of the output layer's
    weights if the prediction were right, from the longest gradient on.
    """
    x, error = activations(candidates), required(candidates, "probabilities").astype(np.float32)
    if not n:
        return np.zeros(0, np.int64)
    error[np.arange(len(error)), error.argmax(axis=1)] -= 1
    first = int((row_norms(error) * row_norms(x)).argmax())
    return kmeans_plusplus(_gradient_distances(error, x), n, generator, first=first)


def _gradient_distances(a: np.ndarray, f: np.ndarray) -> Callable[[int], np.ndarray]:
    """Return a function i -> squared distances of all a x f from the i-th, (n,).

    |a_i x f_i - a_j x f_j|^2 = |a_i|^2 |f_i|^2 + |a_j|^2 |f_j|^2 - 2 (a_i a_j) (f_i f_j), so that
    no outer product is made.
    """
    squares = (row_norms(a) * row_norms(f)) ** 2
    a_columns, f_columns = np.ascontiguousarray(a.T), np.ascontiguousarray(f.T)

    def distances(i: int) -> np.ndarray:
        from_i = a[i] @ a_columns
        from_i *= f[i] @ f_columns
        from_i *= -2
        from_i += squares
        from_i += squares[i]
        return from_i

    return distances


def diverse_margin(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Choose diverse inputs among those with small margins, by the seeding of k-means++.

    Of the SHORTLIST n smallest margins, n are drawn from the smallest on, each in proportion to
    its squared distance in features from the nearest one drawn, times 1 - margin.
    """
    x, margin = activations(candidates), margins(required(candidates, "probabilities"))
    short = k_smallest(margin, min(SHORTLIST * n, len(margin)))
    if not n:
        return short
    (x,) = centered(x[short])
    weights = (1 - margin[short]).astype(np.float32)
    distances = squared_distances(x)
    return short[kmeans_plusplus(distances, n, generator, first=0, weights=weights)]
