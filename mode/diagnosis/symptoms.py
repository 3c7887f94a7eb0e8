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
        where, when = (
            Where("loss"),
            When(int(np.flatnonzero(~np.isfinite(losses))[0]) + 1, record.total_steps),
        )
        return [
            case.finding(
                "numerical_error", "error", where, Evidence("loss", "not finite"), when=when
            )
        ]
    first = record.rows[row]
    where = Where(_PHASES[first.phase], first.layer, first.variable)
    evidence = (
        Evidence("first tensor not finite", f"{first.phase} of {first.layer}"),
        Evidence("tensors not finite at that step", int((record.broken > 0).sum()), 0),
    )
    when = When(_epoch_of(record, record.broken_step), record.broken_step)
    return [case.finding("numerical_error", "error", where, *evidence, when=when)]


def _epoch_of(record: Record, step: int) -> int:
    finished = max(len(record.epochs), 1)
    per_epoch = max(record.total_steps // finished, 1)
    return max((step - 1) // per_epoch + 1, 1)


def constant_output(case: Case) -> list[Finding]:
    """Every row gets the same prediction; or nearly so, once the outcome is bad."""
    record = case.record
    if not len(record.steps) or not record.heads.shape[1] or record.broken_step:
        return []
    spread = record.head("spread")[-3:]
    found = []
    for i, head in enumerate(case.facts.heads[: spread.shape[1]]):
        scale = float(np.mean(record.targets[i].std)) if i < len(record.targets) else 1.0
        exact = case.outcome.constant and spread[:, i].max() <= 1e-6 * max(
            1, abs(record.head("high")[-1, i])
        )
        near = (
            record.steps[-1] >= 20
            and len(spread) >= 3
            and spread[:, i].max() < 0.02 * min(scale, 1.0)
        )
        if exact or (near and case.outcome.enough):
            evidence = Evidence(
                "spread of the predictions over rows",
                float(spread[:, i].max()),
                0.02 * min(scale, 1.0),
            )
            gate, severity = ("none", "error") if exact else ("bad", "warning")
            found.append(
                case.finding(
                    "constant_output", severity, Where("output", head.carrier), evidence, gate=gate
                )
            )
    return found


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
            found.append(
                case.finding(
                    "dead_relu",
                    "error" if whole else "warning",
                    Where("layer", layer),
                    evidence,
                    gate=gate,
                )
            )
    return sorted(found, key=lambda f: f.severity)[:3]


def saturated(case: Case) -> list[Finding]:
    """Hidden sigmoid or tanh units at their flat ends."""
    record = case.record
    ends = {h.carrier for h in case.facts.heads} | {h.layer for h in case.facts.heads}
    columns = {"tanh": "beyond", "sigmoid": "edge"}
    found = []
    for i in record.indices("activation"):
        row = record.rows[i]
        if row.activation not in columns or row.layer in ends or not len(record.steps):
            continue
        share = float(np.median(record.column(columns[row.activation])[-5:, i]))
        if share > LIMITS.saturated:
            evidence = Evidence("share of saturated units", share, LIMITS.saturated)
            found.append(
                case.finding(
                    "saturated_activation",
                    "warning",
                    Where("layer", row.layer),
                    evidence,
                    gate="poor",
                )
            )
    return found[:1]


def output_range(case: Case) -> list[Finding]:
    """Predictions outside what the loss can take."""
    record, found = case.record, []
    if not len(record.steps):
        return []
    for i, head in enumerate(case.facts.heads[: record.heads.shape[1]]):
        if head.from_logits or head.family not in ("binary", "categorical", "sparse"):
            continue
        low, high = (
            float(np.nanmin(record.head("low")[:, i])),
            float(np.nanmax(record.head("high")[:, i])),
        )
        where = Where("output", head.carrier)
        if low < -0.01 or high > 1.01:
            evidence = Evidence("predictions", f"{low:.3g}..{high:.3g}", "0..1")
            found.append(case.finding("output_out_of_range", "error", where, evidence))
        sums = record.head("row_sum_low")[-1, i], record.head("row_sum_high")[-1, i]
        if head.family != "binary" and max(abs(sums[0] - 1), abs(sums[1] - 1)) > 0.02:
            evidence = Evidence("sum of a prediction's row", f"{sums[0]:.3g}..{sums[1]:.3g}", 1.0)
            found.append(case.finding("output_not_distribution", "warning", where, evidence))
    return found
