"""TrainingData as a plan wants them (always new arrays), and how good predictions are for them."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mode.diagnosis.facts.data import array_moments, target_kind
from mode.diagnosis.findings import Plan


@dataclass(frozen=True)
class TrainingData:
    """Inputs and targets: arrays n x ..., or lists or dictionaries of them."""

    x: Any
    y: Any

    def rows(self, chosen) -> "TrainingData":
        """Return the chosen rows of every array."""
        pick = lambda part: np.asarray(part)[chosen]  # noqa: E731
        return TrainingData(mapped(pick, self.x), mapped(pick, self.y))


def mapped(function, part):
    """Apply a function to every array of a nesting."""
    if isinstance(part, dict):
        return {key: function(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [function(value) for value in part]
    return function(np.asarray(part))


def listed(part) -> list:
    """Return the arrays of a nesting, those of a dictionary in the order of its keys."""
    if isinstance(part, dict):
        return [part[key] for key in sorted(part)]
    return list(part) if isinstance(part, list | tuple) else [part]


def take(part):
    """Return the first array of a nesting, whose length is the number of rows."""
    if isinstance(part, dict):
        return next(iter(part.values()))
    return part[0] if isinstance(part, list | tuple) and np.ndim(part[0]) else part


def prepared(data: TrainingData, plan: Plan, reference: TrainingData | None = None) -> TrainingData:
    """Return the data as the plan wants them; target scales come from `reference` (training)."""
    if plan.clean:
        data = data.rows(_finite_rows(data))
    if plan.relabel:
        base = (reference or data).y
        data = TrainingData(data.x, _relabeled(data.y, base))
    if plan.scale_targets and not isinstance(data.y, dict | list | tuple):
        mean, std = target_scale(reference or data)
        data = TrainingData(data.x, ((np.asarray(data.y, float) - mean) / std).astype("float32"))
    return data


def target_scale(data: TrainingData) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the targets by column; a constant column keeps 1."""
    y = np.asarray(data.y, float)
    mean, std = np.nanmean(y, axis=0), np.nanstd(y, axis=0)
    return mean, np.where(std > 0, std, 1.0)


def rescaled(model, plan: Plan, train: TrainingData):
    """Return a model that predicts in the targets' own units again."""
    if not plan.scale_targets or isinstance(train.y, dict | list | tuple):
        return model
    mean, std = target_scale(train)
    width = model.outputs[0].shape[-1]
    scale = keras.layers.Rescaling(_row(std, width), _row(mean, width))
    whole = keras.Model(model.inputs, scale(model.outputs[0]))
    whole.compile(optimizer="adam", loss=model.loss)
    return whole


def _row(values, width: int):
    flat = np.broadcast_to(np.asarray(values, float).reshape(-1), (width,))
    return flat.tolist() if width > 1 else float(flat[0])


def _finite_rows(data: TrainingData) -> np.ndarray:
    keep = np.ones(len(take(data.x)), bool)
    for array in map(np.asarray, (*listed(data.x), *listed(data.y))):
        if array.dtype.kind == "f":
            keep &= np.isfinite(array.reshape(len(array), -1)).all(axis=1)
    return keep


def _relabeled(y, reference):
    """Whole labels become 0, 1, ... in their order, signs 0 and 1, rows sum to 1."""
    if isinstance(y, dict | list | tuple):
        return y
    y, base = np.asarray(y), np.asarray(reference)
    if y.ndim > 1 and y.shape[-1] > 1:
        return (y / np.maximum(y.sum(axis=-1, keepdims=True), 1e-12)).astype("float32")
    labels = np.unique(base[np.isfinite(base)] if base.dtype.kind == "f" else base)
    if len(labels) > len(base) / 5:
        return y  # measurements, not labels
    return np.searchsorted(labels, y).astype(y.dtype if y.dtype.kind in "iu" else "float32")


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
