"""Ask a model: class probabilities, whatever its output layer says."""

import keras
import numpy as np

from mode import checks

# Inputs per call: large enough that a tiny net costs no Python time, small enough for memory.
CHUNK = 4096


def classes_of(model: keras.Model) -> int:
    """Return the number of classes a model tells apart; one output unit means two.

    Raises:
        InputError: for a model with several outputs or without a fixed number of units.
    """
    shape = model.output_shape
    if not isinstance(shape, tuple) or len(shape) != 2 or shape[1] is None:
        checks.fail("the model must have one output of shape (n, classes)", shape)
    return max(2, shape[1])


def predict(model: keras.Model, x: np.ndarray, *, chunk: int = CHUNK) -> np.ndarray:
    """Return class probabilities (n, classes), float32; logits become softmax (or sigmoid).

    The model runs in inference mode on chunks, without retracing anything.

    Raises:
        InputError: when the inputs do not have the model's input shape.
    """
    check_inputs(model, x)
    if len(x) == 0:
        return np.zeros((0, classes_of(model)), np.float32)
    outputs = [
        keras.ops.convert_to_numpy(model(x[start : start + chunk], training=False))
        for start in range(0, len(x), chunk)
    ]
    return probabilities(np.concatenate(outputs).astype(np.float32, copy=False))


def check_inputs(model: keras.Model, x: np.ndarray) -> None:
    """Refuse inputs that do not fit the model's input shape."""
    wanted = getattr(model, "input_shape", None)
    if not isinstance(wanted, tuple):
        return
    fits = len(wanted) == x.ndim and all(
        w in (None, r) for w, r in zip(wanted[1:], x.shape[1:], strict=True)
    )
    if not fits:
        checks.fail(f"the inputs must have shape {('n', *wanted[1:])}", f"shape {x.shape}")


def probabilities(outputs: np.ndarray) -> np.ndarray:
    """Return outputs (n, units) as probabilities; decided by the values, not by layer names."""
    if outputs.shape[1] == 1:
        inside = outputs.min() >= 0 and outputs.max() <= 1
        positive = outputs if inside else 1 / (1 + np.exp(-outputs))
        return np.hstack([1 - positive, positive])
    if outputs.min() >= 0 and np.allclose(outputs.sum(axis=1), 1, atol=1e-2):
        return outputs
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
