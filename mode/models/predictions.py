"""Ask a model: class probabilities, whatever its output layer says."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np

from mode import checks
from mode.dense import layer_outputs, softmax
from mode.models.effort import multiplications

# Inputs per call: large enough that a tiny net costs no Python time, small enough for memory.
CHUNK = 4096
# Multiplications from which on a compiled model is asked: it is twice as fast, and compiles for as
# long as a tenth of a second's work takes.
WORTH_COMPILING = 2e9


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
    expected = input_shape(model)
    return model.compute_output_spec(keras.KerasTensor(expected)).shape if expected else None


def input_shape(model: keras.Model) -> tuple | None:
    """Return (None, ...), or None where a model has several inputs or does not say."""
    if hasattr(model, "input_shape"):
        shape = model.input_shape
        return shape if isinstance(shape, tuple) else None
    built = (model.get_build_config() or {}).get("input_shape")  # a subclassed model's first call
    return (None, *built[1:]) if built else None


def predict(model: keras.Model, x: Any, *, chunk: int = CHUNK) -> np.ndarray:
    """Return class probabilities (n, classes), float32; logits become softmax (or sigmoid), and
    sigmoids of several classes are divided by their sum.

    The model runs in inference mode on chunks.

    Args:
        x: n x the model's input shape; for a model of several inputs the list or dict of arrays
            that it takes.

    Raises:
        InputError: when the inputs do not have the model's input shape.
    """
    x = keras.tree.map_structure(np.asarray, x)
    check_inputs(model, x)
    rows = len(keras.tree.flatten(x)[0])
    if rows == 0:
        return np.zeros((0, classes_of(model)), np.float32)
    output = _outputs(model, rows)
    chunks = [output(of_rows(x, slice(start, start + chunk))) for start in range(0, rows, chunk)]
    outputs = np.concatenate(chunks).astype(np.float32, copy=False)
    return probabilities(outputs, logits=gives_logits(model, outputs))


def _outputs(model: keras.Model, rows: int) -> Callable[[Any], np.ndarray]:
    """Return what gives the outputs of inputs: compiled first where that soon pays."""
    compiled = rows * multiplications(model) >= WORTH_COMPILING
    run = model.predict_on_batch if compiled else partial(model, training=False)

    def output(x: Any) -> np.ndarray:
        in_numpy = layer_outputs(model, x)
        return keras.ops.convert_to_numpy(run(x)) if in_numpy is None else in_numpy[-1]

    return output


def of_rows(x: Any, rows: Any) -> Any:
    """Return the rows (indices or a slice) of an array, or of each array of a structure."""
    return keras.tree.map_structure(lambda array: array[rows], x)


def check_inputs(model: keras.Model, x: Any) -> None:
    """Refuse inputs that do not fit the model's input shape.

    In a Sequential or functional model an axis of 1 may be lacking or too many at the end, as
    Keras has it.
    """
    flat_inputs, graph = keras.tree.flatten(x), getattr(model, "inputs", None)
    several = graph and len(graph) > 1
    kind = "dict" if several and isinstance(model.input, dict) else "list"
    if graph and (
        len(flat_inputs) != len(graph) or (several and isinstance(x, dict) != (kind == "dict"))
    ):
        expected = f"a {kind} of {len(graph)} arrays" if several else "one array"
        received = (
            f"a {type(x).__name__} of {len(flat_inputs)}" if len(flat_inputs) > 1 else "one array"
        )
        checks.fail(f"the inputs must be {expected}", received)
    if not graph and len(flat_inputs) > 1:
        return
    shapes = [tensor.shape for tensor in graph] if graph else [input_shape(model)]
    for shape, array in zip(shapes, flat_inputs, strict=True):
        if shape is not None and not _fits(shape, array.shape, loosely=bool(graph)):
            checks.fail(f"the inputs must have shape {('n', *shape[1:])}", f"shape {array.shape}")
    checks.same_length(**{f"input {n}": array for n, array in enumerate(flat_inputs, start=1)})


def _fits(expected: tuple, shape: tuple, *, loosely: bool) -> bool:
    if loosely and len(expected) == len(shape) + 1 and expected[-1] == 1:
        expected = expected[:-1]
    elif loosely and len(shape) == len(expected) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    return len(expected) == len(shape) and all(
        side in (None, size) for side, size in zip(expected[1:], shape[1:], strict=True)
    )


def gives_logits(model: keras.Model, outputs: np.ndarray) -> bool:
    """Say whether outputs (n, units) are logits: by the last layer's activation where it says.

    A subclassed model or a custom last layer does not; then the values decide.
    """
    last_activation = _last_activation(model)
    if last_activation in ("linear", "softmax", "sigmoid"):
        return last_activation == "linear"
    inside = outputs.min() >= 0 and outputs.max() <= 1
    return not (inside and (outputs.shape[1] == 1 or _sums_to_one(outputs)))


def output_layer(model: keras.Model) -> keras.Layer:
    """Return the layer that makes the model's output, of nested models too; a subclassed model
    itself, which does not tell."""
    last = model
    while isinstance(last, keras.Model) and getattr(last, "outputs", None):
        last = last.outputs[0]._keras_history.operation
    return last


def _last_activation(model: keras.Model) -> str | None:
    return getattr(getattr(output_layer(model), "activation", None), "__name__", None)


def single_loss(loss: Any) -> Any:
    """Return the one loss of a model that was compiled with it, or with a list or dict of it."""
    losses = keras.tree.flatten(loss) if isinstance(loss, list | tuple | dict) else [loss]
    return losses[0] if len(losses) == 1 else loss


def _sums_to_one(outputs: np.ndarray) -> bool:
    return np.allclose(outputs.sum(axis=1), 1, atol=1e-2)


def probabilities(outputs: np.ndarray, *, logits: bool) -> np.ndarray:
    """Return outputs (n, units) as probabilities (n, classes)."""
    if outputs.shape[1] == 1:
        positive = 1 / (1 + np.exp(-outputs)) if logits else outputs
        return np.hstack([1 - positive, positive])
    if not logits and _sums_to_one(outputs):
        return outputs
    if not logits:
        return outputs / np.maximum(outputs.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return softmax(outputs)
