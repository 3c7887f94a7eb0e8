"""A gallery of faults: small models that fail, each in a way of its own."""

import keras
import numpy as np

from mode import checks, seeds

layers = keras.layers


def rings(rows: int = 640, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return points (rows, 2) on two noisy rings and the ring of each, (rows,) of 0 and 1."""
    draw = seeds.generator(seed, "gallery")
    ring = draw.integers(0, 2, rows)
    angle, radius = draw.uniform(0, 2 * np.pi, rows), 1 + ring + draw.normal(0, 0.1, rows)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return points.astype("float32"), ring


def _network(*stack, rate: float = 0.01, activation: str = "sigmoid"):
    model = keras.Sequential([keras.Input((2,)), *stack, layers.Dense(1, activation)])
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def healthy():
    """Nothing is wrong with it."""
    return _network(layers.Dense(32, "relu"), layers.Dense(16, "relu"))


def vanishing():
    """Ten sigmoid layers: no gradient reaches the first."""
    return _network(*[layers.Dense(8, "sigmoid") for _ in range(10)], rate=1e-3)


def saturated():
    """Initial weights so large that every tanh sits at its flat end."""
    wide = keras.initializers.RandomUniform(-30, 30, seed=1)
    return _network(
        *[layers.Dense(16, "tanh", kernel_initializer=wide) for _ in range(3)], rate=1e-4
    )


def dead():
    """A bias far below zero: the rectified units are never active."""
    low = keras.initializers.Constant(-20.0)
    return _network(layers.Dense(16, "relu", bias_initializer=low), rate=1e-4)


def exploding():
    """Exponentials of exponentials overflow within a few steps."""
    return _network(*[layers.Dense(8, "exponential") for _ in range(5)])


def misfit():
    """One softmax unit: always 1, while the loss falls as if all were well."""
    return _network(layers.Dense(32, "relu"), activation="softmax")


GALLERY = {f.__name__: f for f in (healthy, vanishing, saturated, dead, exploding, misfit)}


def example(name: str):
    """Return the compiled model `name` of the gallery.

    Raises:
        InputError: for a name that is not in the gallery.
    """
    return GALLERY[checks.one_of("example", name, GALLERY)]()
