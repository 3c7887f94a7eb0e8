"""From raw scores to a verdict: linear rules whose numbers are data, learned on the zoo.

`thresholds.json` holds every coefficient and the command that made it. No threshold is set here,
and nothing needs Keras.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import softmax

THRESHOLDS = Path(__file__).parent / "thresholds.json"


@dataclass(frozen=True)
class Conclusion:
    """The result of `conclude`; fields as in `audits.Audit`."""

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


def features(scores: dict, reference: dict | None) -> dict[str, float]:
    """Return the inputs of the rules: the scores, and their differences from the reference model's.

    Without a reference model the scores are compared with the mean of the zoo's reference models.
    """
    other = rules()["mean_reference"] if reference is None else reference
    values = {k: float(v) for k, v in scores.items()}
    more = {f"{k}_more": v - float(other[k]) for k, v in values.items() if k in other}
    ratio = max(values["diversity"], 1e-3) / max(float(other["diversity"]), 1e-3)
    return values | more | {"diversity_ratio": float(np.log(ratio))}


def outside(values: dict[str, float], limits: dict) -> float:
    """Return how far the strangest feature is outside its range in the zoo, in widths of the range.

    0 if all are inside, 1 if one is as far outside as its range is wide.
    """
    beyond = [
        max(v["low"] - values[k], values[k] - v["high"], 0.0) / max(v["high"] - v["low"], 1e-9)
        for k, v in limits.items()
    ]
    return float(max(beyond))


def within(values: dict[str, float], limits: dict) -> dict[str, float]:
    """Return the features clipped to their ranges in the zoo, beyond which lines do not hold."""
    return values | {k: float(np.clip(values[k], v["low"], v["high"])) for k, v in limits.items()}


def linear(rule: dict, values: dict[str, float]) -> float:
    """Return intercept + sum of coefficient x feature."""
    return rule["intercept"] + sum(c * values[name] for name, c in rule["coefficients"].items())


def foreign(scores: dict) -> bool:
    """Return whether the classifier seems to be of another domain than the prior."""
    return linear(rules()["foreign"], scores) > 0


def conclude(scores: dict, reference: dict | None, prior_name: str | None) -> Conclusion:
    """Return the conclusion from the scores of a model and of its reference model.

    Args:
        scores, reference: scores by name, as `sample_scores` and `preferred_scores` return. A
            reference model with a larger error than any of the zoo's has not learned the classes
            and is ignored.
        prior_name: name of the prior. The priors that the rules were calibrated on have their own
            rules; any other takes the rules pooled over those.
    """
    book = rules()
    failed = reference is not None and reference["error"] > book["failed_reference"]
    raw = features(scores, None if failed else reference)
    strange, values = outside(raw, book["range"]), within(raw, book["range"])
    name = prior_name if prior_name in book["error"] else "any"
    error = float(np.clip(linear(book["error"][name], values), 0, 1))
    gap, homogeneity = linear(book["gap"], values), linear(book["homogeneous"], values)
    values |= {"gap_estimate": gap, "error_estimate": error}
    probabilities = _probabilities(book["verdict"], values)
    best = max(probabilities, key=lambda name: probabilities[name])
    in_reach = error <= book["reach"][best]
    sure = in_reach and probabilities[best] >= book["certain"]
    reasons = [
        *_reasons(best, probabilities, raw, error, gap),
        _reference_reason(reference, failed),
    ]
    if strange > 0:
        reasons.append("A score is outside its range in the zoo: the interval is wider.")
    if homogeneity > 0:
        reasons.append(
            "Its errors are concentrated in regions of the prior and its restarts are more alike "
            "than the reference model's: the training images of a class were probably all alike."
        )
    if not in_reach:
        reasons.append(
            f"The zoo has no {best} classifier with an error near {error:.0%} "
            f"(limit {book['reach'][best]:.0%}): no verdict."
        )
    return Conclusion(
        error, _interval(error, book["error"][name], strange), float(gap), float(homogeneity),
        best if sure else "cannot tell", tuple(reasons),
    )  # fmt: skip


def half_width(error: float, rule: dict, strange: float = 0.0) -> float:
    """Return half the 90 % interval: a calibrated multiple of a scale that grows with the error.

    strange: as `outside` returns; the interval widens in proportion.
    """
    return rule["quantile"] * (1 + strange) * (0.01 + 0.05 * np.sqrt(error * (1 - error)))


def _interval(error: float, rule: dict, strange: float) -> tuple[float, float]:
    reach = half_width(error, rule, strange)
    return float(max(0.0, error - reach)), float(min(1.0, error + reach))


def _probabilities(rules_by_class: dict, values: dict) -> dict[str, float]:
    shares = softmax([linear(rule, values) for rule in rules_by_class.values()])
    return dict(zip(rules_by_class, shares.tolist(), strict=True))


MEANINGS = {
    "fine": "Its confidence on the prior's images matches its accuracy.",
    "over-fitted": "Its confidence on the prior's images is higher than its accuracy.",
    "label noise": "Its wrong predictions are ones that the reference classifier finds "
    "implausible, and a small shift of an image often changes them: it has memorized labels.",
    "under-fitted": "It is often wrong and its confidence is low.",
}


def _reasons(best, probabilities, values, error, gap) -> list[str]:
    second = sorted(probabilities, key=probabilities.get)[-2]
    return [
        f"{MEANINGS[best]} Probability {probabilities[best]:.0%}; next {second}, "
        f"{probabilities[second]:.0%}.",
        f"It is wrong on {values['error']:.1%} of the prior's images, and on "
        f"{values['shifted_error']:.1%} after a shift of up to two pixels; estimated test error "
        f"{error:.1%}.",
        f"Mean confidence {values['confidence']:.2f}, confidence minus accuracy "
        f"{values['over_confidence']:+.3f}; over-fitting score {gap:+.2f}.",
    ]


def _reference_reason(reference: dict | None, failed: bool) -> str:
    replacement = "the mean of the zoo's reference models is used"
    if reference is None:
        return f"No reference model could be built from its configuration: {replacement}."
    error = reference["error"]
    if failed:
        return (
            f"Its reference model did not learn the classes (wrong on {error:.0%}): {replacement}."
        )
    return f"A reference model of this architecture is wrong on {error:.1%}."


def why_not(scores: dict, recognized: float) -> tuple[str, ...]:
    """Return the reasons against any verdict; empty without one.

    recognized: share of the prior's images with a probability above 0.9 by the reference
    classifier.
    """
    if recognized < rules()["least_recognized"]:
        return (
            f"The reference classifier recognizes only {recognized:.0%} of the prior's images: the "
            "prior is too poor. Train it longer, or on more images (fit_prior).",
        )
    if not foreign(scores):
        return ()
    return (
        f"It agrees with the reference classifier on {1 - scores['error']:.0%} of the prior's "
        "images, whichever way its classes are matched: the prior does not fit its domain, its "
        "labels cannot be matched, or it has learned next to nothing. Use a prior of its own "
        "domain (fit_prior), or measure its accuracy on a few images.",
    )
