"""Feature sub-models: the accuracy of a softmax head on the activations of each layer alone.

The sub-model of layer L is the frozen network up to L with a new softmax head (Ma et al. 2018,
section 4.1). Its activations are computed once; only the head is trained, in numpy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import keras
import numpy as np

from mode import checks, seeds
from mode.data import Data, Part
from mode.layers.blocks import LayerBlock, blocks
from mode.layers.states import reductions, states

# Enough steps of Adam for a softmax head on scaled activations to converge at any size of data.
STEPS = 600
BATCH = 128
GROUP_BYTES = 2**29  # of activations in memory at once


@dataclass(frozen=True)
class Probes:
    """The heads of all layers: layer name -> weights, scale and predictions of its head."""

    heads: dict[str, np.ndarray]  # (units + 1, classes); the last row is the bias
    scales: dict[str, tuple[np.ndarray, np.ndarray]]  # mean and deviation of the train activations
    train: dict[str, np.ndarray]  # probabilities (n, classes) on the training split
    diagnosis: dict[str, np.ndarray]  # and on the diagnosis split
    reductions: dict[str, str] = field(default_factory=dict)  # "flattened", "averaged over space"


def probe_layers(
    model: keras.Model,
    data: Data,
    *,
    diagnosis: Part | None = None,
    seed: int = 0,
    layer_blocks: Mapping[str, LayerBlock] | None = None,
) -> Probes:
    """Train a softmax head on the activations of every weighted layer.

    Args:
        model: a built classifier; not changed.
        data: heads learn from `data.train`.
        diagnosis: the split that they are evaluated on. Defaults to `data.diagnosis`.
        seed: seed of the order of the heads' batches, one stream per layer. Defaults to 0.
        layer_blocks: `blocks(model)`, where it is at hand. Defaults to calling it.

    Raises:
        InputError: for a model without reachable layers.
    """
    diagnosis = diagnosis or data.diagnosis
    heads, scales, on_train, on_diagnosis = {}, {}, {}, {}
    by_name = layer_blocks or blocks(model, data.train.x)
    for names in _groups(by_name, len(data.train) + len(diagnosis)):
        train, held_out = (
            states(model, part.x, names, layer_blocks=by_name) for part in (data.train, diagnosis)
        )
        for name in names:
            scales[name] = scale_of(train[name])
            scaled = zscale(train.pop(name), scales[name])
            heads[name] = softmax_head(
                scaled, data.train.y, data.classes, generator=seeds.generator(seed, "probe", name)
            )
            on_train[name] = head_predict(heads[name], scaled)
            held_out_scaled = zscale(held_out.pop(name), scales[name])
            on_diagnosis[name] = head_predict(heads[name], held_out_scaled)
    return Probes(heads, scales, on_train, on_diagnosis, reductions(model, layer_blocks=by_name))


def _groups(by_name: Mapping[str, LayerBlock], rows: int) -> list[list[str]]:
    """Return the names in groups whose activations of `rows` inputs fit GROUP_BYTES, or of one.

    Each group costs a run of the model, and its size bounds the memory.
    """
    groups: list[list[str]] = []
    size = 0
    for name, block in by_name.items():
        needed = 4 * rows * block.units
        if not groups or size + needed > GROUP_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(name)
        size += needed
    return groups


def scale_of(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation (units,); a constant unit's deviation counts as 1.

    They are summed in float64: along the first axis numpy adds number by number, and float32
    sums of many inputs lose digits.
    """
    mean, deviation = (f(array, axis=0, dtype=np.float64) for f in (np.mean, np.std))
    deviation = np.where(deviation > 1e-6, deviation, 1)
    return mean.astype(array.dtype), deviation.astype(array.dtype)


def zscale(array: np.ndarray, scale: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return activations (n, units) as z-scores, with the `scale` of `scale_of`."""
    scores = array - scale[0]
    scores /= scale[1]
    return scores


def softmax_head(
    inputs: np.ndarray,
    labels: np.ndarray,
    classes: int,
    *,
    generator: np.random.Generator,
    steps: int = STEPS,
    rate: float = 0.02,
) -> np.ndarray:
    """Return the weights (units + 1, classes) of a softmax head trained by Adam from zero.

    Args:
        inputs: scaled activations (n, units).
        labels: integers (n,).
        steps: batches of 128; the rate falls linearly to zero over them.

    Raises:
        InputError: for inputs and labels of different lengths.
    """
    checks.same_length(inputs=inputs, labels=labels)
    inputs = _with_one(inputs)
    targets = np.eye(classes, dtype=np.float32)[labels]
    weights = np.zeros((inputs.shape[1], classes), np.float32)
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    batches = generator.integers(0, len(inputs), (steps, min(BATCH, len(inputs))))
    for step, batch in enumerate(batches, start=1):
        x = inputs[batch]
        gradient = x.T @ (_softmax(x @ weights) - targets[batch]) / len(batch)
        mean += 0.1 * (gradient - mean)
        square += 0.01 * (gradient**2 - square)
        unbiased = np.sqrt(square / (1 - 0.99**step)) + 1e-8
        weights -= rate * (1 - step / steps) * mean / (1 - 0.9**step) / unbiased
    return weights


def head_predict(head: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Return the probabilities (n, classes) of a head for scaled activations."""
    return _softmax(_with_one(inputs) @ head)


def _with_one(inputs: np.ndarray) -> np.ndarray:
    return np.hstack([inputs, np.ones((len(inputs), 1), np.float32)])


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Return softmax over the classes; for small batches twice as fast as scipy's, same bytes."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
