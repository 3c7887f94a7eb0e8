"""Findings read off an exception of the training itself, where no step left a record."""

import re

from mode.diagnosis.details import fix
from mode.diagnosis.findings import Evidence, Finding, Where, before_training
from mode.diagnosis.modelfacts import ModelFacts
from mode.diagnosis.remedies import remedy

_LABEL = re.compile(r"label value of (-?\d+) which is outside the valid range of \[0, (\d+)\)")
_LISTED = re.compile(r"Label values: ([-\d ]+)")


def failure_findings(error: BaseException, facts: ModelFacts) -> list[Finding]:
    """Return what the message of an exception says about the cause; [] where it says nothing."""
    text = str(error)
    beyond = _LABEL.search(text)
    if not beyond:
        return []
    label, units = int(beyond[1]), int(beyond[2])
    listed = _LISTED.search(text)
    seen = [int(v) for v in listed[1].split()] if listed else [label]
    layer = facts.heads[0].layer if facts.heads else ""
    fixes = [
        fix("fix_labels", facts, labels=f"whole numbers from 0 to {units - 1}"),
        remedy("fix_units", layer=layer, units=max(seen) + 1),
    ]
    if min(seen) == 0:  # labels do start at 0, so there are more classes than units
        fixes.reverse()
    evidence = (Evidence("label", label, f"0..{units - 1}"),)
    text = "labels lie beyond the units of the output"
    return [before_training("target_out_of_range", "error", Where("data"), evidence, fixes, text)]
