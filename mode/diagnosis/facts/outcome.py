"""How well a training went, against the best constant prediction: the gate of every alarm."""

from dataclasses import dataclass, replace

import numpy as np

from mode.diagnosis.facts.data import Moments, class_shares, head_kind
from mode.diagnosis.facts.heads import Head
from mode.diagnosis.facts.model import ModelFacts
from mode.diagnosis.facts.training import Record, loss_curve
from mode.diagnosis.findings import When
from mode.diagnosis.limits import LIMITS

LEVELS = ("good", "fair", "poor", "bad")


@dataclass(frozen=True)
class TrainingOutcome:
    """`level` as in LEVELS; `gain` is 1 - loss / loss of the best constant, `skill` the same for
    the predictions (accuracy over the largest class's share, or explained variance); NaN where
    unknown. `enough` tells whether training was long enough to call it failed."""

    level: str
    gain: float
    skill: float
    constant_loss: float
    last_loss: float
    accuracy: float
    majority: float
    constant: bool
    enough: bool
    finite: bool
    skills: tuple[float, ...] = ()  # of each output

    def at_least(self, gate: str) -> bool:
        """Tell whether the outcome is as bad as `gate`, so that a finding counts."""
        return gate == "none" or LEVELS.index(self.level) >= LEVELS.index(gate)


def training_outcome(record: Record, heads: tuple[Head, ...]) -> TrainingOutcome:
    """Return the outcome of what has been recorded so far."""
    losses = loss_curve(record)
    finite = not record.broken_step and bool(np.isfinite(losses).all())
    good = losses[np.isfinite(losses)]
    best, last = (float(good.min()), float(good[-1])) if len(good) else (np.nan, np.nan)
    constant_loss = _constant_loss(record, heads)
    gain = 1 - best / constant_loss if constant_loss > 0 and np.isfinite(best) else np.nan
    skills = _skills(record, heads)
    skill, accuracy, majority = _together(skills)
    few = finite and 0 < record.total_steps < LIMITS.few_steps  # what breaks needs no more
    enough = record.finished and not few
    enough |= len(record.epochs) >= LIMITS.patience_epochs
    enough |= record.total_steps >= LIMITS.patience_steps
    outcome = TrainingOutcome(
        level="bad", gain=gain, skill=skill, constant_loss=constant_loss, last_loss=last,
        accuracy=accuracy, majority=majority, constant=constant_predictions(record),
        enough=enough, finite=finite, skills=tuple(s for s, *_ in skills),
    )  # fmt: skip
    return outcome if _no_progress(record, losses) else replace(outcome, level=_level(outcome))


def _no_progress(record: Record, losses: np.ndarray) -> bool:
    """Where the steps could not be watched, the logged loss alone tells of a failure."""
    if len(record.steps) or len(losses) < LIMITS.patience_epochs or not losses[0] > 0:
        return False
    return bool(1 - losses.min() / losses[0] < LIMITS.bad_gain)


def _level(outcome: TrainingOutcome) -> str:
    if not outcome.finite or outcome.constant:
        return "bad"
    marks = [m for m in (outcome.gain, outcome.skill) if np.isfinite(m)]
    if not marks:
        return "fair"
    # where one class fills most rows accuracy has no headroom, and the loss decides
    roomy = outcome.majority < LIMITS.clear_majority
    roomy |= not outcome.gain > LIMITS.majority_gain
    chance = outcome.accuracy - outcome.majority < LIMITS.chance_margin and roomy
    if chance or np.mean(marks) < LIMITS.bad_gain:
        return "bad"
    rare = not outcome.majority < LIMITS.rare_classes  # which NaN is too
    quality = max(marks) if rare else float(np.mean(marks))
    if quality < LIMITS.poor_gain:
        return "poor"
    return "fair" if quality < LIMITS.fair_gain else "good"


def constant_predictions(record: Record) -> bool:
    """Tell whether the last predictions were the same for every row of every batch."""
    spread, few = record.head("spread"), LIMITS.records
    if len(spread) < LIMITS.curve_points or not spread.shape[1]:
        return False
    low, high = record.head("low"), record.head("high")
    size = np.maximum(np.maximum(np.abs(low), np.abs(high)), 1e-12)[-few:]
    flat = (spread[-few:] <= LIMITS.flat_spread * size) & np.isfinite(spread[-few:])
    single = np.array([_single(t) for t in record.targets] or [False])
    late = record.steps[-1] >= LIMITS.early_steps
    constant = flat.all(axis=0) & ~differ_between_batches(record)
    return bool(constant.any() and not single.any() and late)


