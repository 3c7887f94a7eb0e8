"""Rules about recorded tensors: activations, gradients, weights, updates and predictions.

Each takes a `TrainingCase` and returns findings of the symptom that it is named after.
"""

from bisect import insort

import numpy as np

from mode.diagnosis.catalog.symptoms import make_finding
from mode.diagnosis.facts.heads import PROBABILITY
from mode.diagnosis.facts.outcome import TrainingCase, differ_between_batches
from mode.diagnosis.facts.training import (
    TINY,
    UNSEEN,
    Record,
    first_broken,
    ratios,
)
from mode.diagnosis.findings import Evidence, Finding, When, Where
from mode.diagnosis.limits import LIMITS

_PHASES = {"input": "input", "activation": "layer", "loss": "loss", "gradient": "layer",
           "weight": "layer", "update": "optimizer"}  # fmt: skip
_FLAT_ENDS = {"tanh": "beyond", "sigmoid": "edge"}


def _of_row(record: Record, row: int) -> Where:
    return Where("layer", record.rows[row].layer, record.rows[row].variable)


def numerical_error(case: TrainingCase) -> list[Finding]:
    """A NaN or infinity anywhere, with the tensor and step where it began."""
    record = case.record
    row, losses = first_broken(record), record.log("loss")
    if row is None and (not len(losses) or np.isfinite(losses).all()):
        return []
    if row is None:
        epoch = int(np.flatnonzero(~np.isfinite(losses))[0]) + 1
        when, evidence = When(epoch, record.total_steps), Evidence("loss", "not finite")
        return [make_finding("numerical_error", Where("loss"), evidence, when=when)]
    first = record.rows[row]
    where = Where(_PHASES[first.phase], first.layer, first.variable)
    evidence = Evidence("first tensor not finite", f"{first.phase} of {first.layer}")
    broken = Evidence("tensors not finite at that step", int((record.broken > 0).sum()), 0)
    when = When(_epoch_of(record, record.broken_step), record.broken_step)
    return [make_finding("numerical_error", where, evidence, broken, when=when)]


