"""Rules about inputs and targets, before any step."""

import numpy as np

from mode.diagnosis.catalog.fixes import fix
from mode.diagnosis.facts.data import Moments
from mode.diagnosis.facts.model import Head, ModelFacts
from mode.diagnosis.findings import Evidence, Finding, Where, before_training
from mode.diagnosis.limits import LIMITS

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
    fixes, text = (fix("clean_data", facts),), "the inputs hold NaN or infinity"
    return [before_training("nan_in_input", "error", where, evidence, fixes, text)]


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
    text = "features differ by orders of magnitude or are far from 0"
    return [before_training("unnormalized_input", "warning", where, evidence, fixes, text, "fair")]


def label_findings(facts: ModelFacts, head: Head, target: Moments, kind: str) -> list[Finding]:
    """Return what is wrong with the targets of one output whatever the model does."""
    if not target.rows:
        return []
    found = _broken_target(facts, target)
    where = Where("data", variable=target.name)
    fixes = (fix("fix_labels", facts, labels="whole numbers from 0, or rows that sum to 1"),)
    if head.family == "sparse" and target.fractions > 1e-6:
        evidence = (Evidence("largest fraction of a label", target.fractions, 0.0),)
        text = "class labels are not whole numbers"
        found.append(before_training("bad_labels", "error", where, evidence, fixes, text))
    if _divided(head, target, kind):
        evidence = (Evidence("largest target", float(target.high.max()), 1.0),)
        text = "the labels look divided by something"
        found.append(before_training("bad_labels", "error", where, evidence, fixes, text))
    return found


def _divided(head: Head, target: Moments, kind: str) -> bool:
    """Tell whether class targets are far below 1 though all rows have the same sum."""
    shares = head.family in ("categorical", "binary") and kind in ("unit", "distribution")
    alike = np.ptp(target.row_sum) < 1e-3 or len(target.mean) == 1
    return shares and 0 < float(target.high.max()) < 0.1 and not target.nonfinite and bool(alike)


def _broken_target(facts, target: Moments) -> list[Finding]:
    if not target.nonfinite:
        return []
    evidence = (Evidence("share of non-finite targets", target.nonfinite, 0.0),)
    where = Where("data", variable=target.name)
    fixes = (fix("clean_data", facts), fix("fix_labels", facts))
    text = "the targets hold NaN or infinity"
    return [before_training("bad_labels", "error", where, evidence, fixes, text)]
