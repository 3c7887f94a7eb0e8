"""A report: findings worst first, readable in a terminal, a notebook, JSON and a table."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from mode.diagnosis.catalog.symptoms import SYMPTOMS
from mode.diagnosis.facts.outcome import TrainingOutcome
from mode.diagnosis.facts.training import Record
from mode.diagnosis.findings import SEVERITIES, Finding, Fix


class Findings(list[Finding]):
    """Findings, worst first: a list that prints in a terminal and draws in a notebook."""

    def __str__(self) -> str:
        return "\n".join(finding_text(*entry) for entry in self._entries()) or "Nothing found."

    __repr__ = __str__

    def _repr_html_(self) -> str:
        titles = ("what is wrong", "where and when", "evidence", "what to change")
        rows = "".join(f"<tr>{_cells(*entry)}</tr>" for entry in self._entries())
        header = "".join(f"<th style='text-align:left'>{t}</th>" for t in titles)
        return f"<table><tr>{header}</tr>{rows}</table>" if self else "<p>Nothing found.</p>"

    def _entries(self) -> Iterator[tuple[Finding, str]]:
        """Yield each finding with the one under which its fixes were written out, or ""."""
        named: dict[tuple[Fix, ...], str] = {(): ""}
        for finding in self:
            yield finding, named.get(finding.fixes, "")
            named.setdefault(finding.fixes, f"{finding.symptom} at {finding.where}")


@dataclass(frozen=True, repr=False)
class Report:
    """What a diagnosis found, the outcome it was gated by, and the record behind it.

    Both times are seconds from the start of training: until the first finding above a note, and
    until the end of the first step, which compiles.
    """

    findings: tuple[Finding, ...] = ()
    outcome: TrainingOutcome | None = None
    record: Record | None = None
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
        head = ["Training was stopped."] if self.stopped and self.findings else []
        return "\n".join([*head, str(Findings(self.findings))])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return Findings(self.findings)._repr_html_()


class HopelessTrainingError(RuntimeError):
    """A training that `Diagnosis(terminate=True)` ended; its message says why, where and when.

    `finding` is the worst one and `report` the whole; `layer`, `phase` and `step` are where and
    when the trouble began.

    Example:
        >>> str(HopelessTrainingError(Report()))
        'the diagnosis ended the training'
    """

    def __init__(self, report: Report):
        self.report = report
        self.finding = report.alarms[0] if report.alarms else None
        self.layer = self.finding.where.layer if self.finding else ""
        self.phase = self.finding.where.phase if self.finding else ""
        self.step = self.finding.when.step if self.finding else 0
        text = "the diagnosis ended the training"
        if self.finding:
            where, when = self.finding.where, self.finding.when
            text += f": {self.finding.symptom} at {where}, {when}: {sentence(self.finding)}"
        super().__init__(text)


def _row(finding: Finding) -> tuple:
    cause = finding.causes[0].code if finding.causes else ""
    fix = finding.fixes[0] if finding.fixes else None
    evidence = "; ".join(map(str, finding.evidence))
    return (finding.symptom, finding.severity, str(finding.where), str(finding.when), evidence,
            cause, fix.code if fix else "", fix.line if fix else "")  # fmt: skip


def finding_text(finding: Finding, same: str) -> str:
    """Return a finding as a few lines for a terminal; `same`: the finding whose fixes it shares."""
    lines = [f"{finding.severity.upper()} {finding.symptom} at {finding.where}, {finding.when}"]
    lines.append(f"  {sentence(finding)}")
    lines += [f"  evidence: {e}" for e in finding.evidence]
    lines += [f"  cause: {c}" for c in finding.causes[:3]]
    fixes = [f"  fix {i}: {f}" for i, f in enumerate(finding.fixes[:4], 1)]
    return "\n".join([*lines, *([f"  fixes: those of {same}"] if same else fixes)])


def sentence(finding: Finding) -> str:
    """Return what a finding says of its own, or else what its symptom means."""
    return finding.text or SYMPTOMS[finding.symptom].text


def short_line(finding: Finding) -> str:
    """Return a finding and its first fix as one line."""
    fix = next((f.line for f in finding.fixes if f.line), "")
    text = f"{finding.severity}: {finding.symptom}: {sentence(finding)}"
    return text + (f"; fix: {fix}" if fix else "")


def _cells(finding: Finding, same: str) -> str:
    fixes = f"as for {escape(same)}" if same else "<br>".join(map(_fix, finding.fixes[:3]))
    cause = escape(finding.causes[0].why or finding.causes[0].code) if finding.causes else ""
    symptom = f"<b>{finding.severity}: {escape(sentence(finding))}</b><br>"
    symptom += f"<code>{escape(finding.symptom)}</code>"
    symptom += f"<br>likely cause: {cause}" if cause else ""
    place = f"{escape(str(finding.where))}<br>{escape(str(finding.when))}"
    cells = [symptom, place, "<br>".join(escape(str(e)) for e in finding.evidence), fixes]
    return "".join(f"<td style='text-align:left;vertical-align:top'>{c}</td>" for c in cells)


def _fix(fix: Fix) -> str:
    return escape(fix.text) + (f": <code>{escape(fix.line)}</code>" if fix.line else "")
