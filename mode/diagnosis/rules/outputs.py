"""Rules about one output and its targets, and about exceptions that they explain.

Each returns findings of the symptom that it is named after; `misfits` those of the output table.
"""

import re
from typing import Any

import numpy as np

from mode.diagnosis.catalog.fixes import make_fix
from mode.diagnosis.catalog.output_table import SCCE, Entry, verdict
from mode.diagnosis.catalog.symptoms import make_finding
from mode.diagnosis.facts.data import Moments, head_kind, rows_for_labels
from mode.diagnosis.facts.heads import UNKNOWN, Head
from mode.diagnosis.facts.model import ModelFacts
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.limits import LIMITS

_TOGETHER = {"change_output_activation", "change_loss"}
# TensorFlow's exceptions carry nothing but a text; one that is worded otherwise says nothing here
_LABEL = re.compile(r"label value of (-?\d+) which is outside the valid range of \[0, (\d+)\)")
_SHAPES = re.compile(r"[Ii]ncompatible shapes: \[([\d,]*)\] vs\. \[([\d,]*)\]")
_LISTED = re.compile(r"Label values: ([-\d ]+)")


def output_findings(head: Head, target: Moments | None) -> list[Finding]:
    """Return what is wrong with one output, given what is known of its targets."""
    kind = head_kind(head, target)
    return [f for rule in RULES for f in rule(head, target, kind)]


def shape_mismatch(head: Head, target: Moments | None, kind: str) -> list[Finding]:
    """Targets that only fit by broadcasting: a row against a column, a value against a sequence."""
    if target is None or head.family in ("custom", "none") or None in head.shape[1:]:
        return []
    have, want = tuple(target.shape), tuple(head.shape[1:])
    if head.family == "sparse":
        want = want[:-1]
    if rows_for_labels(head, target):
        return []  # the table has a row for it
    row, made = (shape[:-1] if shape[-1:] == (1,) else shape for shape in (have, want))
    one_for_many = row == () and len(want) >= 2
    labels = kind in ("labels", "binary") and row == ()
    if (row == made or labels) and not one_for_many:
        return []
    codes = ("fix_units", "fix_labels", *(("change_recurrent_layer",) if one_for_many else ()))
    fixes = [make_fix(code, layer=head.layer, units=[1, *have][-1]) for code in codes]
    evidence = (Evidence("target shape", str(have)), Evidence("output shape", str(want)))
    text = "targets and predictions are compared by broadcasting"
    return [make_finding("shape_mismatch", head.place, *evidence, text=text, fixes=fixes)]


def misfits(head: Head, target: Moments | None, kind: str) -> list[Finding]:
    """What the table of outputs says of targets, units, activation and loss."""
    entry = verdict(kind, head.units, head.activation, head.family, head.from_logits)
    visible = head.activation != UNKNOWN
    if entry is None or not (visible or entry.symptom in ("loss_mismatch", "target_mismatch")):
        return []
    units = _classes(target, kind) if "fix_units" in entry.fixes and entry.loss == SCCE else 0
    codes = _effective(entry, head)
    details: dict[str, Any] = {
        "head": head.name, "layer": head.layer, "carrier": head.carrier, "units": units,
        "activation": entry.activation, "loss": entry.loss, "family": head.family,
        "logits": entry.activation != "linear",
    }  # fmt: skip
    text = f"{entry.text}; both fixes are needed" if {*codes} == _TOGETHER else entry.text
    evidence = (
        Evidence("targets", kind), Evidence("units", str(head.units)),
        Evidence("activation", head.activation), Evidence("loss", head.loss),
    )  # fmt: skip
    gate = "fair" if _barely_outside(head, target, kind) else entry.gate
    fixes = [make_fix(code, **details) for code in codes]
    return [make_finding(entry.symptom, head.place, *evidence, text=text, fixes=fixes,
                         severity=entry.severity, gate=gate)]  # fmt: skip


def _effective(entry: Entry, head: Head) -> list[str]:
    """Return the codes of an entry's fixes without those that would change nothing."""
    idle = {"change_output_activation"} if entry.activation == head.activation else set()
    idle |= {"change_loss"} if entry.loss == head.loss else set()
    codes = entry.fixes.split()
    return [code for code in codes if code not in idle] or codes


def _barely_outside(head: Head, target: Moments | None, kind: str) -> bool:
    """Tell whether targets leave the activation's range by so little that they can be fitted."""
    real = kind in ("real", "positive", "signed_unit") and head.family == "regression"
    span = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}.get(head.activation)
    if span is None or not real or target is None:
        return False
    low, high = span[0] - LIMITS.overshoot, span[1] + LIMITS.overshoot
    return low <= float(target.low.min()) and float(target.high.max()) <= high


def _classes(target: Moments | None, kind: str) -> int:
    if target is None or not target.rows:
        return 2
    return target.shape[-1] if kind == "one_hot" else int(target.high.max()) + 1


def repeated_activation(head: Head, target: Moments | None, kind: str) -> list[Finding]:
    """A softmax or sigmoid on top of an activated layer."""
    if not head.doubled or head.activation not in ("softmax", "sigmoid"):
        return []
    inner = head.layer.rsplit("/", 1)[-1]
    fixes = [make_fix("change_output_activation", carrier=inner, activation="linear")]
    evidence = Evidence("activation", f"{head.activation} on an activated layer")
    text = "the output is activated twice"
    return [make_finding("repeated_activation", head.place, evidence, text=text, fixes=fixes)]


