"""Selectors that cluster states and choose from every cluster in turn."""

import numpy as np

from mode.selection.candidates import Candidates, states, thinned
from mode.selection.geometry import (
    BLOCK,
    centred,
    in_turn,
    k_means,
    lengths,
    nearest,
)
from mode.selection.uncertainty import random

CLUSTERS = 500  # of the pool, at most
ERROR_CLUSTERS = 50  # of the errors, at most
NEIGHBOURS = 20  # that say how typical an input is


@thinned
def typiclust(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """The most typical inputs of every cluster (Hacohen, Dekel & Weinshall 2022, TPC_RP).

    k-means into n clusters, at most CLUSTERS; typical is who has a small mean distance from its
    NEIGHBOURS nearest of the cluster. The biggest cluster gives its most typical input first,
    then the next, and round again. Of more than PAIRWISE candidates, as many random ones are seen.
    """
    (x,) = centred(states(candidates))
    if not n:
        return np.zeros(0, np.int64)
    k = min(n, CLUSTERS)
    owner, _ = k_means(x, k, generator)
    mean_distances = np.empty(len(x), np.float32)
    for cluster in range(k):
        members = np.flatnonzero(owner == cluster)
        mean_distances[members] = _mean_distances(x[members])
    return in_turn(owner, mean_distances, np.bincount(owner, minlength=k), n)


def _mean_distances(x: np.ndarray) -> np.ndarray:
    """Return each row's mean distance from its nearest NEIGHBOURS other rows, (n,); 0 if alone."""
    few = min(NEIGHBOURS, len(x) - 1)
    if few < 1:
        return np.zeros(len(x), np.float32)
    squares, step = (x * x).sum(axis=1), max(1, BLOCK // len(x))
    found = np.empty(len(x), np.float32)
    for start in range(0, len(x), step):
        block = x[start : start + step]
        pairs = block @ x.T
        pairs *= -2
        pairs += squares
        pairs += squares[start : start + step, None]
        own = np.arange(len(block))
        pairs[own, start + own] = np.inf
        near = np.partition(pairs, few - 1, axis=1)[:, :few]
        found[start : start + step] = np.sqrt(np.maximum(near, 0)).mean(axis=1)
    return found


def clusters(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """The inputs like the errors, from each kind of error in turn (as HUDD, Fahmy et al. 2021).

    k-means groups error_features into about the square root of their number of clusters, at most
    ERROR_CLUSTERS; an input belongs to the nearest one. The cluster of most errors gives the input
    nearest to its centre first, then the next cluster, and round again. HUDD clusters heat maps of
    relevance hierarchically; here states stand in for them. Without errors, random inputs.
    """
    x, errors = states(candidates), states(candidates, "error_features")
    if not n or not len(errors):
        return random(candidates, n, generator)
    errors, x = centred(errors, x)
    k = min(int(np.ceil(np.sqrt(len(errors)))), ERROR_CLUSTERS)
    kind, centres = k_means(errors, k, generator)
    owner = nearest(x, centres)
    distances = lengths(x - centres[owner])
    return in_turn(owner, distances, np.bincount(kind, minlength=k), n)
