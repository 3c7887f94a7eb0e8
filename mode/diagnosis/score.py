"""How good predictions are, on one scale for all targets: 0 is the best constant, 1 is perfect."""

import numpy as np

from mode.diagnosis.datafacts import array_moments, target_kind


def skill(predicted: np.ndarray, truth: np.ndarray, *, logits: bool = False) -> float:
    """Return the skill of predictions (n x ...) against targets (n x ...).

    For classes: accuracy over the largest class's share; for several labels the mean over
    them; for real targets the explained variance. Not finite predictions have skill -1.
    """
    predicted, truth = np.asarray(predicted, float), np.asarray(truth, float)
    if not np.isfinite(predicted).all():
        return -1.0
    kind = target_kind(array_moments("target", truth), predicted.ndim)
    if kind == "multi_label" and predicted.shape == truth.shape:
        chance = np.maximum(truth.mean(0), 1 - truth.mean(0)).mean()
        return _over(np.mean((predicted > (0 if logits else 0.5)) == (truth > 0.5)), chance)
    if kind == "one_hot" and predicted.shape == truth.shape:
        return _class_skill(predicted.argmax(-1), truth.argmax(-1))
    labels = truth[..., 0] if truth.ndim == predicted.ndim and truth.shape[-1] == 1 else truth
    if (
        kind in ("labels", "binary")
        and predicted.shape[-1] > 1
        and labels.ndim == predicted.ndim - 1
    ):
        return _class_skill(predicted.argmax(-1), labels.astype(int))
    if kind in ("binary", "signed"):
        middle = 0.0 if kind == "signed" or logits else 0.5
        return _class_skill(
            predicted.reshape(-1) > middle, truth.reshape(-1) > (kind == "binary") * 0.5
        )
    return _explained(predicted, truth)


def _over(value: float, chance: float) -> float:
    return float((value - chance) / max(1 - chance, 1e-9))


def _class_skill(guess: np.ndarray, truth: np.ndarray) -> float:
    """Weigh every class the same, so that a rare one cannot be given up."""
    classes = np.unique(truth)
    recalls = [np.mean(guess[truth == c] == c) for c in classes]
    chance = 1 / max(len(classes), 2)
    return _over((np.mean(recalls) + np.mean(guess == truth)) / 2, chance)


def _explained(predicted: np.ndarray, truth: np.ndarray) -> float:
    if predicted.size != truth.size:
        return -1.0
    error = np.mean((predicted.reshape(truth.shape) - truth) ** 2)
    return float(1 - error / max(np.var(truth), 1e-12))
