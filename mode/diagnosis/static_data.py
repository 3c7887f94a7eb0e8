"""Static rules about the data: what is not finite, constant, badly scaled or wrongly labelled."""

import numpy as np

from mode.diagnosis.details import fix
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.heads import Head
from mode.diagnosis.limits import LIMITS
from mode.diagnosis.modelfacts import ModelFacts
from mode.diagnosis.record import Moments

_TABULAR = 256  # up to this many features each one counts, beyond it their majority


def input_findings(facts: ModelFacts, inputs: tuple[Moments, ...]) -> list[Finding]:
    """Return what is wrong with the inputs; look-ups and built-in normalisation are respected."""
    found = []
    for i, moments in enumerate(inputs):
        found += _not_finite(moments, facts)
        looked_up = i < len(facts.embedded) and facts.embedded[i]
        if not looked_up and not facts.normalised:
            found += _scale(moments, facts)
    return found


def _not_finite(moments: Moments, facts) -> list[Finding]:
    if not moments.nonfinite:
        return []
    evidence = (Evidence("share of non-finite inputs", moments.nonfinite, 0.0),)
    where = Where("input", variable=moments.name)
    return [
        Finding(
            "nan_in_input",
            "error",
            where,
            evidence=evidence,
            fixes=(fix("clean_data", facts),),
            text="the inputs hold NaN or infinity",
        )
    ]


def _scale(moments: Moments, facts) -> list[Finding]:
    varied = moments.std > 1e-12
    if not varied.any() or moments.rows < 2:
        return []
    mean, std = np.abs(moments.mean[varied]), moments.std[varied]
    far, wide, tiny = mean > LIMITS.mean_to_std * std, std > LIMITS.std_high, std < LIMITS.std_low
    # widely spread columns of tables stand for themselves, tiny ones only where most are
    odd = far | wide
    few = len(std) <= _TABULAR
    if not (odd.any() if few else odd.mean() > 0.1) and not tiny.mean() > 0.5:
        return []
    evidence = (
        Evidence("largest standard deviation of a feature", float(std.max()), LIMITS.std_high),
        Evidence("smallest", float(std.min()), LIMITS.std_low),
        Evidence(
            "largest |mean| / standard deviation", float((mean / std).max()), LIMITS.mean_to_std
        ),
    )
    fixes = (fix("normalize_input", facts), fix("add_batchnorm", facts))
    where = Where("input", variable=moments.name)
    return [
        Finding(
            "unnormalized_input",
            "warning",
            where,
            evidence=evidence,
            fixes=fixes,
            text="features differ by orders of magnitude or are far from 0",
            gate="fair",
        )
    ]


def label_findings(facts: ModelFacts, head: Head, target: Moments, kind: str) -> list[Finding]:
    """Return what is wrong with the targets of one output whatever the model does."""
    if not target.rows:
        return []
    found = _broken_target(facts, target)
    where = Where("data", variable=target.name)
    fixes = (fix("fix_labels", facts, labels="whole numbers from 0, or rows that sum to 1"),)
    top = float(target.high.max())
    if head.family == "sparse" and target.fractions > 1e-6:
        evidence = (Evidence("largest fraction of a label", target.fractions, 0.0),)
        found.append(
            Finding(
                "bad_labels",
                "error",
                where,
                evidence=evidence,
                fixes=fixes,
                text="class labels are not whole numbers",
            )
        )
    divided = head.family in ("categorical", "binary") and kind in ("unit", "distribution")
    alike = np.ptp(target.row_sum) < 1e-3 or len(target.mean) == 1
    if divided and 0 < top < 0.1 and not target.nonfinite and alike:
        evidence = (Evidence("largest target", top, 1.0),)
        found.append(
            Finding(
                "bad_labels",
                "error",
                where,
                evidence=evidence,
                fixes=fixes,
                text="the labels look divided by something",
            )
        )
    return found


def _broken_target(facts, target: Moments) -> list[Finding]:
    if not target.nonfinite:
        return []
    evidence = (Evidence("share of non-finite targets", target.nonfinite, 0.0),)
    where = Where("data", variable=target.name)
    return [
        Finding(
            "bad_labels",
            "error",
            where,
            evidence=evidence,
            fixes=(fix("clean_data", facts), fix("fix_labels", facts)),
            text="the targets hold NaN or infinity",
        )
    ]
