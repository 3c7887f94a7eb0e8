"""How much arithmetic a model needs, counted from its layers."""

from math import prod

import keras

# A layer costs about as much as so many multiplications per input, however little it computes.
PER_LAYER = 10_000
UNKNOWN = 32  # length of an axis that the model leaves open


def multiplications(model: keras.Model) -> int:
    """Return about how many multiplications one forward pass takes per input.

    The size of each kernel times the places it is applied to; for work that is planned, not timed,
    so that a plan does not depend on the machine.

    Example:
        >>> dense = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])
        >>> multiplications(dense)
        17840
    """
    return sum(_kernels(layer) * _places(layer) + PER_LAYER for layer in _leaves(model))


def _leaves(model: keras.Model) -> list[keras.Layer]:
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    parts = [_leaves(layer) if isinstance(layer, keras.Model) else [layer] for layer in layers]
    return [layer for part in parts for layer in part]


def _kernels(layer: keras.Layer) -> int:
    if isinstance(layer, keras.layers.Embedding):
        return 0
    return sum(prod(weight.shape) for weight in layer.weights if len(weight.shape) > 1)


def _places(layer: keras.Layer) -> int:
    recurrent = isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
    try:
        axes = layer.input.shape[1:2] if recurrent else layer.output.shape[1:-1]
    except (AttributeError, ValueError):  # not a layer of a graph, or called several times
        return 1
    return prod(size or UNKNOWN for size in axes)
