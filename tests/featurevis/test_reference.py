"""The reference model: the same architecture, other weights, the same ones for the same seed."""

from collections import Counter

import keras
import numpy as np

from mode.featurevis import reference


def network(width=4, side=8):
    return keras.Sequential(
        [
            keras.Input((side, side, 1)),
            keras.layers.Conv2D(width, 3),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(2, "softmax"),
        ]
    )


def test_a_reference_model_has_the_same_shape_and_weights_that_depend_on_the_seed_alone():
    model = network()
    before = [w.copy() for w in model.get_weights()]
    a, b, c = (reference.reinitialize(model, seed=seed) for seed in (0, 0, 1))
    assert [w.shape for w in a.get_weights()] == [w.shape for w in before]
    assert all((x == y).all() for x, y in zip(a.get_weights(), b.get_weights(), strict=True))
    assert (a.get_weights()[0] != c.get_weights()[0]).any()
    assert (a.get_weights()[0] != before[0]).any()
    assert all((x == y).all() for x, y in zip(before, model.get_weights(), strict=True))


def test_the_weights_do_not_depend_on_what_was_built_before():
    keras.backend.clear_session()
    first = network()  # its names are those that Keras counts from nothing
    named = [layer.name for layer in first.layers]
    assert named == ["conv2d", "batch_normalization", "flatten", "dropout", "dense"]
    second = network()
    assert second.layers[0].name != first.layers[0].name
    a, b = (reference.reinitialize(m, seed=0) for m in (first, second))
    assert all((x == y).all() for x, y in zip(a.get_weights(), b.get_weights(), strict=True))
    assert a.layers[-2].seed == b.layers[-2].seed


def test_layers_of_nested_models_get_new_weights_and_a_normalization_keeps_its_data():
    inputs = keras.Input((8,))
    scaled = keras.layers.Normalization()
    scaled.adapt(np.arange(16.0).reshape(2, 8))
    inner = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    model = keras.Model(inputs, keras.layers.Dense(2)(inner(scaled(inputs))))
    model.compile("adam", "mse")
    copy = reference.reinitialize(model, seed=0)
    assert not copy.compiled
    *scale, kernel, bias, last, _ = zip(model.get_weights(), copy.get_weights(), strict=True)
    assert all((before == after).all() for before, after in [*scale, bias])
    assert all((before != after).any() for before, after in (kernel, last))


def test_a_place_is_the_name_keras_gives_in_a_new_session():
    keras.backend.clear_session()
    layers = keras.layers
    made = [layers.Dense(2), layers.ReLU(), layers.Conv2D(2, 2), layers.Dense(2), layers.PReLU()]
    made += [layers.SeparableConv2D(2, 2), layers.MaxPooling2D(), layers.GRU(2), layers.Dense(2)]
    count = Counter()
    assert [reference._place(layer, count) for layer in made] == [layer.name for layer in made]


def test_what_cannot_be_rebuilt_has_no_reference_model():
    class Subclassed(keras.Model):
        def __init__(self, width):
            super().__init__()
            self.head = keras.layers.Dense(width)

        def call(self, x):
            return self.head(x)

    model = Subclassed(3)
    model(np.zeros((1, 2), "float32"))
    assert reference.reinitialize(model, seed=0) is None


def test_multiplications_by_hand_and_fewer_steps_for_heavy_networks():
    assert reference.multiplications(network()) == 3 * 3 * 4 * 6 * 6 + 6 * 6 * 4 * 2
    assert reference.training_steps(network()) == 300
    heavy = network(width=500, side=60)
    assert reference.training_steps(heavy) == int(300 * 5e6 / (9 * 500 * 58**2 + 58**2 * 500 * 2))


def test_a_reference_model_learns_the_samples_and_does_so_twice_alike():
    images = np.zeros((200, 8, 8, 1), "float32")
    labels = np.arange(200) % 2
    images[labels == 1, :, 4:] = 1
    model = network()
    a, b = (
        reference.reference_model(model, images, labels, logits=False, seed=3) for _ in range(2)
    )
    assert (np.asarray(a(images)).argmax(axis=1) == labels).all()
    assert all((x == y).all() for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


def test_a_reference_model_keeps_its_batch_statistics_up_with_few_steps():
    images, model = np.random.default_rng(0).random((64, 8, 8, 1)).astype("float32"), network()
    made = reference.reference_model(model, images, np.arange(64) % 2, logits=False, seed=0)
    assert [m.layers[1].momentum for m in (model, made)] == [0.99, 0.9]