def _epoch_of(record: Record, step: int) -> int:
    per_epoch = max(record.total_steps // max(len(record.epochs), 1), 1)
    return max((step - 1) // per_epoch + 1, 1)


def constant_output(case: TrainingCase) -> list[Finding]:
    """Every row gets the same prediction; or nearly so, once the outcome is bad."""
    record = case.record
    if not len(record.steps) or not record.heads.shape[1] or record.broken_step:
        return []
    spreads, findings = record.head("spread")[-LIMITS.records :], []
    differ = differ_between_batches(record)
    for i, head in enumerate(case.facts.heads[: spreads.shape[1]]):
        if differ[i]:
            continue
        spread, limit = float(spreads[:, i].max()), LIMITS.near_constant * _target_spread(record, i)
        rounding = LIMITS.flat_spread * max(1, abs(record.head("high")[-1, i]))
        exact = case.outcome.constant and spread <= rounding
        late = record.steps[-1] >= LIMITS.early_steps and len(spreads) >= LIMITS.records
        if exact or (late and spread < limit and case.outcome.enough):
            evidence = Evidence("spread of the predictions over rows", spread, limit)
            severity, gate = ("error", "none") if exact else ("", "")
            place = Where("output", head.carrier)
            findings.append(
                make_finding("constant_output", place, evidence, severity=severity, gate=gate)
            )
    return findings


def _target_spread(record: Record, i: int) -> float:
    """Return the spread of an output's targets, 1 at most and where it is not known."""
    return min(float(np.mean(record.targets[i].std)), 1.0) if i < len(record.targets) else 1.0


def dead_relu(case: TrainingCase) -> list[Finding]:
    """Units of a rectified layer that no row of the epoch activates."""
    if case.record.total_steps < LIMITS.dead_steps:
        return []
    findings = []
    for layer, peaks in case.record.units.items():
        measured = peaks[peaks > UNSEEN]
        share = float((measured <= 0).mean()) if len(measured) else 0.0
        if share > LIMITS.dead:
            whole = share == 1 and not case.record.broken_step
            severity, gate = ("error", "poor") if whole else ("", "")
            evidence = Evidence("share of units never active", share, LIMITS.dead)
            place = Where("layer", layer)
            findings.append(
                make_finding("dead_relu", place, evidence, severity=severity, gate=gate)
            )
    return sorted(findings, key=lambda f: f.severity)[: LIMITS.dead_layers]


def saturated_activation(case: TrainingCase) -> list[Finding]:
    """Hidden sigmoid or tanh units at their flat ends."""
    record = case.record
    ends = {h.carrier for h in case.facts.heads} | {h.layer for h in case.facts.heads}
    for i in record.indices("activation"):
        row = record.rows[i]
        if row.activation not in _FLAT_ENDS or row.layer in ends or not len(record.steps):
            continue
        shares = record.column(_FLAT_ENDS[row.activation])[-LIMITS.recent :, i]
        share = float(np.median(shares))
        if share > LIMITS.saturated:
            evidence = Evidence("share of saturated units", share, LIMITS.saturated)
            return [make_finding("saturated_activation", Where("layer", row.layer), evidence)]
    return []


def output_out_of_range(case: TrainingCase) -> list[Finding]:
    """Predictions outside 0..1 where the loss takes probabilities."""
    findings, slack = [], LIMITS.probability_slack
    for i, head in _probabilities(case):
        low = float(np.nanmin(case.record.head("low")[:, i]))
        high = float(np.nanmax(case.record.head("high")[:, i]))
        if low < -slack or high > 1 + slack:
            evidence = Evidence("predictions", f"{low:.3g}..{high:.3g}", "0..1")
            where = Where("output", head.carrier)
            findings.append(make_finding("output_out_of_range", where, evidence))
    return findings


def output_not_distribution(case: TrainingCase) -> list[Finding]:
    """Rows of predictions that do not sum to 1 where the loss takes exclusive classes."""
    findings = []
    for i, head in _probabilities(case):
        low, high = (case.record.head(f"row_sum_{end}")[-1, i] for end in ("low", "high"))
        if head.family != "binary" and max(abs(low - 1), abs(high - 1)) > LIMITS.row_sum_slack:
            evidence = Evidence("sum of a prediction's row", f"{low:.3g}..{high:.3g}", 1.0)
            where = Where("output", head.carrier)
            findings.append(make_finding("output_not_distribution", where, evidence))
    return findings


def _probabilities(case: TrainingCase):
    """Return number and facts of each recorded output whose loss takes probabilities."""
    recorded = case.record.heads.shape[1] if len(case.record.steps) else 0
    heads = enumerate(case.facts.heads[:recorded])
    return [(i, h) for i, h in heads if not h.from_logits and h.family in PROBABILITY]


def vanishing_gradient(case: TrainingCase) -> list[Finding]:
    """Next to no gradient in the first third of the layers, far less than in the last."""
    sizes = ratios(case.record, "gradient")
    if sizes.shape[1] < LIMITS.vanishing_kernels or len(sizes) < LIMITS.records:
        return []
    middle = np.median(sizes[-max(len(sizes) // 2, LIMITS.records) :], axis=0)
    third = max(sizes.shape[1] // 3, 1)
    first, last = float(np.median(middle[:third])), max(float(middle[-1]), TINY)
    if first >= LIMITS.gradient_low or first > LIMITS.vanishing_ratio * last:
        return []
    where = _of_row(case.record, case.record.indices("gradient")[0])
    evidence = (
        Evidence("|gradient| / |weight| of the first layers", first, LIMITS.gradient_low),
        Evidence("against the last layer's", first / last, LIMITS.vanishing_ratio),
    )
    return [make_finding("vanishing_gradient", where, *evidence)]


def running_median(values: np.ndarray) -> np.ndarray:
    """Return the median of each column up to each row, of the shape of `values`."""
    medians = np.empty(values.shape)
    for column, target in zip(values.T, medians.T, strict=True):
        ordered: list[float] = []
        for t, value in enumerate(column.tolist()):
            insort(ordered, value)
            target[t] = (ordered[t // 2] + ordered[(t + 1) // 2]) / 2
    return medians


def exploding_gradient(case: TrainingCase) -> list[Finding]:
    """A gradient far above its running median."""
    gradients = case.record.indices("gradient")
    if not gradients or len(case.record.steps) < 2:
        return []
    sizes = case.record.column("rms")[:, gradients]
    jump = sizes / np.maximum(running_median(sizes), TINY)
    t, k = np.unravel_index(np.nanargmax(jump), jump.shape)
    highest, limit = float(jump[t, k]), LIMITS.exploding_ratio
    if not (highest > limit and sizes[t, k] > LIMITS.exploding_size):
        return []
    evidence = Evidence("gradient over its running median", highest, limit)
    return [make_finding("exploding_gradient", _of_row(case.record, gradients[k]), evidence)]


def exploding_weights(case: TrainingCase) -> list[Finding]:
    """Weights that are rewritten at each step."""
    gradients, updates = case.record.indices("gradient"), ratios(case.record, "update")
    if not gradients or len(updates) < LIMITS.records:
        return []
    fast = (updates > LIMITS.update_extreme).sum(axis=0)
    if fast.max() < min(LIMITS.rewritten_records, len(updates)):
        return []
    kernel = int(fast.argmax())
    usual = float(np.median(updates[:, kernel]))
    evidence = Evidence("|update| / |weight|", usual, LIMITS.update_extreme)
    return [make_finding("exploding_weights", _of_row(case.record, gradients[kernel]), evidence)]


def exploding_activation(case: TrainingCase) -> list[Finding]:
    """A signal that explodes on its way through the layers."""
    sizes = _activation_sizes(case.record)
    if not len(sizes) or not sizes.max() > _highest(case.record):
        return []
    evidence = Evidence("rms activation", float(sizes.max()), _highest(case.record))
    where = _of_activation(case.record, int(sizes.argmax()))
    return [make_finding("exploding_activation", where, evidence)]


def vanishing_activation(case: TrainingCase) -> list[Finding]:
    """A signal that fades out on its way through the layers, the last one aside."""
    sizes = _activation_sizes(case.record)
    if len(sizes) <= 2 or sizes.max() > _highest(case.record):
        return []
    low, limit = int(sizes[:-1].argmin()), LIMITS.activation_low
    if not sizes[low] < limit:
        return []
    evidence = Evidence("rms activation", float(sizes[low]), limit)
    return [make_finding("vanishing_activation", _of_activation(case.record, low), evidence)]


def _activation_sizes(record: Record) -> np.ndarray:
    """Return the recent root mean square of each recorded activation, in forward order."""
    active = record.indices("activation")
    if not active or not len(record.steps):
        return np.zeros(0)
    return np.median(record.column("rms")[-LIMITS.recent :, active], axis=0)


def _highest(record: Record) -> float:
    inputs = record.column("rms")[-LIMITS.recent :, record.indices("input")]
    return LIMITS.activation_high * max(float(np.median(inputs)) if inputs.size else 1.0, 1.0)


def _of_activation(record: Record, i: int) -> Where:
    return Where("layer", record.rows[record.indices("activation")[i]].layer)


def unchanged_weights(case: TrainingCase) -> list[Finding]:
    """Weights that training does not move over an epoch."""
    updates = ratios(case.record, "update")
    if len(updates) < LIMITS.curve_points:
        return []
    per_epoch = case.record.total_steps / max(len(case.record.epochs), 1)
    moved = float(np.median(updates[-LIMITS.recent :].max(axis=1)) * per_epoch)
    if moved >= LIMITS.unchanged:
        return []
    evidence = Evidence("|w - w at the start| / |w| over an epoch", moved, LIMITS.unchanged)
    return [make_finding("unchanged_weights", Where("optimizer"), evidence)]


def unchanged_output(case: TrainingCase) -> list[Finding]:
    """Predictions that do not change, of weights that do not move."""
    high, few = case.record.head("high"), LIMITS.records
    if len(high) < 2 * few or not high.size or not unchanged_weights(case):
        return []
    change = float(np.abs(high[-few:] - high[:few]).max())
    if not change < LIMITS.unchanged_output:
        return []
    evidence = Evidence("change of the predictions", change, LIMITS.unchanged_output)
    return [make_finding("unchanged_output", Where("output"), evidence)]


RULES = (
    numerical_error, constant_output, dead_relu, saturated_activation, output_out_of_range,
    output_not_distribution, vanishing_gradient, exploding_gradient, exploding_weights,
    exploding_activation, vanishing_activation, unchanged_weights, unchanged_output,
)  # fmt: skip
