"""Rules about the curves of loss and accuracy, and the learning rate behind them.

Each takes a `TrainingCase` and returns findings of the symptom that it is named after.
"""

import numpy as np

from mode.diagnosis.catalog.symptoms import make_finding
from mode.diagnosis.facts.outcome import TrainingCase
from mode.diagnosis.facts.training import (
    Record,
    gradient_arrives,
    loss_curve,
    slope,
    update_ratio,
)
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.limits import LIMITS

_POSITIVE = {"binary", "categorical", "sparse", "regression"}  # families of losses above 0


def _failed(case: TrainingCase) -> bool:
    outcome = case.outcome
    return outcome.level == "bad" and outcome.enough and len(loss_curve(case.record)) > 0


def loss_not_decreasing(case: TrainingCase) -> list[Finding]:
    """The loss stays at what a constant prediction would reach."""
    outcome = case.outcome
    gain = outcome.gain if np.isfinite(outcome.gain) else outcome.skill
    if not _failed(case) or (np.isfinite(gain) and gain >= LIMITS.bad_gain):
        return []
    evidence = Evidence("loss below the best constant's, as a share", gain, LIMITS.bad_gain)
    if not np.isfinite(gain):
        gone = _fallen(loss_curve(case.record))
        evidence = Evidence("share of the first loss gone", gone, LIMITS.bad_gain)
    return [make_finding("loss_not_decreasing", Where("loss"), evidence)]


def _fallen(losses: np.ndarray) -> float:
    finite = losses[np.isfinite(losses)]
    return float(1 - finite.min() / losses[0]) if len(finite) and losses[0] else 0.0


def few_steps(case: TrainingCase) -> list[Finding]:
    """A training ends after so few steps that its outcome shows nothing."""
    record, outcome = case.record, case.outcome
    if outcome.enough or not record.finished or not outcome.at_least("poor"):
        return []
    steps = Evidence("steps", record.total_steps, LIMITS.few_steps)
    return [make_finding("few_steps", Where("fit"), steps)]


def accuracy_not_increasing(case: TrainingCase) -> list[Finding]:
    """The accuracy stays at the share of the largest class."""
    outcome = case.outcome
    if not _failed(case) or not outcome.accuracy - outcome.majority < LIMITS.chance_margin:
        return []
    evidence = Evidence("accuracy", outcome.accuracy, outcome.majority)
    return [make_finding("accuracy_not_increasing", Where("output"), evidence)]


def large_loss(case: TrainingCase) -> list[Finding]:
    """The loss is far above what a constant prediction would reach."""
    outcome, limit = case.outcome, LIMITS.large_loss
    if not _failed(case) or not outcome.last_loss > limit * outcome.constant_loss > 0:
        return []
    times = outcome.last_loss / outcome.constant_loss
    return [make_finding("large_loss", Where("loss"),
                         Evidence("loss over the best constant's", times, limit))]  # fmt: skip


def loss_increasing(case: TrainingCase) -> list[Finding]:
    """The loss ends above where it began."""
    losses = loss_curve(case.record)
    losses = losses[np.isfinite(losses)]
    if len(losses) < LIMITS.curve_points:
        return []
    first, last = float(np.median(losses[:2])), float(np.median(losses[-2:]))
    if last <= first + LIMITS.rise * abs(first) or last <= first * (1 + LIMITS.rise):
        return []
    times = last / first if first else np.inf
    return [make_finding("loss_increasing", Where("loss"),
                         Evidence("last loss over the first", times, 1 + LIMITS.rise))]  # fmt: skip


def zero_loss(case: TrainingCase) -> list[Finding]:
    """A loss of exactly zero from the start."""
    losses = _recorded_losses(case.record)
    if len(losses) < LIMITS.records or (losses != 0).any():
        return []
    return [make_finding("zero_loss", Where("loss"), Evidence("loss", 0.0))]


def negative_loss(case: TrainingCase) -> list[Finding]:
    """A loss below zero where none can be."""
    losses = _recorded_losses(case.record)
    families = {head.family for head in case.facts.heads}
    lowest = float(losses[np.isfinite(losses)].min(initial=0.0))
    possible = not families or families - _POSITIVE
    if len(losses) < 2 or possible or not lowest < LIMITS.negative_loss:
        return []
    return [make_finding("negative_loss", Where("loss"), Evidence("loss", lowest, 0.0))]


def _recorded_losses(record: Record) -> np.ndarray:
    return record.losses if len(record.losses) else record.log("loss")


def oscillating_loss(case: TrainingCase) -> list[Finding]:
    """The loss turns round at most epochs, by a good part of itself, and gets nowhere."""
    evidence = swings(loss_curve(case.record))
    return [make_finding("oscillating_loss", Where("loss"), *evidence)] if evidence else []


