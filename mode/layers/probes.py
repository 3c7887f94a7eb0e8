"""Feature sub-models: the accuracy of a softmax head on the activations of each layer alone.

The sub-model of layer L is the frozen network up to L with a new softmax head (Ma et al. 2018,
section 4.1). Its activations are computed once; only the head is trained, in numpy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from mode import checks, seeds
from mode.data import Data, Part
from mode.dense import one_thread, softmax
from mode.layers.blocks import LayerBlock, blocks
from mode.layers.states import reductions, states

# Enough steps of Adam for a softmax head on scaled activations to converge at any size of data.
STEPS = 600
BATCH = 128
RATE = 0.02
NARROW = 128  # units; the heads of layers with no more are trained at once
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
    activations: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]] | None = None,
) -> Probes:
    """Train a softmax head on the activations of every weighted layer.

    Args:
        model: a built classifier; not changed.
        data: heads learn from `data.train`.
        diagnosis: the split that they are evaluated on. Defaults to `data.diagnosis`.
        seed: seed of the order of the heads' batches, one stream per layer. Defaults to 0.
        layer_blocks: `blocks(model)`, where it is at hand. Defaults to calling it.
        activations: `states` of the training and the diagnosis split, where they are at hand.
            Defaults to calling it.

    Raises:
        InputError: for a model without reachable layers.
    """
    diagnosis = diagnosis or data.diagnosis
    heads: dict[str, np.ndarray] = {}
    scales: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    on_train, on_diagnosis = {}, {}
    by_name = layer_blocks or blocks(model, data.train.x)
    groups = _groups(by_name, len(data.train) + len(diagnosis))
    for names in groups if activations is None else [list(by_name)]:
        train, held_out = (
            map(dict, activations)
            if activations
            else (
                states(model, part.x, names, layer_blocks=by_name)
                for part in (data.train, diagnosis)
            )
        )
        scales |= {name: scale_of(train[name]) for name in names}
        scaled = {name: zscale(train.pop(name), scales[name]) for name in names}
        for together in _stacks(scaled):
            streams = [seeds.generator(seed, "probe", name) for name in together]
            inputs = [scaled[name] for name in together]
            trained = softmax_heads(inputs, data.train.y, data.classes, generators=streams)
            heads |= dict(zip(together, trained, strict=True))
        for name in names:
            on_train[name] = head_predict(heads[name], scaled.pop(name))
            held_out_scaled = zscale(held_out.pop(name), scales[name])
            on_diagnosis[name] = head_predict(heads[name], held_out_scaled)
    return Probes(heads, scales, on_train, on_diagnosis, reductions(model, layer_blocks=by_name))


def fit_memory(by_name: Mapping[str, LayerBlock], rows: int) -> bool:
    """Return whether the activations of all layers for so many inputs may be in memory at once."""
    return len(_groups(by_name, rows)) == 1


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


def _stacks(activations: Mapping[str, np.ndarray]) -> list[list[str]]:
    """Return the names of layers whose heads are trained at once: all narrow ones, and each wide
    one alone, for they are filled up to the width of the widest."""
    narrow = [name for name, array in activations.items() if array.shape[1] <= NARROW]
    wide = [[name] for name in activations if name not in narrow]
    return [narrow, *wide] if narrow else wide


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
    rate: float = RATE,
) -> np.ndarray:
    """Return the weights (units + 1, classes) of a softmax head trained by Adam from zero.

    Args:
        inputs: scaled activations (n, units).
        labels: integers (n,).
        steps: batches of 128; the rate falls linearly to zero over them.

    Raises:
        InputError: for inputs and labels of different lengths.
    """
    options: dict[str, Any] = {"steps": steps, "rate": rate}
    return softmax_heads([inputs], labels, classes, generators=[generator], **options)[0]


def softmax_heads(
    inputs: Sequence[np.ndarray],
    labels: np.ndarray,
    classes: int,
    *,
    generators: Sequence[np.random.Generator],
    steps: int = STEPS,
    rate: float = RATE,
) -> list[np.ndarray]:
    """Return the head of each array of inputs, as `softmax_head`; all are trained at once.

    Args:
        inputs: for each head its scaled activations (n, units), of any number of units.
        generators: for each head what draws its batches.

    Raises:
        InputError: for inputs and labels of different lengths.
    """
    for array in inputs:
        checks.same_length(inputs=array, labels=labels)
    rows, size, widest = len(labels), min(BATCH, len(labels)), max(a.shape[1] for a in inputs)
    stack = np.zeros((len(inputs), rows, widest + 1), np.float32)
    for filled, array in zip(stack, inputs, strict=True):
        filled[:, : array.shape[1]] = array
        filled[:, -1] = 1
    weights = np.zeros((len(inputs), classes, widest + 1), np.float32)
    mean, square, change = (np.zeros_like(weights) for _ in range(3))
    batches = np.stack([g.integers(0, rows, (steps, size)) for g in generators], axis=1)
    # Where the score of each input's label lies in the scores of a batch, which are flat there.
    targets = (labels * size)[batches]
    targets += classes * size * np.arange(len(inputs))[:, None] + np.arange(size)
    batches += rows * np.arange(len(inputs))[:, None]
    x = np.empty((len(inputs), size, widest + 1), np.float32)
    scores = np.empty((len(inputs), classes, size), np.float32)
    over_classes = np.empty((len(inputs), 1, size), np.float32)
    gradient = np.empty_like(weights)
    flat_stack, flat_scores = stack.reshape(-1, widest + 1), scores.reshape(-1)
    columns = x.swapaxes(1, 2)
    # A step takes Python's time, not that of arithmetic: hence all heads in one array, the inputs
    # of a batch along its last axis, and no new arrays.
    with one_thread():
        for step in range(1, steps + 1):
            flat_stack.take(batches[step - 1], 0, out=x, mode="clip")
            np.matmul(weights, columns, out=scores)
            scores -= np.maximum.reduce(scores, axis=1, keepdims=True, out=over_classes)
            np.exp(scores, out=scores)
            np.add.reduce(scores, axis=1, keepdims=True, out=over_classes)
            over_classes *= size
            scores /= over_classes
            flat_scores[targets[step - 1]] -= 1 / size
            np.matmul(scores, x, out=gradient)
            mean += np.multiply(0.1, np.subtract(gradient, mean, out=change), out=change)
            gradient *= gradient
            gradient -= square
            gradient *= 0.01
            square += gradient
            np.sqrt(np.divide(square, 1 - 0.99**step, out=gradient), out=gradient)
            gradient += 1e-8
            np.multiply(mean, rate * (1 - step / steps) / (1 - 0.9**step), out=change)
            change /= gradient
            weights -= change
    widths = [array.shape[1] for array in inputs]
    return [
        np.vstack([head.T[:width], head.T[-1:]])
        for head, width in zip(weights, widths, strict=True)
    ]


def head_predict(head: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Return the probabilities (n, classes) of a head for scaled activations."""
    return softmax(_with_one(inputs) @ head)


def _with_one(inputs: np.ndarray) -> np.ndarray:
    return np.hstack([inputs, np.ones((len(inputs), 1), np.float32)])
