"""The target layer: the layer selected for a fault of one label (Ma et al. 2018, section 4.1)."""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from mode import checks
from mode.data import Data, Part
from mode.layers.probes import Probes, probe_layers

KINDS = ("under-fitted", "over-fitted")


@dataclass(frozen=True)
class LayerChoice:
    """The selected layer and its evidence, the curve (one row per layer, from the input on)."""

    layer: str
    label: int
    kind: str
    eps: float
    curve: pd.DataFrame


def target_layer(
    model: keras.Model, data: Data, label: int, *, kind: str, eps: float = 0.01, seed: int = 0
) -> LayerChoice:
    """Return the selected layer for the fault `kind` of `label`.

    Under-fitting walks forward and takes the first layer after which the label's accuracy no
    longer grows by `eps`. Over-fitting walks backward and takes the last layer that widens the
    label's gap between training and diagnosis accuracy by more than `eps`.

    Args:
        model: a built classifier; not changed.
        data: heads are trained on `train` and evaluated on `diagnosis`.
        label: an integer below `data.classes`.
        kind: "under-fitted" or "over-fitted".
        eps: share of the label's inputs. Defaults to 0.01, the publication's similarity threshold.
        seed: seed of the heads' batches. Defaults to 0.

    Raises:
        InputError: for an unknown kind, eps outside [0, 1], a label outside the classes or
            without any input in the diagnosis part, or a model without reachable layers.
    """
    checks.one_of("kind", kind, KINDS)
    checks.number("eps", eps, 0, 1)
    checks.labels("label", [label], data.classes)
    if not (data.diagnosis.y == label).any() or not (data.train.y == label).any():
        received = f"{data.name(label)}, without"
        checks.fail("label must have inputs in the train and diagnosis parts", received)
    probes = probe_layers(model, data, seed=seed)
    return choose_layer(probes, data.train, data.diagnosis, label, kind=kind, eps=eps)


def choose_layer(
    probes: Probes, train: Part, diagnosis: Part, label: int, *, kind: str, eps: float = 0.01
) -> LayerChoice:
    """Return the selected layer, from probes that are already trained."""
    curve = layer_curve(probes, train, diagnosis, label)
    walk = {"under-fitted": _forward, "over-fitted": _backward}[checks.one_of("kind", kind, KINDS)]
    position = walk(curve, eps)
    return LayerChoice(curve["layer"][position], label, kind, eps, curve)


def layer_curve(probes: Probes, train: Part, diagnosis: Part, label: int) -> pd.DataFrame:
    """Return one row per layer: the accuracy of its probe, and its distance from the one before.

    Columns: layer; accuracy on the diagnosis split; label accuracy and reference (training)
    accuracy of the label with their gap; bhattacharyya, the mean distance of the predictions for
    the label's diagnosis inputs from those of the layer before (NaN for the first); states, how
    the layer's output became a row of numbers ("flattened" or "averaged over space").
    """
    rows, before = [], None
    in_train, in_diagnosis = train.y == label, diagnosis.y == label
    for name, predictions in probes.diagnosis.items():
        accuracy = _accuracy(predictions[in_diagnosis], label)
        reference = _accuracy(probes.train[name][in_train], label)
        now = predictions[in_diagnosis]
        rows.append(
            {
                "layer": name,
                "accuracy": float((predictions.argmax(axis=1) == diagnosis.y).mean()),
                "label accuracy": accuracy,
                "reference accuracy": reference,
                "gap": reference - accuracy,
                "bhattacharyya": np.nan if before is None else float(bhattacharyya(before, now)),
                "states": probes.reductions.get(name, ""),
            }
        )
        before = now
    return pd.DataFrame(rows)


def bhattacharyya(p: np.ndarray, q: np.ndarray) -> float:
    """Return the mean over inputs of -ln sum sqrt(p q), for probabilities p and q (n, classes)."""
    overlap = np.sqrt(np.asarray(p, float) * np.asarray(q, float)).sum(axis=1)
    return float(-np.log(np.clip(overlap, 1e-12, 1)).mean())


def _accuracy(predictions: np.ndarray, label: int) -> float:
    return float((predictions.argmax(axis=1) == label).mean()) if len(predictions) else np.nan


def _forward(curve: pd.DataFrame, eps: float) -> int:
    gains = np.diff(curve["label accuracy"]).round(12)  # or 0.24 - 0.23 would be below 0.01
    stalled = np.flatnonzero(gains < eps)
    return int(stalled[0]) if stalled.size else len(curve) - 1


def _backward(curve: pd.DataFrame, eps: float) -> int:
    """Return the last layer that widens the gap; the first one if no layer does."""
    widened = np.flatnonzero(np.diff(curve["gap"]).round(12) > eps)
    return int(widened[-1]) + 1 if widened.size else 0
