"""What is to be maximised: the units of a layer, read without changing the classifier.

A layer inside any model, nested or subclassed, is read by listening to its call; a final softmax
is taken off by letting that layer be linear while the model is traced. Both are put back at once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from mode import checks


def check_classifier(model) -> None:
    """Raise unless `model` is a built Keras model of images with finite weights.

    Raises:
        InputError: naming what was received.
    """
    if not isinstance(model, keras.Model):
        checks.fail("classifier must be a Keras model", type(model).__name__)
    if not model.built or (getattr(model, "inputs", None) is None and not model.weights):
        checks.fail("classifier must be built", f"{model.name!r} without weights", "Call it once.")
    for weight in model.weights:
        values = np.asarray(weight)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).sum())
            checks.fail(
                "classifier must have finite weights", f"{bad} of {values.size} in {weight.path!r}"
            )


def layers_of(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """Return every layer that can be reached, nested ones as "outer/inner", in order."""
    found = {}
    for layer in getattr(model, "layers", ()):
        if isinstance(layer, keras.layers.InputLayer):
            continue
        found[layer.name] = layer
        if isinstance(layer, keras.Model):
            found |= {f"{layer.name}/{k}": v for k, v in layers_of(layer).items()}
    return found


def input_shape(model: keras.Model) -> tuple | None:
    """Return the shape of one input without the batch axis, None where the model does not say."""
    shape = getattr(model, "input_shape", None)
    return shape[1:] if isinstance(shape, tuple) else None


def check_shape(model: keras.Model, shape: tuple) -> None:
    """Raise unless the model takes images of `shape`; one that does not say is tried.

    Raises:
        InputError: with both shapes.
    """
    wanted = input_shape(model)
    if wanted is None:
        fits = _accepts(model, shape)
    else:
        pairs = zip(wanted, shape, strict=False)
        fits = len(wanted) == len(shape) and all(w in (None, s) for w, s in pairs)
    if not fits:
        received = "one that refuses them" if wanted is None else f"shape {wanted}"
        checks.fail(f"classifier must take the prior's images, shape {tuple(shape)}", received)


def _accepts(model: keras.Model, shape: tuple) -> bool:
    try:
        model(np.zeros((1, *shape), np.float32), training=False)
    except Exception:  # whatever a foreign model's own code raises, the answer is no
        return False
    return True


@contextmanager
def replaced(layer, attribute: str, value) -> Iterator[None]:
    """Let `layer.attribute` be `value` for a while; the class's own comes back in any case."""
    own = vars(layer)
    missing = object()
    before = own.get(attribute, missing)
    own[attribute] = value
    try:
        yield
    finally:
        if before is missing:
            del own[attribute]
        else:
            own[attribute] = before


def output_of(model: keras.Model, layer: keras.layers.Layer) -> Callable:
    """Return a function: images -> the output of `layer` (the last, where called often)."""

    def read(x):
        heard = []
        inner = layer.call

        def call(*args, **kwargs):
            heard.append(inner(*args, **kwargs))
            return heard[-1]

        with replaced(layer, "call", call):
            model(x, training=False)
        if not heard:
            checks.fail("layer must be called by the classifier", repr(layer.name))
        return heard[-1]

    return read


def scores_of(model: keras.Model, example: np.ndarray) -> tuple[Callable, str]:
    """Return a function images -> pre-softmax scores (n, classes), and how it was found.

    "as given" where the model has no softmax; "unwrapped" where a layer's softmax (or the sigmoid
    of one class against the rest) could be taken off; "log" where neither, so that scores are
    log(p), which softmax turns back into p.
    """
    y = np.asarray(model(example, training=False))
    odds = y.min() >= 0 and np.allclose(y.sum(axis=-1), 1, atol=1e-3)
    if not odds and not (y.min() >= 0 and y.max() <= 1):
        return lambda x: model(x, training=False), "as given"
    final = "softmax" if odds else "sigmoid"
    for layer, attribute, value in _candidates(model, final):
        read = _with_replaced(model, layer, attribute, value)
        scores = np.asarray(read(example))
        undone = np.asarray(getattr(keras.ops, final)(scores))
        if (
            scores.shape == y.shape
            and np.allclose(undone, y, atol=1e-4)
            and not np.allclose(scores, y)
        ):
            return read, "unwrapped"
    if not odds:
        return lambda x: model(x, training=False), "as given"
    return lambda x: keras.ops.log(keras.ops.maximum(model(x, training=False), 1e-20)), "log"


def _with_replaced(model, layer, attribute, value) -> Callable:
    def read(x):
        with replaced(layer, attribute, value):
            return model(x, training=False)

    return read


def _candidates(model: keras.Model, final: str) -> Iterator[tuple]:
    for layer in reversed(list(layers_of(model).values())):
        if getattr(layer, "activation", None) is getattr(keras.activations, final):
            yield layer, "activation", keras.activations.linear
        elif final == "softmax" and isinstance(layer, keras.layers.Softmax):
            yield layer, "call", lambda x, *_, **__: x


def reader(model: keras.Model, layer: str | None, example: np.ndarray) -> Callable:
    """Return images -> activations (n, ...) of the named layer, or of the class scores for None.

    Raises:
        InputError: for a layer that does not exist, with the names of those that do.
    """
    if layer is None:
        return scores_of(model, example)[0]
    known = layers_of(model)
    return output_of(model, known[checks.one_of("layer", layer, known)])


def unit_weights(units: Sequence, shape: tuple) -> np.ndarray:
    """Return a matrix (prod(shape), len(units)): activations flattened @ it = one number a unit.

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
