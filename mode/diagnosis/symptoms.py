"""Rules about single tensors: what is not finite, constant, dead, saturated or out of range."""

import numpy as np

from mode.diagnosis.case import Case, first_broken
from mode.diagnosis.findings import Evidence, Finding, When, Where
from mode.diagnosis.limits import LIMITS
from mode.diagnosis.record import Record

_PHASES = {
    "input": "input",
    "activation": "layer",
    "loss": "loss",
    "gradient": "layer",
    "weight": "layer",
    "update": "optimiser",
}


def numerical(case: Case) -> list[Finding]:
    """A NaN or infinity anywhere, with the tensor and step where it began."""
    record = case.record
    row = first_broken(record)
    losses = record.log("loss")
    if row is None and (not len(losses) or np.isfinite(losses).all()):
        return []
    if row is None:
        epoch = int(np.flatnonzero(~np.isfinite(losses))[0]) + 1
        evidence, when = Evidence("loss", "not finite"), When(epoch, record.total_steps)
        return [case.finding("numerical_error", "error", Where("loss"), evidence, when=when)]
    first = record.rows[row]
    where = Where(_PHASES[first.phase], first.layer, first.variable)
    where_from = Evidence("first tensor not finite", f"{first.phase} of {first.layer}")
    how_many = Evidence("tensors not finite at that step", int((record.broken > 0).sum()), 0)
    when = When(_epoch_of(record, record.broken_step), record.broken_step)
    return [case.finding("numerical_error", "error", where, where_from, how_many, when=when)]


def _epoch_of(record: Record, step: int) -> int:
    finished = max(len(record.epochs), 1)
    per_epoch = max(record.total_steps // finished, 1)
    return max((step - 1) // per_epoch + 1, 1)


def constant_output(case: Case) -> list[Finding]:
    """Every row gets the same prediction; or nearly so, once the outcome is bad."""
    record = case.record
    if not len(record.steps) or not record.heads.shape[1] or record.broken_step:
        return []
    recent, found = record.head("spread")[-3:], []
    for i, head in enumerate(case.facts.heads[: recent.shape[1]]):
        spread, limit = float(recent[:, i].max()), 0.02 * _target_scale(record, i)
        exact = case.outcome.constant and spread <= 1e-6 * max(1, abs(record.head("high")[-1, i]))
        near = record.steps[-1] >= 20 and len(recent) >= 3 and spread < limit
        if exact or (near and case.outcome.enough):
            where = Where("output", head.carrier)
            evidence = Evidence("spread of the predictions over rows", spread, limit)
            gate, severity = ("none", "error") if exact else ("bad", "warning")
            found.append(case.finding("constant_output", severity, where, evidence, gate=gate))
    return found


def _target_scale(record: Record, i: int) -> float:
    """Return the spread of an output's targets, 1 at most and where it is not known."""
    known = i < len(record.targets)
    return min(float(np.mean(record.targets[i].std)), 1.0) if known else 1.0


def dead_relu(case: Case) -> list[Finding]:
    """Units of a rectified layer that no row of the epoch activates."""
    if case.record.total_steps < 10:
        return []
    found = []
    for layer, peaks in case.record.units.items():
        seen = peaks > -1e38
        if not seen.any() or len(peaks) < 1:
            continue
        share = float((peaks[seen] <= 0).mean())
        if share > LIMITS.dead:
            whole = share == 1 and not case.record.broken_step
            gate = "poor" if whole else "bad"
            evidence = Evidence("share of units never active", share, LIMITS.dead)
            severity, where = "error" if whole else "warning", Where("layer", layer)
            found.append(case.finding("dead_relu", severity, where, evidence, gate=gate))
    return sorted(found, key=lambda f: f.severity)[:3]


def saturated(case: Case) -> list[Finding]:
    """Hidden sigmoid or tanh units at their flat ends."""
    record = case.record
    ends = {h.carrier for h in case.facts.heads} | {h.layer for h in case.facts.heads}
    columns = {"tanh": "beyond", "sigmoid": "edge"}
    for i in record.indices("activation"):
        row = record.rows[i]
        if row.activation not in columns or row.layer in ends or not len(record.steps):
            continue
        share = float(np.median(record.column(columns[row.activation])[-5:, i]))
        if share > LIMITS.saturated:
            evidence = Evidence("share of saturated units", share, LIMITS.saturated)
            told = ("saturated_activation", "warning", Where("layer", row.layer))
            return [case.finding(*told, evidence, gate="poor")]
    return []


def output_range(case: Case) -> list[Finding]:
    """Predictions outside what the loss can take."""
    record, found = case.record, []
    if not len(record.steps):
        return []
    for i, head in enumerate(case.facts.heads[: record.heads.shape[1]]):
        if head.from_logits or head.family not in ("binary", "categorical", "sparse"):
            continue
        low = float(np.nanmin(record.head("low")[:, i]))
        high = float(np.nanmax(record.head("high")[:, i]))
        where = Where("output", head.carrier)
        if low < -0.01 or high > 1.01:
            evidence = Evidence("predictions", f"{low:.3g}..{high:.3g}", "0..1")
            found.append(case.finding("output_out_of_range", "error", where, evidence))
        sums = record.head("row_sum_low")[-1, i], record.head("row_sum_high")[-1, i]
        if head.family != "binary" and max(abs(sums[0] - 1), abs(sums[1] - 1)) > 0.02:
            evidence = Evidence("sum of a prediction's row", f"{sums[0]:.3g}..{sums[1]:.3g}", 1.0)
            found.append(case.finding("output_not_distribution", "warning", where, evidence))
    return found
