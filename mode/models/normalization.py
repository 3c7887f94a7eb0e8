"""Moving statistics of batch normalization, estimated again for the weights a model has now."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from mode.models.classifier import of_rows

# Keras's moving averages take hundreds of steps to arrive (momentum 0.99), and belong to the
# last weights alone. So many rows, in batches of so many, estimate a mean and a variance well.
ROWS, BATCH = 4096, 256


def reestimate_statistics(model: keras.Model, x: Any) -> None:
    """Set the moving mean and variance of every trainable BatchNormalization layer of `model` to
    their averages over (the first `ROWS` rows of) `x`, in place.

    Stochastic weight averaging (Izmailov et al. 2018, UAI, section 3.2) needs this, and so does
    any training of few steps. Dropout is off meanwhile: its noise would widen the variance.

    Args:
        model: a built model; one without such layers is left as it is.
        x: training inputs, in random order: an array, or the structure the model takes.
    """
    normalizations = _normalizations(model)
    rows = min(ROWS, len(keras.tree.flatten(x)[0]))
    if not normalizations or rows < 2:
        return
    momentum = {layer: layer.momentum for layer in normalizations}
    starts = [start for start in range(0, rows, BATCH) if rows - start > 1]
    with _without_dropout(model):
        for number, start in enumerate(starts):
            for layer in normalizations:
                layer.momentum = number / (number + 1)  # so that the average counts all batches
            model(of_rows(x, slice(start, min(start + BATCH, rows))), training=True)
    for layer, value in momentum.items():
        layer.momentum = value


def _normalizations(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    kind = keras.layers.BatchNormalization
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, kind)]
    return [layer for layer in layers if layer.trainable]


@contextmanager
def _without_dropout(model: keras.Model) -> Iterator[None]:
    rates = {
        layer: layer.rate
        for layer in model._flatten_layers()
        if "Dropout" in type(layer).__name__ and isinstance(getattr(layer, "rate", None), float)
    }
    for layer in rates:
        layer.rate = 0.0
    try:
        yield
    finally:
        for layer, rate in rates.items():
            layer.rate = rate
