"""A report: findings worst first, readable in a terminal, a notebook, JSON and a table."""

import json
from dataclasses import dataclass, field
from html import escape

from mode.diagnosis.findings import SEVERITIES, Finding
from mode.diagnosis.outcome import Outcome
from mode.diagnosis.record import Record


@dataclass(frozen=True)
class Report:
    """What a diagnosis found, the outcome it was gated by, and the record behind it.

    Both times are seconds from the start of training: until the first finding above a note, and
    until the end of the first step, which compiles.
    """

    findings: tuple[Finding, ...] = ()
    outcome: Outcome | None = None
    record: Record | None = field(default=None, repr=False)
    stopped: bool = False
    seconds_to_first: float | None = None
    seconds_of_first_step: float | None = None

    @property
    def worst(self) -> str:
        """The worst severity among the findings, "" where there are none."""
        return min((f.severity for f in self.findings), key=SEVERITIES.index, default="")

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings above a note."""
        return tuple(f for f in self.findings if f.severity != "note")

    def to_json(self) -> str:
        """Return the findings as a JSON list."""
        return json.dumps([f.to_dict() for f in self.findings], default=str, indent=1)

    def to_frame(self):
        """Return a pandas DataFrame with one row a finding."""
        import pandas as pd  # only tables need it

        columns = ("symptom", "severity", "where", "when", "evidence", "cause", "fix", "line")
        return pd.DataFrame([_row(f) for f in self.findings], columns=columns)

    def __str__(self) -> str:
        if not self.findings:
            return "Nothing found."
        head = "Training was stopped." if self.stopped else ""
        return "\n".join(filter(None, [head, *map(finding_text, self.findings)]))

    def _repr_html_(self) -> str:
        titles = ("severity", "symptom", "where", "when", "evidence", "likely cause", "fix")
        rows = "".join(f"<tr>{_cells(f)}</tr>" for f in self.findings)
        header = "".join(f"<th style='text-align:left'>{t}</th>" for t in titles)
        return (
            f"<table><tr>{header}</tr>{rows}</table>" if self.findings else "<p>Nothing found.</p>"
        )


def _row(finding: Finding) -> tuple:
    cause = finding.causes[0].code if finding.causes else ""
    fix = finding.fixes[0] if finding.fixes else None
    evidence = "; ".join(map(str, finding.evidence))
    return (finding.symptom, finding.severity, str(finding.where), str(finding.when), evidence,
            cause, fix.code if fix else "", fix.line if fix else "")  # fmt: skip


def finding_text(finding: Finding) -> str:
    """Return a finding as a few lines for a terminal."""
    lines = [f"{finding.severity.upper()} {finding.symptom} at {finding.where}, {finding.when}"]
    if finding.text:
        lines.append(f"  {finding.text}")
    lines += [f"  evidence: {e}" for e in finding.evidence]
    lines += [f"  cause: {c}" for c in finding.causes[:3]]
    lines += [f"  fix {i}: {f}" for i, f in enumerate(finding.fixes[:4], 1)]
    return "\n".join(lines)


def _cells(finding: Finding) -> str:
    fixes = "<br>".join(escape(str(f)) for f in finding.fixes[:3])
    cause = escape(str(finding.causes[0])) if finding.causes else escape(finding.text)
    evidence = "<br>".join(escape(str(e)) for e in finding.evidence)
    plain = (finding.severity, finding.symptom, str(finding.where), str(finding.when))
    cells = [*map(escape, plain), evidence, cause, fixes]
    return "".join(f"<td style='text-align:left;vertical-align:top'>{c}</td>" for c in cells)
