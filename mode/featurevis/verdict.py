"""From raw scores to a verdict: linear rules whose numbers are data, learned on the zoo.

`thresholds.json` holds every coefficient and says which command made it. Nothing here is a
threshold of its own, and nothing needs Keras.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

THRESHOLDS = Path(__file__).parent / "thresholds.json"


@dataclass(frozen=True)
class Finding:
    """What `judge` concludes; fields as in `auditing.Audit`."""

    error: float
    interval: tuple[float, float]
    overfitting: float
    homogeneity: float
    verdict: str
    reasons: tuple[str, ...]


@cache
def rules() -> dict:
    """Return the calibrated rules."""
    return json.loads(THRESHOLDS.read_text())


def features(own: dict, twin: dict | None) -> dict[str, float]:
    """Return what the rules look at: the classifier's scores, and how they differ from its twin's.

    Without a twin the classifier is compared with the mean twin of the zoo.
    """
    other = rules()["mean_twin"] if twin is None else twin
    found = {k: float(v) for k, v in own.items()}
    found |= {f"{k}_more": float(own[k]) - float(other[k]) for k in own if k in other}
    ratio = max(float(own["diversity"]), 1e-3) / max(float(other["diversity"]), 1e-3)
    return found | {"diversity_ratio": float(np.log(ratio))}


def outside(found: dict[str, float], limits: dict) -> float:
    """Return how far the strangest feature lies beyond those the rules come from, in their ranges.

    0 where all are among them, 1 where one is as far beyond as they are apart.
    """
    beyond = [max(v["low"] - found[k], found[k] - v["high"], 0.0) / max(v["high"] - v["low"], 1e-9)
              for k, v in limits.items()]  # fmt: skip
    return float(max(beyond))


def within(found: dict[str, float], limits: dict) -> dict[str, float]:
    """Return the features, none beyond those the rules come from: lines hold no further."""
    kept = {k: float(np.clip(found[k], v["low"], v["high"])) for k, v in limits.items()}
    return found | kept


def linear(rule: dict, found: dict[str, float]) -> float:
    """Return intercept + sum of coefficient x feature."""
    return rule["intercept"] + sum(c * found[name] for name, c in rule["coefficients"].items())


def foreign(own: dict) -> bool:
    """Return whether the classifier seems to be of another domain than the prior."""
    return linear(rules()["foreign"], own) > 0


def judge(own: dict, twin: dict | None, prior_name: str | None) -> Finding:
    """Return the finding for a classifier's scores and its twin's.

    Args:
        own, twin: scores by name, as `measuring.sample_scores` and `stimuli_scores` give them. A
            twin that errs more than any of the zoo's has not learned, and tells nothing.
        prior_name: a prior the rules were calibrated on has rules of its own; any other takes the
            rules pooled over those.
    """
    book = rules()
    sick = twin is not None and twin["error"] > book["sick_twin"]
    raw = features(own, None if sick else twin)
    strange, found = outside(raw, book["range"]), within(raw, book["range"])
    name = prior_name if prior_name in book["error"] else "any"
    error = float(np.clip(linear(book["error"][name], found), 0, 1))
    gap = linear(book["gap"], found)
    alike = linear(book["homogeneous"], found)
    found |= {"gap_estimate": gap, "error_estimate": error}
    odds = _odds(book["verdict"], found)
    best = max(odds, key=lambda name: odds[name])
    known = error <= book["reach"][best]
    sure = known and odds[best] >= book["certain"]
    reasons = _reasons(best, odds, raw, error, gap, alike, twin, sick, strange) + _beyond(
        best, error, known
    )
    return Finding(
        error, _interval(error, book["error"][name], strange), float(gap), float(alike),
        best if sure else "cannot tell", reasons,
    )  # fmt: skip


def half_width(error: float, rule: dict, strange: float = 0.0) -> float:
    """Return half the 90 % interval: a calibrated multiple of a scale that grows with the error.

    strange: as `outside` gives it; the interval widens in proportion.
    """
    return rule["quantile"] * (1 + strange) * (0.01 + 0.05 * np.sqrt(error * (1 - error)))


def _interval(error: float, rule: dict, strange: float) -> tuple[float, float]:
    reach = half_width(error, rule, strange)
    return float(max(0.0, error - reach)), float(min(1.0, error + reach))


def _odds(rules_by_class: dict, found: dict) -> dict[str, float]:
    raw = {name: linear(rule, found) for name, rule in rules_by_class.items()}
    top = max(raw.values())
    parts = {name: np.exp(value - top) for name, value in raw.items()}
    return {name: float(value / sum(parts.values())) for name, value in parts.items()}


SAYINGS = {
    "fine": "Its confidence on the prior's pictures matches how often it is right.",
    "over-fitted": "It is surer of the prior's pictures than it is right.",
    "label noise": "Its wrong answers are ones the judge finds implausible, and moving a picture a "
    "little often changes them: it has memorised labels.",
    "under-fitted": "It is often wrong and does not claim to be sure.",
}


def _reasons(best, odds, found, error, gap, alike, twin, sick, strange) -> tuple[str, ...]:
    second = sorted(odds, key=odds.get)[-2]
    said = [
        f"{SAYINGS[best]} Odds {odds[best]:.0%}; next {second}, {odds[second]:.0%}.",
        f"Wrong on {found['error']:.1%} of the prior's pictures, moved by up to two pixels "
        f"on {found['shifted_error']:.1%}; estimated test error {error:.1%}.",
        f"Mean confidence {found['confidence']:.2f}, confidence minus agreement "
        f"{found['over_confidence']:+.3f}; over-fitting score {gap:+.2f}.",
    ]
    if twin is None:
        said.append("No twin could be built from its configuration: the zoo's mean twin stands in.")
    elif sick:
        said.append(
            f"Its twin did not learn the prior's classes (wrong on {twin['error']:.0%}): the zoo's "
            "mean twin stands in."
        )
    else:
        said.append(f"A healthy twin of this architecture is wrong on {twin['error']:.1%}.")
    if strange > 0:
        said.append("Some score is beyond all those the rules come from: the interval is wider.")
    if alike > 0:
        said.append(
            "Its errors keep to whole regions of the prior and its restarts agree more than the "
            "twin's: the training images of a class were probably all alike."
        )
    return tuple(said)


def _beyond(best: str, error: float, known: bool) -> tuple[str, ...]:
    if known:
        return ()
    return (
        f"No {best} classifier with an error near {error:.0%} was among those the rules come from "
        f"(limit {rules()['reach'][best]:.0%}): no verdict.",
    )


def why_not(own: dict, recognised: float) -> tuple[str, ...]:
    """Return why nothing can be told; empty where something can.

    recognised: share of the prior's pictures that its judge is surer than 0.9 of.
    """
    if recognised < rules()["least_recognised"]:
        return (
            f"The judge recognises only {recognised:.0%} of the prior's pictures: the prior is too "
            "poor to tell. Train it longer, or on more images (fit_prior).",
        )
    if not foreign(own):
        return ()
    return (
        f"It agrees with the judge on {1 - own['error']:.0%} of the prior's pictures, whichever "
        "way its classes are matched: the prior does not fit its domain, its labels cannot be "
        "matched, or it has learned next to nothing. Take a prior of its own domain (fit_prior), "
        "or look at its accuracy on a few images.",
    )
