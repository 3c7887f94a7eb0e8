"""The layers that count: blocks of one weighted layer and what follows it without weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import keras

from mode import checks
from mode.layers.recording import ROWS, Call, cut, example, reachable, rows_of, watching

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
class Block:
    """A block: the `shape` of its states, and which call of the model's layers gives them."""

    shape: tuple[int, ...]  # of one input, without the batch axis
    call: int  # counted from 0 in one run of the model
    channels: int = -1  # the axis of the channels

    @property
    def units(self) -> int:
        """How many numbers `states` gives for one input."""
        return self.shape[self.channels] if averaged(self.shape) else prod(self.shape)


def blocks(model: keras.Model, x: Any = None) -> dict[str, Block]:
    """Return weighted layer's name -> its block, in the order in which they are called.

    A block is a weighted layer with the normalisation, activation, pooling, dropout and
    flattening layers behind it, up to the next branch, merge or weighted layer. Where flattening
    would leave more than LIMIT numbers the block ends before it, for its positions to be averaged.
    The model is run once on a few inputs, so that it may be Sequential, functional, nested or
    subclassed; a layer in a nested model is named "model/layer". Of a layer that is called
    several times the last call counts.

    Args:
        model: a built model; not changed.
        x: inputs to run on; zeros where None.

    Raises:
        InputError: for a model without a reachable weighted layer.
    """
    layers = reachable(model)
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
    found = {}
    for name, start in starts.items():
        end = _end_of_block(calls, start)
        shape = tuple(calls[end].output.shape[1:])
        found[name] = Block(shape, end, _channels(calls[start].layer))
    return found


def layer_names(model: keras.Model) -> list[str]:
    """Return the names of the layers that count, from input to output."""
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
    """Say whether states of this shape (of one input) are averaged over their positions."""
    return len(shape) > 1 and prod(shape) > LIMIT


def _calls(model: keras.Model, x: Any, layers: dict[str, keras.Layer]) -> list[Call]:
    calls: list[Call] = []
    with watching(layers, calls.append):
        model(cut(x, 0, ROWS), training=False)
    return calls


def _channels(layer: keras.Layer) -> int:
    """Return the axis of the channels in a layer's output, from its end: before the spatial ones
    where they come first, of which a convolution knows the number."""
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
            if call.output is not output and any(given is output for given in call.inputs)
        ]
        if len(uses) != 1 or not _goes_on(output, calls[uses[0]]):
            return end
        end = uses[0]


def _goes_on(output: Any, use: Call) -> bool:
    if len(use.inputs) != 1 or _starts(use.layer) or use.output.shape[:1] != output.shape[:1]:
        return False
    before, after = output.shape[1:], use.output.shape[1:]
    return not (averaged(before) and len(after) == 1 and prod(before) == prod(after))
