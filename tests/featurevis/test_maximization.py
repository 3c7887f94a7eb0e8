"""The ascent finds pictures known by hand, in pixels and through a generator."""

import keras
import numpy as np
import pytest

from mode.checks import InputError
from mode.featurevis import load_prior, maximize
from mode.featurevis.maximization import PRESETS, blur, norm, random_translation, total_variation

LEFT = np.tile([1.0, 1.0, 0.0, 0.0], (4, 1))


def quiet(*args, **options):
    return maximize(*args, progress=False, **options)


def test_pixels_reach_the_picture_a_linear_class_prefers(ramp):
    preferred = quiet(ramp, None, [0, 1], restarts=3, transforms=(), penalties=())
    assert preferred.images.shape == (2, 3, 4, 4, 1)
    assert preferred.images[0, ..., 0] == pytest.approx(np.stack([LEFT] * 3), abs=1e-3)
    assert preferred.images[1, ..., 0] == pytest.approx(1 - np.stack([LEFT] * 3), abs=1e-3)
    assert preferred.activations == pytest.approx(np.full((2, 3), 8), abs=0.01)


def test_a_group_of_units_is_maximized_as_a_weighted_sum(ramp):
    preferred = quiet(ramp, None, [{0: -1.0, 2: 5.0}], restarts=1, transforms=(), penalties=())
    assert preferred.images[0, 0, ..., 0] == pytest.approx(1 - LEFT, abs=1e-3)


def test_a_single_neuron_of_an_inner_layer(ramp):
    flat = ramp.layers[0].name
    preferred = quiet(ramp, None, [5], layer=flat, restarts=1, transforms=(), penalties=())
    assert preferred.images[0, 0].reshape(-1)[5] == pytest.approx(1, abs=1e-3)


def test_through_a_generator_codes_stay_in_their_box_and_activations_rise(ramp):
    code = keras.Input((2,))
    picture = keras.layers.Dense(16, "sigmoid", use_bias=False, name="paint")(code)
    decoder = keras.Model(code, keras.layers.Reshape((4, 4, 1))(picture))
    half = np.tile([1.0, 1.0, -1.0, -1.0], 4)
    decoder.set_weights([np.stack([half, 0 * half])])
    prior = load_prior(decoder, box=2.0)
    preferred = quiet(ramp, prior, [0], restarts=4, steps=300)
    assert np.abs(preferred.codes).max() <= 2
    assert preferred.codes[0, :, 0] == pytest.approx(np.full(4, 2), abs=0.1)
    assert (preferred.activations >= preferred.trace[0]).all()


@pytest.mark.parametrize("preset", ["default", "dgn-am"])
def test_presets_reach_images_that_the_reference_classifier_recognizes(preset, digits_prior):
    classifier = digits_prior.reference_classifier
    preferred = quiet(classifier, digits_prior, range(10), restarts=4, preset=preset)
    predicted = classifier.predict(preferred.images.reshape(-1, 28, 28, 1), verbose=0).argmax(
        axis=1
    )
    assert (predicted.reshape(10, 4) == np.arange(10)[:, None]).mean() > 0.95


def test_equal_seeds_agree_and_others_differ(digits_prior):
    runs = [
        quiet(digits_prior.reference_classifier, digits_prior, [3], restarts=2, steps=5, seed=seed)
        for seed in (0, 0, 1)
    ]
    assert (runs[0].images == runs[1].images).all()
    assert (runs[0].images != runs[2].images).any()


def test_the_classifier_is_left_as_it_was(digits_prior):
    before = digits_prior.reference_classifier.get_weights()
    quiet(digits_prior.reference_classifier, digits_prior, [3], restarts=2, steps=5)
    assert all(
        (a == b).all()
        for a, b in zip(before, digits_prior.reference_classifier.get_weights(), strict=True)
    )


def test_transforms_and_penalties_by_hand():
    image = np.zeros((1, 4, 4, 1), "float32")
    image[0, 1, 1] = 1
    key = np.array([0, 1], "int32")
    assert np.asarray(norm(2.0)(image, None)) == pytest.approx([2 / 16])
    assert np.asarray(total_variation()(image, None)) == pytest.approx([4 / 12])
    rolled = np.asarray(random_translation(2)(image, key))
    assert np.sort(rolled.reshape(-1)).tolist() == np.sort(image.reshape(-1)).tolist()
    spike = np.zeros((1, 15, 15, 1), "float32")
    spike[0, 7, 7] = 1
    blurred = np.asarray(blur(1.0)(spike, key))[0, ..., 0]
    assert blurred.sum() == pytest.approx(1, abs=1e-4)
    assert blurred == pytest.approx(blurred.T)
    assert blurred[7, 7] == pytest.approx(1 / (2 * np.pi), rel=0.02)


BAD = {
    "preset must be one of 'default', 'dgn-am', 'pixels'. Received: 'dgn'. "
    "Did you mean 'dgn-am'?": {"preset": "dgn"},
    "restarts must be a whole number of at least 1. Received: 0.": {"restarts": 0},
    "unit must be a whole number from 0 to 2. Received: 3.": {"units": [3]},
    "unit must be a whole number from 0 to 2. Received: 'a'.": {"units": ["a"]},
    "units must not be empty. Received: length 0.": {"units": []},
    "units must be a unit or a sequence of units. Received: None.": {"units": None},
    "units must be a unit or a sequence of units. Received: 'all'.": {"units": "all"},
    "transforms must be a sequence of callables. Received: [1].": {"transforms": [1]},
    "penalties must be a sequence of callables. Received: 2.": {"penalties": 2},
    "units must respond to the image; unit 2 of the logits is dead. Received: activation "
    "0 at every step of every restart.": {"units": [0, 2]},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_one_line(message, ramp):
    with pytest.raises(InputError) as error:
        quiet(ramp, None, **{"units": [0]} | BAD[message])
    assert str(error.value) == message


def test_units_may_come_from_numpy(ramp):
    few = {"restarts": 2, "steps": 3}
    one = quiet(ramp, None, np.int64(1), **few)
    assert one.units == (1,)
    assert quiet(ramp, None, np.array([0, 1]), **few).units == (0, 1)


def test_a_unit_that_overflows_is_refused(ramp):
    layers = [keras.layers.Rescaling(1e30), keras.layers.Rescaling(1e30), *ramp.layers]
    model = keras.Sequential([keras.Input((4, 4, 1)), *layers])
    with pytest.raises(InputError) as error:
        quiet(model, None, [1], restarts=2, steps=3)
    assert str(error.value) == (
        "units must be finite numbers; unit 1 of the logits is not. Received: NaN or inf."
    )


def test_a_faint_unit_is_not_dead(ramp):
    kernel, bias = ramp.get_weights()
    ramp.set_weights([kernel * 1e-14, bias])
    preferred = quiet(ramp, None, [0], restarts=2, steps=60, transforms=(), penalties=())
    left, right = np.split(preferred.images, 2, axis=3)
    assert left.mean() > right.mean() + 0.5


def test_layers_and_shapes_that_do_not_fit(ramp, digits_prior):
    with pytest.raises(InputError) as error:
        quiet(ramp, digits_prior)
    assert str(error.value).startswith(
        "model must take the prior's images, shape (28, 28, 1). Received: shape (4, 4, 1)."
    )
    with pytest.raises(InputError, match=r"^layer must be one of .* Received: 'dens'\."):
        quiet(ramp, None, [0], layer="dens")


def test_presets_are_frozen_settings():
    assert PRESETS["dgn-am"].steps == 200
    assert PRESETS["dgn-am"].shrink == 0.99
