"""Rules about the curves of loss and metrics."""

import numpy as np

from mode.diagnosis.facts.outcome import Case
from mode.diagnosis.facts.training import (
    Record,
    accuracies,
    gradient_arrives,
    loss_curve,
    slope,
    update_ratio,
)
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.limits import LIMITS


def flat_loss(case: Case) -> list[Finding]:
    """The loss stays at, or far above, what a constant prediction would reach."""
    outcome, losses = case.outcome, loss_curve(case.record)
    if outcome.level != "bad" or not outcome.enough or not len(losses):
        return []
    found = []
    gain = outcome.gain if np.isfinite(outcome.gain) else outcome.skill
    if not np.isfinite(gain) or gain < LIMITS.bad_gain:
        evidence = Evidence("loss below the best constant's, as a share", gain, LIMITS.bad_gain)
        if not np.isfinite(gain):
            evidence = Evidence("share of the first loss gone", _fallen(losses), LIMITS.bad_gain)
        found.append(case.finding("loss_not_decreasing", "error", Where("loss"), evidence))
    if outcome.accuracy - outcome.majority < LIMITS.chance_margin:
        evidence = Evidence("accuracy", outcome.accuracy, outcome.majority)
        found.append(case.finding("accuracy_not_increasing", "error", Where("output"), evidence))
    if outcome.last_loss > 3 * outcome.constant_loss > 0:
        times = outcome.last_loss / outcome.constant_loss
        evidence = Evidence("loss over the best constant's", times, 3.0)
        found.append(case.finding("large_loss", "warning", Where("loss"), evidence))
    return found


def _fallen(losses: np.ndarray) -> float:
    good = losses[np.isfinite(losses)]
    return float(1 - good.min() / losses[0]) if len(good) and losses[0] else 0.0


def rising(case: Case) -> list[Finding]:
    """The loss ends above where it began."""
    losses = loss_curve(case.record)
    losses = losses[np.isfinite(losses)]
    if len(losses) < 4:
        return []
    first, last = float(np.median(losses[:2])), float(np.median(losses[-2:]))
    if last <= first + 0.1 * abs(first) or last <= first * 1.1:
        return []
    evidence = Evidence("last loss over the first", last / first if first else np.inf, 1.1)
    return [case.finding("loss_increasing", "error", Where("loss"), evidence, gate="bad")]


def odd_value(case: Case) -> list[Finding]:
    """A loss of exactly zero from the start, or below zero where none can be."""
    losses = case.record.losses if len(case.record.losses) else case.record.log("loss")
    families = {head.family for head in case.facts.heads}
    if len(losses) >= 3 and (losses == 0).all():
        return [case.finding("zero_loss", "error", Where("loss"), Evidence("loss", 0.0))]
    positive = families <= {"binary", "categorical", "sparse", "regression"} and families
    lowest = float(losses[np.isfinite(losses)].min(initial=0.0))
    if len(losses) >= 2 and positive and lowest < -1e-3:
        evidence = Evidence("loss", lowest, 0.0)
        return [case.finding("negative_loss", "error", Where("loss"), evidence)]
    return []