def swings(curve: np.ndarray) -> tuple[Evidence, ...]:
    """Return the evidence that the end of a loss curve swings without progress, or nothing."""
    losses = curve[-LIMITS.oscillating_records :]
    if len(losses) < LIMITS.oscillating_fewest or not np.isfinite(losses).all():
        return ()
    steps = np.diff(losses)
    flips = float((np.sign(steps[1:]) != np.sign(steps[:-1])).mean())
    swing = float((losses.max() - losses.min()) / max(abs(np.mean(losses)), 1e-12))
    earlier, later = curve[: max(len(curve) // 2, 1)], curve[-len(curve) // 2 :]
    improving = later.min() < LIMITS.swing_fall * earlier.min()
    if flips <= LIMITS.flips or swing <= LIMITS.swing or improving:
        return ()
    return Evidence("share of turns", flips, LIMITS.flips), Evidence("swing", swing, LIMITS.swing)


def slow_convergence(case: TrainingCase) -> list[Finding]:
    """Training ends while it still improves, or after very few epochs."""
    losses, outcome = _unfinished_losses(case), case.outcome
    if losses is None:
        return []
    late, whole = slope(losses) if len(losses) >= 2 else (0.0, 0.0)
    scale = outcome.constant_loss if outcome.constant_loss > 0 else abs(losses[0])
    worth = late * whole > LIMITS.worthwhile_fall * scale
    if late > LIMITS.slowly_improving and whole > 0 and worth:
        evidence = (
            Evidence("share of the fall in the last quarter", late, LIMITS.slowly_improving),
            Evidence("share of the loss gone", whole / max(abs(losses[0]), 1e-12)),
        )
        return [make_finding("slow_convergence", Where("fit"), *evidence)]
    if 0 < len(case.record.epochs) < LIMITS.few_epochs and outcome.level != "bad":
        few = Evidence("epochs", len(case.record.epochs), LIMITS.few_epochs)
        return [make_finding("slow_convergence", Where("fit"), few)]
    return []


def _unfinished_losses(case: TrainingCase) -> np.ndarray | None:
    """Return the loss curve of a finished training that is not good, else None."""
    losses, outcome = loss_curve(case.record), case.outcome
    unfit = case.record.finished and outcome.enough and outcome.finite and outcome.level != "good"
    return losses[np.isfinite(losses)] if unfit and len(losses) >= 2 else None


def underfitting(case: TrainingCase) -> list[Finding]:
    """Training settles far from the targets."""
    if _unfinished_losses(case) is None or slow_convergence(case):
        return []
    gains = [g for g in (case.outcome.gain, case.outcome.skill) if np.isfinite(g)]
    if not gains or np.mean(gains) >= LIMITS.poor_gain:
        return []
    severity = "" if np.mean(gains) < LIMITS.hardly_learned else "note"
    share = Evidence("share of the targets explained", float(np.mean(gains)), LIMITS.poor_gain)
    return [make_finding("underfitting", Where("fit"), share, severity=severity)]


def loss_metric_disagree(case: TrainingCase) -> list[Finding]:
    """The loss falls but the predictions do not follow it."""
    return [*_stays_at_chance(case), *_comes_from_logits(case)]


def _stays_at_chance(case: TrainingCase) -> list[Finding]:
    """Return a finding where the loss falls but the predictions stay at chance."""
    outcome, losses = case.outcome, loss_curve(case.record)
    few = not outcome.enough or len(losses) < LIMITS.records
    if few or not np.isfinite(losses).all() or losses[0] <= 0:
        return []
    fall = 1 - float(losses.min() / losses[0])
    chance = outcome.accuracy - outcome.majority < LIMITS.chance_margin
    learned = np.isnan(outcome.gain) or outcome.gain > LIMITS.disagreeing_gain
    roomy = outcome.majority < LIMITS.clear_majority
    if fall < LIMITS.fallen or not (chance and roomy) or not learned:
        return []
    evidence = (
        Evidence("share of the loss gone", fall, LIMITS.fallen),
        Evidence("accuracy", outcome.accuracy, outcome.majority),
    )
    return [make_finding("loss_metric_disagree", Where("output"), *evidence)]


def _comes_from_logits(case: TrainingCase) -> list[Finding]:
    """Return a finding where the loss comes from logits that the predictions do not follow."""
    pairs = case.record.pairs[np.isfinite(case.record.pairs).all(axis=1)]
    if len(pairs) < LIMITS.records:
        return []
    reported, again = np.median(pairs[-LIMITS.recent :], axis=0)
    # from far-off logits Keras clips the second one, which is then the smaller
    if again <= reported + LIMITS.losses_apart * max(abs(reported), LIMITS.loss_floor):
        return []
    evidence = (
        Evidence("reported loss of a batch", float(reported)),
        Evidence("the same from its predictions", float(again), float(reported)),
    )
    where = Where("output", case.facts.heads[0].carrier if case.facts.heads else "")
    return [make_finding("loss_metric_disagree", where, *evidence)]


def lr_high(case: TrainingCase) -> list[Finding]:
    """Updates that are a large share of their weights."""
    ratio, limit = update_ratio(case.record), LIMITS.update_high
    if case.record.total_steps < LIMITS.early_steps or not limit < ratio < np.inf:
        return []
    return [make_finding("lr_high", Where("optimizer"), _update(ratio, limit))]


def lr_low(case: TrainingCase) -> list[Finding]:
    """Updates too small to matter, or small ones that hold an almost straight fall back."""
    ratio = update_ratio(case.record)
    if not np.isfinite(ratio) or not gradient_arrives(case.record):
        return []
    findings, limit = [], LIMITS.update_low
    if case.record.total_steps >= LIMITS.early_steps and ratio < limit:
        findings.append(make_finding("lr_low", Where("optimizer"), _update(ratio, limit)))
    losses, limit = loss_curve(case.record), LIMITS.update_crawling
    if case.record.finished and ratio < limit and len(losses) >= LIMITS.curve_points:
        late, whole = slope(losses)
        if whole > 0 and late >= LIMITS.slowly_improving:
            evidence = _update(ratio, limit)
            findings.append(make_finding("lr_low", Where("optimizer"), evidence, gate="poor"))
    return findings


def _update(ratio: float, limit: float) -> Evidence:
    return Evidence("median |update| / |weight|", ratio, limit)


RULES = (
    few_steps, loss_not_decreasing, accuracy_not_increasing, large_loss, loss_increasing, zero_loss,
    negative_loss, oscillating_loss, slow_convergence, underfitting, loss_metric_disagree, lr_high,
    lr_low,
)  # fmt: skip
