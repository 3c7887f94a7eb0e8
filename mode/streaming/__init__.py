"""Choose from a pool that is read in blocks: only the k inputs with the lowest scores are kept."""

from collections.abc import Callable
from typing import Any

import numpy as np

from mode import checks
from mode.data.pools import Pool
from mode.streaming.blocks import Block, Scorer, best_of, values_of
from mode.streaming.cluster import best_on_cluster, connected, values_on_cluster
from mode.streaming.scorer import DistanceScorer

__all__ = ["Block", "DistanceScorer", "Scorer", "best", "collected", "connected"]


def best(
    pool: Pool,
    scorer: Scorer,
    k: int,
    *,
    among: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    client: Any = None,
) -> np.ndarray:
    """Return the indices of the k inputs of the lowest score, lowest first, equal ones in order.

    They are those that sorting all scores would give. Memory holds two blocks and k numbers,
    and what `among` and `labels` have.

    Args:
        pool: of n inputs, read once, in blocks.
        scorer: see `Scorer`.
        k: how many; a pool that has fewer gives all.
        among: ascending indices that may be chosen. Defaults to None: all.
        labels: (n,), for scorers that need them. Defaults to None.
        client: a Dask client, whose workers each read and score parts of the pool; they must
            see the same files. The result is the same, whatever happens to a worker. Defaults to
            None.

    Raises:
        InputError: for k below 0, a pool that a cluster cannot read, or what the scorer refuses.
    """
    checks.number("k", k, 0, integer=True)
    k = min(k, len(pool) if among is None else len(among))
    if not k:
        return np.zeros(0, np.int64)
    if client is not None:
        positions = best_on_cluster(client, pool, scorer, k, among, labels)
    else:
        positions = best_of(pool, scorer, k, range(len(pool)), among, labels).positions
    return positions if among is None else among[positions]


def collected(
    pool: Pool, function: Callable[[np.ndarray], np.ndarray], client: Any = None
) -> np.ndarray:
    """Return what a function of raw inputs gives for all inputs of a pool, in their order.

    Args:
        pool: of n inputs, read once, in blocks.
        function: inputs (k, ...) -> array of k rows.
        client: a Dask client whose workers each read a part of the pool. Defaults to None.

    Raises:
        InputError: for a pool that a cluster cannot read, or what the function refuses.
    """
    if client is not None:
        return values_on_cluster(client, pool, function)
    return values_of(pool, function, range(len(pool)))
