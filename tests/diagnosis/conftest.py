"""Small data and models that the tests of the diagnosis share."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def two_classes():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(320, 6)).astype("float32")
    return x, (x[:, 0] + x[:, 1] > 0).astype("int32")


def classifier(
    *hidden,
    units=2,
    activation="softmax",
    loss="sparse_categorical_crossentropy",
    optimizer="adam",
    inputs=6,
):
    import keras

    stack = hidden or (keras.layers.Dense(8, "relu"),)
    model = keras.Sequential(
        [keras.Input((inputs,)), *stack, keras.layers.Dense(units, activation, name="out")]
    )
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model
