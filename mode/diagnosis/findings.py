"""What a diagnosis says: findings with their place, time, evidence, causes and fixes."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True)
class Where:
    """The place of a finding: a phase ("input", "layer", "output", "loss", "optimizer", "data" or
    "fit"), and the layer and variable where they are known."""

    phase: str
    layer: str = ""
    variable: str = ""

    def overlaps(self, other: "Where") -> bool:
        """Tell whether one place is the other or holds it, as a layer holds its kernel."""
        pairs = ((self.layer, other.layer), (self.variable, other.variable))
        return self.phase == other.phase and all(a == b or not (a and b) for a, b in pairs)

    def __str__(self) -> str:
        phase = "" if self.variable.startswith(self.phase) else self.phase
        return " ".join(part for part in (phase, self.layer, self.variable) if part)


@dataclass(frozen=True)
class When:
    """The time of a finding: before training, an epoch, or an epoch and a step (both from 1)."""

    epoch: int = 0
    step: int = 0

    def __str__(self) -> str:
        if not self.step:
            return f"epoch {self.epoch}" if self.epoch else "before training"
        return f"step {self.step}" + (f", epoch {self.epoch}" if self.epoch else "")


@dataclass(frozen=True)
class Evidence:
    """A measured number and the limit it crossed."""

    quantity: str
    value: float | str
    limit: float | str | None = None

    def __str__(self) -> str:
        limit = "" if self.limit is None else f" (limit {_short(self.limit)})"
        return f"{self.quantity} {_short(self.value)}{limit}"


@dataclass(frozen=True)
class Cause:
    """A possible cause with its weight in [0, 1] and the reason for it."""

    code: str
    weight: float
    why: str = ""

    def __str__(self) -> str:
        return f"{self.code} ({self.weight:.2f})" + (f": {self.why}" if self.why else "")


@dataclass(frozen=True)
class Fix:
    """A remedy: its code, what to do, the line to write, and its edit of a Plan if there is one."""

    code: str
    text: str
    line: str = ""
    apply: Callable | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.code}: {self.text}" + (f"  ->  {self.line}" if self.line else "")


@dataclass(frozen=True)
class Plan:
    """Changes to a source model and its training; an empty plan is the source itself.

    `edits` maps a layer's name to changed constructor options, `inserts` to the layers that
    follow it (class name, options), `dropped` names layers to leave out.
    """

    edits: dict = field(default_factory=dict)
    inserts: dict = field(default_factory=dict)
    dropped: tuple = ()
    losses: dict = field(default_factory=dict)
    optimizer: dict = field(default_factory=dict)
    scale_inputs: bool = False
    scale_targets: bool = False
    clean: bool = False
    relabel: bool = False
    batch_size: int = 32
    epochs: int = 20
    early_stopping: bool = False

    def edit(self, names, **options) -> "Plan":
        """Return a plan with changed options for the named layers."""
        edits = dict(self.edits)
        for name in names:
            edits[name] = {**edits.get(name, {}), **options}
        return replace(self, edits=edits)

    def insert(self, names, kind: str, **options) -> "Plan":
        """Return a plan with one more layer after each of the named ones."""
        inserts = dict(self.inserts)
        for name in names:
            inserts[name] = (*inserts.get(name, ()), (kind, options))
        return replace(self, inserts=inserts)


@dataclass(frozen=True)
class Finding:
    """One symptom, how bad it is, where, when, why, and its fixes (best first).

    `gate` names the outcome of the training from which the finding counts as more than a
    note: "none" (always), "fair", "poor" or "bad".
    """

    symptom: str
    severity: str
    where: Where
    when: When = field(default_factory=When)
    evidence: tuple[Evidence, ...] = ()
    causes: tuple[Cause, ...] = ()
    fixes: tuple[Fix, ...] = ()
    text: str = ""
    gate: str = field(default="none", repr=False)

    def to_dict(self) -> dict:
        """Return plain values only, as `Report.to_json` writes them."""
        plain: dict[str, Any] = {
            "symptom": self.symptom,
            "severity": self.severity,
            "text": self.text,
        }
        plain |= {"where": asdict(self.where), "when": asdict(self.when)}
        plain["evidence"] = [asdict(e) for e in self.evidence]
        plain["causes"] = [asdict(c) for c in self.causes]
        plain["fixes"] = [{"code": f.code, "text": f.text, "line": f.line} for f in self.fixes]
        return plain


def worst_first(findings) -> list[Finding]:
    """Return the findings by severity, keeping the given order within each."""
    return sorted(findings, key=lambda f: SEVERITIES.index(f.severity))


def _short(value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
