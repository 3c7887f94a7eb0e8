"""The table of scores with bootstrap intervals of 90 %; samples and restarts are resampled."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from mode.featurevis import scores
from mode.featurevis.maximization import PreferredInputs
from mode.featurevis.probe_set import Predictions, ProbeSet, sample_scores
from mode.seeds import generator

DRAWS = 200  # resamplings per interval
SAMPLES = 300  # of the prior, with which the distance to the nearest image is compared
CENTERED = ("unevenness",)  # counting noise is subtracted once, and resampling adds it again


@dataclass(frozen=True)
class Measurement:
    """The scores of one model and the predictions they are computed from.

    probabilities: as `predict_probe_set` returns, columns in the prior's order of classes;
    preferred_inputs in the model's order; cross_talk (classes, classes).
    """

    scores: dict[str, float]
    probabilities: dict[str, np.ndarray]
    preferred_inputs: PreferredInputs
    predictions: Predictions
    cross_talk: np.ndarray


def score_table(
    model: Measurement,
    reference: Measurement | None,
    probe_set: ProbeSet,
    *,
    images: np.ndarray | None,
    seed: int,
) -> pd.DataFrame:
    """Return one row per score: value, low, high and the value of the reference model, if any.

    With training `images` the last row is how near the preferred inputs are to them.
    """
    ends = sample_intervals(model.probabilities, probe_set, seed=seed)
    ends |= preferred_intervals(model.predictions, probe_set, seed=seed)
    values, others = dict(model.scores), {} if reference is None else dict(reference.scores)
    if images is not None:
        name, where = "nearest_image", (probe_set, images)
        values[name], ends[name] = nearest_image(model.predictions, *where, seed=seed)
        if reference is not None:
            others[name] = nearest_image(reference.predictions, *where, seed=seed)[0]
    # resampling lowers a count: the interval is extended to the value itself
    rows = [
        (k, float(v), min(ends[k][0], v), max(ends[k][1], v), float(others.get(k, np.nan)))
        for k, v in values.items()
    ]
    return pd.DataFrame(rows, columns=["score", "value", "low", "high", "reference"])


def sample_intervals(probabilities: dict, probe_set: ProbeSet, *, seed: int) -> dict[str, tuple]:
    """Return the intervals of `sample_scores`: samples and paths are resampled."""
    wrong = scores.errors(probabilities["images"], probe_set.classes)

    def statistics(pick):
        rows, paths = pick(len(probe_set.classes)), pick(len(probabilities["paths"]))
        resampled = {
            name: values[paths if name == "paths" else rows]
            for name, values in probabilities.items()
        }
        fields = ("classes", "reference", "component")
        some = replace(probe_set, **{name: getattr(probe_set, name)[rows] for name in fields})
        return sample_scores(resampled, some)

    stream = generator(seed, "interval", "samples")
    return statistic_intervals(statistics, stream, centered=CENTERED) | {
        "worst_class": worst_interval(wrong, probe_set.classes)
    }


def preferred_intervals(
    predictions: Predictions, probe_set: ProbeSet, *, seed: int
) -> dict[str, tuple]:
    """Return the intervals of `preferred_scores`: restarts are resampled by class."""
    units, restarts = predictions.images.shape[:2]
    unit = predictions.unit
    same = predictions.disturbed.argmax(axis=-1) == np.arange(units)[:, None]
    values = {
        "preferred_confidence": predictions.probabilities[np.arange(len(unit)), unit],
        "cross_talk": predictions.reference.argmax(axis=1) != unit,
        "reference_confidence": predictions.reference.max(axis=1),
        "effort": predictions.effort,
        "robustness": same.reshape(units, -1, restarts).mean(axis=1),
        "rise": predictions.rise,
    }
    streams = {name: generator(seed, "interval", name) for name in values}
    stream = generator(seed, "interval", "diversity")
    return {
        name: mean_interval(v.reshape(units, restarts), streams[name]) for name, v in values.items()
    } | {
        "diversity": diversity_interval(
            predictions.images, probe_set.images, probe_set.classes, stream
        )
    }


def nearest_image(
    predictions: Predictions, probe_set: ProbeSet, images: np.ndarray, *, seed: int
) -> tuple[float, tuple]:
    """Return the distance from preferred inputs to the nearest of `images`, and its interval.

    Both are relative to the distance of the prior's samples: under 1 the model prefers inputs like
    those it was trained on. Samples and restarts are resampled, `images` are not.
    """
    flat = predictions.images.reshape(-1, *predictions.images.shape[2:])
    few = generator(seed, "nearest").permutation(len(probe_set.images))[:SAMPLES]
    distance = scores.nearest(flat, images)[1]
    base = scores.nearest(probe_set.images[few], images)[1]
    interval = ratio_interval(distance, base, generator(seed, "interval", "nearest"))
    return float(distance.mean() / max(base.mean(), 1e-12)), interval


def _middle(draws: np.ndarray) -> tuple[float, float]:
    """Return the ends of the middle 90 % of resampled values, (draws,)."""
    low, high = np.quantile(draws, [0.05, 0.95])
    return float(low), float(high)


def mean_interval(values: np.ndarray, generator: np.random.Generator) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of `values`, (classes, n).

    Restarts are resampled within each class; the classes are fixed.
    """
    picks = generator.integers(0, values.shape[1], (DRAWS, *values.shape))
    return _middle(np.take_along_axis(values[None], picks, axis=2).mean(axis=(1, 2)))


