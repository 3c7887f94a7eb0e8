"""One small classifier of digits with labeled and unlabeled inputs that it never saw."""

import numpy as np
import pytest

from mode.data import load


@pytest.fixture(scope="session")
def digits():
    return load("digits")


@pytest.fixture(scope="session")
def model(digits):
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    stack = [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(32, "relu")]
    network = keras.Sequential([*stack, layers.Dense(10, "softmax")])
    network.compile("adam", "sparse_categorical_crossentropy")
    network.fit(digits.train.x, digits.train.y, epochs=8, verbose=0)
    return network


@pytest.fixture(scope="session")
def labeled(digits):
    return digits.pool.x[:1000], digits.pool.y[:1000]


@pytest.fixture(scope="session")
def new(digits):
    return digits.pool.x[1000:], digits.pool.y[1000:]


@pytest.fixture(scope="session")
def guess(model, labeled, new):
    import mode

    return mode.estimate(model, labeled=labeled, unlabeled=new[0])


@pytest.fixture(scope="session")
def accuracy(model):
    def accuracy(x, y) -> float:
        return float((model.predict(x, verbose=0).argmax(axis=1) == np.asarray(y)).mean())

    return accuracy
