"""Every kind of classifier is repaired: one test over all of them, and what is refused."""

import json
import re
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from mode.data import PARTS, Part
from mode.layers import layer_names, states, target_layer
from mode.layers.hooks import leaf_layers
from mode.models import clone, predict, reinitialize, train
from mode.repair import RECIPES, repair, run
from tests.tolerance import FLOAT32
from tests.zoo import ZOO, drawn, ready, softmax, stacked

QUICK = {"rounds": 1, "inputs_per_round": 16, "epochs": 1}


@pytest.fixture(scope="module", params=ZOO)
def kind(request):
    """A model, its data, and the names of its layers."""
    model, data, names = ZOO[request.param]
    return model(), data(), names


def weights(model) -> list[bytes]:
    return [array.tobytes() for array in model.get_weights()]


def everything(model, data) -> tuple:
    """The bytes of what was given, and what else there is to change."""
    arrays = [getattr(getattr(data, name), axis).tobytes() for name in PARTS for axis in "xy"]
    state = [np.asarray(variable).tobytes() for variable in model.optimizer.variables]
    trainable = [layer.trainable for layer in leaf_layers(model).values()]
    return arrays, weights(model), state, trainable, vars(keras.Layer)["__call__"]


def outside(model) -> tuple:
    """What a caller's own code relies on: architecture, names, dtypes and compile settings."""
    settings = json.dumps([model.get_config(), model.get_compile_config()], default=str)
    # Normalization keeps the shape of what it was adapted to, which nothing depends on.
    settings = re.sub(r'"build_config": \{"input_shape": \[\w+', '"build_config": {[', settings)
    names = [(layer.name, layer.dtype_policy.name) for layer in leaf_layers(model).values()]
    own = [(weight.name, weight.dtype, tuple(weight.shape)) for weight in model.weights]
    return type(model), model.name, model.dtype_policy.name, names, own, settings


@pytest.mark.parametrize("selector", ["mode", "recommended"])
def test_every_kind_is_repaired_and_stays_what_it_is(kind, selector):
    model, data, _ = kind
    predict(model, data.test.x)
    given, shape = everything(model, data), outside(model)
    recipe = replace(RECIPES[selector], stops=False, **QUICK)
    if selector == "mode":  # as many inputs as fine-tuning has, whose compiled loop then serves
        recipe = replace(recipe, replay=len(data.train) / QUICK["inputs_per_round"])
    last = run(model, data, recipe)
    assert everything(model, data) == given
    assert outside(last.model) == shape
    assert all(old != new for old, new in zip(trained(model), trained(last.model), strict=True))
    assert len(last.chosen[0]) == QUICK["inputs_per_round"]
    assert last.rounds["accuracy"].between(0, 1).all()
    if selector == "recommended":  # the choice of a model is the same for all recipes
        done = repair(model, data, stops=False, **QUICK)
        assert everything(model, data) == given
        assert outside(done.model) == shape
        assert (weights(done.model) == weights(model)) == (done.kept == 0)
        assert done.rounds["accuracy"].between(0, 1).all()


def trained(model) -> list[bytes]:
    """The bytes of the weights of each layer that a gradient reaches in any case."""
    last = list(leaf_layers(model).values())
    return [b"".join(weights(layer)) for layer in last if layer.name == "output"] or [
        b"".join(weights(model))
    ]


def test_every_kind_has_a_layer_to_blame_that_the_model_knows(kind):
    model, data, expected = kind
    names = layer_names(model)
    assert (len(names) if isinstance(expected, int) else names) == expected
    if len(names) > 10:
        data = data.with_part("train", data.train.take(np.arange(12)))
    choice = target_layer(model, data, 1, kind="over-fitted")
    assert choice.curve["layer"].tolist() == names
    assert choice.layer in names
    layer = model
    for name in choice.layer.split("/"):
        layer = layer.get_layer(name)
    assert layer.weights
    assert set(choice.curve["states"]) <= {"flattened", "averaged over space"}


def test_the_last_states_of_every_kind_are_what_the_model_says(kind):
    model, data, _ = kind
    last = layer_names(model)[-1]
    own = np.asarray(model(data.test.x, training=False), np.float32)
    np.testing.assert_allclose(states(model, data.test.x, last)[last], own, **FLOAT32)


def two_inputs(names: bool = False) -> keras.Model:
    one, two = keras.Input((6,), name="one"), keras.Input((4, 2), name="two")
    a = layers.Dense(5, "relu", name="a")(one)
    b = layers.LSTM(5, name="b")(two)
    given = {"one": one, "two": two} if names else [one, two]
    return ready(keras.Model(given, softmax()(layers.Concatenate()([a, b]))))


@pytest.mark.parametrize("names", [False, True], ids=["list", "dict"])
def test_several_inputs_are_trained_on_and_asked(names, refused):
    model = two_inputs(names)
    arrays = [np.random.default_rng(0).random((20, *s), np.float32) for s in ((6,), (4, 2))]
    x = dict(zip(("one", "two"), arrays, strict=True)) if names else arrays
    y = np.arange(20) % 3
    own = np.asarray(model(x))
    np.testing.assert_allclose(predict(model, x, chunk=7), own, **FLOAT32)
    after = train(model, x, y, epochs=2, batch_size=8)
    assert weights(after) != weights(model)
    assert layer_names(model) == ["a", "b", "output"]
    found = states(model, x)
    hidden = np.maximum(arrays[0] @ model.get_layer("a").kernel.numpy(), 0)
    np.testing.assert_allclose(found["a"], hidden, **FLOAT32)
    np.testing.assert_allclose(found["output"], own, **FLOAT32)
    wanted = f"the inputs must be a {'dict' if names else 'list'} of 2 arrays. Received: "
    assert refused(predict, model, arrays[0]) == wanted + "one array."
    assert refused(Part, x, y) == (
        f"x must be one array. Received: a {'dict' if names else 'list'} of 2. "
        "A model of several inputs can be trained and asked, but not repaired."
    )