def ratio_interval(
    above: np.ndarray, below: np.ndarray, generator: np.random.Generator
) -> tuple[float, float]:
    """Return the interval of mean(above) / mean(below), both resampled."""
    top, base = (v[generator.integers(0, v.size, (DRAWS, v.size))] for v in (above, below))
    return _middle(top.mean(axis=1) / np.maximum(base.mean(axis=1), 1e-12))


def statistic_intervals(
    statistics: Callable, generator: np.random.Generator, *, centered: Collection[str] = ()
) -> dict[str, tuple]:
    """Return the interval of each of `statistics`, for statistics that are not means.

    A statistic that subtracts counting noise meets it again in every resampling, and all its draws
    are too high by as much. The draws of those in `centered` are shifted so that their mean is the
    value itself.

    Args:
        statistics: pick -> scores by name; pick(n) gives n indices, drawn with replacement.
        centered: names of scores that are unbiased in a sample and biased in a resampling of it.
    """
    draws = [statistics(lambda n: generator.integers(0, n, n)) for _ in range(DRAWS)]
    values = statistics(np.arange)
    ends = {}
    for name in values:
        of_name = np.array([draw[name] for draw in draws], float)
        shift = values[name] - of_name.mean() if name in centered else 0
        ends[name] = _middle(of_name + shift)
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
    low = wilson_bound(rates, counts, norm.ppf(0.05 / len(names))).max()
    return float(low), float(wilson_bound(rates, counts, norm.ppf(0.95)).max())


def wilson_bound(rates: np.ndarray, counts: np.ndarray, z: float) -> np.ndarray:
    """Return Wilson's (1927) bound of each rate out of `counts`; z < 0 the lower, z > 0 the upper.

    (p + z^2/2n + z sqrt(p (1 - p) / n + z^2/4n^2)) / (1 + z^2/n).
    """
    share = z**2 / counts
    root = np.sqrt(rates * (1 - rates) / counts + share / (4 * counts))
    return np.clip((rates + share / 2 + z * root) / (1 + share), 0, 1)


def resampled_spreads(images: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
    """Return the spread of `draws` resamplings of images (n, ...), (draws,).

    An image drawn twice is not paired with itself: its distance 0 would lower every spread.
    """
    n = len(images)
    gaps = scores.distances(images)
    np.fill_diagonal(gaps, 0)
    times = generator.multinomial(n, np.full(n, 1 / n), size=draws)
    pairs = n**2 - (times**2).sum(axis=1)
    return np.einsum("di,ij,dj->d", times, gaps, times, optimize=True) / np.maximum(pairs, 1)


def diversity_interval(
    preferred: np.ndarray, samples: np.ndarray, expected: np.ndarray, generator: np.random.Generator
) -> tuple[float, float]:
    """Return the interval of the mean of D over classes: restarts and samples are resampled."""
    base = scores.samples_by_class(samples, expected, len(preferred))
    ratios = [
        resampled_spreads(p, DRAWS, generator) / resampled_spreads(b, DRAWS, generator)
        for p, b in zip(preferred, base, strict=True)
    ]
    return _middle(np.mean(ratios, axis=0))
