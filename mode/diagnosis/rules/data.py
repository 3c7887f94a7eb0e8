"""Rules about inputs and targets, before any step or as the first steps showed them.

Each returns findings of the symptom that it is named after.
"""

from collections.abc import Iterable

import numpy as np

from mode.diagnosis.catalog.fixes import make_fix
from mode.diagnosis.catalog.symptoms import make_finding
from mode.diagnosis.facts.data import Moments
from mode.diagnosis.facts.heads import Head
from mode.diagnosis.facts.model import ModelFacts
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.limits import LIMITS


def nan_in_input(facts: ModelFacts, moments: Moments) -> list[Finding]:
    """Inputs that are not finite."""
    if not moments.nonfinite:
        return []
    evidence = Evidence("share of non-finite inputs", moments.nonfinite, 0.0)
    return [make_finding("nan_in_input", Where("input", variable=moments.name), evidence,
                         text="the inputs hold NaN or infinity",
                         fixes=[make_fix("clean_data", facts)])]  # fmt: skip


def unnormalized_input(facts: ModelFacts, moments: Moments) -> list[Finding]:
    """Features far from 0, very wide or very small."""
    varied = moments.std > LIMITS.constant_std
    if not varied.any() or moments.rows < 2:
        return []
    mean, std = np.abs(moments.mean[varied]), moments.std[varied]
    odd = (mean > LIMITS.mean_to_std * std) | (std > LIMITS.std_high)
    # odd columns of tables stand for themselves, tiny ones only where most are
    few = len(std) <= LIMITS.tabular_features
    is_odd = odd.any() if few else odd.mean() > LIMITS.odd_features
    if not is_odd and not (std < LIMITS.std_low).mean() > LIMITS.tiny_features:
        return []
    ratio = float((mean / std).max())
    evidence = (
        Evidence("largest standard deviation of a feature", float(std.max()), LIMITS.std_high),
        Evidence("smallest", float(std.min()), LIMITS.std_low),
        Evidence("largest |mean| / standard deviation", ratio, LIMITS.mean_to_std),
    )
    text = "features differ by orders of magnitude or are far from 0"
    fixes = [make_fix(code, facts) for code in ("normalize_input", "add_batchnorm")]
    where = Where("input", variable=moments.name)
    return [make_finding("unnormalized_input", where, *evidence, text=text, fixes=fixes)]


def nan_in_target(facts: ModelFacts, head: Head, target: Moments, kind: str) -> list[Finding]:
    """Targets that are not finite, such as empty cells of a table."""
    if not target.nonfinite:
        return []
    evidence = Evidence("share of non-finite targets", target.nonfinite, 0.0)
    fixes = [make_fix("drop_missing_targets", facts), make_fix("fix_labels", facts)]
    where = Where("data", variable=target.name)
    return [make_finding("nan_in_target", where, evidence, fixes=fixes)]


def bad_labels(facts: ModelFacts, head: Head, target: Moments, kind: str) -> list[Finding]:
    """Labels that are not whole, classes divided by something."""
    return [
        make_finding("bad_labels", Where("data", variable=target.name), evidence, text=text,
                     fixes=fixes)
        for evidence, text, fixes in _label_faults(facts, head, target, kind)
    ]  # fmt: skip


def text_labels(facts: ModelFacts, targets: Iterable[np.ndarray]) -> list[Finding]:
    """Targets that are text, which no loss takes."""
    fixes = [make_fix("fix_labels", facts, labels="whole numbers from 0, one for each text")]
    return [
        make_finding("bad_labels", Where("data", variable=f"target {i}"),
                     Evidence("targets of type", str(array.dtype)), text="the targets are text",
                     fixes=fixes)
        for i, array in enumerate(targets)
        if array.dtype.kind in "US" or (array.dtype.kind == "O" and _text(array))
    ]  # fmt: skip


def _text(array: np.ndarray) -> bool:
    return array.size > 0 and isinstance(array.flat[0], str | bytes)


def _label_faults(facts: ModelFacts, head: Head, target: Moments, kind: str):
    """Yield evidence, text and fixes of each fault of the targets of one output."""
    fixes = [make_fix("fix_labels", facts, labels="whole numbers from 0, or rows that sum to 1")]
    if head.family == "sparse" and target.fractions > LIMITS.whole_number:
        evidence = Evidence("largest fraction of a label", target.fractions, 0.0)
        yield evidence, "class labels are not whole numbers", fixes
    if _divided(head, target, kind):
        evidence = Evidence("largest target", float(target.high.max()), 1.0)
        yield evidence, "the labels look divided by something", fixes


def _divided(head: Head, target: Moments, kind: str) -> bool:
    """Tell whether class targets are far below 1 though all rows have the same sum."""
    shares = head.family in ("categorical", "binary") and kind in ("unit", "distribution")
    alike = np.ptp(target.row_sum) < LIMITS.row_sum or len(target.mean) == 1
    small = 0 < float(target.high.max()) < LIMITS.divided_target
    return shares and small and not target.nonfinite and bool(alike)


TARGET_RULES = (nan_in_target, bad_labels)  # whatever they find makes the rules about outputs void
