"""Rules about the validation split: what its curves and its rows show beside those of training.

Each takes a `TrainingCase` and returns findings of the symptom that it is named after.
"""

import numpy as np

from mode.diagnosis.catalog.symptoms import make_finding
from mode.diagnosis.facts.outcome import TrainingCase
from mode.diagnosis.facts.training import Record, accuracies
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.limits import LIMITS


def overfitting(case: TrainingCase) -> list[Finding]:
    """The validation loss has risen for epochs while the training loss still falls."""
    validation, training = case.record.log("val_loss"), case.record.log("loss")
    if len(validation) < LIMITS.overfit_epochs + 2 or not np.isfinite(validation).all():
        return []
    best = int(validation.argmin())
    tail = validation[-LIMITS.overfit_epochs :]
    late = best < len(validation) - LIMITS.overfit_epochs
    over = late and tail.min() > LIMITS.overfit * validation[best]
    scale = case.outcome.constant_loss
    slight = np.isfinite(scale) and tail.max() < LIMITS.overfit_slight * scale
    if not over or slight or training[-1] >= LIMITS.overfit_training * training[best]:
        return []
    if not score_suffers(case.record, float(tail.min() / validation[best])):
        return []
    times = float(tail[-1] / validation[best])
    evidence = Evidence("validation loss over its best", times, LIMITS.overfit)
    return [make_finding("overfitting", Where("fit"), evidence)]


def score_suffers(record: Record, rise: float) -> bool:
    """Tell whether the validation accuracy falls or stays far below training's.

    Without an accuracy, the loss has to `rise` further above its best.
    """
    logged = accuracies(record)
    if logged is None:
        return rise > LIMITS.overfit_unscored
    train, held = logged
    drop, gap = held.max() - held[-1], train[-1] - held[-1]
    return bool(drop > LIMITS.overfit_drop or gap > LIMITS.overfit_gap)


def validation_overlap(case: TrainingCase) -> list[Finding]:
    """Validation rows that were trained on."""
    overlap, limit = case.record.overlap, LIMITS.overlap
    if overlap <= limit or not case.record.inputs:
        return []
    evidence = Evidence("share of validation rows seen in training", overlap, limit)
    return [make_finding("validation_overlap", Where("data"), evidence)]


def suspicious_validation(case: TrainingCase) -> list[Finding]:
    """Validation far better than training for epochs, though nothing is dropped in training."""
    logged = accuracies(case.record)
    dropped = any(layer.rate > 0 for layer in case.facts.layers)
    if dropped or len(case.record.epochs) < LIMITS.suspicious_epochs or logged is None:
        return []
    lead = (logged[1] - logged[0])[-LIMITS.records :]
    if not lead.min() > LIMITS.suspicious_lead:
        return []
    evidence = Evidence("validation accuracy above training accuracy", float(lead.min()),
                        LIMITS.suspicious_lead)  # fmt: skip
    return [make_finding("suspicious_validation", Where("data"), evidence)]


RULES = (overfitting, validation_overlap, suspicious_validation)
