"""A classifier whose answers are known by hand."""

import keras
import numpy as np
from keras import layers


def fixed(predictions: list[int]) -> keras.Model:
    """A model that predicts these classes for the inputs 0, 1, ..."""
    table = layers.Embedding(len(predictions), 2, name="table")
    stack = [keras.Input((1,), dtype="int32"), table, layers.Flatten(), layers.Softmax()]
    model = keras.Sequential(stack)
    model.get_layer("table").set_weights([9 * np.eye(2)[predictions]])
    return model
