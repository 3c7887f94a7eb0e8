"""What the layers of a model receive and give in one run, whatever kind of model it is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from threading import RLock
from typing import Any

import keras
import numpy as np

from mode import checks

ROWS = 3  # of an example; what a layer gives for them has as many
UNKNOWN = 32  # length of an axis that the model leaves open, in an example
_LOCK = RLock()


@dataclass(frozen=True)
class Call:
    """One call of a layer in a run: the tensors it received, each once, and its first output."""

    layer: keras.Layer
    inputs: tuple
    output: Any


def reachable(model: keras.Model) -> dict[str, keras.Layer]:
    """Return name -> layer, looking into nested models, whose layers are named "model/layer".

    A layer made of layers that is no model (attention, a wrapper, one's own) counts as one.

    Raises:
        InputError: for two layers of the same name, as a subclassed model may have.
    """
    found: dict[str, keras.Layer] = {}
    for layer in model.layers:
        nested = isinstance(layer, keras.Model)
        inside = reachable(layer) if nested else {"": layer}
        for name, part in inside.items():
            path = f"{layer.name}/{name}" if nested else layer.name
            if found.setdefault(path, part) is not part:
                checks.fail("the model's layers must have names of their own", f"two {path!r}")
    return found


@contextmanager
def watching(layers: Mapping[str, keras.Layer], tell: Callable[[Call], None]) -> Iterator[None]:
    """Let every call of one of `layers` be told, in order, until the block is left.

    Keras's `Layer.__call__` tells it, so that the model is not touched.
    """
    members = {id(layer) for layer in layers.values()}
    with _LOCK:
        plain = keras.Layer.__call__

        @wraps(plain)
        def call(self, *arguments, **options):
            outputs = plain(self, *arguments, **options)
            given = _tensors(outputs)
            if id(self) in members and given:
                received = {id(t): t for t in _tensors((arguments, options))}
                tell(Call(self, tuple(received.values()), given[0]))
            return outputs

        keras.Layer.__call__ = call
        try:
            yield
        finally:
            keras.Layer.__call__ = plain


def _tensors(structure: Any) -> list:
    return [part for part in keras.tree.flatten(structure) if keras.ops.is_tensor(part)]


def example(model: keras.Model) -> Any:
    """Return a few inputs of zeros of the model's shape, or None where it does not say one."""
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
