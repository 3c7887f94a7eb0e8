"""Nearest rows, spreading and clustering in float32, without a matrix of all pairs."""

from collections.abc import Callable

import numpy as np

BLOCK = 2**20  # numbers in a block of pairs: 4 MB
ROUNDS = 10  # of k-means; later ones move hardly an input


def nearest(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return for each row of x (n, units) which row of y (k, units) is nearest, (n,)."""
    # |x|^2 is the same for all of a row's pairs, so that |y|^2 / 2 - xy, one product, decides.
    ones = np.ones((len(x), 1), np.float32)
    left, right = np.hstack([x, ones]), np.hstack([-y, (y * y).sum(axis=1, keepdims=True) / 2]).T
    step = max(1, BLOCK // max(1, len(y)))
    found = [(left[i : i + step] @ right).argmin(axis=1) for i in range(0, len(x), step)]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def lengths(x: np.ndarray) -> np.ndarray:
    """Return the Euclidean length of each row, (n,)."""
    return np.sqrt(np.einsum("ij,ij->i", x, x))


def centred(x: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Return all of them minus the mean of x: products of small numbers lose fewer digits."""
    mean = x.mean(axis=0) if len(x) else np.float32(0)
    return [part - mean for part in (x, *others)]


def to_one(x: np.ndarray) -> Callable[[int], np.ndarray]:
    """Return a function i -> squared distances of all rows from row i, (n,)."""
    columns = np.ascontiguousarray(x.T)
    squares = np.einsum("ij,ij->i", x, x)

    def distances(i: int) -> np.ndarray:
        found = x[i] @ columns
        found *= -2
        found += squares
        found += squares[i]
        return found

    return distances


def spread(
    distances: Callable[[int], np.ndarray],
    n: int,
    generator: np.random.Generator,
    *,
    first: int,
    weights: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Return n positions by the seeding of k-means++ (Arthur & Vassilvitskii 2007).

    The next one is drawn in proportion to weight times squared distance from the nearest one
    drawn before. Where nothing is left at a distance, the rest is in the order of the pool.

    Args:
        distances: i -> squared distances of all from the i-th, (n,).
        n: how many, at least 1 and at most all.
        first: the one to begin with.
        weights: of each, (n,).
    """
    chosen, near = [first], np.maximum(distances(first), 0)
    near[first] = 0
    while len(chosen) < n:
        mass = np.cumsum((near * weights).astype(np.float64))
        if not mass[-1] > 0:
            rest = np.setdiff1d(np.arange(len(near)), chosen)
            return np.concatenate([chosen, rest])[:n]
        chosen.append(int(np.searchsorted(mass, generator.random() * mass[-1], side="right")))
        np.minimum(near, distances(chosen[-1]), out=near)
        np.maximum(near, 0, out=near)  # a product's rounding may fall below
        near[chosen[-1]] = 0
    return np.array(chosen)


def k_means(x: np.ndarray, k: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the cluster of each row, (n,), and the k centres, (k, units); ROUNDS of Lloyd's."""
    first = int(generator.integers(len(x)))
    centres = x[spread(to_one(x), k, generator, first=first)]
    owner = nearest(x, centres)
    for _ in range(ROUNDS):
        order = np.argsort(owner, kind="stable")
        kept, starts, counts = np.unique(owner[order], return_index=True, return_counts=True)
        centres[kept] = np.add.reduceat(x[order], starts) / counts[:, None]
        before, owner = owner, nearest(x, centres)
        if (before == owner).all():
            break
    return owner, centres


def in_turn(owner: np.ndarray, scores: np.ndarray, sizes: np.ndarray, n: int) -> np.ndarray:
    """Return n positions: each cluster's lowest score, biggest cluster first, then its second ...

    Args:
        owner: the cluster of each, (n,).
        scores: small = first within its cluster, (n,).
        sizes: of each cluster, (k,); the biggest has the first turn.
    """
    order = np.lexsort((scores, owner))
    starts = np.searchsorted(owner[order], np.arange(len(sizes)))
    turn = np.empty(len(owner), np.int64)
    turn[order] = np.arange(len(owner)) - starts[owner[order]]
    place = np.argsort(np.argsort(-sizes, kind="stable"))
    return np.lexsort((place[owner], turn))[:n]
