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


def linear(rule: dict, found: dict[str, float]) -> float:
    """Return intercept + sum of coefficient x feature."""
    return rule["intercept"] + sum(c * found[name] for name, c in rule["coefficients"].items())


def foreign(own: dict) -> bool:
    """Return whether the classifier seems to be of another domain than the prior."""
    return linear(rules()["foreign"], own) > 0
