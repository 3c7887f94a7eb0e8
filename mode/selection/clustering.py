"""Selectors that cluster activations and choose from every cluster in turn."""

import numpy as np

from mode.selection.candidates import Candidates, activations, subsampled
from mode.selection.geometry import (
    BLOCK,
    centered,
    k_means,
    nearest_rows,
    round_robin,
    row_norms,
)
from mode.selection.uncertainty import random

CLUSTERS = 500  # of the pool, at most
ERROR_CLUSTERS = 50  # of the errors, at most
NEIGHBORS = 20  # that decide how typical an input is


@subsampled
def typiclust(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Choose the most typical inputs of every cluster (Hacohen, Dekel & Weinshall 2022, TPC_RP).

    k-means into n clusters, at most CLUSTERS; an input is typical where its mean distance from its
    NEIGHBORS nearest of the cluster is small. The biggest cluster gives its most typical input
    first, then the next, and round again.
    """
    (x,) = centered(activations(candidates))
    if not n:
        return np.zeros(0, np.int64)
    k = min(n, CLUSTERS)
    cluster, _ = k_means(x, k, generator)
    distances = np.empty(len(x), np.float32)
    for number in range(k):
        members = np.flatnonzero(cluster == number)
        distances[members] = _mean_distances(x[members])
    return round_robin(cluster, distances, np.bincount(cluster, minlength=k), n)


def _mean_distances(x: np.ndarray) -> np.ndarray:
    """Return each row's mean distance from its nearest NEIGHBORS other rows, (n,); 0 if alone."""
    count = min(NEIGHBORS, len(x) - 1)
    if count < 1:
        return np.zeros(len(x), np.float32)
    squares, step = (x * x).sum(axis=1), max(1, BLOCK // len(x))
    means = np.empty(len(x), np.float32)
    for start in range(0, len(x), step):
        block = x[start : start + step]
        pairs = block @ x.T
        pairs *= -2
        pairs += squares
        pairs += squares[start : start + step, None]
        rows = np.arange(len(block))
        pairs[rows, start + rows] = np.inf  # not from itself
        near = np.partition(pairs, count - 1, axis=1)[:, :count]
        means[start : start + step] = np.sqrt(np.maximum(near, 0)).mean(axis=1)
    return means


def clusters(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Choose inputs like the errors, from each kind of error in turn (as HUDD, Fahmy et al. 2021).

    k-means groups error_features into about the square root of their number of clusters, at most
    ERROR_CLUSTERS; an input belongs to the nearest one. The cluster of most errors gives the input
    nearest to its center first, then the next cluster, and round again. HUDD clusters heat maps of
    relevance hierarchically; here activations stand in for them. Without errors, random inputs.
    """
    x, errors = activations(candidates), activations(candidates, "error_features")
    if not n or not len(errors):
        return random(candidates, n, generator)
    errors, x = centered(errors, x)
    k = min(int(np.ceil(np.sqrt(len(errors)))), ERROR_CLUSTERS)
    kind, centers = k_means(errors, k, generator)
    cluster = nearest_rows(x, centers)
    distances = row_norms(x - centers[cluster])
    return round_robin(cluster, distances, np.bincount(kind, minlength=k), n)
