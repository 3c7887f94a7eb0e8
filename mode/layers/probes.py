"""Feature sub-models: how well the states of each layer alone tell the classes apart.

The sub-model of layer L is the frozen network up to L with a new softmax head (Ma et al. 2018,
section 4.1). Its states are computed once; only the head is trained, in numpy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import keras
import numpy as np

from mode import checks, seeds
from mode.data import Data, Part
from mode.layers.blocks import Block, blocks
from mode.layers.states import reductions, states

# Enough steps of Adam for a softmax head on scaled states to settle, whatever the data's size.
STEPS = 600
BATCH = 128
GROUP_BYTES = 2**29  # of states that are held at once


@dataclass(frozen=True)
class Probes:
    """The heads of all layers: layer name -> what each of them holds and says."""

    heads: dict[str, np.ndarray]  # (units + 1, classes); the last row is the bias
    scales: dict[str, tuple[np.ndarray, np.ndarray]]  # mean and deviation of the train states
    train: dict[str, np.ndarray]  # probabilities (n, classes) on the training part
    diagnosis: dict[str, np.ndarray]  # and on the diagnosis part
    reductions: dict[str, str] = field(default_factory=dict)  # "flattened", "averaged over space"


def probe_layers(
    model: keras.Model,
    data: Data,
    *,
    judge: Part | None = None,
    seed: int = 0,
    layer_blocks: Mapping[str, Block] | None = None,
) -> Probes:
    """Train a softmax head on the states of every layer that counts.

    Args:
        model: a built classifier; not changed.
        data: heads learn from `data.train`.
        judge: the part that judges them; `data.diagnosis` where None.
        seed: decides the order of the heads' batches, one stream a layer.
        layer_blocks: what `blocks` returns for the model, where that is known already.

    Raises:
        InputError: for a model without reachable layers.
    """
    judge = judge or data.diagnosis
    heads, scales, on_train, on_judge = {}, {}, {}, {}
    known = layer_blocks or blocks(model, data.train.x)
    for names in _groups(known, len(data.train) + len(judge)):
        seen = states(model, data.train.x, names, layer_blocks=known)
        judged = states(model, judge.x, names, layer_blocks=known)
        for name in names:
            scales[name] = scale_of(seen[name])
            scaled = zscale(seen.pop(name), scales[name])
            heads[name] = softmax_head(
                scaled, data.train.y, data.classes, generator=seeds.generator(seed, "probe", name)
            )
            on_train[name] = head_predict(heads[name], scaled)
            on_judge[name] = head_predict(heads[name], zscale(judged.pop(name), scales[name]))
    return Probes(heads, scales, on_train, on_judge, reductions(model, layer_blocks=known))


def _groups(found: Mapping[str, Block], rows: int) -> list[list[str]]:
    """Return the names in groups whose states of `rows` inputs fit GROUP_BYTES, or of one layer.

    Each group costs a run of the model, and what it holds bounds the memory.
    """
    groups: list[list[str]] = []
    size = 0
    for name, block in found.items():
        needed = 4 * rows * block.units
        if not groups or size + needed > GROUP_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(name)
        size += needed
    return groups


def scale_of(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation (units,); a constant unit's deviation counts as 1.

    They are added up in float64: along the first axis numpy adds number by number, and float32
    sums of many inputs lose digits.
    """
    mean, deviation = (f(array, axis=0, dtype=np.float64) for f in (np.mean, np.std))
    deviation = np.where(deviation > 1e-6, deviation, 1)
    return mean.astype(array.dtype), deviation.astype(array.dtype)


def zscale(array: np.ndarray, scale: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return states (n, units) on the scale that `scale_of` measured."""
    found = array - scale[0]
    found /= scale[1]
    return found


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
        inputs: scaled states (n, units).
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
    """Return the probabilities (n, classes) that a head gives to scaled states."""
    return _softmax(_with_one(inputs) @ head)


def _with_one(inputs: np.ndarray) -> np.ndarray:
    return np.hstack([inputs, np.ones((len(inputs), 1), np.float32)])


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
