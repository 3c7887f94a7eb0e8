"""Read samples of any size and real dtype in blocks that fit a core's cache."""

from collections.abc import Callable
from functools import wraps

import numpy as np

from mode import checks

BLOCK_BYTES = 384 * 1024  # a block and a temporary or two stay within a second-level cache

Rows = Callable[[np.ndarray, np.ndarray], np.ndarray]


def in_blocks(rows: Rows, samples: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
    """Apply `rows` to float64 copies of blocks, k x d, which it may overwrite, and the flat map."""
    samples, target = np.asarray(samples), np.array(heatmap, np.float64).ravel()
    scores = np.empty(len(samples))
    step = max(1, BLOCK_BYTES // target.nbytes)
    buffer = np.empty((step, target.size))
    for start in range(0, len(samples), step):
        raw = samples[start : start + step].reshape(-1, target.size)
        block, block_scores = buffer[: len(raw)], scores[start : start + len(raw)]
        block[:] = raw
        with np.errstate(invalid="ignore"):
            block_scores[:] = rows(block, target)
        # Every metric turns NaN and infinity into a score that is not finite: cheap to test.
        if not (np.isfinite(block_scores).all() or np.isfinite(raw).all()):
            checks.numeric("samples", samples)  # raises, with the index in the whole array
    return scores


def blockwise(rows: Rows) -> Rows:
    @wraps(rows)
    def metric(samples: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
        return in_blocks(rows, samples, heatmap)

    return metric
