"""Share the parts of a pool among the workers of a Dask client."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from mode import checks
from mode.data.pools import Pool
from mode.streaming.blocks import Best, Scorer, best_of, block_size, values_of

PARTS = 8  # per worker, at least: a killed one loses little, and none waits long for the last
MIN_BLOCKS = 8  # in a part
TIMEOUT = 10  # seconds until a scheduler has to answer


@contextmanager
def connected(scheduler: str | None) -> Iterator[Any]:
    """Yield a client of the Dask scheduler at that address, None where there is none.

    Raises:
        InputError: where no scheduler answers.
    """
    if scheduler is None:
        yield None
        return
    from dask.distributed import Client

    try:
        client = Client(scheduler, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = " ".join(str(error).split())[:160]
        checks.fail("scheduler must be the address of a running Dask scheduler", reason)
    with client:
        yield client


def best_on_cluster(
    client: Any,
    pool: Pool,
    scorer: Scorer,
    k: int,
    among: np.ndarray | None,
    labels: np.ndarray | None,
) -> np.ndarray:
    """Return the positions of the k best; each worker sends k numbers and positions per part.

    Raises:
        InputError: for a pool that lies in this process's memory.
    """
    from dask.distributed import as_completed

    _check_distributable(pool)
    # Results of tasks, since Dask makes those again when the worker that has them is lost.
    shared = [client.submit(_same, thing, pure=False) for thing in (pool, scorer)]
    jobs = [
        client.submit(_part, *shared, k, *job, pure=False)
        for job in _jobs(pool, scorer, among, labels, len(client.nthreads()))
    ]
    lowest = Best(k)
    for future in as_completed(jobs):
        lowest.add(*future.result())
        future.release()
    return lowest.positions


def values_on_cluster(
    client: Any, pool: Pool, function: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return what a function gives for all inputs of a pool; each worker reads parts of it.

    Raises:
        InputError: for a pool that lies in this process's memory.
    """
    _check_distributable(pool)
    shared = [client.submit(_same, thing, pure=False) for thing in (pool, function)]
    size = MIN_BLOCKS * block_size(pool)
    parts = [range(s, min(s + size, len(pool))) for s in range(0, len(pool), size)]
    jobs = [client.submit(values_of, *shared, part, pure=False) for part in parts]
    return np.concatenate(client.gather(jobs))


def _check_distributable(pool: Pool) -> None:
    if not pool.is_distributable:
        expected = "a pool spread over a cluster must be an .npy file, a Zarr store, a Dask array "
        checks.fail(f"{expected}or a folder of images", type(pool).__name__)


def _jobs(
    pool: Pool, scorer: Scorer, among: np.ndarray | None, labels: np.ndarray | None, workers: int
) -> list[tuple]:
    """Return (part, among, labels, before) of every part, in order."""
    reads = range(len(pool)) if among is None or scorer.whole else range(len(among))
    size = block_size(pool)
    blocks = max(MIN_BLOCKS, -(-len(reads) // size) // (PARTS * max(1, workers)))
    jobs = []
    for start in range(0, len(reads), blocks * size):
        part = reads[start : start + blocks * size]
        first, last = part.start, part.stop
        if among is not None and scorer.whole:
            first, last = map(int, np.searchsorted(among, (first, last)))
        inside = None if among is None else among[first:last]
        jobs.append((part, inside, None if labels is None else labels[first:last], first))
    return jobs


def _same(thing: Any) -> Any:
    return thing


def _part(pool, scorer, k, part, among, labels, before) -> tuple[np.ndarray, np.ndarray]:
    lowest = best_of(pool, scorer, k, part, among, labels, before=before)
    return lowest.scores, lowest.positions
