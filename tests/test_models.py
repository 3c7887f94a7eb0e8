"""Networks, copies and predictions, for every kind of model that is accepted."""

import random

import keras
import numpy as np
import pytest
from keras import layers

from mode.models import MODELS, build, classes_of, clone, load_model, predict, reinitialize, train
from mode.models.rescaled import of_unit_inputs
from tests.messages import listed
from tests.tolerance import FLOAT32

X = np.random.default_rng(0).random((50, 6), dtype=np.float32)
Y = (X[:, 0] > X[:, 1]).astype(int) + (X[:, 2] > 0.6)


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    """Two dense layers, rebuildable from its config; softmax unless told otherwise."""

    def __init__(self, units=5, last="softmax", **options):
        super().__init__(**options)
        self.units, self.last = units, last
        self.first, self.second = layers.Dense(units, "relu"), layers.Dense(3, last)

    def call(self, inputs):
        return self.second(self.first(inputs))

    def get_config(self):
        return {**super().get_config(), "units": self.units, "last": self.last}


class WithoutConfig(keras.Model):
    """What cannot be rebuilt: its argument is not in its config."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, inputs):
        return self.layer(inputs)

    def get_config(self):
        return {}


def sequential(*stack) -> keras.Model:
    return keras.Sequential([keras.Input((6,)), *stack])


def with_skip() -> keras.Model:
    inputs = keras.Input((6,))
    hidden = layers.Dense(6, "relu")(inputs)
    return keras.Model(inputs, layers.Dense(3, "softmax")(layers.Add()([inputs, hidden])))


def subclassed(**options) -> keras.Model:
    model = Subclassed(**options)
    model(X[:2])
    return model


KINDS = {
    "sequential": lambda: sequential(layers.Dense(4, "relu"), layers.Dense(3, "softmax")),
    "functional with a skip": with_skip,
    "subclassed": subclassed,
    "logits": lambda: sequential(layers.Dense(3)),
    "subclassed logits": lambda: subclassed(last="linear"),
    "binary": lambda: sequential(layers.Dense(1, "sigmoid")),
    "binary logits": lambda: sequential(layers.Dense(1)),
    "batch normalization and dropout": lambda: sequential(
        layers.Dense(4),
        layers.BatchNormalization(),
        layers.Dropout(0.5),
        layers.Dense(3, "softmax"),
    ),
    "softmax as a layer": lambda: sequential(layers.Dense(3), layers.Softmax()),
    "sigmoids": lambda: sequential(layers.Dense(3, "sigmoid")),
}


def softmax(scores: np.ndarray) -> np.ndarray:
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("kind", KINDS)
def test_predict_is_the_models_own_answer_as_probabilities(kind):
    model = KINDS[kind]()
    own = model.predict(X, verbose=0)
    expected = own
    if "logits" in kind:
        expected = 1 / (1 + np.exp(-own)) if own.shape[1] == 1 else softmax(own)
    if own.shape[1] == 1:
        expected = np.hstack([1 - expected, expected])
    if kind == "sigmoids":
        expected = own / own.sum(axis=1, keepdims=True)
    found = predict(model, X)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, **FLOAT32)
    assert classes_of(model) == found.shape[1]
    np.testing.assert_allclose(predict(model, X, chunk=7), found, **FLOAT32)
    np.testing.assert_allclose(predict(model, X[:1]), found[:1], **FLOAT32)
    assert predict(model, X[:0]).shape == (0, found.shape[1])


def test_a_lone_binary_logit_is_no_probability():
    model = sequential(layers.Dense(1, kernel_initializer="ones"))
    found = predict(model, np.full((1, 6), 0.05, np.float32))  # 0.3, which as a logit says yes
    np.testing.assert_allclose(found, [[0.425557, 0.574443]], **FLOAT32)


@pytest.mark.parametrize("name", MODELS)
def test_networks_are_built_by_seed(name):
    one, two, other = build(name, seed=3), build(name, seed=3), build(name, seed=4)
    for first, second in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    assert (one.get_weights()[0] != other.get_weights()[0]).any()
    assert classes_of(build(name, shape=(32, 32, 3), classes=7)) == 7


def test_the_networks_are_those_of_the_study():
    units = {
        name: [layer.units for layer in build(name).layers if hasattr(layer, "units")]
        for name in MODELS
    }
    assert units == {
        "published": [28, 28, 10],
        "demo": [28, 28, 28, 10],
        "lenet5": [120, 84, 10],
        "small_cnn": [64, 10],
    }
    assert build("published").count_params() == 784 * 28 + 28 + 28 * 28 + 28 + 28 * 10 + 10
    assert build("lenet5").count_params() == 61706, "as LeCun et al. count, with full connections"
    assert type(build().optimizer) is keras.optimizers.Adam


def test_equal_layers_of_one_network_start_differently():
    first, second = (build("demo").get_layer(f"hidden_{n}").get_weights()[0] for n in (2, 3))
    assert first.shape == second.shape
    assert (first != second).any()


def test_build_refuses(refused):
    assert refused(build, "lenet") == (
        f"model must be one of {listed(MODELS)}. Received: 'lenet'. Did you mean 'lenet5'?"
    )
    assert refused(build, classes=1) == (
        "classes must be a whole number of at least 2. Received: 1."
    )
    assert refused(build, seed=-1) == "seed must be a whole number of at least 0. Received: -1."


@pytest.mark.parametrize("kind", KINDS)
def test_a_clone_is_equal_and_independent(kind):
    model = KINDS[kind]()
    model.compile("adam", "mse")
    copy = clone(model)
    assert type(copy) is type(model)
    np.testing.assert_array_equal(predict(copy, X), predict(model, X))
    before = [weights.copy() for weights in model.get_weights()]
    copy.set_weights([weights + 1 for weights in copy.get_weights()])
    for weights, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, kept)
    assert copy.optimizer is not model.optimizer


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "subclassed" not in kind])
def test_a_fresh_model_starts_anew_in_the_same_architecture(kind):
    model = KINDS[kind]()
    before = [weight.tobytes() for weight in model.get_weights()]
    state = random.getstate()  # from which Keras draws the seeds that it is not given
    one, same, other = (reinitialize(model, seed=seed) for seed in (1, 1, 2))
    assert random.getstate() == state
    assert [weight.tobytes() for weight in model.get_weights()] == before
    assert [w.shape for w in one.get_weights()] == [w.shape for w in model.get_weights()]
    assert type(one) is type(model)
    first = [weight.tobytes() for weight in one.get_weights()]
    assert first == [weight.tobytes() for weight in same.get_weights()]
    assert first != [weight.tobytes() for weight in other.get_weights()]
    assert first != before


def test_a_fresh_model_keeps_the_compile_settings_without_the_state():
    model = build("published", seed=0)
    trained = train(model, np.zeros((40, 28, 28, 1), np.float32), np.arange(40) % 10, epochs=1)
    anew = reinitialize(trained, seed=0)
    assert int(trained.optimizer.iterations) == 2
    assert int(anew.optimizer.iterations) == 0
    assert type(anew.optimizer) is type(trained.optimizer)
    kernels = [weight for weight in anew.get_weights() if weight.ndim == 2]
    assert not any(weight.any() for weight in anew.get_weights() if weight.ndim == 1)
    # Glorot's limits: sqrt(6 / (fan in + fan out)).
    for kernel in kernels:
        limit = (6 / sum(kernel.shape)) ** 0.5
        assert 0.9 * limit < abs(kernel).max() <= limit


def test_a_subclassed_model_does_not_start_anew(refused):
    message = refused(reinitialize, subclassed(), seed=0)
    assert message.startswith("the model must be rebuildable by from_config(get_config())")
    assert refused(reinitialize, keras.Sequential([layers.Dense(3)], name="unbuilt"), seed=0) == (
        "the model must be built and have weights. Received: 'unbuilt', without."
    )


def test_a_clone_keeps_the_state_of_the_optimizer_if_asked():
    model = KINDS["sequential"]()
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    kept, fresh = clone(model), clone(model, keep_optimizer=False)
    for mine, given in zip(kept.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(mine.numpy(), given.numpy())
    assert int(kept.optimizer.iterations) == 2
    assert int(fresh.optimizer.iterations) == 0
    assert float(fresh.optimizer.learning_rate) == pytest.approx(0.02)
    assert not clone(KINDS["sequential"]()).compiled


def test_clone_refuses_what_it_cannot_copy(refused):
    unbuilt = keras.Sequential([layers.Dense(3)], name="unbuilt")
    message = "the model must be built and have weights. Received: {}, without."
    assert refused(clone, unbuilt) == message.format("'unbuilt'")
    weightless = keras.Sequential([keras.Input((6,)), layers.Softmax()], name="weightless")
    assert refused(clone, weightless) == message.format("'weightless'")
    fixed = WithoutConfig(layers.Dense(3))
    fixed(X)
    rebuild = (
        "the model must be rebuildable by from_config(get_config()), without Lambda layers. "
        "Received: {}. Define get_config where it is subclassed, or make it a functional model."
    )
    assert refused(clone, fixed) == rebuild.format(f"WithoutConfig {fixed.name!r}, TypeError")
    lambdas = sequential(layers.Lambda(lambda x: 2 * x), layers.Dense(3))
    assert refused(clone, lambdas) == rebuild.format(f"Sequential {lambdas.name!r}, ValueError")


@pytest.mark.parametrize("kind", ["sequential", "functional with a skip", "subclassed"])
def test_a_saved_model_is_loaded(kind, tmp_path):
    model = KINDS[kind]()
    model.save(tmp_path / "model.keras")
    loaded = load_model(str(tmp_path / "model.keras"))
    np.testing.assert_array_equal(predict(loaded, X), predict(model, X))


def test_a_file_that_could_run_code_is_refused(tmp_path, refused):
    path = tmp_path / "model.keras"
    sequential(layers.Lambda(lambda x: 2 * x), layers.Dense(3)).save(path)
    message = refused(load_model, path)
    assert message.startswith(
        f"{path} must load in Keras's safe mode, without Lambda layers or objects of one's own. "
        "Received: ValueError: Requested the deserialization of a `Lambda` layer"
    )
    assert message.endswith("registered with keras.saving.register_keras_serializable.")
    assert load_model(path, allow_unsafe=True).count_params() > 0


def test_a_missing_or_other_file_is_refused(tmp_path, refused):
    message = "the model must be the path of an existing .keras file. Received: '{}'."
    assert refused(load_model, "no.keras") == message.format("no.keras")
    (tmp_path / "model.h5").write_bytes(b"x")
    assert refused(load_model, tmp_path / "model.h5") == message.format(tmp_path / "model.h5")
    path = tmp_path / "model.keras"
    path.write_bytes(b"junk")
    plain = f"{path} must be a model saved by Keras. Received: another or a damaged file."
    assert refused(load_model, path) == plain


def test_predict_and_classes_refuse_what_does_not_fit(refused):
    message = "the inputs must have shape ('n', 6). Received: shape (50, 5)."
    for kind in ("sequential", "subclassed"):
        assert refused(predict, KINDS[kind](), X[:, :5]) == message
        assert refused(train, KINDS[kind](), X[:, :5], Y) == message
    inputs = keras.Input((6,))
    two = keras.Model(inputs, [layers.Dense(3)(inputs), layers.Dense(3)(inputs)])
    assert refused(classes_of, two) == (
        "the model must have one output of shape (n, classes). Received: [(None, 3), (None, 3)]."
    )
    image = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(3, 3)])
    assert refused(classes_of, image) == (
        "the model must have one output of shape (n, classes). Received: (None, 6, 6, 3)."
    )


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_scales_for_each_channel_are_those_of_bytes_too(kind):
    scale = kind([1 / 255, 1 / 127.5, -1 / 255])
    stack = [keras.Input((2, 2, 3)), layers.Rescaling(scale, offset=[0.0, -1.0, 1.0])]
    model = keras.Sequential([*stack, layers.Flatten(), layers.Dense(2, "softmax")])
    x = np.random.default_rng(0).integers(0, 256, (5, 2, 2, 3)).astype(np.float32)
    found = predict(of_unit_inputs(model), x / 255)
    np.testing.assert_allclose(found, predict(model, x), **FLOAT32)
    np.testing.assert_array_equal(model.layers[0].scale, scale)
