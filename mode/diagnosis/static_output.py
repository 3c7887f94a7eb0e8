"""Static rules about the outputs: the table, repeated activations, shapes, ranges, metrics."""

import numpy as np

from mode.diagnosis.datafacts import target_kind
from mode.diagnosis.findings import Evidence, Finding, Where, before_training
from mode.diagnosis.heads import UNKNOWN, Head
from mode.diagnosis.limits import LIMITS
from mode.diagnosis.output_table import PROBABILITY, SCCE, Entry, verdict
from mode.diagnosis.record import Moments
from mode.diagnosis.remedies import remedy

_TOGETHER = {"change_output_activation", "change_loss"}


def head_kind(head: Head, target: Moments | None) -> str:
    """Return the kind of targets an output has; whole numbers of a regression stay real."""
    if target is None:
        return "unknown"
    if not target.rows:  # only the shape is known
        single = target.shape in ((), (1,)) and "int" in target.dtype
        if _rows_for_labels(head, target):
            return "one_hot"
        return "labels" if single and head.units != 1 else "unknown"
    rank = len(head.shape)
    if head.family == "sparse" and len(target.shape) + 2 == rank:
        rank += 1  # a label for each position, not a row of numbers
    kind = target_kind(target, rank)
    if kind == "labels" and head.family not in PROBABILITY.split() and head.units == 1:
        return "positive"
    return kind


def _rows_for_labels(head: Head, target: Moments) -> bool:
    """The sparse loss gets a row of numbers where it expects one label."""
    return head.family == "sparse" and target.shape == head.shape[1:] and head.units != 1


def output_findings(head: Head, target: Moments | None) -> list[Finding]:
    """Return what is wrong with one output, given what is known of its targets."""
    kind = head_kind(head, target)
    found = [*_wrong_shape(head, target, kind), *_table(head, target, kind), *_repeated(head)]
    return [*found, *_labels_beyond(head, target, kind), *_flat_target(head, target, kind)]


def _finding(symptom, severity, head, evidence, fixes, text, gate="none", phase="output"):
    where = Where(phase, head.carrier or head.layer)
    return before_training(symptom, severity, where, evidence, fixes, text, gate)


def _table(head: Head, target, kind: str) -> list[Finding]:
    entry = verdict(kind, head.units, head.activation, head.family, head.from_logits)
    shown = head.activation != UNKNOWN
    if entry is None or not (shown or entry.symptom in ("loss_mismatch", "target_mismatch")):
        return []
    units = _classes(target, kind) if "fix_units" in entry.fixes and entry.loss == SCCE else 0
    codes = _wanted(entry, head)
    fixes = tuple(
        remedy(code, head=head.name, layer=head.layer, carrier=head.carrier, units=units,
               activation=entry.activation, loss=entry.loss, family=head.family)
        for code in codes
    )  # fmt: skip
    text = f"{entry.text}; both fixes are needed" if {*codes} == _TOGETHER else entry.text
    gate = "fair" if _barely_outside(head, target, kind) else entry.gate
    evidence = (
        Evidence("targets", kind), Evidence("units", str(head.units)),
        Evidence("activation", head.activation), Evidence("loss", head.loss),
    )  # fmt: skip
    return [_finding(entry.symptom, entry.severity, head, evidence, fixes, text, gate)]


def _wanted(entry: Entry, head: Head) -> list[str]:
    """The codes of an entry's fixes without those that would change nothing."""
    idle = {"change_output_activation"} if entry.activation == head.activation else set()
    idle |= {"change_loss"} if entry.loss == head.loss else set()
    codes = entry.fixes.split()
    return [code for code in codes if code not in idle] or codes


def _barely_outside(head: Head, target, kind: str) -> bool:
    """Targets that leave the activation's range by a little noise can still be fitted."""
    span = {"tanh": (-1.25, 1.25), "sigmoid": (-0.25, 1.25)}.get(head.activation)
    if (
        span is None
        or kind not in ("real", "positive", "signed_unit")
        or head.family != "regression"
    ):
        return False
    return span[0] <= float(target.low.min()) and float(target.high.max()) <= span[1]


def _classes(target, kind: str) -> int:
    if target is None or not target.rows:
        return 2
    return target.shape[-1] if kind == "one_hot" else int(target.high.max()) + 1


