"""Activations of the layers of a model, as one row of numbers per input."""

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

import keras
import numpy as np

from mode import checks
from mode.dense import layer_outputs
from mode.layers.blocks import LIMIT, LayerBlock, averaged, blocks
from mode.layers.hooks import cut, leaf_layers, record_layer_calls, rows_of

CHUNK = 4096
FLATTENED, AVERAGED = "flattened", "averaged over space"


def states(
    model: keras.Model,
    x: Any,
    names: Iterable[str] | None = None,
    *,
    layer_blocks: Mapping[str, LayerBlock] | None = None,
    outputs: list | None = None,
) -> dict[str, np.ndarray]:
    """Return layer name -> activations (n, units), float32, all layers in one forward pass.

    Args:
        model: a built model; not changed.
        x: inputs, n x the model's input shape; for a model of several inputs the list or dict of
            arrays that it takes.
        names: names of layers. Defaults to all weighted layers.
        layer_blocks: `blocks(model, x)`, where it is at hand. Defaults to calling it.
        outputs: a list that the model's output for each chunk of inputs is appended to. Defaults to
            None.

    Raises:
        InputError: for an unknown layer, with the valid names.
    """
    rows = rows_of(x)
    if not rows:  # some layers need a row
        x = keras.tree.map_structure(lambda a: np.zeros((1, *a.shape[1:]), a.dtype), x)
    by_name = layer_blocks or blocks(model, x)
    names = list(by_name) if names is None else [names] if isinstance(names, str) else list(names)
    for name in names:
        checks.one_of("layer", name, by_name)
    by_call = {by_name[name].call: (name, by_name[name].channels) for name in names}
    # Allocated whole from the start: joining chunks would need as much memory again.
    activations = {name: np.empty((rows, by_name[name].units), np.float32) for name in names}
    for start in range(0, max(rows, 1), CHUNK):
        of_chunk, output = _forward(model, cut(x, start, start + CHUNK), by_call)
        for name, array in of_chunk.items():
            activations[name][start : start + CHUNK] = array[:rows]
        if outputs is not None:
            outputs.append(keras.ops.convert_to_numpy(output)[:rows])
    return activations


def _forward(
    model: keras.Model, x: Any, by_call: dict[int, tuple[str, int]]
) -> tuple[dict[str, np.ndarray], Any]:
    """Return name -> activations of x at the calls in `by_call` (name, axis of the channels), and
    the model's output."""
    activations: dict[str, np.ndarray] = {}
    numbers = count()

    def store(output: Any) -> None:
        if (number := next(numbers)) in by_call:
            name, channels = by_call[number]
            activations[name] = features(keras.ops.convert_to_numpy(output), channels=channels)

    in_numpy = layer_outputs(model, x)
    if in_numpy is not None:
        for output in in_numpy:
            store(output)
        return activations, in_numpy[-1]

    with record_layer_calls(leaf_layers(model), lambda call: store(call.output)):
        output = model(x, training=False)
    return activations, output


def features(array: np.ndarray, *, limit: int = LIMIT, channels: int = -1) -> np.ndarray:
    """Return activations (n, ...) as (n, units): flattened, or averaged over space above `limit`.

    Space is every axis but that of the inputs and that of the `channels`.
    """
    if array.dtype.itemsize < 4:  # of mixed precision, in which a mean would lose digits
        array = array.astype(np.float32)
    if array.ndim > 2 and np.prod(array.shape[1:]) > limit:
        space = set(range(1, array.ndim)) - {channels % array.ndim}
        array = array.mean(axis=tuple(sorted(space)))
    units = int(np.prod(array.shape[1:]))  # -1 would not do for no inputs at all
    return array.reshape(len(array), units).astype(np.float32, copy=False)


def reductions(
    model: keras.Model, x: Any = None, *, layer_blocks: Mapping[str, LayerBlock] | None = None
) -> dict[str, str]:
    """Return layer name -> how `states` makes rows of it: "flattened" or "averaged over space".

    Space is every axis but those of the inputs and the channels: of a sequence, time.
    """
    by_name = layer_blocks or blocks(model, x)
    return {name: AVERAGED if averaged(b.shape) else FLATTENED for name, b in by_name.items()}
