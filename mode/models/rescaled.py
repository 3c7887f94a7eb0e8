"""Models that scale their inputs themselves, asked about inputs that are scaled already."""

import keras
import numpy as np

from mode.models.copies import clone

# A Rescaling layer by at most so much is meant for 8-bit inputs, 0 to 255: by 1/255, or 1/127.5.
BYTES = 1 / 100


def of_unit_inputs(model: keras.Model) -> keras.Model:
    """Return a model that says of x / 255 what `model` says of 8-bit inputs x.

    That is a copy whose Rescaling layers for 8-bit inputs scale 255 times as much, with the same
    weights in the same order; or `model` itself where it has none of them.
    """
    if not _for_bytes(model):
        return model
    copy = clone(model)
    for layer in _for_bytes(copy):
        layer.scale = (255 * _scales(layer)).tolist()
    return copy


def _for_bytes(model: keras.Model) -> list[keras.layers.Rescaling]:
    parts = [_for_bytes(p) if isinstance(p, keras.Model) else [p] for p in model.layers]
    layers = [p for part in parts for p in part if isinstance(p, keras.layers.Rescaling)]
    return [layer for layer in layers if np.abs(_scales(layer)).max() <= BYTES]


def _scales(layer: keras.layers.Rescaling) -> np.ndarray:
    """One number, or one for each channel, which Keras takes as a list, a tuple or an array."""
    return np.asarray(layer.scale, float)
