"""Rules about the outputs: the table, repeated activations, shapes, ranges, metrics, exceptions."""

import re

import numpy as np

from mode.diagnosis.catalog.fixes import fix, remedy
from mode.diagnosis.catalog.output_table import SCCE, Entry, verdict
from mode.diagnosis.facts.data import Moments, head_kind, rows_for_labels
from mode.diagnosis.facts.model import UNKNOWN, Head, ModelFacts
from mode.diagnosis.findings import Evidence, Finding, Where, before_training
from mode.diagnosis.limits import LIMITS

_TOGETHER = {"change_output_activation", "change_loss"}


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
    if rows_for_labels(head, target):
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


# TensorFlow's exceptions carry nothing but a text; one that is worded otherwise says nothing here
_LABEL = re.compile(r"label value of (-?\d+) which is outside the valid range of \[0, (\d+)\)")
_SHAPES = re.compile(r"[Ii]ncompatible shapes: \[([\d,]*)\] vs\. \[([\d,]*)\]")
_LISTED = re.compile(r"Label values: ([-\d ]+)")


def failure_findings(error: BaseException, facts: ModelFacts) -> list[Finding]:
    """Return what the message of an exception says about the cause; [] where it says nothing."""
    text = str(error)
    if beyond := _LABEL.search(text):
        return [_beyond_in_text(text, int(beyond[1]), int(beyond[2]), facts)]
    if shapes := _SHAPES.search(text):
        return _shapes_apart(shapes[1], shapes[2], facts)
    return []


def _beyond_in_text(text: str, label: int, units: int, facts: ModelFacts) -> Finding:
    listed = _LISTED.search(text)
    ends = [head.layer for head in facts.heads if head.units == units]
    known = {"layer": ends[0]} if len(ends) == 1 else {}  # the text names no output
    seen = [int(v) for v in listed[1].split()] if listed else [label]
    fixes = [
        fix("fix_labels", facts, labels=f"whole numbers from 0 to {units - 1}"),
        remedy("fix_units", units=max(seen) + 1, **known),
    ]
    if min(seen) == 0:  # labels do start at 0, so there are more classes than units
        fixes.reverse()
    evidence = (Evidence("label", label, f"0..{units - 1}"),)
    message = "labels lie beyond the units of the output"
    return before_training("target_out_of_range", "error", Where("data"), evidence, fixes, message)


def _shapes_apart(one: str, other: str, facts: ModelFacts) -> list[Finding]:
    """Return a finding where one of two shapes is an output's; others lie inside the model."""
    shapes = [tuple(map(int, filter(None, text.split(",")))) for text in (one, other)]
    for head in facts.heads:
        unlike = [shape for shape in shapes if not _of_output(shape, head)]
        if len(unlike) == 1:
            evidence = (Evidence("one shape", f"({one})"), Evidence("the other", f"({other})"))
            fixes = [
                fix("fix_labels", facts, labels="of the shape of the predictions"),
                remedy("fix_units", layer=head.layer, units=[1, *unlike[0][1:]][-1]),
            ]
            where = Where("output", head.carrier or head.layer)
            message = "two tensors do not fit each other, such as targets and predictions"
            return [before_training("shape_mismatch", "error", where, evidence, fixes, message)]
    return []


def _of_output(shape: tuple[int, ...], head: Head) -> bool:
    """Tell whether predictions of an output have a shape; None fits any size."""
    same = len(shape) == len(head.shape)
    return same and all(a in (None, b) for a, b in zip(head.shape, shape, strict=True))
