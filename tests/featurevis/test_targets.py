"""Logits and layers are read in every kind of model, which stays as it was."""

import keras
import numpy as np
import pytest

from mode.checks import InputError
from mode.featurevis import targets

X = np.random.default_rng(0).random((5, 4, 4, 1)).astype("float32")


def body(end):
    return [keras.Input((4, 4, 1)), keras.layers.Flatten(name="flat"), *end]


def dense(activation=None):
    kernel = keras.initializers.GlorotUniform(seed=3)
    return keras.layers.Dense(3, activation, kernel_initializer=kernel, name="head")


def functional(end):
    x = inputs = keras.Input((4, 4, 1))
    for layer in body(end)[1:]:
        x = layer(x)
    return keras.Model(inputs, x)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.flat, self.head = keras.layers.Flatten(name="flat"), dense()

    def call(self, x):
        return keras.ops.softmax(self.head(self.flat(x)))


CASES = {
    "sequential": (lambda: keras.Sequential(body([dense("softmax")])), "unwrapped"),
    "functional": (lambda: functional([dense("softmax")]), "unwrapped"),
    "softmax layer": (lambda: functional([dense(), keras.layers.Softmax()]), "unwrapped"),
    "activation layer": (
        lambda: functional([dense(), keras.layers.Activation("softmax")]),
        "unwrapped",
    ),
    "nested": (
        lambda: keras.Sequential([keras.Input((4, 4, 1)), functional([dense("softmax")])]),
        "unwrapped",
    ),
    "sigmoid": (lambda: functional([dense("sigmoid")]), "unwrapped"),
    "logits": (lambda: functional([dense()]), "as given"),
    "subclassed": (Subclassed, "log"),
}


@pytest.mark.parametrize("case", CASES)
def test_logits_are_the_inputs_of_softmax(case):
    make, expected = CASES[case]
    model = make()
    before = np.asarray(model(X))
    kernel, bias = model.get_weights()
    logits = X.reshape(5, -1) @ kernel + bias
    read, how = targets.logits_of(model, X)
    found = np.asarray(read(X))
    if how == "log":  # up to a constant per image
        logits = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert how == expected
    assert found == pytest.approx(logits, rel=1e-4, abs=1e-5)
    assert np.asarray(model(X)) == pytest.approx(before, abs=0)


def test_output_of_reads_a_layer_and_puts_its_call_back():
    model = CASES["nested"][0]()
    names = list(targets.named_layers(model))
    assert names[0] in {name.split("/")[0] for name in names[1:]}, "the nested model comes first"
    layer = targets.named_layer(model, next(name for name in names if name.endswith("/flat")))
    assert np.asarray(targets.output_of(model, layer)(X)) == pytest.approx(X.reshape(5, -1))
    assert "call" not in vars(layer)


def test_unit_weights_by_hand():
    channel, neuron, group = targets.unit_weights([1, (0, 1, 0), {0: 2.0, 1: -1.0}], (2, 2, 2)).T
    assert channel.tolist() == [0, 0.25] * 4
    assert neuron.tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    assert group.tolist() == [0.5, -0.25] * 4


BAD_UNITS = {
    "unit must be a whole number from 0 to 1. Received: 2.": [2],
    "unit must be a whole number from 0 to 1. Received: 'a'.": ["a"],
    "a neuron must be an index into a layer of shape (2, 2, 2). Received: (0, 2, 0).": [(0, 2, 0)],
    "units must not be empty. Received: length 0.": [],
}


@pytest.mark.parametrize("message", BAD_UNITS)
def test_units_that_do_not_exist(message):
    with pytest.raises(InputError) as error:
        targets.unit_weights(BAD_UNITS[message], (2, 2, 2))
    assert str(error.value) == message


def test_models_that_cannot_be_read():
    with pytest.raises(InputError) as error:
        targets.check_model("model")
    assert str(error.value) == "model must be a Keras model. Received: str."
    model = functional([dense()])
    model.set_weights([np.full((16, 3), np.nan), np.zeros(3)])
    with pytest.raises(InputError) as error:
        targets.check_model(model)
    assert str(error.value) == (
        "model must have finite weights. Received: 48 of 48 in 'head/kernel'."
    )
