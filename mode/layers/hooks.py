"""Walk the layers of a model of any kind, record their calls, and replace an attribute in a block.

The model itself is never changed: whatever a context manager here replaces comes back at its end.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from threading import RLock
from typing import Any

import keras
import numpy as np

from mode import checks

ROWS = 3  # of an example; the output of a layer has as many
UNKNOWN = 32  # length of an axis that the model leaves open, in an example
_LOCK = RLock()


@dataclass(frozen=True)
class Call:
    """One call of a layer in a run: the tensors it received, each once, and its first output."""

    layer: keras.Layer
    inputs: tuple
    output: Any


def walk(model: keras.Model) -> Iterator[tuple[str, keras.Layer]]:
    """Yield (name, layer) of every layer, from input to output.

    A nested model is followed by its layers, which are named "model/layer". A layer made of
    layers that is no model (attention, a wrapper, a custom layer) counts as one.
    """
    for layer in getattr(model, "layers", ()):
        yield layer.name, layer
        if isinstance(layer, keras.Model):
            yield from ((f"{layer.name}/{name}", inner) for name, inner in walk(layer))


def leaf_layers(model: keras.Model) -> dict[str, keras.Layer]:
    """Return name -> layer as `walk`, without the nested models themselves.

    Raises:
        InputError: for two layers of the same name, as a subclassed model may have.
    """
    leaves: dict[str, keras.Layer] = {}
    for name, layer in walk(model):
        if not isinstance(layer, keras.Model) and leaves.setdefault(name, layer) is not layer:
            checks.fail("the model's layer names must be unique", f"two layers {name!r}")
    return leaves


@contextmanager
def record_layer_calls(
    layers: Mapping[str, keras.Layer], callback: Callable[[Call], None]
) -> Iterator[None]:
    """Call `callback` after every call of one of `layers`, in order, until the block ends.

    `keras.Layer.__call__` is wrapped meanwhile, so that the model is not touched.
    """
    members = {id(layer) for layer in layers.values()}
    with _LOCK:
        original = keras.Layer.__call__

        @wraps(original)
        def call(self, *arguments, **options):
            result = original(self, *arguments, **options)
            outputs = _tensors(result)
            if id(self) in members and outputs:
                inputs = {id(t): t for t in _tensors((arguments, options))}
                callback(Call(self, tuple(inputs.values()), outputs[0]))
            return result

        keras.Layer.__call__ = call
        try:
            yield
        finally:
            keras.Layer.__call__ = original


@contextmanager
def replaced_attribute(layer: keras.Layer, name: str, value: Any) -> Iterator[None]:
    """Let `layer.name` be `value` until the block ends."""
    attributes = vars(layer)
    before = {name: attributes[name]} if name in attributes else {}
    attributes[name] = value
    try:
        yield
    finally:
        del attributes[name]
        attributes.update(before)


def _tensors(structure: Any) -> list:
    return [part for part in keras.tree.flatten(structure) if keras.ops.is_tensor(part)]


def example(model: keras.Model) -> Any:
    """Return a few inputs of zeros of the model's input shape; None for a model without one."""
    inputs = getattr(model, "inputs", None)
    if inputs:
        structure = model.input if len(inputs) > 1 else inputs[0]
        return keras.tree.map_structure(lambda t: _zeros(t.shape, t.dtype), structure)
    shape = (model.get_build_config() or {}).get("input_shape")  # of a subclassed model
    return _zeros((None, *shape[1:]), "float32") if shape else None


def _zeros(shape: tuple, dtype: str) -> np.ndarray:
    rows, *sides = shape
    return np.zeros((rows or ROWS, *(side or UNKNOWN for side in sides)), dtype)


def rows_of(x: Any) -> int:
    """Return the number of inputs in an array, or in a structure of arrays."""
    return len(keras.tree.flatten(x)[0])


def cut(x: Any, start: int, stop: int) -> Any:
    """Return the inputs from `start` to `stop` of an array, or of each array of a structure."""
    return keras.tree.map_structure(lambda array: array[start:stop], x)
