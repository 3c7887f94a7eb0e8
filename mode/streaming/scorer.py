"""Score raw inputs by their distance from a heat map; of 8-bit ones a bound is computed first.

The lower bounds are computed in float32 and in a core's cache.
There x is a block of inputs, k x d, from 0 to 255, and m the flat map times 255. A float32 sum of
d products is wrong by at most about d 2^-24 of the sum of their sizes, |x| |m| (Higham 2002,
section 3.1); four times that is subtracted, which also covers how x / 255 is rounded.
"""

from dataclasses import dataclass

import numpy as np

from mode.data.schema import prepared
from mode.distances import distance
from mode.streaming.blocks import Block

STEP = 512  # inputs scored at once, so that they stay in a core's cache
BUFFER_BYTES = 384 * 1024  # of float32 inputs
ROUNDING = 2.0**-24


@dataclass(frozen=True)
class DistanceScorer:
    """Distances to a heat map, of the shape of a prepared input, or minus them for the farthest.

    Once there are k inputs, a lower bound in float32 excludes most others; the few that may be
    near enough are scored as in memory, so that the result is the same.
    """

    metric: str
    heatmap: np.ndarray
    farthest: bool = False
    whole = False

    def __call__(self, block: Block, limit: float) -> np.ndarray:
        x = block.x[block.rows]
        if self.farthest:
            return -self._exact(x)
        if x.dtype != np.uint8 or self.metric not in LOWER_BOUNDS or not np.isfinite(limit):
            return self._exact(x)
        scores = np.full(len(x), np.inf)
        near = np.flatnonzero(lower_bound(self.metric, x, self.heatmap) <= limit)
        scores[near] = self._exact(x[near])
        return scores

    def _exact(self, x: np.ndarray) -> np.ndarray:
        parts = [np.zeros(0)]
        for start in range(0, len(x), STEP):
            part = prepared("pool inputs", x[start : start + STEP], self.heatmap.shape)
            parts.append(distance(self.metric, part, self.heatmap))
        return np.concatenate(parts)


def lower_bound(metric: str, x: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
    """Return numbers (n,) that no distance of the metric is below.

    Args:
        metric: a name of LOWER_BOUNDS.
        x: uint8, n x the map's shape, up to a channel.
        heatmap: of prepared inputs, which are x / 255.
    """
    m = 255 * heatmap.astype(np.float64).ravel()
    x = x.reshape(len(x), m.size)
    step = max(1, BUFFER_BYTES // (4 * m.size))
    floats, bounds = np.empty((step, m.size), np.float32), np.empty(len(x))
    for start in range(0, len(x), step):
        block = x[start : start + step]
        bounds[start : start + step] = LOWER_BOUNDS[metric](block, floats[: len(block)], m)
    return bounds


def _products(
    x: np.ndarray, floats: np.ndarray, m: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return x.m and x.x, (k,), and the share of sizes by which they may be wrong."""
    np.copyto(floats, x)
    products, squares = floats @ m.astype(np.float32), np.vecdot(floats, floats)
    return products.astype(float), squares.astype(float), 4 * m.size * ROUNDING


def dot(x: np.ndarray, floats: np.ndarray, m: np.ndarray) -> np.ndarray:
    products, squares, wrong = _products(x, floats, m)
    return (-products - wrong * np.sqrt(squares * (m @ m))) / 255**2


def cosine(x: np.ndarray, floats: np.ndarray, m: np.ndarray) -> np.ndarray:
    products, squares, wrong = _products(x, floats, m)
    sizes = np.sqrt(squares * (m @ m))
    similar = np.divide(products, sizes, out=np.full(len(x), np.inf), where=sizes > 0)
    return 1 - similar - 2 * wrong


def euclidean(x: np.ndarray, floats: np.ndarray, m: np.ndarray) -> np.ndarray:
    products, squares, wrong = _products(x, floats, m)
    sizes = squares + m @ m  # at least 2 |x| |m|
    return np.sqrt(np.maximum(sizes - 2 * products - 2 * wrong * sizes, 0)) / 255


def manhattan(x: np.ndarray, floats: np.ndarray, m: np.ndarray) -> np.ndarray:
    """With the map rounded to bytes, less what that changes; where it lies outside 0 to 255 all
    inputs are equally farther."""
    inside = np.clip(m, 0, 255)
    whole = np.round(inside).astype(np.uint8)
    np.copyto(floats, np.maximum(x, whole) - np.minimum(x, whole))
    sums = (floats @ np.ones(m.size, np.float32)).astype(float)
    changed = np.abs(inside - whole).sum() - np.abs(m - inside).sum()
    wrong = 4 * m.size * ROUNDING
    return (sums - changed - wrong * (sums + np.abs(m).sum() + 1)) / 255


LOWER_BOUNDS = {"dot": dot, "cosine": cosine, "euclidean": euclidean, "manhattan": manhattan}
