"""Blocks: each weighted layer with the layers without weights that follow it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import keras

from mode import checks
from mode.layers.hooks import ROWS, Call, cut, example, leaf_layers, record_layer_calls, rows_of

# Above this many numbers an input, the spatial positions of a layer are averaged.
LIMIT = 4096
# Layers that have weights, or may have some, and yet belong to the block before them.
_FOLLOWING = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.Normalization,
    keras.layers.PReLU,
    keras.layers.RMSNormalization,
    keras.layers.UnitNormalization,
)


@dataclass(frozen=True)
class LayerBlock:
    """A block: the `shape` of its activations, and the number of the layer call that gives them."""

    shape: tuple[int, ...]  # of one input, without the batch axis
    call: int  # counted from 0 in one run of the model
    channels: int = -1  # the axis of the channels

    @property
    def units(self) -> int:
        """How many numbers `states` gives for one input."""
        return self.shape[self.channels] if averaged(self.shape) else prod(self.shape)


def blocks(model: keras.Model, x: Any = None) -> dict[str, LayerBlock]:
    """Return the name of each weighted layer -> its block, in the order of their calls.

    A block is a weighted layer with the normalization, activation, pooling, dropout and
    flattening layers behind it, up to the next branch, merge or weighted layer. Where flattening
    would leave more than LIMIT numbers the block ends before it, for its positions to be averaged.
    The model runs once on a few inputs, so that it may be Sequential, functional, nested or
    subclassed; a layer in a nested model is named "model/layer". Of a layer that is called
    several times the last call counts.

    Args:
        model: a built model; not changed.
        x: inputs to run on. Defaults to zeros.

    Raises:
        InputError: for a model without a reachable weighted layer.
    """
    layers = leaf_layers(model)
    x = example(model) if model.built and x is None else x
    calls = _calls(model, x, layers) if model.built and x is not None else []
    names = {id(layer): name for name, layer in layers.items()}
    # What does not depend on the inputs, as an embedding of positions, holds no states of them.
    rows = rows_of(cut(x, 0, ROWS)) if calls else 0
    starts = {
        names[id(call.layer)]: number
        for number, call in enumerate(calls)
        if _starts(call.layer) and call.output.shape[:1] == (rows,)
    }
    if not starts:
        checks.fail(
            "the model must be built and have reachable layers with weights",
            f"{type(model).__name__} {model.name!r} with {len(model.layers)} layers",
            "Call it on an input, and keep its layers as attributes.",
        )
    ends = {name: _end_of_block(calls, start) for name, start in starts.items()}
    return {
        name: LayerBlock(
            tuple(calls[end].output.shape[1:]), end, _channels(calls[starts[name]].layer)
        )
        for name, end in ends.items()
    }


def layer_names(model: keras.Model) -> list[str]:
    """Return the names of the weighted layers, from input to output."""
    return list(blocks(model))


def last_hidden_layer(names: Sequence[str]) -> str:
    """Return, of the names of a model's layers, that of the last one before the output; that of the
    only layer where there is no other.

    Example:
        >>> last_hidden_layer(["hidden_1", "hidden_2", "output"])
        'hidden_2'
    """
    return names[max(0, len(names) - 2)]


def averaged(shape: tuple[int, ...]) -> bool:
    """Return whether activations of this shape (of one input) are averaged over positions."""
    return len(shape) > 1 and prod(shape) > LIMIT


def _calls(model: keras.Model, x: Any, layers: dict[str, keras.Layer]) -> list[Call]:
    calls: list[Call] = []
    with record_layer_calls(layers, calls.append):
        model(cut(x, 0, ROWS), training=False)
    return calls


def _channels(layer: keras.Layer) -> int:
    """Return the axis of the channels in a layer's output, counted from its end.

    With "channels_first" they come before the spatial axes, of which a convolution has `rank`.
    """
    first = getattr(layer, "data_format", None) == "channels_first"
    return -1 - getattr(layer, "rank", 0) if first else -1


def _starts(layer: keras.Layer) -> bool:
    return bool(layer.weights) and not isinstance(layer, _FOLLOWING)


def _end_of_block(calls: list[Call], end: int) -> int:
    while True:
        output = calls[end].output
        # Dropout gives what it received: it neither branches nor moves the end.
        uses = [
            number
            for number, call in enumerate(calls)
            if call.output is not output and any(tensor is output for tensor in call.inputs)
        ]
        if len(uses) != 1 or not _goes_on(output, calls[uses[0]]):
            return end
        end = uses[0]


def _goes_on(output: Any, use: Call) -> bool:
    if len(use.inputs) != 1 or _starts(use.layer) or use.output.shape[:1] != output.shape[:1]:
        return False
    before, after = output.shape[1:], use.output.shape[1:]
    return not (averaged(before) and len(after) == 1 and prod(before) == prod(after))
