"""The k lowest measures of a pool, in memory that does not grow with it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from mode import checks
from mode.data.pools import Pool

BLOCK_BYTES = 2**26  # of prepared float32 inputs
# As many as a model is asked about at once: blocks of a multiple of them give the same bits as
# arrays in memory.
CHUNK = 4096
MOST = 4 * CHUNK

Item = TypeVar("Item")


@dataclass(frozen=True)
class Block:
    """Raw inputs of a pool: those at `rows` of x may be chosen, the first of them is the
    `start`-th of all that may; y holds the labels of these, where there are labels."""

    x: np.ndarray
    rows: slice | np.ndarray
    start: int
    y: np.ndarray | None = None


class Measure(Protocol):
    """block -> one number for each of its rows, lowest first.

    What is surely above `limit` may be given as infinite. whole: whether the inputs that may not
    be chosen are read too, so that a model is asked about the same chunks as in memory.
    """

    whole: bool

    def __call__(self, block: Block, limit: float) -> np.ndarray: ...


class Best:
    """The k lowest numbers so far and their positions; of equal ones those that came first."""

    def __init__(self, k: int):
        self.k, self.scores, self.positions = k, np.zeros(0), np.zeros(0, np.int64)

    @property
    def limit(self) -> float:
        """A later number has to be below this one; infinite while there are fewer than k."""
        return float(self.scores[-1]) if len(self.scores) == self.k else np.inf

    def add(self, scores: np.ndarray, positions: np.ndarray) -> None:
        full = len(self.scores) == self.k
        near = np.flatnonzero(scores < self.limit) if full else np.arange(len(scores))
        if self.k < len(near):  # of those at the edge, too: which come first is decided below
            edge = np.partition(scores[near], self.k - 1)[self.k - 1]
            near = near[scores[near] <= edge]
        scores = np.concatenate([self.scores, scores[near]])
        positions = np.concatenate([self.positions, positions[near]])
        order = np.lexsort((positions, scores))[: self.k]
        self.scores, self.positions = scores[order], positions[order]


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
        from mode.streaming.spreading import spread

        found = spread(client, pool, measure, k, among, labels)
    else:
        found = best_of(pool, measure, k, range(len(pool)), among, labels).positions
    return found if among is None else among[found]


def best_of(
    pool: Pool,
    measure: Measure,
    k: int,
    part: range,
    among: np.ndarray | None,
    labels: np.ndarray | None,
    *,
    before: int = 0,
) -> Best:
    """Return the best of a part of the pool, as positions among those that may be chosen.

    Args:
        part: a range of indices, beginning at a multiple of the block's size.
        among: ascending indices of `part` that may be chosen; all where None.
        labels: of these.
        before: how many that may be chosen lie before the part.
    """
    kept, done = Best(k), 0
    for x, rows in ahead(_blocks(pool, measure, part, among)):
        count = len(x[rows])
        y = None if labels is None else labels[done : done + count]
        if count:
            block = Block(x, rows, before + done, y)
            scores = measure(block, kept.limit)
            kept.add(scores, np.arange(block.start, block.start + count))
        done += count
    return kept


def _blocks(pool: Pool, measure: Measure, part: range, among: np.ndarray | None) -> Iterator:
    """Yield (inputs, which of them may be chosen)."""
    size = block_size(pool)
    if among is None or not measure.whole:
        for x in pool.read(part if among is None else among, size):
            yield x, slice(None)
        return
    for start, x in zip(range(part.start, part.stop, size), pool.read(part, size), strict=True):
        first, last = np.searchsorted(among, (start, start + len(x)))
        yield x, among[first:last] - start


def block_size(pool: Pool) -> int:
    """Return how many inputs are read at once: a multiple of CHUNK, or fewer of large inputs."""
    fit = BLOCK_BYTES // (4 * int(np.prod(pool.shape)))
    return min(MOST, fit // CHUNK * CHUNK) if fit >= CHUNK else max(1, fit)


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items; the next one is made in a thread while the last one is being used."""
    end: Any = object()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, items, end)
            yield item
