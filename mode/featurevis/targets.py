"""The units to maximize: activations of a layer, read without changing the model.

A final softmax is removed by making its layer linear while the model is traced, and put back.
"""

from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np

from mode import checks
from mode.layers.hooks import Call, record_layer_calls, replaced_attribute, walk


def check_model(model) -> None:
    """Raise unless `model` is a built Keras model with finite weights.

    Raises:
        InputError: with what was received.
    """
    if not isinstance(model, keras.Model):
        checks.fail("model must be a Keras model", type(model).__name__)
    if not model.built or (getattr(model, "inputs", None) is None and not model.weights):
        checks.fail("model must be built", f"{model.name!r} without weights", "Call it once.")
    for weight in model.weights:
        values = np.asarray(weight)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).sum())
            checks.fail(
                "model must have finite weights", f"{bad} of {values.size} in {weight.path!r}"
            )


def named_layers(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """Return name -> layer, nested models and their layers ("model/layer") too, in order."""
    return {
        name: layer for name, layer in walk(model) if not isinstance(layer, keras.layers.InputLayer)
    }


def named_layer(model: keras.Model, name: str) -> keras.layers.Layer:
    """Return the layer called `name`.

    Raises:
        InputError: for an unknown name, with the valid ones.
    """
    layers = named_layers(model)
    return layers[checks.one_of("layer", name, layers)]


def input_shape(model: keras.Model) -> tuple | None:
    """Return the shape of one input without the batch axis; None for a subclassed model."""
    shape = getattr(model, "input_shape", None)
    return shape[1:] if isinstance(shape, tuple) else None


def accepts(declared: tuple | None, shape: tuple) -> bool:
    """Return whether the `input_shape` of a model allows inputs of `shape`; None allows any."""
    return declared is None or (
        len(declared) == len(shape)
        and all(side in (None, size) for side, size in zip(declared, shape, strict=True))
    )


def check_input_shape(model: keras.Model, shape: tuple) -> None:
    """Raise unless the model takes images of `shape`; a model without an input shape is called.

    Raises:
        InputError: with both shapes.
    """
    declared = input_shape(model)
    runs = declared is not None or _runs(model, shape)
    if not runs or not accepts(declared, shape):
        received = f"shape {declared}" if runs else "a model that raises an error for them"
        hint = "A generator's images are resized by load_prior(generator, shape=(h, w, c), ...)."
        checks.fail(f"model must take the prior's images, shape {tuple(shape)}", received, hint)


def _runs(model: keras.Model, shape: tuple) -> bool:
    try:
        model(np.zeros((1, *shape), np.float32), training=False)
    except Exception:  # of whatever kind a subclassed model raises
        return False
    return True


def output_of(model: keras.Model, layer: keras.layers.Layer) -> Callable:
    """Return a function: images -> the output of `layer`, the last one if it is called often."""

    def read(x):
        calls: list[Call] = []
        with record_layer_calls({layer.name: layer}, calls.append):
            model(x, training=False)
        if not calls:
            checks.fail("layer must be called by the model", repr(layer.name))
        return calls[-1].output

    return read


def logits_of(model: keras.Model, example: np.ndarray) -> tuple[Callable, str]:
    """Return a function: images -> logits (n, classes), and how the logits are computed.

    "as given": the model has no softmax. "unwrapped": a layer's softmax (or the sigmoid of one
    class against the rest) is removed. "log": neither, so log(p), of which softmax is p again.
    """
    y = np.asarray(model(example, training=False))
    sums_to_one = y.min() >= 0 and np.allclose(y.sum(axis=-1), 1, atol=1e-3)
    if sums_to_one or (y.min() >= 0 and y.max() <= 1):
        final = "softmax" if sums_to_one else "sigmoid"
        for layer, attribute, value in _linear_replacements(model, final):
            read = _with_attribute(model, layer, attribute, value)
            logits = np.asarray(read(example))
            again = np.asarray(getattr(keras.ops, final)(logits))
            same = logits.shape == y.shape and np.allclose(again, y, atol=1e-4)
            if same and not np.allclose(logits, y):
                return read, "unwrapped"
    if sums_to_one:
        return lambda x: keras.ops.log(keras.ops.maximum(model(x, training=False), 1e-20)), "log"
    return lambda x: model(x, training=False), "as given"


def _with_attribute(model, layer, attribute, value) -> Callable:
    def read(x):
        with replaced_attribute(layer, attribute, value):
            return model(x, training=False)

    return read


def _linear_replacements(model: keras.Model, final: str) -> Iterator[tuple]:
    """Yield (layer, attribute, value) that remove the activation `final`, last layer first."""
    for layer in reversed(list(named_layers(model).values())):
        if getattr(layer, "activation", None) is getattr(keras.activations, final):
            yield layer, "activation", keras.activations.linear
        elif final == "softmax" and isinstance(layer, keras.layers.Softmax):
            yield layer, "call", lambda x, *_, **__: x


def activations_of(model: keras.Model, layer: str | None, example: np.ndarray) -> Callable:
    """Return a function: images -> activations (n, ...) of the named layer; logits for None.

    Raises:
        InputError: for an unknown layer, with the valid names.
    """
    if layer is None:
        return logits_of(model, example)[0]
    return output_of(model, named_layer(model, layer))


def unit_weights(units: Sequence, shape: tuple) -> np.ndarray:
    """Return a matrix (prod(shape), len(units)): flattened activations @ it = one number per unit.

    Args:
        units: each a whole number (a class, or a channel: the mean over its map), a tuple (one
            neuron, an index into `shape`), or a dict of such to weights (a weighted group).
        shape: of one input's activations at the layer.

    Raises:
        InputError: for a unit that the layer does not have, or no units.
    """
    checks.not_empty("units", units)
    columns = [_column(unit, shape).reshape(-1) for unit in units]
    return np.stack(columns, axis=1).astype(np.float32)


def _column(unit, shape: tuple) -> np.ndarray:
    if isinstance(unit, dict):
        checks.not_empty("a group of units", unit)
        return sum(checks.number("a unit's weight", w) * _column(u, shape) for u, w in unit.items())
    column = np.zeros(shape)
    if isinstance(unit, tuple):
        if len(unit) != len(shape) or any(
            not isinstance(i, int | np.integer) or not 0 <= i < n
            for i, n in zip(unit, shape, strict=False)
        ):
            checks.fail(f"a neuron must be an index into a layer of shape {shape}", repr(unit))
        column[unit] = 1
        return column
    index = checks.number("unit", unit, 0, shape[-1] - 1, integer=True)
    column[..., index] = 1 / np.prod(shape[:-1], dtype=float)
    return column
