"""The evidence for each cause in one training, and a finding's causes and fixes in that order.

A cause's weight for a symptom is multiplied by its evidence, a number in [0, 1] from the other
findings and the record. The product decides, not the first branch: a slow learning rate that
would explain everything but is contradicted by its numbers scores nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from mode.diagnosis.catalog.fixes import make_fix
from mode.diagnosis.catalog.symptoms import CAUSES, SYMPTOMS
from mode.diagnosis.facts.layers import RECTIFIERS, RECURRENT
from mode.diagnosis.facts.outcome import TrainingCase
from mode.diagnosis.facts.training import accuracies, gradient_arrives, slope, steep, update_ratio
from mode.diagnosis.findings import Cause, Finding, Fix
from mode.diagnosis.limits import LIMITS

_SLOPELESS = ("activation", "initialization", "output", "explosive")
_UNSCALED = ("sgd", "adadelta", "adagrad", "ftrl")


@dataclass
class CauseEvidence:
    """The evidence for each cause, in [0, 1] with the reason, and the fixes that
    findings before training name, by code and by cause."""

    scores: dict[str, tuple[float, str]] = field(default_factory=dict)
    fixes: dict[str, Fix] = field(default_factory=dict)
    codes: dict[str, list[str]] = field(default_factory=dict)

    def of(self, cause: str) -> tuple[float, str]:
        """Return the evidence of one cause and its reason."""
        return self.scores.get(cause, (0.0, ""))

    def add(self, cause: str, value: float, reason: str) -> None:
        """Take the strongest evidence of each cause, of equal ones the first."""
        if value > self.of(cause)[0]:
            self.scores[cause] = (value, reason)


def collect_evidence(
    case: TrainingCase, static: list[Finding], dynamic: list[Finding]
) -> CauseEvidence:
    """Return what the findings and the numbers of the record say for each cause."""
    evidence = CauseEvidence()
    for finding in static:
        cause = SYMPTOMS[finding.symptom].before
        if cause and finding.severity != "note":
            sure = 1.0 if finding.severity == "error" else 0.85
            evidence.add(cause, CAUSES[cause].weight * sure, finding.text)
            for fix in finding.fixes:
                evidence.fixes.setdefault(fix.code, fix)
                evidence.codes.setdefault(cause, []).append(fix.code)
    for finding in dynamic:
        for cause, value in SYMPTOMS[finding.symptom].during.items():
            evidence.add(cause, value, f"{finding.symptom} at {finding.where}")
    for cause, value, reason in (*_numbers(case), *_course(case)):
        evidence.add(cause, value, reason)
    _explain_away(evidence)
    return evidence


def _explain_away(evidence: CauseEvidence) -> None:
    """Small steps follow from a gradient that does not arrive; then the rate is not their cause."""
    strongest, low = max(evidence.of(cause)[0] for cause in _SLOPELESS), evidence.of("rate_low")[0]
    if strongest >= LIMITS.strong_cause and low < LIMITS.certain_cause:
        evidence.scores["rate_low"] = (low * 0.5, "small updates")


def _numbers(case: TrainingCase) -> Iterator[tuple[str, float, str]]:
    """Yield evidence from the size of the updates and the shape of the model."""
    ratio = update_ratio(case.record)
    if np.isfinite(ratio) and ratio > 0:
        reason, size = f"|update| / |weight| is {ratio:.2g}", np.log10(ratio)
        # usual updates are 1e-3 of their weights; evidence grows with the orders of magnitude
        yield "rate_high", float(np.clip((size + 2.3) / 2.3, 0, 0.8)), reason
        if gradient_arrives(case.record):
            yield "rate_low", float(np.clip((-size - 3.5) / 2.5, 0, 0.85)), reason
    hidden = case.facts.hidden_kernels
    widest = max((s.units for s in hidden), default=0)
    if len(hidden) >= LIMITS.deep_model:
        yield "depth", 0.5, f"{len(hidden)} hidden layers"
    if any(s.kind == "SimpleRNN" for s in case.facts.layers):
        yield "recurrence", 0.5, "a plain recurrent layer"
    if any(s.kind in RECURRENT and s.activation in RECTIFIERS for s in case.facts.layers):
        yield "explosive", 0.6, "an unbounded recurrent state"
    if hidden and widest <= LIMITS.narrow_model:
        yield "capacity", 0.6, f"at most {widest} units a layer"
    if steep(case.record):
        yield "operation", 0.95, "gradients are not finite where all values still are"


def _course(case: TrainingCase) -> Iterator[tuple[str, float, str]]:
    """Yield evidence from how long training was, in what steps, and where its loss stands."""
    record, optimizer = case.record, case.facts.optimizer
    per_epoch = record.total_steps / max(len(record.epochs), 1)
    few = per_epoch <= LIMITS.few_steps_an_epoch and record.total_steps < LIMITS.patience_steps
    if few and record.batch >= LIMITS.batch_part:
        yield "batch", 0.55, f"{per_epoch:.0f} steps an epoch"
    logged, chance = accuracies(record), case.outcome.majority
    by_heart = logged is not None and logged[0][-1] > chance + LIMITS.by_heart
    if logged is not None and by_heart and logged[1].max() < chance + LIMITS.chance_margin:
        yield "labels", 0.95, "nothing that is learned holds for validation rows"
    losses = np.array([loss for loss in record.log("loss") if np.isfinite(loss)])
    falls = len(losses) >= LIMITS.records and losses[-1] < losses[0]
    if falls and slope(losses)[0] > LIMITS.falling_at_end:
        yield "duration", 0.5, "the loss still falls at the end"
    if record.total_steps < LIMITS.short_training:
        yield "duration", 0.5, f"only {record.total_steps} steps"
    if optimizer is not None and optimizer.name in _UNSCALED:
        yield "optimizer", 0.5, optimizer.name
    else:
        yield "optimizer", 0.1, "the optimizer is adaptive"


def explain(finding: Finding, case: TrainingCase, evidence: CauseEvidence) -> Finding:
    """Return the finding with its causes by score and their fixes in that order."""
    weights = SYMPTOMS[finding.symptom].causes
    if not weights or finding.fixes:
        return finding
    scores = [(weight * evidence.of(cause)[0], cause) for cause, weight in weights.items()]
    scores = sorted((s for s in scores if s[0] > LIMITS.least_score), key=lambda s: -s[0])
    # without any evidence, the first three that may be behind the symptom
    scores = scores or [(weight * 0.1, cause) for cause, weight in weights.items()][:3]
    causes = tuple(
        Cause(cause, round(float(score), 3), evidence.of(cause)[1] or CAUSES[cause].text)
        for score, cause in scores
    )
    batch = min(case.record.batch // LIMITS.batch_part, LIMITS.batch_usual)
    codes = [c for _, cause in scores for c in evidence.codes.get(cause) or CAUSES[cause].fixes]
    optimizer = case.facts.optimizer
    idle = "change_optimizer" if optimizer is not None and optimizer.like_adam else ""
    fixes = tuple(
        evidence.fixes.get(code) or make_fix(code, case.facts, epochs="4 x as many", batch=batch)
        for code in dict.fromkeys(codes)
        if code != idle
    )
    return replace(finding, causes=causes, fixes=fixes)
