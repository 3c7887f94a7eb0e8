"""Bootstrap intervals of the scores, 90 %: arrays in, ends out. No Keras here."""

from collections.abc import Callable, Collection

import numpy as np
from scipy.stats import norm

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


def intervals(
    statistics: Callable, generator: np.random.Generator, *, centred: Collection[str] = ()
) -> dict[str, tuple]:
    """Return the interval of each of `statistics`, for those that are no means.

    A statistic that has already taken counting noise off finds it again in every resampling, and
    all its draws lie too high by as much; those in `centred` are moved back so that their mean is
    the value itself.

    Args:
        statistics: pick -> scores by name; pick(n) gives n indices to take with replacement.
        centred: names of scores that are unbiased in a sample and not in a resampling of it.
    """
    found = [statistics(lambda n: generator.integers(0, n, n)) for _ in range(DRAWS)]
    whole = statistics(np.arange)
    ends = {}
    for name in found[0]:
        draws = np.array([draw[name] for draw in found], float)
        ends[name] = middle(draws - draws.mean() + whole[name] if name in centred else draws)
    return ends


def worst_interval(wrong: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Return the interval of the largest error rate of a group; wrong and groups (n,).

    The largest of several rates is too high in a sample and higher still in a resampling of it, so
    that a bootstrap misses it. Wilson's bounds do not: the largest upper bound at 95 % is above
    the true one, and the largest lower bound, at 95 % for all groups at once, is below it.
    """
    names = np.unique(groups)
    counts = np.array([(groups == k).sum() for k in names])
    rates = np.array([wrong[groups == k].mean() for k in names])
    low = wilson(rates, counts, norm.ppf(0.05 / len(names))).max()
    return float(low), float(wilson(rates, counts, norm.ppf(0.95)).max())


def wilson(rates: np.ndarray, counts: np.ndarray, z: float) -> np.ndarray:
    """Return Wilson's (1927) bound of each rate out of `counts`; z < 0 the lower, z > 0 the upper.

    (p + z^2/2n + z sqrt(p (1 - p) / n + z^2/4n^2)) / (1 + z^2/n).
    """
    share = z**2 / counts
    root = np.sqrt(rates * (1 - rates) / counts + share / (4 * counts))
    return np.clip((rates + share / 2 + z * root) / (1 + share), 0, 1)


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
