"""The nine metrics of the publication; x is a block of samples, k x d, and m the flat map."""

import numpy as np

from mode.distances.blocks import blockwise

# Inner products use vecdot: it takes one row at a time, whereas a matrix product or einsum may
# add in another order when the number of rows changes.


@blockwise
def dot(x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Negated dot product, -sum x m: MODE's own score (ESEC/FSE 2018) with near made small."""
    return -np.vecdot(x, m)


@blockwise
def cosine(x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """1 - x.m / (|x| |m|), from 0 to 2; two zero vectors are 0 apart, a zero and another 1."""
    lengths, length = np.sqrt(np.vecdot(x, x)), np.sqrt(np.vecdot(m, m))
    similar = np.vecdot(x, m / (length or 1.0)) / np.where(lengths == 0, 1.0, lengths)
    similar += (lengths == 0) & (length == 0)
    return 1.0 - np.clip(similar, -1.0, 1.0)


@blockwise
def manhattan(x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Sum |x - m|."""
    return _gap(x, m).sum(axis=1)


@blockwise
def euclidean(x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """The square root of sum (x - m)^2."""
    x -= m
    return np.sqrt(np.vecdot(x, x))


@blockwise
def minkowski(x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """The cube root of sum |x - m|^3: order p = 3."""
    gap = _gap(x, m)
    return np.cbrt(np.vecdot(gap * gap, gap))


@blockwise
def chebyshev(x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Max |x - m|."""
    return _gap(x, m).max(axis=1)


@blockwise
def earth_mover(x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """1-D Wasserstein distance of the values, mean |sort(x) - sort(m)|, blind to position."""
    x.sort(axis=1)
    return _gap(x, np.sort(m)).mean(axis=1)


@blockwise
def canberra(x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Sum |x - m| / (|x| + |m|), where 0 / 0 counts as 0."""
    scale = np.abs(x)
    scale += np.maximum(np.abs(m), np.finfo(np.float64).tiny)  # turns 0 / 0 alone into 0
    return np.vecdot(_gap(x, m), np.reciprocal(scale, out=scale))


@blockwise
def bray_curtis(x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Sum |x - m| / sum |x + m|; 0 for two zero vectors, infinite for x = -m."""
    whole = x + m
    whole, gap = np.abs(whole, out=whole).sum(axis=1), _gap(x, m).sum(axis=1)
    apart = np.where(gap == 0, 0.0, np.inf)  # kept where the denominator is zero
    return np.divide(gap, whole, out=apart, where=whole > 0)


def _gap(x: np.ndarray, m: np.ndarray) -> np.ndarray:
    x -= m
    return np.abs(x, out=x)
