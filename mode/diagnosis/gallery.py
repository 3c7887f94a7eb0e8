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


def question(rows: int = 1000):
    """Return inputs, targets and the compiled model of Stack Overflow question 31880720.

    As many rows of ones as of zeros, 128 columns, and a softmax over the one output unit. The
    question has 10,000 rows of each; the default is a tenth, for speed.
    """
    y = np.repeat([1, 0], rows)
    stack = [keras.Input((128,))]
    for n in (1, 2):
        stack += [layers.Dense(50, name=f"hidden_{n}"), layers.Activation("relu", name=f"relu_{n}")]
        stack += [layers.Dropout(0.2, name=f"dropout_{n}")]
    stack += [layers.Dense(1, name="output"), layers.Activation("softmax", name="softmax")]
    model = keras.Sequential(stack)
    model.compile(keras.optimizers.RMSprop(), "binary_crossentropy", metrics=["accuracy"])
    return np.repeat(y[:, None], 128, axis=1).astype("float32"), y, model


def _network(units, kind: str, *, rate: float = 0.01, last: str = "sigmoid", **options):
    stack = [
        layers.Dense(size, kind, name=f"hidden_{n}", **options) for n, size in enumerate(units, 1)
    ]
    model = keras.Sequential([keras.Input((2,)), *stack, layers.Dense(1, last, name="output")])
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def healthy():
    """Nothing is wrong with it."""
    return _network((32, 16), "relu")


def vanishing():
    """Ten sigmoid layers: no gradient reaches the first."""
    return _network((8,) * 10, "sigmoid", rate=1e-3)


def saturated():
    """Initial weights so large that every tanh sits at its flat end."""
    wide = keras.initializers.RandomUniform(-30, 30, seed=1)
    return _network((16,) * 3, "tanh", rate=1e-4, kernel_initializer=wide)


def dead():
    """A bias far below zero: the rectified units are never active."""
    low = keras.initializers.Constant(-20.0)
    return _network((16,), "relu", rate=1e-4, bias_initializer=low)


def exploding():
    """Exponentials of exponentials overflow within a few steps."""
    return _network((8,) * 5, "exponential")


def misfit():
    """One softmax unit: always 1, while the loss falls as if all were well."""
    return _network((32,), "relu", last="softmax")


GALLERY = {f.__name__: f for f in (healthy, vanishing, saturated, dead, exploding, misfit)}


def example(name: str):
    """Return the compiled model `name` of the gallery.

    Raises:
        InputError: for a name that is not in the gallery.
    """
    return GALLERY[checks.one_of("example", name, GALLERY)]()
