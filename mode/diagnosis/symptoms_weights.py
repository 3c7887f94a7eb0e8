"""Rules about gradients, weights and updates over time."""

from bisect import insort

import numpy as np

from mode.diagnosis.case import Case
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.limits import LIMITS
from mode.diagnosis.record import Record

_TINY = 1e-30


def ratios(record: Record, phase: str) -> np.ndarray:
    """Return rms(gradient or update) / rms(weight) of each kernel over time, shape (t, kernels)."""
    part, weights = record.indices(phase), record.indices("weight")
    if not part or not len(record.steps):
        return np.zeros((0, 0))
    sizes = record.column("rms")
    return sizes[:, part] / np.maximum(sizes[:, weights], _TINY)


def update_ratio(record: Record) -> float:
    """Return the median over time and kernels of |dw| / |w|; NaN where nothing was recorded.

    The first steps are left out: adaptive optimisers begin with full steps from zero.
    """
    found = ratios(record, "update")
    found = found[3:] if len(found) > 6 else found
    found = found[np.isfinite(found).all(axis=1)] if found.size else found
    return float(np.median(np.median(found, axis=1))) if found.size else np.nan


def gradient_arrives(record: Record) -> bool:
    """Tell whether the last layer gets a gradient; without one no rate could move a weight."""
    found = ratios(record, "gradient")
    return bool(found.size) and float(np.median(found[-5:, -1])) > 1e-4


def vanishing(case: Case) -> list[Finding]:
    """Next to no gradient in the first third of the layers, far less than in the last."""
    found = ratios(case.record, "gradient")
    if found.shape[1] < 3 or len(found) < 3:
        return []
    middle = np.median(found[-max(len(found) // 2, 3) :], axis=0)
    third = max(found.shape[1] // 3, 1)
    first, last = float(np.median(middle[:third])), float(middle[-1])
    if first >= 1e-4 or first > LIMITS.vanishing_ratio * max(last, _TINY):
        return []
    where = _of_row(case.record, case.record.indices("gradient")[0])
    evidence = (
        Evidence("|gradient| / |weight| of the first layers", first, 1e-4),
        Evidence("against the last layer's", first / max(last, _TINY), LIMITS.vanishing_ratio),
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
    jump = sizes / np.maximum(running_median(sizes), _TINY)
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
