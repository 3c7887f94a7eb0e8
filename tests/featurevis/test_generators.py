"""Generators built as the public Keras examples build them, trained elsewhere or not at all."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mode.checks import InputError
from mode.featurevis import audit, load_prior, maximize, save_prior
from mode.featurevis.prior import decode, sample

CLASSES = 3


def image_layers(x, activation="sigmoid", channels=1):
    """Return the layers of a DCGAN: Dense, Reshape, transposed convolutions, LeakyReLU."""
    x = layers.Reshape((4, 4, 8))(layers.LeakyReLU(0.2)(layers.Dense(4 * 4 * 8)(x)))
    x = layers.Conv2DTranspose(8, 4, 2, "same")(x)
    x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(x))
    return layers.Conv2DTranspose(channels, 4, 2, "same", activation=activation)(x)


def plain():
    z = keras.Input((6,))
    return keras.Model(z, image_layers(z, "tanh", 3))


def concatenated():
    z = keras.Input((6 + CLASSES,))
    return keras.Model(z, image_layers(z))


def one_hot():
    z, label = keras.Input((6,)), keras.Input((CLASSES,))
    return keras.Model([z, label], image_layers(layers.Concatenate()([z, label]), "tanh"))


def embedded(first=False, shape=(1,)):
    z, label = keras.Input((6,)), keras.Input(shape, dtype="int32")
    hidden = layers.Flatten()(layers.Embedding(CLASSES, 6)(label))
    inputs = [label, z] if first else [z, label]
    return keras.Model(inputs, image_layers(layers.Multiply()([z, hidden]), "tanh"))


BUILDERS = {
    "label in one vector": concatenated,
    "one-hot label": one_hot,
    "whole label": embedded,
    "whole label first": lambda: embedded(first=True),
    "whole label without an axis": lambda: embedded(shape=()),
}


@pytest.mark.parametrize("name", BUILDERS)
def test_a_conditional_generator_draws_by_class(name, tmp_path):
    keras.utils.set_random_seed(0)
    model = BUILDERS[name]()
    ends = (0, 1) if name == "label in one vector" else (-1, 1)
    prior = load_prior(model, classes=CLASSES, value_range=ends)
    codes, drawn = sample(prior, 12, seed=0)
    z, label = codes[:, :6], codes[:, 6:]
    assert label.argmax(axis=1).tolist() == drawn.tolist()
    assert z.std() > 0.5
    inputs = {
        "label in one vector": codes,
        "one-hot label": [z, label],
        "whole label": [z, drawn[:, None]],
        "whole label first": [drawn[:, None], z],
        "whole label without an axis": [z, drawn],
    }[name]
    expected = np.asarray(model(inputs, training=False))
    expected = expected if name == "label in one vector" else (expected + 1) / 2
    assert decode(prior, codes) == pytest.approx(expected, abs=1e-5)
    again = load_prior(save_prior(prior, tmp_path / "p"))
    assert decode(again, codes) == pytest.approx(expected, abs=1e-2)


def test_images_are_resized_and_turned_gray():
    prior = load_prior(plain(), shape=(28, 20, 1), value_range=(-1, 1))
    images = decode(prior, sample(prior, 5, seed=0)[0])
    assert images.shape == (5, 28, 20, 1)
    assert images.min() >= 0
    assert images.max() <= 1


def test_a_range_of_its_own_is_rescaled():
    z = keras.Input((6,))
    model = keras.Model(z, layers.Rescaling(255.0)(image_layers(z)))
    prior = load_prior(model, value_range=(0, 255))
    codes, _ = sample(prior, 5, seed=0)
    assert decode(prior, codes) == pytest.approx(np.asarray(model(codes)) / 255, abs=1e-5)


@pytest.fixture(scope="module")
def bars():
    """Return a conditional GAN trained as in the Keras example on bars at three heights.

    With it a classifier trained on the bars themselves, the reference classifier.
    """
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(0)
    y = random.integers(0, CLASSES, 512)
    x = 0.1 * random.random((512, 16, 16, 1)).astype("float32")
    for image, k in zip(x, y, strict=True):
        image[5 * k : 5 * k + 5] += 0.8
    classifier = keras.Sequential(
        [keras.Input((16, 16, 1)), layers.Flatten(), layers.Dense(CLASSES)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(keras.optimizers.Adam(0.01), loss)
    classifier.fit(x, y, epochs=5, verbose=0)
    labels = np.eye(CLASSES, dtype="float32")[y]
    generator = concatenated()
    planes = np.broadcast_to(labels[:, None, None], (512, 16, 16, CLASSES))
    real = np.concatenate([x, planes], axis=-1)
    discriminator = keras.Sequential(
        [keras.Input((16, 16, 1 + CLASSES)), layers.Flatten(), layers.Dense(32), layers.LeakyReLU(),
         layers.Dense(1)]
    )  # fmt: skip
    _adversarial(generator, discriminator, real, labels)
    return generator, classifier


def _adversarial(generator, discriminator, real, labels, steps=150, size=64):
    import tensorflow as tf

    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    optimizers = [keras.optimizers.Adam(2e-3), keras.optimizers.Adam(5e-3)]

    @tf.function
    def step(real, label, z):
        for model, optimizer in zip((discriminator, generator), optimizers, strict=True):
            with tf.GradientTape() as tape:
                made = generator(ops.concatenate([z, label], -1), training=True)
                planes = ops.repeat(ops.repeat(label[:, None, None], 16, 1), 16, 2)
                fake = discriminator(ops.concatenate([made, planes], -1))
                if model is generator:
                    value = loss(ops.ones_like(fake), fake)
                else:
                    true = discriminator(real)
                    value = loss(ops.ones_like(true), true) + loss(ops.zeros_like(fake), fake)
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(value, variables), variables)

    for optimizer, model in zip(optimizers, (discriminator, generator), strict=True):
        optimizer.build(model.trainable_variables)
    random = np.random.default_rng(0)
    for _ in range(steps):
        rows = random.integers(0, len(real), size)
        step(real[rows], labels[rows], random.normal(size=(size, 6)).astype("float32"))


def test_a_gan_that_this_package_did_not_train_is_a_prior(bars):
    generator, classifier = bars
    prior = load_prior(generator, classes=CLASSES, reference_classifier=classifier)
    preferred = maximize(classifier, prior, range(CLASSES), restarts=4, progress=False)
    predicted = np.asarray(classifier(preferred.images.reshape(-1, 16, 16, 1))).argmax(axis=1)
    assert (predicted.reshape(CLASSES, 4) == np.arange(CLASSES)[:, None]).mean() > 0.7
    result = audit(classifier, prior)
    assert result.error < 0.2
    assert result.matching == (0, 1, 2)


def other_classes():
    flat = [keras.Input((16, 16, 1)), layers.Flatten(), layers.Dense(CLASSES + 1)]
    return keras.Sequential(flat)


REFUSED = {
    "classes must be given for a generator with whole labels. Received: None. "
    "load_prior(generator, classes=10, ...)": lambda: load_prior(embedded()),
    "classes must be fewer than the generator's 9 inputs. Received: 9.": lambda: load_prior(
        concatenated(), classes=9
    ),
    "classes must be the generator's, 3. Received: 4.": lambda: load_prior(one_hot(), classes=4),
    "value_range must be (lowest, highest). Received: (1, 0).": lambda: load_prior(
        plain(), value_range=(1, 0)
    ),
    "shape must be (h, w) or (h, w, c). Received: (28,).": lambda: load_prior(plain(), shape=(28,)),
    "reference_classifier must have the generator's 3 classes. Received: 4.": lambda: load_prior(
        one_hot(), reference_classifier=other_classes()
    ),
    "model must take the prior's images, shape (16, 16, 3). Received: shape (16, 16, 1). "
    "A generator's images are resized by load_prior(generator, shape=(h, w, c), ...).": (
        lambda: maximize(other_classes(), load_prior(plain()), [0])
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_a_generator_that_does_not_fit_is_one_line(message):
    with pytest.raises(InputError) as error:
        REFUSED[message]()
    assert str(error.value) == message
