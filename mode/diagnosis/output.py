"""What the command `diagnose` hands over beside its text: JSON, a page, lines for an editor."""

import json
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from mode.diagnosis.places import line_of, read_calls
from mode.diagnosis.report import Report

VERSION = 1  # goes up when a key changes its meaning or goes; a new key does not count
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Diagnosis of {0}</title>
<style>body {{ font-family: sans-serif; margin: 2em; line-height: 1.4 }}
table {{ border-collapse: collapse }}
td, th {{ padding: 6px 12px 6px 0; border-bottom: 1px solid #ddd }}
code {{ background: #f2f2f2; overflow-wrap: anywhere }}
td:first-child code {{ white-space: nowrap }}</style>
<body><h1>Diagnosis of {0}</h1>
{1}</body></html>
"""


def to_json(target: str, reports: Sequence[Report], code: int, repair: dict | None = None) -> str:
    """Return what was found as one JSON object; numbers that are not finite are null.

    `version`, `target`, `exit_code` and `reports`, one for each `fit`, model or history. A report
    has `worst`, `stopped`, `outcome` (`level`, `gain` of the loss and `skill` of the predictions
    over the best constant's, or null), `seconds_to_first` finding above a note, and `findings`,
    each with `symptom severity text where when evidence causes fixes` as `Finding.to_dict`, and
    `line`, the line of the script or null. With a `repair`, as `ScriptRepair.to_dict` gives it,
    it is one more key.

    Example:
        >>> to_json("training.csv", [], 0)
        '{"version": 1, "target": "training.csv", "exit_code": 0, "reports": []}'
    """
    calls = _calls(target)
    plain = []
    for number, report in enumerate(reports):
        findings = [
            finding.to_dict() | {"line": line_of(finding, calls, number, len(reports))}
            for finding in report.findings
        ]
        out = report.outcome
        outcome = out and {"level": out.level, "gain": out.gain, "skill": out.skill}
        first = report.seconds_to_first
        plain.append({"worst": report.worst, "stopped": report.stopped, "outcome": outcome,
                      "seconds_to_first": first, "findings": findings})  # fmt: skip
    whole = {"version": VERSION, "target": target, "exit_code": code, "reports": plain}
    whole |= {} if repair is None else {"repair": repair}
    return json.dumps(_finite(whole), allow_nan=False)


def _calls(target: str) -> list:
    path = Path(target)
    script = path.suffix == ".py" and path.is_file()
    return read_calls(path.read_text(encoding="utf-8", errors="replace")) if script else []


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if hasattr(value, "tolist"):  # a numpy number or array
        return _finite(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def write_page(folder, target: str, reports: Sequence[Report]) -> Path:
    """Write report.html into a folder, which is made, and return its path."""
    titles = ["Findings"] if len(reports) == 1 else [f"fit {i + 1}" for i in range(len(reports))]
    parts = [f"<h2>{t}</h2>{r._repr_html_()}" for t, r in zip(titles, reports, strict=True)]
    path = Path(folder) / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    body = "\n".join(parts) or "<p>No training was watched.</p>"
    path.write_text(_PAGE.format(escape(target), body), encoding="utf-8")
    return path