def oscillating(case: Case) -> list[Finding]:
    """The loss turns round at most epochs, by a good part of itself, and gets nowhere."""
    losses = loss_curve(case.record)[-8:]
    if len(losses) < 6 or not np.isfinite(losses).all():
        return []
    steps = np.diff(losses)
    flips = float((np.sign(steps[1:]) != np.sign(steps[:-1])).mean())
    swing = float((losses.max() - losses.min()) / max(abs(np.mean(losses)), 1e-12))
    best = loss_curve(case.record)
    improving = best[-len(best) // 2 :].min() < 0.95 * best[: max(len(best) // 2, 1)].min()
    if flips <= LIMITS.flips or swing <= LIMITS.swing or improving:
        return []
    evidence = (
        Evidence("share of turns", flips, LIMITS.flips),
        Evidence("swing", swing, LIMITS.swing),
    )
    return [case.finding("oscillating_loss", "warning", Where("loss"), *evidence, gate="poor")]


def unfinished(case: Case) -> list[Finding]:
    """Training ends while it still improves, or settles far from the targets."""
    losses, outcome = loss_curve(case.record), case.outcome
    if not case.record.finished or not outcome.finite or len(losses) < 2 or outcome.level == "good":
        return []
    losses = losses[np.isfinite(losses)]
    late, whole = slope(losses) if len(losses) >= 2 else (0.0, 0.0)
    share = whole / max(abs(losses[0]), 1e-12)
    fall = late * whole
    # noise-limited trainings creep on for ever; what counts is a fall worth waiting for
    worth = fall > 0.03 * (outcome.constant_loss if outcome.constant_loss > 0 else abs(losses[0]))
    if late > LIMITS.still_improving * 0.5 and whole > 0 and worth:
        evidence = (
            Evidence("share of the fall in the last quarter", late, LIMITS.still_improving * 0.5),
            Evidence("share of the loss gone", share),
        )
        return [case.finding("slow_convergence", "warning", Where("fit"), *evidence, gate="poor")]
    if len(case.record.epochs) <= 2 and outcome.level != "bad":
        few = Evidence("epochs", len(case.record.epochs), 3)
        return [case.finding("slow_convergence", "warning", Where("fit"), few, gate="poor")]
    gains = [g for g in (outcome.gain, outcome.skill) if np.isfinite(g)]
    if not gains or np.mean(gains) >= LIMITS.poor_gain:
        return []
    severity = "warning" if np.mean(gains) < 0.2 else "note"
    share = Evidence("share of the targets explained", float(np.mean(gains)), LIMITS.poor_gain)
    return [case.finding("underfitting", severity, Where("fit"), share)]


def overfitting(case: Case) -> list[Finding]:
    """The validation loss has risen for epochs while the training loss still falls."""
    validation, training = case.record.log("val_loss"), case.record.log("loss")
    if len(validation) < LIMITS.overfit_epochs + 2 or not np.isfinite(validation).all():
        return []
    best = int(validation.argmin())
    tail = validation[-LIMITS.overfit_epochs :]
    late = best < len(validation) - LIMITS.overfit_epochs
    over = late and tail.min() > LIMITS.overfit * validation[best]
    scale = case.outcome.constant_loss
    slight = np.isfinite(scale) and tail.max() < 0.15 * scale
    if not over or slight or training[-1] >= 0.9 * training[best]:
        return []
    if not _score_suffers(case.record, float(tail.min() / validation[best])):
        return []
    times = float(tail[-1] / validation[best])
    evidence = Evidence("validation loss over its best", times, LIMITS.overfit)
    return [case.finding("overfitting", "warning", Where("fit"), evidence)]


def _score_suffers(record: Record, rise: float) -> bool:
    """A validation accuracy that holds near training's is no over-fitting, whatever the loss.

    Without an accuracy, the loss has to `rise` further above its best.
    """
    logged = accuracies(record)
    if logged is None:
        return rise > LIMITS.overfit_unscored
    train, held = logged
    drop, gap = held.max() - held[-1], train[-1] - held[-1]
    return bool(drop > LIMITS.overfit_drop or gap > LIMITS.overfit_gap)


def validation_rows(case: Case) -> list[Finding]:
    """Validation rows that were trained on."""
    record = case.record
    if record.overlap <= LIMITS.overlap or not record.inputs:
        return []
    evidence = Evidence("share of validation rows seen in training", record.overlap, LIMITS.overlap)
    return [case.finding("validation_overlap", "warning", Where("data"), evidence)]


def suspicious_validation(case: Case) -> list[Finding]:
    """Validation far better than training for epochs, though nothing is dropped in training."""
    record = case.record
    dropped = any(layer.rate > 0 for layer in case.facts.layers)
    logged = accuracies(record)
    if dropped or len(record.epochs) < 4 or logged is None:
        return []
    lead = logged[1][-3:] - logged[0][-3:]
    if not lead.min() > 0.1:
        return []
    evidence = Evidence("validation accuracy above training accuracy", float(lead.min()), 0.1)
    return [case.finding("suspicious_validation", "note", Where("data"), evidence)]


def disagreement(case: Case) -> list[Finding]:
    """The loss falls but the predictions stay at chance."""
    outcome, losses = case.outcome, loss_curve(case.record)
    if not outcome.enough or len(losses) < 3 or not np.isfinite(losses).all() or losses[0] <= 0:
        return []
    fall = 1 - float(losses.min() / losses[0])
    chance = outcome.accuracy - outcome.majority < LIMITS.chance_margin and outcome.majority < 0.7
    if fall < 0.3 or not chance or not (np.isnan(outcome.gain) or outcome.gain > 0.2):
        return []
    evidence = (
        Evidence("share of the loss gone", fall, 0.3),
        Evidence("accuracy", outcome.accuracy, outcome.majority),
    )
    return [case.finding("loss_metric_disagree", "error", Where("output"), *evidence)]


def two_losses(case: Case) -> list[Finding]:
    """The reported loss comes from logits that the predictions do not follow."""
    pairs = case.record.pairs[np.isfinite(case.record.pairs).all(axis=1)]
    if len(pairs) < 3:
        return []
    reported, again = np.median(pairs[-5:], axis=0)
    # from far-off logits Keras clips the second one, which is then the smaller
    if again <= reported + LIMITS.losses_apart * max(abs(reported), 0.5):
        return []
    evidence = (
        Evidence("reported loss of a batch", float(reported)),
        Evidence("the same from its predictions", float(again), float(reported)),
    )
    where = Where("output", case.facts.heads[0].carrier if case.facts.heads else "")
    return [case.finding("loss_metric_disagree", "error", where, *evidence)]


def crawling(case: Case) -> list[Finding]:
    """Tiny updates and an almost straight fall: the rate is what holds training back."""
    ratio, losses = update_ratio(case.record), loss_curve(case.record)
    if not case.record.finished or not np.isfinite(ratio) or ratio >= 2e-4 or len(losses) < 4:
        return []
    late, whole = slope(losses)
    if whole <= 0 or late < LIMITS.still_improving * 0.5 or not gradient_arrives(case.record):
        return []
    evidence = Evidence("median |update| / |weight|", ratio, 2e-4)
    return [case.finding("lr_low", "warning", Where("optimiser"), evidence, gate="poor")]
