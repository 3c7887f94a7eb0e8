"""Choose from a pool that stays where it is: measured block by block, only the best k are kept."""

from typing import Any

import numpy as np

from mode import checks
from mode.data.pools import Pool
from mode.streaming.blocks import Block, Measure, best_of
from mode.streaming.near import Near
from mode.streaming.spreading import connected, spread

__all__ = ["Block", "Near", "best", "connected"]


def best(
    pool: Pool,
    measure: Measure,
    k: int,
    *,
    among: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    client: Any = None,
) -> np.ndarray:
    """Return the indices of the k inputs of the lowest measure, lowest first, equal ones in order.

    They are those that sorting all measures would give. Memory holds two blocks and k numbers,
    and what `among` and `labels` have.

    Args:
        pool: of n inputs, read once, in blocks.
        measure: see `Measure`.
        k: how many; a pool that has fewer gives all.
        among: ascending indices that may be chosen; all where None.
        labels: (n,), for measures that need them.
        client: a Dask client, whose workers each read and measure parts of the pool; they must
            see the same files. The result is the same, whatever happens to a worker.

    Raises:
        InputError: for k below 0, a pool that cannot be spread, or what the measure refuses.
    """
    checks.number("k", k, 0, integer=True)
    k = min(k, len(pool) if among is None else len(among))
    if not k:
        return np.zeros(0, np.int64)
    if client is not None:
        found = spread(client, pool, measure, k, among, labels)
    else:
        found = best_of(pool, measure, k, range(len(pool)), among, labels).positions
    return found if among is None else among[found]
