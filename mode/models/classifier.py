"""What a classifier takes in and gives out: inputs, classes, targets, loss and probabilities."""

from typing import Any

import keras
import numpy as np

from mode import checks
from mode.dense import softmax

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
    expected = input_shape(model)
    return model.compute_output_spec(keras.KerasTensor(expected)).shape if expected else None


def input_shape(model: keras.Model) -> tuple | None:
    """Return (None, ...), or None where a model has several inputs or does not say."""
    if hasattr(model, "input_shape"):
        shape = model.input_shape
        return shape if isinstance(shape, tuple) else None
    built = (model.get_build_config() or {}).get("input_shape")  # a subclassed model's first call
    return (None, *built[1:]) if built else None


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


def check_classifier(model: keras.Model, x: Any, classes: int) -> None:
    """Refuse a model that does not take the inputs `x`, or tells another number of classes apart.

    Raises:
        InputError: with what was expected.
    """
    check_inputs(model, x)
    if classes_of(model) != classes:
        checks.fail(f"the model must tell {classes} classes apart", classes_of(model))


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


def training_data(model: keras.Model, x: Any, y: Any) -> tuple[Any, np.ndarray, Any]:
    """Return inputs, targets and loss to train a model with: the inputs checked, the labels in the
    form that the loss takes, and the loss of a compiled model; cross entropy for any other.

    Args:
        x: inputs, n x the model's input shape, or the structure of arrays that the model takes.
        y: integer labels (n,) or one-hot rows (n, classes).

    Raises:
        InputError: for inputs or labels that do not fit the model.
    """
    x = keras.tree.map_structure(lambda array: checks.numeric("x", array), x)
    check_inputs(model, x)
    classes = classes_of(model)
    labels = checks.labels("y", y, classes)
    rows = checks.not_empty("x", keras.tree.flatten(x)[0])
    checks.same_length(x=rows, y=labels)
    targets = targets_of(model, labels)
    return x, targets, _loss_of(model) if model.compiled else _cross_entropy(model, x)


def targets_of(model: keras.Model, labels: np.ndarray) -> np.ndarray:
    """Return labels (n,) in the form that the loss of a model takes; that of a model which is not
    compiled takes integers."""
    units = units_of(model)
    if units == 1:
        return labels.astype(np.float32)[:, None]
    loss = _loss_of(model) if model.compiled else "sparse"
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    if "sparse" in name.lower():
        return labels.astype(np.int32)
    return np.eye(units, dtype=np.float32)[labels]


def _loss_of(model: keras.Model) -> Any:
    """Return the one loss of a model that was compiled with it, or with a list or dict of it."""
    loss = model.loss
    losses = keras.tree.flatten(loss) if isinstance(loss, list | tuple | dict) else [loss]
    return losses[0] if len(losses) == 1 else loss


def _cross_entropy(model: keras.Model, x: Any) -> keras.losses.Loss:
    """Return the cross entropy of a model's outputs, which the inputs show where no layer does."""
    outputs = keras.ops.convert_to_numpy(model(of_rows(x, slice(CHUNK)), training=False))
    binary = units_of(model) == 1
    kind = "BinaryCrossentropy" if binary else "SparseCategoricalCrossentropy"
    return getattr(keras.losses, kind)(from_logits=gives_logits(model, outputs))
