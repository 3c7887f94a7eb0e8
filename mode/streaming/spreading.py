"""A pool's parts spread over the workers of a Dask client."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from mode import checks
from mode.data.pools import Pool
from mode.streaming.blocks import Best, Measure, best_of, block_size

PARTS = 8  # a worker, at least: a killed one loses little, and none waits long for the last
LEAST = 8  # blocks in a part
PATIENCE = 10  # seconds until a scheduler has to answer


@contextmanager
def connected(scheduler: str | None) -> Iterator[Any]:
    """Give a client of the Dask scheduler at that address, None where there is none.

    Raises:
        InputError: where no scheduler answers.
    """
    if scheduler is None:
        yield None
        return
    from dask.distributed import Client

    try:
        client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        said = " ".join(str(error).split())[:160]
        checks.fail("scheduler must be the address of a running Dask scheduler", said)
    with client:
        yield client


def spread(
    client: Any,
    pool: Pool,
    measure: Measure,
    k: int,
    among: np.ndarray | None,
    labels: np.ndarray | None,
) -> np.ndarray:
    """Return the positions of the k best; each worker sends k numbers and positions a part.

    Raises:
        InputError: for a pool that lies in this process's memory.
    """
    from dask.distributed import as_completed

    if not pool.spreads:
        wanted = "a pool spread over a cluster must be an .npy file, a Zarr store, a Dask array "
        checks.fail(f"{wanted}or a folder of images", type(pool).__name__)
    # Results of tasks, since Dask makes those again when the worker that has them is lost.
    shared = [client.submit(_same, thing, pure=False) for thing in (pool, measure)]
    jobs = [
        client.submit(_part, *shared, k, *job, pure=False)
        for job in _jobs(pool, measure, among, labels, len(client.nthreads()))
    ]
    kept = Best(k)
    for future in as_completed(jobs):
        kept.add(*future.result())
        future.release()
    return kept.positions


def _jobs(
    pool: Pool, measure: Measure, among: np.ndarray | None, labels: np.ndarray | None, workers: int
) -> list[tuple]:
    """Return (part, among, labels, before) of every part, in order."""
    reads = range(len(pool)) if among is None or measure.whole else range(len(among))
    size = block_size(pool)
    blocks = max(LEAST, -(-len(reads) // size) // (PARTS * max(1, workers)))
    jobs = []
    for start in range(0, len(reads), blocks * size):
        part = reads[start : start + blocks * size]
        first, last = part.start, part.stop
        if among is not None and measure.whole:
            first, last = map(int, np.searchsorted(among, (first, last)))
        own = None if among is None else among[first:last]
        jobs.append((part, own, None if labels is None else labels[first:last], first))
    return jobs


def _same(thing: Any) -> Any:
    return thing


def _part(pool, measure, k, part, among, labels, before) -> tuple[np.ndarray, np.ndarray]:
    found = best_of(pool, measure, k, part, among, labels, before=before)
    return found.scores, found.positions