def target_out_of_range(head: Head, target: Moments | None, kind: str) -> list[Finding]:
    """Labels below 0 or beyond the units of the output."""
    numbers = ("labels", "binary", "signed", "real", "signed_unit")
    if target is None or head.family != "sparse" or kind not in numbers:
        return []
    low, high = float(target.low.min()), float(target.high.max())
    if low >= 0 and high < (head.units or np.inf):
        return []
    allowed = f"0..{head.units - 1}" if head.units else "0 or more"
    codes = ["fix_units", "fix_labels"]
    if low < 0 or (high == head.units and low >= 1):
        codes.reverse()
    fixes = [make_fix(code, layer=head.layer, units=int(high) + 1) for code in codes]
    evidence = Evidence("labels", f"{low:g}..{high:g}", allowed)
    text = "labels lie beyond the units of the output"
    where = Where("data", head.place.layer)
    return [make_finding("target_out_of_range", where, evidence, text=text, fixes=fixes)]


def single_class_target(head: Head, target: Moments | None, kind: str) -> list[Finding]:
    """Targets that are all the same."""
    if not _is_single(target, kind):
        return []
    fixes = [make_fix("fix_labels"), make_fix("more_data")]
    evidence = Evidence("distinct targets", 1, 2)
    where = Where("data", head.place.layer)
    return [make_finding("single_class_target", where, evidence, text="every target is the same",
                         fixes=fixes)]  # fmt: skip


def _is_single(target: Moments | None, kind: str) -> bool:
    if target is None or not target.rows:
        return False
    one = kind == "one_hot" and bool(np.max(target.mean) >= 1)
    return one or bool((target.high == target.low).all())


def target_scale(head: Head, target: Moments | None, kind: str) -> list[Finding]:
    """Real targets far from unit scale."""
    real = kind in ("real", "positive") and head.family == "regression"
    if target is None or not target.rows or not real or _is_single(target, kind):
        return []
    mean = np.max(np.abs(target.mean)) / LIMITS.target_mean_to_std
    scale = float(max(np.max(target.std), mean))
    if scale <= LIMITS.target_std:
        return []
    fixes = [make_fix("scale_target"), make_fix("lower_learning_rate")]
    evidence = Evidence("size of the targets", scale, LIMITS.target_std)
    text = "large targets need large weights or tiny steps"
    where = Where("data", head.place.layer)
    return [make_finding("target_scale", where, evidence, text=text, fixes=fixes)]


def failure_findings(error: BaseException, facts: ModelFacts) -> list[Finding]:
    """Return what the message of an exception says about the cause; [] where it says nothing."""
    text = str(error)
    if beyond := _LABEL.search(text):
        return [_labels_beyond(text, int(beyond[1]), int(beyond[2]), facts)]
    if shapes := _SHAPES.search(text):
        return _shapes_apart(shapes[1], shapes[2], facts)
    return []


def _labels_beyond(text: str, label: int, units: int, facts: ModelFacts) -> Finding:
    listed = _LISTED.search(text)
    ends = [head.layer for head in facts.heads if head.units == units]
    layer: dict[str, Any] = {"layer": ends[0]} if len(ends) == 1 else {}  # the text names no output
    labels = [int(v) for v in listed[1].split()] if listed else [label]
    fixes = [
        make_fix("fix_labels", facts, labels=f"whole numbers from 0 to {units - 1}"),
        make_fix("fix_units", units=max(labels) + 1, **layer),
    ]
    if min(labels) == 0:  # labels do start at 0, so there are more classes than units
        fixes.reverse()
    evidence = Evidence("label", label, f"0..{units - 1}")
    message = "labels lie beyond the units of the output"
    return make_finding("target_out_of_range", Where("data"), evidence, text=message, fixes=fixes)


def _shapes_apart(one: str, other: str, facts: ModelFacts) -> list[Finding]:
    """Return a finding where one of two shapes is an output's; others lie inside the model."""
    shapes = [tuple(map(int, filter(None, text.split(",")))) for text in (one, other)]
    for head in facts.heads:
        unlike = [shape for shape in shapes if not _is_of(shape, head)]
        if len(unlike) == 1:
            evidence = (Evidence("one shape", f"({one})"), Evidence("the other", f"({other})"))
            fixes = [
                make_fix("fix_labels", facts, labels="of the shape of the predictions"),
                make_fix("fix_units", layer=head.layer, units=[1, *unlike[0][1:]][-1]),
            ]
            text = "two tensors do not fit each other, such as targets and predictions"
            return [make_finding("shape_mismatch", head.place, *evidence, text=text, fixes=fixes)]
    return []


def _is_of(shape: tuple[int, ...], head: Head) -> bool:
    """Tell whether predictions of an output have a shape; None fits any size."""
    same = len(shape) == len(head.shape)
    return same and all(a in (None, b) for a, b in zip(head.shape, shape, strict=True))


RULES = (shape_mismatch, misfits, repeated_activation, target_out_of_range, single_class_target,
         target_scale)  # fmt: skip
