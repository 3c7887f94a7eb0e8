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
    return max(2, units_of(model))


def units_of(model: keras.Model) -> int:
    """Return the number of output units.

    Raises:
        InputError: as `classes_of`.
    """
    shape = _output_shape(model)
    if not isinstance(shape, tuple) or len(shape) != 2 or shape[1] is None:
        checks.fail("the model must have one output of shape (n, classes)", shape)
    return shape[1]


def _output_shape(model: keras.Model):
    if hasattr(model, "output_shape"):
        return model.output_shape
    wanted = input_shape(model)
    return model.compute_output_spec(keras.KerasTensor(wanted)).shape if wanted else None


def input_shape(model: keras.Model) -> tuple | None:
    """Return (None, ...), or None where a model has several inputs or does not say."""
    if hasattr(model, "input_shape"):
        wanted = model.input_shape
        return wanted if isinstance(wanted, tuple) else None
    built = (model.get_build_config() or {}).get("input_shape")  # a subclassed model's first call
    return (None, *built[1:]) if built else None


def predict(model: keras.Model, x: np.ndarray, *, chunk: int = CHUNK) -> np.ndarray:
    """Return class probabilities (n, classes), float32; logits become softmax (or sigmoid).

    The model runs in inference mode on chunks, without retracing anything.

    Raises:
        InputError: when the inputs do not have the model's input shape.
    """
    x = np.asarray(x)
    check_inputs(model, x)
    if len(x) == 0:
        return np.zeros((0, classes_of(model)), np.float32)
    outputs = [
        keras.ops.convert_to_numpy(model(x[start : start + chunk], training=False))
        for start in range(0, len(x), chunk)
    ]
    outputs = np.concatenate(outputs).astype(np.float32, copy=False)
    return probabilities(outputs, logits=gives_logits(model, outputs))


def check_inputs(model: keras.Model, x: np.ndarray) -> None:
    """Refuse inputs that do not fit the model's input shape."""
    wanted = input_shape(model)
    if wanted is None:
        return
    fits = len(wanted) == x.ndim and all(
        w in (None, r) for w, r in zip(wanted[1:], x.shape[1:], strict=True)
    )
    if not fits:
        checks.fail(f"the inputs must have shape {('n', *wanted[1:])}", f"shape {x.shape}")


def gives_logits(model: keras.Model, outputs: np.ndarray) -> bool:
    """Say whether outputs (n, units) are logits: by the last layer's activation where it says.

    A subclassed model or a custom last layer does not; then the values decide.
    """
    last = model.outputs[0]._keras_history.operation if hasattr(model, "outputs") else None
    known = {"linear": True, "softmax": False, "sigmoid": False if outputs.shape[1] == 1 else None}
    said = known.get(getattr(getattr(last, "activation", None), "__name__", None))
    if said is not None:
        return said
    inside = outputs.min() >= 0 and outputs.max() <= 1
    summing = outputs.shape[1] == 1 or np.allclose(outputs.sum(axis=1), 1, atol=1e-2)
    return not (inside and summing)


def probabilities(outputs: np.ndarray, *, logits: bool) -> np.ndarray:
    """Return outputs (n, units) as probabilities (n, classes)."""
    if outputs.shape[1] == 1:
        positive = 1 / (1 + np.exp(-outputs)) if logits else outputs
        return np.hstack([1 - positive, positive])
    if not logits:
        return outputs
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