def differ_between_batches(record: Record) -> np.ndarray:
    """Return for which outputs (outputs,) the predictions differ from batch to batch by more than
    their targets' deviation, where batches are so small that each may hold rows of one kind."""
    outputs = record.heads.shape[1]
    if not 0 < record.batch < LIMITS.few_rows or len(record.targets) != outputs:
        return np.zeros(outputs, bool)
    recent = slice(-max(LIMITS.records, len(record.steps) // LIMITS.recent_part), None)
    low, high = record.head("low")[recent], record.head("high")[recent]
    deviation = np.array([float(np.max(target.std)) for target in record.targets])
    return high.max(axis=0, initial=-np.inf) - low.min(axis=0, initial=np.inf) > deviation


def _single(target: Moments) -> bool:
    return bool((target.high == target.low).all())


def _constant_loss(record: Record, heads) -> float:
    if len(heads) != 1 or len(record.targets) != 1 or record.weighted:
        return np.nan
    head, target = heads[0], record.targets[0]
    kind = head_kind(head, target)
    shares = class_shares(target, kind)
    if head.family in ("categorical", "sparse") and len(shares):
        return _entropy(shares)
    if head.family == "binary" and target.low.min() >= 0 and target.high.max() <= 1:
        p = np.clip(target.mean, 1e-7, 1 - 1e-7)
        return float(np.mean(-p * np.log(p) - (1 - p) * np.log(1 - p)))
    if head.loss == "mean_squared_error":
        return float(np.mean(target.std**2))
    return 0.8 * float(np.mean(target.std)) if head.loss == "mean_absolute_error" else np.nan


def _entropy(shares: np.ndarray) -> float:
    p = shares[shares > 0]
    return float(-(p * np.log(p)).sum())


def _skills(record: Record, heads) -> list[tuple[float, float, float]]:
    """Return skill, accuracy and largest class of each output that was recorded."""
    recorded = record.heads.shape[1] if len(record.targets) == len(heads) else 0
    return [_skill(record, head, i) for i, head in enumerate(heads[:recorded])]


def _together(skills: list) -> tuple[float, float, float]:
    """Return the mean skill of the outputs, and the worst one's accuracy and largest class.

    Of several, an output that fails counts as nothing learned, however far off it is: its loss
    may be too small beside the others' to matter.
    """
    skills = [entry for entry in skills if np.isfinite(entry[0])]
    if len(skills) < 2:
        return skills[0] if skills else (np.nan, np.nan, np.nan)
    return float(np.mean([max(skill, 0.0) for skill, *_ in skills])), *min(skills)[1:]


def _skill(record: Record, head: Head, i: int) -> tuple[float, float, float]:
    target = record.targets[i]
    kind = head_kind(head, target)
    real = kind in ("real", "positive", "signed_unit", "unit", "distribution")
    recent = slice(-max(LIMITS.records, len(record.steps) // LIMITS.recent_part), None)
    # weights say that rows do not count alike, and what an own loss wants of real targets, a
    # quantile or a scale, is not known; predictions that have learned follow the targets anyway
    if record.weighted or (head.family == "custom" and real):
        return _follows(record.head("follows")[recent, i]), np.nan, np.nan
    shares = class_shares(target, kind)
    threshold = head.units == 1 and (head.from_logits or kind == "signed")
    # what an own loss makes of an output that is no probability is not known
    threshold |= head.family == "custom" and head.activation not in ("sigmoid", "softmax")
    majority = float(shares.max()) if len(shares) > 1 else 1.0
    if majority < 1 and not threshold:
        accuracy = _accuracy(record, head, recent, i)
        return (accuracy - majority) / (1 - majority), accuracy, majority
    if real:
        error = float(np.nanmean(record.head("square")[recent, i])) if len(record.steps) else np.nan
        variance = float(np.mean(target.std**2))
        return (1 - error / variance if variance > 0 else np.nan), np.nan, np.nan
    return np.nan, np.nan, np.nan


def _follows(correlation: np.ndarray) -> float:
    return float(np.nanmean(correlation)) if np.isfinite(correlation).any() else np.nan


def _accuracy(record: Record, head: Head, recent, i: int) -> float:
    """Take the accuracy of the last epoch's log where there is one output, else the sample's."""
    names = (
        "accuracy", "acc", "categorical_accuracy", "sparse_categorical_accuracy", "binary_accuracy",
    )  # fmt: skip
    logged = [record.log(n)[-1] for n in names if record.epochs and n in record.epochs[-1]]
    sampled = record.head("hits")[recent, i]
    sampled = float(np.nanmean(sampled)) if np.isfinite(sampled).any() else np.nan
    if record.heads.shape[1] == 1 and logged and head.units != 1:
        return max(logged[0], sampled) if np.isfinite(sampled) else logged[0]
    return sampled


@dataclass(frozen=True)
class TrainingCase:
    """What a rule may look at: the record, the model's facts, the outcome."""

    record: Record
    facts: ModelFacts
    outcome: TrainingOutcome

    @property
    def now(self) -> When:
        """The present moment of the training."""
        return When(max(len(self.record.epochs), 1), self.record.total_steps)
