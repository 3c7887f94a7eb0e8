"""The part of an interval that comes from sampling both sets."""

import numpy as np

from mode.estimation.outputs import Labeled, Outputs

DRAWS = 200
NORMAL = 1.645  # standard deviations that hold 90 %


def sampling_deviation(labeled: Labeled, unlabeled: Outputs, rng: np.random.Generator) -> float:
    """Return the standard deviation of (estimate minus accuracy) that sampling alone makes.

    The labeled set is resampled (bootstrap); the unlabeled inputs are the ones whose accuracy is
    asked for, so that their labels vary alone, as their confidences say.
    """
    count = len(labeled.labels)
    weights = np.broadcast_to(labeled.weights, labeled.labels.shape)
    gap = labeled.right - labeled.confidence
    picks = rng.integers(0, count, (DRAWS, count)) if count <= 2000 else None
    if picks is None:  # of a large set the deviation of the mean is as good and needs no memory
        centered = weights * (gap - labeled.mean(gap))
        spread = np.sqrt((centered**2).mean() / count) / weights.mean()
    else:
        spread = ((weights * gap)[picks].mean(axis=1) / weights[picks].mean(axis=1)).std()
    chances = unlabeled.confidence
    label_deviation = np.sqrt((chances * (1 - chances)).mean() / len(chances))
    return float(np.hypot(spread, label_deviation))