def _repeated(head: Head) -> list[Finding]:
    if not head.doubled or head.activation not in ("softmax", "sigmoid"):
        return []
    inner = head.layer.rsplit("/", 1)[-1]
    fixes = (remedy("change_output_activation", carrier=inner, activation="linear"),)
    evidence = (Evidence("activation", f"{head.activation} on an activated layer"),)
    return [_finding("repeated_activation", "warning", head, evidence, fixes,
                     "the output is activated twice", "fair")]  # fmt: skip


def _wrong_shape(head: Head, target, kind: str) -> list[Finding]:
    """Targets that only fit by broadcasting: a row against a column, a value against a sequence."""
    if target is None or head.family in ("custom", "none") or None in head.shape[1:]:
        return []
    have, want = tuple(target.shape), tuple(head.shape[1:])
    if head.family == "sparse":
        want = want[:-1]
    if _rows_for_labels(head, target):
        return []  # the table speaks of it
    given, made = (shape[:-1] if shape[-1:] == (1,) else shape for shape in (have, want))
    one_for_many = given == () and len(want) >= 2
    labels = kind in ("labels", "binary") and given == ()
    if (given == made or labels) and not one_for_many:
        return []
    names = ("fix_units", "fix_labels", *(("change_recurrent_layer",) if one_for_many else ()))
    fixes = tuple(remedy(n, layer=head.layer, units=_last(have)) for n in names)
    evidence = (Evidence("target shape", str(have)), Evidence("output shape", str(want)))
    return [_finding("shape_mismatch", "error", head, evidence, fixes,
                     "targets and predictions are compared by broadcasting")]  # fmt: skip


def _last(shape: tuple) -> int:
    return shape[-1] if shape else 1


def _labels_beyond(head: Head, target, kind: str) -> list[Finding]:
    if (
        target is None
        or head.family != "sparse"
        or kind not in ("labels", "binary", "signed", "real", "signed_unit")
    ):
        return []
    low, high = float(target.low.min()), float(target.high.max())
    if low >= 0 and high < (head.units or np.inf):
        return []
    allowed = f"0..{head.units - 1}" if head.units else "0 or more"
    evidence = (Evidence("labels", f"{low:g}..{high:g}", allowed),)
    names = (
        ("fix_labels", "fix_units")
        if low < 0 or (high == head.units and low >= 1)
        else ("fix_units", "fix_labels")
    )
    fixes = tuple(remedy(n, layer=head.layer, units=int(high) + 1) for n in names)
    return [_finding("target_out_of_range", "error", head, evidence, fixes,
                     "labels lie beyond the units of the output", phase="data")]  # fmt: skip


def _flat_target(head: Head, target, kind: str) -> list[Finding]:
    """All targets equal, and real targets far from unit scale."""
    if target is None or not target.rows:
        return []
    if (kind == "one_hot" and np.max(target.mean) >= 1) or bool((target.high == target.low).all()):
        fixes = (remedy("fix_labels"), remedy("more_data"))
        evidence = (Evidence("distinct targets", 1, 2),)
        return [_finding("single_class_target", "error", head, evidence, fixes,
                         "every target is the same", phase="data")]  # fmt: skip
    scale = float(max(np.max(target.std), np.max(np.abs(target.mean)) / 3))
    if (
        kind not in ("real", "positive")
        or head.family != "regression"
        or scale <= LIMITS.target_std
    ):
        return []
    fixes = (
        remedy("scale_target", mean=target.mean, std=target.std),
        remedy("lower_learning_rate"),
    )
    evidence = (Evidence("size of the targets", scale, LIMITS.target_std),)
    return [_finding("target_scale", "warning", head, evidence, fixes,
                     "large targets need large weights or tiny steps", "poor", "data")]  # fmt: skip


def metric_findings(head: Head, kind: str, metrics: tuple[str, ...]) -> list[Finding]:
    """Accuracy of real targets says nothing."""
    names = [
        m for m in metrics if m in ("acc", "accuracy", "binary_accuracy", "categorical_accuracy")
    ]
    if not names or kind not in ("real", "positive", "signed_unit") or head.family != "regression":
        return []
    evidence = (Evidence("metric", names[0]), Evidence("targets", kind))
    return [_finding("metric_mismatch", "note", head, evidence, (),
                     "accuracy counts exact hits, which real targets never are")]  # fmt: skip
