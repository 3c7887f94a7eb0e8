"""Priors fitted to small data: gray and color, with and without labels, and refused input."""

import keras
import numpy as np
import pytest

from mode.checks import InputError
from mode.featurevis import dissect, fit_prior, maximize
from mode.featurevis.prior import decode, sample


def shapes(count, side):
    """Return color images of two generated classes: red upright and blue lying bars."""
    pick = np.random.default_rng(0)
    images = np.full((count, side, side, 3), 0.1, "float32")
    labels = np.arange(count) % 2
    for image, label in zip(images, labels, strict=True):
        at, wide = pick.integers(2, side - 8), pick.integers(3, 6)
        if label:
            image[at : at + wide, :, 2] = 0.9
        else:
            image[:, at : at + wide, 0] = 0.9
    return images, labels


def test_a_fitted_prior_makes_its_classes_and_serves_maximization():
    x, y = shapes(300, 16)
    prior = fit_prior(x, y, steps=250, latent=8, components=2, progress=False)
    codes, drawn = sample(prior, 200, seed=0)
    images = decode(prior, codes)
    redness = (images[..., 0] - images[..., 2]).mean(axis=(1, 2))
    assert images.shape == (200, 16, 16, 3)
    assert ((redness > 0) == (drawn == 0)).mean() > 0.9
    assert prior.card["as_drawn"] > 0.9
    found = maximize(prior.reference_classifier, prior, range(2), restarts=3, progress=False)
    tint = (found.images[..., 0] - found.images[..., 2]).mean(axis=(1, 2, 3))
    assert tint[0] > 0 > tint[1]


def test_large_color_images_without_labels():
    x, _ = shapes(120, 64)
    prior = fit_prior(x, steps=4, latent=4, components=1, progress=False)
    assert prior.shape == (64, 64, 3)
    assert prior.reference_classifier is None
    assert decode(prior, sample(prior, 3, seed=0)[0]).shape == (3, 64, 64, 3)


def test_equal_seeds_fit_equal_priors():
    x, _ = shapes(100, 16)
    a, b, c = (
        fit_prior(x, steps=2, latent=4, components=1, seed=s, progress=False) for s in (0, 0, 1)
    )
    weights = [p.decoder.get_weights()[0] for p in (a, b, c)]
    assert (weights[0] == weights[1]).all()
    assert (weights[0] != weights[2]).any()


X, Y = shapes(120, 28)
BAD = {
    "images must lie in [0, 1]. Received: values from 0.2 to 1.8. Divide 8-bit images by 255.": (
        X * 2,
        Y,
        {},
    ),
    "images must be n x h x w x c with sides from 16 to 64. Received: shape (120, 8, 8, 3).": (
        X[:, :8, :8],
        Y,
        {},
    ),
    "images must be at least 100. Received: 50.": (X[:50], None, {}),
    "labels must have at least two classes. Received: 1.": (X, Y * 0, {}),
    "images and labels must have the same length. Received: images: 120, labels: 7.": (
        X,
        Y[:7],
        {},
    ),
    "steps must be a whole number of at least 1. Received: 0.": (X, Y, {"steps": 0}),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_one_line(message):
    x, y, options = BAD[message]
    with pytest.raises(InputError) as error:
        fit_prior(x, y, progress=False, **options)
    assert str(error.value) == message


def test_dissection_finds_the_unit_that_carries_a_class(digits_prior):
    """One hidden unit repeats each logit: ablating one must cost its class alone."""
    classifier = keras.models.clone_model(digits_prior.reference_classifier)
    classifier.set_weights(digits_prior.reference_classifier.get_weights())
    inputs = keras.Input((28, 28, 1))
    hidden = keras.layers.Dense(10, "relu", name="copies")(classifier(inputs))
    outputs = keras.layers.Dense(10, "softmax", name="head")(hidden)
    model = keras.Model(inputs, outputs)
    model.get_layer("copies").set_weights([np.eye(10), np.zeros(10)])
    model.get_layer("head").set_weights([np.eye(10), np.zeros(10)])
    found = dissect(model, digits_prior, samples=200)
    assert found.layer == "copies"
    assert [found.top(label, 1)[0] for label in range(10)] == list(range(10))
