"""The layers that count: blocks of one weighted layer and what follows it without weights."""

import keras

from mode import checks

_NORMALIZATION = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.Normalization,
    keras.layers.UnitNormalization,
)


def blocks(model: keras.Model) -> dict[str, keras.KerasTensor]:
    """Return weighted layer's name -> the symbolic output of its block, from input to output.

    A block is a weighted layer with the normalisation, activation, pooling, dropout and
    flattening layers behind it, up to the next branch, merge or weighted layer.

    Raises:
        InputError: for a model without a reachable weighted layer.
    """
    reachable = model.layers if getattr(model, "inputs", None) else []  # not in a subclassed model
    members = set(reachable)
    found = {layer.name: _end_of_block(layer, members) for layer in reachable if _starts(layer)}
    if not found:
        checks.fail(
            "the model must be built and have reachable layers with weights",
            f"{type(model).__name__} {model.name!r} with {len(model.layers)} layers",
            "Build it as a Sequential or functional model.",
        )
    return found


def layer_names(model: keras.Model) -> list[str]:
    """Return the names of the layers that count, from input to output."""
    return list(blocks(model))


def _starts(layer: keras.Layer) -> bool:
    return bool(layer.weights) and not isinstance(layer, _NORMALIZATION)


def _end_of_block(layer: keras.Layer, members: set[keras.Layer]) -> keras.KerasTensor:
    while True:
        uses = [node for node in layer._outbound_nodes if node.operation in members]
        if len(uses) != 1 or len(uses[0].input_tensors) != 1 or _starts(uses[0].operation):
            return layer.output
        layer = uses[0].operation
