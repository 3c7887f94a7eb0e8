"""Rules about a training that is over, of which only the logged curves are known.

Each takes a `Record` with its `epochs` alone and returns findings of the symptom that it is named
after. Without the model and the data no outcome can be computed, so each rule has a gate of its
own: the curve's noise, and what the logged accuracy says.
"""

from dataclasses import dataclass

import numpy as np

from mode.diagnosis.catalog.fixes import make_fix
from mode.diagnosis.catalog.symptoms import make_finding
from mode.diagnosis.facts.training import Record, accuracies, slope
from mode.diagnosis.findings import Evidence, Finding, When, Where
from mode.diagnosis.limits import LIMITS
from mode.diagnosis.rules.curves import swings
from mode.diagnosis.rules.validation import score_suffers


def _window(curve: np.ndarray) -> int:
    """Return of how many epochs a level of the curve is the median."""
    return int(np.clip(len(curve) // LIMITS.history_window, 1, LIMITS.history_windowed))


def levels(curve: np.ndarray) -> np.ndarray:
    """Return the median of each window of epochs, shape (epochs - window + 1,).

    Example:
        >>> levels(np.array([3.0, 1.0, 2.0])).tolist()
        [3.0, 1.0, 2.0]
    """
    return np.median(np.lib.stride_tricks.sliding_window_view(curve, _window(curve)), axis=1)


def noise(curve: np.ndarray) -> float:
    """Return the standard deviation of a level of the curve about its course.

    Second differences take the course away; their median is blind to a jump. 0.6745 is the
    median of |N(0, 1)|, 6 the variance that (1, -2, 1) makes of a variance of 1.
    """
    if len(curve) < LIMITS.history_epochs:
        return 0.0
    spread = float(np.median(np.abs(np.diff(curve, 2)))) / 0.6745 / np.sqrt(6)
    return spread / np.sqrt(_window(curve))


def _losses(record: Record, name: str = "loss") -> np.ndarray:
    """Return a loss by epoch, empty where it is too short to diagnose or not all finite."""
    curve = record.log(name)
    judged = len(curve) >= LIMITS.history_epochs and np.isfinite(curve).all()
    return curve if judged else np.zeros(0)


def _score(record: Record) -> float:
    """Return the best logged training accuracy, NaN where there is none."""
    names = [n for n in (record.epochs[-1] if record.epochs else ()) if "acc" in n]
    scores = [record.log(n) for n in names if not n.startswith("val_")]
    finite = [float(np.nanmax(s)) for s in scores if np.isfinite(s).any()]
    return max(finite, default=np.nan)


def _learned(record: Record) -> bool:
    return _score(record) >= LIMITS.history_learned


def _found(code: str, phase: str, *evidence: Evidence, epoch: int, fixes: str, severity="",
           text="") -> list[Finding]:  # fmt: skip
    made = [make_fix(fix, epochs="4 x as many") for fix in fixes.split()]
    return [make_finding(code, Where(phase), *evidence, when=When(epoch), fixes=made,
                         severity=severity, text=text)]  # fmt: skip


def numerical_error(record: Record) -> list[Finding]:
    """A loss that is not finite, with its first epoch."""
    for name in ("loss", "val_loss"):
        curve = record.log(name)
        # a validation that was left out in some epochs has no number there either
        lost = ~np.isfinite(curve) if name == "loss" else np.isinf(curve)
        if lost.any():
            epoch = int(np.flatnonzero(lost)[0]) + 1
            fixes = "clean_data lower_learning_rate clip_gradient"
            evidence = Evidence(f"first {name} not finite, epoch", epoch)
            return _found("numerical_error", "loss", evidence, epoch=epoch, fixes=fixes)
    return []


def loss_increasing(record: Record) -> list[Finding]:
    """The training loss ends above where it began, or loses most of its fall again."""
    losses = _losses(record)
    if not len(losses):
        return []
    course = levels(losses)
    best, start, last = int(course.argmin()), float(losses[0]), float(course[-1])
    fall, rise = max(start - float(course[best]), 0.0), last - float(course[best])
    above = last > start + LIMITS.rise * abs(start)
    lost = rise > LIMITS.history_diverged * fall and rise > LIMITS.rise * abs(start)
    if not (above or lost) or rise <= LIMITS.history_noise * noise(losses):
        return []
    evidence = (
        Evidence("epoch of the lowest training loss", best + 1),
        Evidence("lowest and last training loss", f"{course[best]:.3g}..{last:.3g}"),
        Evidence("first training loss", start),
    )
    fixes = "lower_learning_rate clip_gradient normalize_input"
    return _found("loss_increasing", "loss", *evidence, epoch=best + 1, fixes=fixes)


def loss_not_decreasing(record: Record) -> list[Finding]:
    """The training loss stays where it began."""
    losses = _losses(record)
    if not len(losses) or not losses[0] > 0 or _learned(record) or loss_increasing(record):
        return []
    gone = 1 - float(levels(losses).min()) / float(losses[0])
    if gone >= LIMITS.bad_gain:
        return []
    evidence = Evidence("share of the first loss gone", gone, LIMITS.bad_gain)
    fixes = "raise_learning_rate normalize_input change_loss fix_labels"
    return _found("loss_not_decreasing", "loss", evidence, epoch=len(losses), fixes=fixes)


def oscillating_loss(record: Record) -> list[Finding]:
    """The training loss turns round at most epochs and gets nowhere."""
    losses = _losses(record)
    evidence = swings(losses) if len(losses) and not _learned(record) else ()
    if not evidence:
        return []
    fixes = "lower_learning_rate reduce_momentum change_batch_size"
    return _found("oscillating_loss", "loss", *evidence, epoch=len(losses), fixes=fixes)


def _late(record: Record) -> float:
    """Return which share of the fall came in the last quarter, above what noise makes of it."""
    losses = _losses(record)
    if not len(losses):
        return 0.0
    late, whole = slope(levels(losses))
    visible = late * whole > LIMITS.history_noise * noise(losses)
    worth = late * whole > LIMITS.worthwhile_fall * abs(losses[0])
    return late if whole > 0 and visible and worth else 0.0


def slow_convergence(record: Record) -> list[Finding]:
    """The training ends while both losses still fall."""
    late, losses, held = _late(record), _losses(record), _losses(record, "val_loss")
    if late <= LIMITS.slowly_improving or overfitting(record):
        return []
    if len(held) and slope(levels(held))[0] <= 0:
        return []  # the validation loss no longer follows: more epochs would not help
    evidence = Evidence("share of the fall in the last quarter", late, LIMITS.slowly_improving)
    scored = np.isfinite(_score(record))
    far = not _learned(record) if scored else late > LIMITS.still_improving
    severity = "warning" if far else "note"
    fixes = "train_longer raise_learning_rate"
    return _found("slow_convergence", "fit", evidence, epoch=len(losses), fixes=fixes,
                  severity=severity)  # fmt: skip


def underfitting(record: Record) -> list[Finding]:
    """The training settles close to where it began."""
    losses = _losses(record)
    if not len(losses) or not losses[0] > 0 or _learned(record):
        return []
    gone = 1 - float(levels(losses).min()) / float(losses[0])
    faulty = loss_not_decreasing(record) or loss_increasing(record) or oscillating_loss(record)
    if not gone < LIMITS.hardly_learned or faulty or slow_convergence(record):
        return []
    evidence = [Evidence("share of the first loss gone", gone, LIMITS.hardly_learned)]
    if np.isfinite(_score(record)):
        evidence.append(Evidence("best training accuracy", _score(record), LIMITS.history_learned))
    fixes = "widen_layer raise_learning_rate normalize_input train_longer"
    return _found("underfitting", "fit", *evidence, epoch=len(losses), fixes=fixes)


@dataclass(frozen=True)
class Relapse:
    """A validation loss that rises again: its best epoch (from 1), its level there and at the end,
    and the share of its fall that is lost."""

    epoch: int
    bottom: float
    end: float
    share: float


def relapse(record: Record) -> Relapse | None:
    """Return how the validation loss rises while the training loss still falls, else None."""
    held, losses = _losses(record, "val_loss"), _losses(record)
    if not len(held) or not len(losses):
        return None
    course, fitted = levels(held), levels(losses)
    best = int(course.argmin())
    bottom, end = float(course[best]), float(course[-1])
    late = len(course) - 1 - best >= LIMITS.overfit_epochs
    visible = max(LIMITS.history_noise * noise(held), LIMITS.history_worth * abs(bottom))
    falls = fitted[-1] < LIMITS.history_falls * fitted[best]
    if not (late and falls and end - bottom > visible):
        return None
    share = min((end - bottom) / max(float(held[0]) - bottom, 1e-12), 1.0)
    return Relapse(best + _window(held) // 2 + 1, bottom, end, share)


def overfitting(record: Record) -> list[Finding]:
    """The validation loss has lost a part of its fall again while the training loss still falls.

    The share of the fall, not the loss over its best, separates the simulated histories of
    OverfitGuard (arXiv 2401.10359): `python -m benchmarks.histories`.
    """
    lost = relapse(record)
    if lost is None or lost.share <= LIMITS.history_rise:
        return []
    evidence = (
        Evidence("best epoch", lost.epoch),
        Evidence("validation loss there and at the end", f"{lost.bottom:.3g}..{lost.end:.3g}"),
        Evidence("share of its fall that is lost again", lost.share, LIMITS.history_rise),
    )
    times = lost.end / lost.bottom if lost.bottom > 0 else np.inf
    calm = accuracies(record) is not None and not score_suffers(record, times)
    text = "the validation loss rises while its accuracy holds: probabilities are too sure"
    fixes = "early_stopping add_dropout regularize more_data"
    return _found("overfitting", "fit", *evidence, epoch=lost.epoch, fixes=fixes,
                  severity="note" if calm else "", text=text if calm else "")  # fmt: skip


def suspicious_validation(record: Record) -> list[Finding]:
    """Validation that is the training data again, or far better than training for epochs."""
    if len(record.epochs) < LIMITS.suspicious_epochs:
        return []
    losses, held = record.log("loss"), record.log("val_loss")
    logged, fixes, last = accuracies(record), "fix_validation_split", slice(-LIMITS.records, None)
    apart = np.abs(held - losses)[last]
    if (apart <= LIMITS.history_identical * np.abs(losses[last])).all():
        evidence = Evidence("validation loss apart from training's", float(apart.max()))
        text = "validation and training loss are the same: the same rows seem to be in both"
        return _found("suspicious_validation", "data", evidence, epoch=len(losses), fixes=fixes,
                      severity="warning", text=text)  # fmt: skip
    leads = [] if logged is None else [float((logged[1] - logged[0])[last].min())]
    if leads and leads[0] > LIMITS.suspicious_lead:
        evidence = Evidence("validation accuracy above training accuracy", leads[0],
                            LIMITS.suspicious_lead)  # fmt: skip
    elif (held[last] < LIMITS.history_far_better * losses[last]).all() and losses[-1] > 0:
        share = float((held[last] / losses[last]).max())
        evidence = Evidence("validation loss over training loss", share, LIMITS.history_far_better)
    else:
        return []
    text = ("validation is far better than training: dropout and penalties can explain it, and so "
            "can validation rows that are easier or were trained on")  # fmt: skip
    return _found("suspicious_validation", "data", evidence, epoch=len(losses), fixes=fixes,
                  text=text)  # fmt: skip


RULES = (
    numerical_error, loss_increasing, loss_not_decreasing, oscillating_loss, slow_convergence,
    underfitting, overfitting, suspicious_validation,
)  # fmt: skip
