"""Read and score a part of a pool block by block; the k lowest scores are kept."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from mode.data.pools import Pool

BLOCK_BYTES = 2**26  # of prepared float32 inputs
# As many as a model predicts at once: blocks of a multiple of them give the same bits as arrays
# in memory.
CHUNK = 4096
MAX_BLOCK = 4 * CHUNK

Item = TypeVar("Item")


@dataclass(frozen=True)
class Block:
    """Raw inputs of a pool: those at `rows` of x may be chosen, the first of them is the
    `start`-th of all that may; y holds the labels of these, where there are labels."""

    x: np.ndarray
    rows: slice | np.ndarray
    start: int
    y: np.ndarray | None = None


class Scorer(Protocol):
    """block -> one number for each of its rows, lowest first.

    A number that is surely above `limit` may be infinite. whole: whether the inputs that may not
    be chosen are read too, so that a model predicts the same chunks as in memory.
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


def best_of(
    pool: Pool,
    scorer: Scorer,
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
    lowest, done = Best(k), 0
    for x, rows in ahead(_blocks(pool, scorer, part, among)):
        count = len(x[rows])
        y = None if labels is None else labels[done : done + count]
        if count:
            block = Block(x, rows, before + done, y)
            scores = scorer(block, lowest.limit)
            lowest.add(scores, np.arange(block.start, block.start + count))
        done += count
    return lowest


def values_of(pool: Pool, function: Callable[[np.ndarray], np.ndarray], part: range) -> np.ndarray:
    """Return what a function gives for the inputs of a part of the pool, read in blocks."""
    return np.concatenate([function(x) for x in ahead(pool.read(part, block_size(pool)))])


def _blocks(pool: Pool, scorer: Scorer, part: range, among: np.ndarray | None) -> Iterator:
    """Yield (inputs, which of them may be chosen)."""
    size = block_size(pool)
    if among is None or not scorer.whole:
        for x in pool.read(part if among is None else among, size):
            yield x, slice(None)
        return
    for start, x in zip(range(part.start, part.stop, size), pool.read(part, size), strict=True):
        first, last = np.searchsorted(among, (start, start + len(x)))
        yield x, among[first:last] - start


def block_size(pool: Pool) -> int:
    """Return how many inputs are read at once: a multiple of CHUNK, or fewer of large inputs."""
    fit = BLOCK_BYTES // (4 * int(np.prod(pool.shape)))
    return min(MAX_BLOCK, fit // CHUNK * CHUNK) if fit >= CHUNK else max(1, fit)


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items; the next one is made in a thread while the last one is being used."""
    end: Any = object()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, items, end)
            yield item
