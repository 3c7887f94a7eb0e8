"""Findings read off an exception of the training itself, where no step left a record."""

import re

from mode.diagnosis.details import fix
from mode.diagnosis.findings import Evidence, Finding, Where, before_training
from mode.diagnosis.heads import Head
from mode.diagnosis.modelfacts import ModelFacts
from mode.diagnosis.remedies import remedy

# TensorFlow's exceptions carry nothing but a text; one that is worded otherwise says nothing here
_LABEL = re.compile(r"label value of (-?\d+) which is outside the valid range of \[0, (\d+)\)")
_SHAPES = re.compile(r"[Ii]ncompatible shapes: \[([\d,]*)\] vs\. \[([\d,]*)\]")
_LISTED = re.compile(r"Label values: ([-\d ]+)")


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
