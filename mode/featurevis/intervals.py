"""The table of scores: every one with its interval; samples and restarts are resampled."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mode.featurevis import measuring, resampling, scores
from mode.featurevis.maximisation import Stimuli
from mode.seeds import generator

SAMPLES = 300  # of the prior's, the yardstick of the nearest image
CENTRED = ("unevenness",)  # counting noise is taken off it once, and resampling adds it again


@dataclass(frozen=True)
class Measured:
    """One network's scores by name and what they were computed from.

    odds: as `measuring.answers` gives them, columns in the prior's order of classes; stimuli in
    the network's own order; cross_talk (classes, classes).
    """

    scores: dict[str, float]
    odds: dict[str, np.ndarray]
    stimuli: Stimuli
    seen: measuring.Shown
    cross_talk: np.ndarray


def table(
    own: Measured,
    twin: Measured | None,
    ask: measuring.Questions,
    *,
    images: np.ndarray | None,
    seed: int,
) -> pd.DataFrame:
    """Return one row a score: value, low, high and, where there is one, the twin's value.

    With training `images` the last row is how near the preferred pictures come to them.
    """
    found = sample_intervals(own.odds, ask, seed=seed) | stimuli_intervals(own.seen, ask, seed=seed)
    values, others = dict(own.scores), {} if twin is None else dict(twin.scores)
    if images is not None:
        name = "nearest_image"
        values[name], found[name] = nearest_image(own.seen, ask, images, seed=seed)
        if twin is not None:
            others[name] = nearest_image(twin.seen, ask, images, seed=seed)[0]
    # resampling pushes a count down: the value itself is always kept inside
    rows = [
        (k, float(v), min(found[k][0], v), max(found[k][1], v), float(others.get(k, np.nan)))
        for k, v in values.items()
    ]
    return pd.DataFrame(rows, columns=["score", "value", "low", "high", "twin"])


def sample_intervals(odds: dict, ask: measuring.Questions, *, seed: int) -> dict[str, tuple]:
    """Return the intervals of `measuring.sample_scores`: samples and paths are resampled."""
    wrong = scores.errors(odds["images"], ask.classes)

    def statistics(pick):
        rows, paths = pick(len(ask.classes)), pick(len(odds["paths"]))
        drawn = {name: odds[name][paths if name == "paths" else rows] for name in odds}
        some = replace(
            ask, classes=ask.classes[rows], judged=ask.judged[rows], component=ask.component[rows]
        )
        return measuring.sample_scores(drawn, some)

    stream = generator(seed, "interval", "samples")
    return resampling.intervals(statistics, stream, centred=CENTRED) | {
        "worst_class": resampling.worst_interval(wrong, ask.classes)
    }


def stimuli_intervals(
    seen: measuring.Shown, ask: measuring.Questions, *, seed: int
) -> dict[str, tuple]:
    """Return the intervals of `measuring.stimuli_scores`: restarts are resampled by class."""
    grid = seen.images.shape[:2]
    unit = seen.unit
    each = {
        "stimulus_confidence": seen.odds[np.arange(len(unit)), unit],
        "cross_talk": seen.judged.argmax(axis=1) != unit,
        "judged_sure": seen.judged.max(axis=1),
        "effort": seen.effort,
        "robustness": _kept(seen),
        "rise": seen.rise,
    }
    found = {
        name: resampling.interval(v.reshape(grid), generator(seed, "interval", name))
        for name, v in each.items()
    }
    stream = generator(seed, "interval", "diversity")
    return found | {
        "diversity": resampling.diversity_interval(seen.images, ask.images, ask.classes, stream)
    }


def _kept(seen: measuring.Shown) -> np.ndarray:
    """Return the share of a picture's disturbed copies that keep its class, (units, restarts)."""
    units, restarts = seen.images.shape[:2]
    same = seen.disturbed.argmax(axis=-1) == np.arange(units)[:, None]
    return same.reshape(units, -1, restarts).mean(axis=1)


def nearest_image(
    seen: measuring.Shown, ask: measuring.Questions, images: np.ndarray, *, seed: int
) -> tuple[float, tuple]:
    """Return the distance from preferred pictures to the nearest of `images`, and its interval.

    Both are relative to the distance of the prior's own samples: under 1 the classifier asks for
    what it was shown. Samples and restarts are resampled, `images` are as they are.
    """
    flat = seen.images.reshape(-1, *seen.images.shape[2:])
    few = generator(seed, "nearest").permutation(len(ask.images))[:SAMPLES]
    own = scores.nearest(flat, images)[1]
    base = scores.nearest(ask.images[few], images)[1]
    stream = generator(seed, "interval", "nearest")
    return float(own.mean() / max(base.mean(), 1e-12)), resampling.ratio_interval(own, base, stream)
