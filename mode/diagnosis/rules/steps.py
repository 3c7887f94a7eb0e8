"""Rules about recorded tensors: activations, gradients, weights, updates and predictions."""

from bisect import insort

import numpy as np

from mode.diagnosis.facts.model import PROBABILITY
from mode.diagnosis.facts.outcome import Case
from mode.diagnosis.facts.training import (
    TINY,
    Record,
    first_broken,
    gradient_arrives,
    ratios,
    update_ratio,
)
from mode.diagnosis.findings import Evidence, Finding, When, Where
from mode.diagnosis.limits import LIMITS

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
        if head.from_logits or head.family not in PROBABILITY:
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


def vanishing(case: Case) -> list[Finding]:
    """Next to no gradient in the first third of the layers, far less than in the last."""
    found = ratios(case.record, "gradient")
    if found.shape[1] < 3 or len(found) < 3:
        return []
    middle = np.median(found[-max(len(found) // 2, 3) :], axis=0)
    third = max(found.shape[1] // 3, 1)
    first, last = float(np.median(middle[:third])), float(middle[-1])
    if first >= 1e-4 or first > LIMITS.vanishing_ratio * max(last, TINY):
        return []
    where = _of_row(case.record, case.record.indices("gradient")[0])
    evidence = (
        Evidence("|gradient| / |weight| of the first layers", first, 1e-4),
        Evidence("against the last layer's", first / max(last, TINY), LIMITS.vanishing_ratio),
    )
    return [case.finding("vanishing_gradient", "warning", where, *evidence, gate="bad")]


def _of_row(record: Record, row: int) -> Where:
    return Where("layer", record.rows[row].layer, record.rows[row].variable)


def running_median(values: np.ndarray) -> np.ndarray:
    """Return the median of each column up to each row, shape as given."""
    medians = np.empty(values.shape)
    for column, of in zip(values.T, medians.T, strict=True):
        seen: list[float] = []
        for t, value in enumerate(column.tolist()):
            insort(seen, value)
            of[t] = (seen[t // 2] + seen[(t + 1) // 2]) / 2
    return medians


def exploding(case: Case) -> list[Finding]:
    """Gradients far above their running median, or weights rewritten at each step."""
    gradients = case.record.indices("gradient")
    if not gradients or len(case.record.steps) < 2:
        return []
    return [*_jumping(case, gradients), *_rewritten(case, gradients)]


def _jumping(case: Case, gradients: list[int]) -> list[Finding]:
    sizes = case.record.column("rms")[:, gradients]
    jump = sizes / np.maximum(running_median(sizes), TINY)
    t, k = np.unravel_index(np.nanargmax(jump), jump.shape)
    if not (jump[t, k] > LIMITS.exploding_ratio and sizes[t, k] > 1e-2):
        return []
    highest, limit = float(jump[t, k]), LIMITS.exploding_ratio
    evidence = Evidence("gradient over its running median", highest, limit)
    where = _of_row(case.record, gradients[k])
    return [case.finding("exploding_gradient", "warning", where, evidence, gate="bad")]


def _rewritten(case: Case, gradients: list[int]) -> list[Finding]:
    updates = ratios(case.record, "update")
    fast = (updates > LIMITS.update_extreme).sum(axis=0)
    if fast.max() < min(5, len(updates)) or len(updates) < 3:
        return []
    kernel = int(fast.argmax())
    usual, limit = float(np.median(updates[:, kernel])), LIMITS.update_extreme
    evidence = Evidence("|update| / |weight|", usual, limit)
    where = _of_row(case.record, gradients[kernel])
    return [case.finding("exploding_weights", "warning", where, evidence, gate="bad")]


def activation_size(case: Case) -> list[Finding]:
    """A signal that explodes or fades out on its way through the layers."""
    record = case.record
    active = record.indices("activation")
    if not active or not len(record.steps):
        return []
    size = np.median(record.column("rms")[-5:, active], axis=0)
    top, low = int(size.argmax()), int(size[:-1].argmin()) if len(size) > 1 else 0
    inputs = record.column("rms")[-5:, record.indices("input")]
    most, least = 1e3 * max(float(np.median(inputs)) if inputs.size else 1.0, 1.0), 1e-4
    if size[top] > most:
        symptom, at, limit = "exploding_activation", top, most
    elif size[low] < least and len(size) > 2:
        symptom, at, limit = "vanishing_activation", low, least
    else:
        return []
    where = Where("layer", record.rows[active[at]].layer)
    evidence = Evidence("rms activation", float(size[at]), limit)
    return [case.finding(symptom, "warning", where, evidence, gate="bad")]


def unchanged(case: Case) -> list[Finding]:
    """Weights that training does not move over an epoch."""
    record = case.record
    ratio = ratios(record, "update")
    if len(ratio) < 4:
        return []
    per_epoch = record.total_steps / max(len(record.epochs), 1)
    moved = float(np.median(ratio[-5:].max(axis=1)) * per_epoch)
    if moved >= LIMITS.unchanged:
        return []
    evidence = Evidence("|w - w at the start| / |w| over an epoch", moved, LIMITS.unchanged)
    found = [case.finding("unchanged_weights", "warning", Where("optimiser"), evidence, gate="bad")]
    high = record.head("high")
    change = np.abs(high[-3:] - high[:3]) if len(high) >= 6 else np.ones((1, 1))
    if change.size and change.max() < 1e-6:
        evidence = Evidence("change of the predictions", float(change.max()), 1e-6)
        where = Where("output")
        found.append(case.finding("unchanged_output", "warning", where, evidence, gate="bad"))
    return found


def rate(case: Case) -> list[Finding]:
    """The size of an update against the size of its weight tells the rate's fit."""
    ratio = update_ratio(case.record)
    if not np.isfinite(ratio) or case.record.total_steps < 20:
        return []
    if ratio > LIMITS.update_high:
        symptom, limit = "lr_high", LIMITS.update_high
    elif ratio < LIMITS.update_low and gradient_arrives(case.record):
        symptom, limit = "lr_low", LIMITS.update_low
    else:
        return []
    evidence = Evidence("median |update| / |weight|", ratio, limit)
    return [case.finding(symptom, "warning", Where("optimiser"), evidence, gate="bad")]
