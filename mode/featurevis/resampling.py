"""Bootstrap intervals of the scores, 90 %: arrays in, ends out. No Keras here."""

from collections.abc import Callable

import numpy as np

from mode.featurevis import scores

DRAWS = 200  # resamplings behind an interval


def middle(found: np.ndarray) -> tuple[float, float]:
    """Return the ends of the middle 90 % of resampled values, (draws,)."""
    low, high = np.quantile(found, [0.05, 0.95])
    return float(low), float(high)


def interval(values: np.ndarray, generator: np.random.Generator) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of `values`, (classes, n).

    Each class is resampled on its own: classes are fixed, only their restarts are drawn.
    """
    taken = generator.integers(0, values.shape[1], (DRAWS, *values.shape))
    return middle(np.take_along_axis(values[None], taken, axis=2).mean(axis=(1, 2)))


def ratio_interval(
    above: np.ndarray, below: np.ndarray, generator: np.random.Generator
) -> tuple[float, float]:
    """Return the interval of mean(above) / mean(below), both resampled."""
    top, base = (v[generator.integers(0, v.size, (DRAWS, v.size))] for v in (above, below))
    return middle(top.mean(axis=1) / np.maximum(base.mean(axis=1), 1e-12))


def intervals(statistics: Callable, generator: np.random.Generator) -> dict[str, tuple]:
    """Return the interval of each of `statistics`, for those that are no means.

    statistics: pick -> scores by name; pick(n) gives n indices to take with replacement.
    """
    found = [statistics(lambda n: generator.integers(0, n, n)) for _ in range(DRAWS)]
    return {name: middle(np.array([draw[name] for draw in found])) for name in found[0]}


def spreads(images: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
    """Return the spread of `draws` resamplings of images (n, ...), (draws,).

    A picture drawn twice is no pair with itself: its distance 0 would pull every spread down.
    """
    n = len(images)
    gaps = scores.distances(images)
    np.fill_diagonal(gaps, 0)
    times = generator.multinomial(n, np.full(n, 1 / n), size=draws)
    pairs = n**2 - (times**2).sum(axis=1)
    return np.einsum("di,ij,dj->d", times, gaps, times, optimize=True) / np.maximum(pairs, 1)


def diversity_interval(
    stimuli: np.ndarray, samples: np.ndarray, expected: np.ndarray, generator: np.random.Generator
) -> tuple[float, float]:
    """Return the interval of D's mean over classes: restarts and samples resampled by class."""
    base = scores.yardsticks(samples, expected, len(stimuli))
    ratios = [
        spreads(s, DRAWS, generator) / spreads(b, DRAWS, generator)
        for s, b in zip(stimuli, base, strict=True)
    ]
    return middle(np.mean(ratios, axis=0))
