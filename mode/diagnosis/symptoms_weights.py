"""Rules about gradients, weights and updates over time."""

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
    row = case.record.rows[case.record.indices("gradient")[0]]
    evidence = (
        Evidence("|gradient| / |weight| of the first layers", first, 1e-4),
        Evidence("against the last layer's", first / max(last, _TINY), LIMITS.vanishing_ratio),
    )
    return [
        case.finding(
            "vanishing_gradient",
            "warning",
            Where("layer", row.layer, row.variable),
            *evidence,
            gate="bad",
        )
    ]


def exploding(case: Case) -> list[Finding]:
    """Gradients far above their running median, or weights rewritten at each step."""
    record = case.record
    gradients = record.indices("gradient")
    if not gradients or len(record.steps) < 2:
        return []
    sizes = record.column("rms")[:, gradients]
    usual = np.array([np.median(sizes[: t + 1], axis=0) for t in range(len(sizes))])
    jump = sizes / np.maximum(usual, _TINY)
    found = []
    t, k = np.unravel_index(np.nanargmax(jump), jump.shape)
    if jump[t, k] > LIMITS.exploding_ratio and sizes[t, k] > 1e-2:
        row = record.rows[gradients[k]]
        evidence = Evidence(
            "gradient over its running median", float(jump[t, k]), LIMITS.exploding_ratio
        )
        found.append(
            case.finding(
                "exploding_gradient",
                "warning",
                Where("layer", row.layer, row.variable),
                evidence,
                gate="bad",
            )
        )
    updates = ratios(record, "update")
    fast = (updates > LIMITS.update_extreme).sum(axis=0)
    if fast.max() >= min(5, len(updates)) and len(updates) >= 3:
        row = record.rows[gradients[int(fast.argmax())]]
        evidence = Evidence(
            "|update| / |weight|",
            float(np.median(updates[:, fast.argmax()])),
            LIMITS.update_extreme,
        )
        found.append(
            case.finding(
                "exploding_weights",
                "warning",
                Where("layer", row.layer, row.variable),
                evidence,
                gate="bad",
            )
        )
    return found


def activation_size(case: Case) -> list[Finding]:
    """A signal that explodes or fades out on its way through the layers."""
    record = case.record
    active = record.indices("activation")
    if not active or not len(record.steps):
        return []
    size = np.median(record.column("rms")[-5:, active], axis=0)
    found = []
    top, low = int(size.argmax()), int(size[:-1].argmin()) if len(size) > 1 else 0
    inputs = record.column("rms")[-5:, record.indices("input")]
    scale = max(float(np.median(inputs)) if inputs.size else 1.0, 1.0)
    if size[top] > 1e3 * scale:
        where = Where("layer", record.rows[active[top]].layer)
        found.append(
            case.finding(
                "exploding_activation",
                "warning",
                where,
                Evidence("rms activation", float(size[top]), 1e3 * scale),
                gate="bad",
            )
        )
    dead = {f.where.layer for f in found}
    if size[low] < 1e-4 and len(size) > 2 and not dead:
        where = Where("layer", record.rows[active[low]].layer)
        found.append(
            case.finding(
                "vanishing_activation",
                "warning",
                where,
                Evidence("rms activation", float(size[low]), 1e-4),
                gate="bad",
            )
        )
    return found


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
    output = (
        record.head("high")[-3:] - record.head("high")[:3]
        if len(record.heads) >= 6
        else np.ones((1, 1))
    )
    if output.size and np.abs(output).max() < 1e-6:
        found.append(
            case.finding(
                "unchanged_output",
                "warning",
                Where("output"),
                Evidence("change of the predictions", float(np.abs(output).max()), 1e-6),
                gate="bad",
            )
        )
    return found


def rate(case: Case) -> list[Finding]:
    """The size of an update against the size of its weight tells the rate's fit."""
    ratio = update_ratio(case.record)
    if not np.isfinite(ratio) or case.record.total_steps < 20:
        return []
    where, name = Where("optimiser"), "median |update| / |weight|"
    if ratio > LIMITS.update_high:
        return [
            case.finding(
                "lr_high", "warning", where, Evidence(name, ratio, LIMITS.update_high), gate="bad"
            )
        ]
    if ratio < LIMITS.update_low and gradient_arrives(case.record):
        return [
            case.finding(
                "lr_low", "warning", where, Evidence(name, ratio, LIMITS.update_low), gate="bad"
            )
        ]
    return []
