"""The forward pass of small dense networks in numpy: the numbers of Keras, and Keras for others."""

import keras
import numpy as np
import pytest

from mode.dense import layer_outputs
from mode.layers import states
from mode.models import predict
from tests.tolerance import FLOAT32

Dense, Dropout, Flatten = keras.layers.Dense, keras.layers.Dropout, keras.layers.Flatten
INPUTS = np.random.default_rng(0).normal(size=(7, 4, 3)).astype(np.float32)


class OwnDense(Dense):
    """A layer of a user, which may compute anything."""


def relu(x):
    """Square x: a function of a user under the name of one of Keras's."""
    return x**2


def network(*layers: keras.Layer, shape=(4, 3)) -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input(shape), *layers])


def deep(activation: str = "softmax") -> keras.Model:
    hidden = [Dense(5, "relu"), Dropout(0.5), Dense(4, "tanh"), Dense(4, "sigmoid")]
    return network(Flatten(), *hidden, Dense(3, activation, use_bias=False))


@pytest.mark.parametrize("activation", ["softmax", "linear", "sigmoid"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_layers_give_the_numbers_of_keras(activation, dtype):
    model, x = deep(activation), INPUTS.astype(dtype)
    outputs = layer_outputs(model, x)
    expected = x
    for layer, output in zip(model.layers, outputs, strict=True):
        expected = layer(expected)
        np.testing.assert_allclose(output, keras.ops.convert_to_numpy(expected), **FLOAT32)


def test_vectors_need_no_flattening():
    model, x = network(Dense(2, "relu"), Dense(2), shape=(12,)), INPUTS.reshape(7, 12)
    np.testing.assert_allclose(layer_outputs(model, x)[-1], model(x).numpy(), **FLOAT32)


def test_predictions_and_activations_are_the_last_and_each_output():
    model = deep()
    outputs = layer_outputs(model, INPUTS)
    np.testing.assert_array_equal(predict(model, INPUTS), outputs[-1])
    activations = states(model, INPUTS)
    # Flattening comes before the first block, dropout belongs to it.
    for activation, output in zip(activations.values(), outputs[2:], strict=True):
        np.testing.assert_array_equal(activation, output)


@pytest.mark.filterwarnings("error")
def test_infinite_weights_give_no_warning():
    model = deep()
    model.layers[1].set_weights([np.full((12, 5), np.inf), np.zeros(5)])
    assert np.isnan(predict(model, INPUTS)).any()


def replaced() -> keras.Model:
    model = deep()
    model.layers[1].call = lambda inputs, training=None: inputs[:, :5]
    return model


OTHERS = {
    "a layer of a user": lambda: network(Flatten(), OwnDense(3)),
    "an activation of a user": lambda: network(Flatten(), Dense(3, relu)),
    "another activation": lambda: network(Flatten(), Dense(3, "gelu")),
    "another layer": lambda: network(Flatten(), keras.layers.LayerNormalization(), Dense(3)),
    "a dense layer over positions": lambda: network(Dense(2), Flatten(), Dense(3)),
    "mixed precision": lambda: network(Flatten(), Dense(3, dtype="mixed_float16")),
    "many weights": lambda: network(Flatten(), Dense(1000), Dense(1000)),
    "a replaced call": replaced,
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_models_are_left_to_keras(kind):
    model = OTHERS[kind]()
    assert layer_outputs(model, INPUTS) is None
    outputs = keras.ops.convert_to_numpy(model(INPUTS, training=False))
    assert predict(model, INPUTS).shape == outputs.shape


def test_inputs_that_are_no_floats_are_left_to_keras():
    assert layer_outputs(deep(), np.ones((2, 4, 3), int)) is None
