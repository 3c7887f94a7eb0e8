"""How near raw inputs are to a heat map; 8-bit ones are screened in float32 first."""

from dataclasses import dataclass

import numpy as np

from mode.data.parts import prepared
from mode.distances import distance
from mode.streaming.blocks import Block
from mode.streaming.screens import SCREENS, screen

STEP = 512  # inputs measured at once, so that they stay in a core's cache


@dataclass(frozen=True)
class Near:
    """Distances to a heat map, of the shape of a prepared input, or minus them for the farthest.

    Once k inputs are known, a lower bound in float32 tells most others to be too far; the few
    that may be near enough are measured as in memory, so that the result is the same.
    """

    metric: str
    heatmap: np.ndarray
    farthest: bool = False
    whole = False

    def __call__(self, block: Block, limit: float) -> np.ndarray:
        x = block.x[block.rows]
        if self.farthest:
            return -self._exact(x)
        if x.dtype != np.uint8 or self.metric not in SCREENS or not np.isfinite(limit):
            return self._exact(x)
        scores = np.full(len(x), np.inf)
        near = np.flatnonzero(screen(self.metric, x, self.heatmap) <= limit)
        scores[near] = self._exact(x[near])
        return scores

    def _exact(self, x: np.ndarray) -> np.ndarray:
        parts = [np.zeros(0)]
        for start in range(0, len(x), STEP):
            part = prepared("pool inputs", x[start : start + STEP], self.heatmap.shape)
            parts.append(distance(self.metric, part, self.heatmap))
        return np.concatenate(parts)