def test_an_axis_of_one_may_lack_at_the_end():
    model = stacked(layers.Flatten(), softmax(), shape=(6, 6))
    x = drawn(6, 6, 1).test.x
    np.testing.assert_allclose(predict(model, x), predict(model, x[..., 0]), **FLOAT32)


def test_a_layer_without_inputs_has_no_states_and_a_shared_one_its_last():
    inputs = keras.Input((2,))
    ones = keras.initializers.Ones()
    shared = layers.Dense(2, use_bias=False, kernel_initializer=ones, name="shared")
    model = keras.Model(inputs, softmax()(shared(shared(inputs))))
    x = np.array([[1, 2]], np.float32)
    assert states(model, x)["shared"].tolist() == [[6, 6]]


def test_large_states_are_averaged_before_they_are_flattened():
    conv = layers.Conv2D(65, 1, name="conv")
    model = stacked(conv, layers.ReLU(), layers.Flatten(), softmax(), shape=(8, 8, 1))
    data = drawn(8, 8, 1)
    choice = target_layer(model, data, 0, kind="under-fitted")
    assert choice.curve["states"].tolist() == ["averaged over space", "flattened"]
    own = np.maximum(np.asarray(conv(data.test.x)), 0).mean(axis=(1, 2))
    np.testing.assert_allclose(states(model, data.test.x, "conv")["conv"], own, **FLOAT32)


def test_a_scale_learned_from_data_outlives_a_fresh_start():
    model, data, _ = ZOO["preprocessing"]
    model, data = model(), data()
    anew = reinitialize(model, seed=0)
    for part in ("mean", "variance"):
        old, new = (getattr(m.get_layer("scale"), part) for m in (model, anew))
        np.testing.assert_array_equal(old, new)
    assert weights(anew.get_layer("conv"))[0] != weights(model.get_layer("conv"))[0]
    np.testing.assert_array_equal(predict(clone(model), data.test.x), predict(model, data.test.x))


def test_models_that_differ_in_their_scale_alone_are_trained_apart():
    x, y = drawn(4).train.x, drawn(4).train.y

    def scaled_by(given: np.ndarray) -> keras.Model:
        scale = layers.Normalization(name="scale")
        scale.adapt(given)
        zero = layers.Dense(3, "softmax", kernel_initializer="zeros", name="zero")
        model = stacked(scale, zero, shape=(4,))
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    first, second = (train(scaled_by(given), x, y, epochs=1) for given in (x, 9 * x + 5))
    assert weights(first)[-2] != weights(second)[-2]


def test_what_cannot_be_repaired_is_refused_in_one_line(refused):
    data = drawn(30)
    inputs = keras.Input((30,))
    two = keras.Model(inputs, [softmax()(inputs), layers.Dense(3, name="b")(inputs)])
    assert refused(repair, two, data, **QUICK) == (
        "the model must have one output of shape (n, classes). Received: [(None, 3), (None, 3)]."
    )
    doubled = stacked(layers.Lambda(lambda x: 2 * x), softmax(), shape=(30,))
    assert refused(repair, doubled, data, **QUICK) == (
        "the model must be rebuildable by from_config(get_config()), without Lambda layers. "
        f"Received: Sequential {doubled.name!r}, ValueError. "
        "Define get_config where it is subclassed, or make it a functional model."
    )
    model = ready(stacked(softmax(), shape=(30,)))
    assert refused(repair, model, data, recipe="mode", translation=1, **QUICK) == (
        "translation must be 0 for inputs that are no images, n x h x w x channels. Received: 1."
    )


def test_notes_call_labels_by_their_names():
    data = replace(drawn(30), class_names=("ant", "bee", "cat"))
    data = data.with_part("diagnosis", data.diagnosis.take(data.diagnosis.y != 1))
    model = ready(stacked(softmax(), shape=(30,)))
    done = repair(model, data, recipe="margin", **QUICK)
    assert "round 1: label bee has no input to diagnose it by" in done.notes


def test_two_layers_of_a_name_are_refused(refused):
    class Twins(keras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(3, name="same"), layers.Dense(3, name="same")

        def call(self, inputs):
            return self.b(self.a(inputs))

    twins = Twins()
    twins(np.zeros((1, 2), np.float32))
    assert refused(layer_names, twins) == (
        "the model's layer names must be unique. Received: two layers 'same'."
    )


def test_all_compile_settings_are_copied():
    model = stacked(softmax(), shape=(30,))
    options = {"weighted_metrics": ["accuracy"], "steps_per_execution": 3, "jit_compile": False}
    model.compile("sgd", "sparse_categorical_crossentropy", **options)
    assert clone(model).get_compile_config() == model.get_compile_config()
    after = train(model, drawn(30).train.x, drawn(30).train.y, epochs=1)
    assert after.get_compile_config() == model.get_compile_config()
