"""Audits of real classifiers: known faults, the same verdict twice, one line for bad input."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from mode.checks import InputError
from mode.featurevis import audit, load_prior, visualize


@pytest.fixture(scope="module")
def good(trained):
    return trained(4000)


@pytest.fixture(scope="module")
def audited(good, digits_prior):
    return audit(good, digits_prior)


def stack(*layers, shape=(28, 28, 1)):
    return keras.Sequential([keras.Input(shape), *layers])


def test_the_error_of_a_good_classifier_is_estimated(audited, good, digits):
    wrong = good.predict(digits[0], verbose=0).argmax(axis=1) != digits[1]
    true = wrong[4000:].mean()
    # of its few thousand images it has learned some by heart: by the zoo's definition both fit
    assert 0.05 < true - wrong[:4000].mean() < 0.10
    assert audited.verdict in ("fine", "over-fitted")
    assert abs(audited.error - true) < 0.04
    assert audited.interval[0] <= audited.error <= audited.interval[1]
    assert audited.matching == tuple(range(10))
    assert audited.preferred_inputs.images.shape[0] == 10


def test_an_audit_prints_its_verdict_and_reasons(audited):
    low, high = audited.interval
    lines = [f"{audited.verdict}: test error {audited.error:.1%} ({low:.1%} to {high:.1%})"]
    assert str(audited).splitlines() == lines + [f"  {reason}" for reason in audited.reasons]
    assert repr(audited) == str(audited)


def test_every_score_has_an_interval_that_holds_it(audited):
    table = audited.scores.set_index("score")
    assert table[["low", "high", "reference"]].notna().all(axis=None)
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    sure = table.index != "classes_used"
    assert (table["low"] < table["high"])[sure].all()
    error = table.loc["error"]
    normal = 1.645 * np.sqrt(error["value"] * (1 - error["value"]) / 3000)
    assert (error["high"] - error["low"]) / 2 == pytest.approx(normal, rel=0.3)


def test_the_same_audit_twice_is_the_same_but_for_the_nearest_training_image(
    good, audited, digits_prior, digits
):
    result = audit(good, digits_prior, digits[0][:1000])
    assert (result.verdict, result.error, result.reasons) == (
        audited.verdict,
        audited.error,
        audited.reasons,
    )
    assert result.scores[:-1].equals(audited.scores)
    added = result.scores.iloc[-1]
    assert added["score"] == "nearest_image"
    assert 0.5 < added["low"] < added["value"] < added["high"] < 2


def test_training_images_of_another_shape_are_refused(good, digits_prior):
    with pytest.raises(InputError) as error:
        audit(good, digits_prior, np.zeros((2, 28, 28)))
    assert str(error.value) == (
        "images must be the prior's, n x (28, 28, 1). Received: shape (2, 28, 28)."
    )


def test_few_images_and_wrong_labels_are_told_apart(trained, digits_prior, audited):
    few = audit(trained(100), digits_prior)
    noisy = audit(trained(2000, noise=0.4), digits_prior)
    assert few.verdict == "over-fitted"
    assert noisy.verdict == "label noise"
    assert min(few.overfitting, noisy.overfitting) > audited.overfitting + 0.05


def test_another_domain_has_no_verdict(good):
    result = audit(good, load_prior("fashion"))
    assert result.verdict == "cannot tell"
    assert result.reasons[0].startswith("It agrees with the reference classifier on ")


def test_classes_in_another_order_are_matched(good, digits_prior, audited):
    inputs = keras.Input((28, 28, 1))
    turned = keras.layers.Reshape((10,))(
        keras.ops.flip(keras.layers.Reshape((10, 1))(good(inputs)), axis=1)
    )
    result = audit(keras.Model(inputs, turned), digits_prior)
    assert result.matching == tuple(range(9, -1, -1))
    assert result.error == pytest.approx(audited.error, abs=2e-3)


def test_a_constant_classifier_is_under_fitted(digits_prior):
    constant = stack(keras.layers.Flatten(), keras.layers.Dense(10, kernel_initializer="zeros"))
    result = audit(constant, digits_prior)
    assert result.verdict == "under-fitted"
    assert result.error == pytest.approx(0.9)


def test_fewer_classes_are_audited_when_named(good, digits_prior):
    kernel, bias = good.layers[-1].get_weights()
    head = keras.layers.Dense(3, "softmax")
    inputs = keras.Input((28, 28, 1))
    x = inputs
    for layer in good.layers[:-1]:
        x = layer(x)
    model = keras.Model(inputs, head(x))
    head.set_weights([kernel[:, :3], bias[:3]])
    result = audit(model, digits_prior, classes=(0, 1, 2))
    assert result.verdict in ("fine", "cannot tell")
    assert result.error < 0.1


def scaled(good):
    return stack(keras.layers.Rescaling(1 / 255), good)


BAD = {
    "model must have 10 classes, one per class of the prior. Received: 3. If it has "
    "fewer, name them: audit(..., classes=(0, 1, ...)).": lambda good: stack(
        keras.layers.Flatten(), keras.layers.Dense(3)
    ),
    "model must have 10 classes, one per class of the prior. Received: 1. If it has "
    "fewer, name them: audit(..., classes=(0, 1, ...)).": lambda good: stack(
        keras.layers.Flatten(), keras.layers.Dense(1)
    ),
    "model must take the prior's images, shape (28, 28, 1). Received: shape (32, 32, 1).": (
        lambda good: stack(keras.layers.Flatten(), keras.layers.Dense(10), shape=(32, 32, 1))
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_one_line(message, good, digits_prior):
    with pytest.raises(InputError) as error:
        audit(BAD[message](good), digits_prior)
    assert str(error.value).startswith(message)


def test_another_value_range_is_named(good, digits_prior):
    with pytest.raises(InputError) as error:
        audit(scaled(good), digits_prior)
    words = str(error.value)
    assert words.startswith("model must take images in [0, 1]. Received: a model that agrees ")
    assert words.endswith("in [0, 255]. Put a keras.layers.Rescaling layer in front.")


def test_scores_that_overflow_are_refused(digits_prior):
    big = stack(
        keras.layers.Rescaling(1e30),
        keras.layers.Rescaling(1e30),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    )
    with pytest.raises(InputError) as error:
        audit(big, digits_prior)
    assert str(error.value) == (
        "model must give finite outputs for the prior's images. "
        "Received: NaN or inf for 3000 of 3000."
    )


def test_classes_named_twice_are_refused(digits_prior):
    with pytest.raises(InputError) as error:
        audit(stack(keras.layers.Flatten(), keras.layers.Dense(2)), digits_prior, classes=(1, 1))
    assert str(error.value) == "classes must differ from each other. Received: (1, 1)."


def test_a_prior_without_a_reference_classifier_is_refused(good, digits_prior):
    with pytest.raises(InputError) as error:
        audit(good, load_prior(digits_prior.decoder))
    assert str(error.value) == (
        "prior must have a reference classifier. Received: none. "
        "fit_prior(images, labels) trains one."
    )


def test_files_that_are_no_models(tmp_path):
    with pytest.raises(InputError) as error:
        visualize(tmp_path / "none.keras", "digits", tmp_path)
    assert str(error.value).endswith("none.keras'.")
    (tmp_path / "broken.keras").write_text("no model")
    with pytest.raises(InputError, match="must be a model saved by Keras"):
        visualize(tmp_path / "broken.keras", "digits", tmp_path)


def test_the_classifier_is_left_as_it_was(good, audited):
    x = np.random.default_rng(0).random((4, 28, 28, 1)).astype("float32")
    assert good.layers[-1].activation is keras.activations.softmax
    assert np.asarray(good(x)).sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)


def test_a_prior_whose_images_are_not_recognized_is_too_poor_for_a_verdict(digits_prior):
    keras.utils.set_random_seed(0)
    untrained = keras.models.clone_model(digits_prior.decoder)
    prior = replace(digits_prior, decoder=untrained)
    result = audit(prior.reference_classifier, prior)
    assert result.verdict == "cannot tell"
    assert result.interval == (0.0, 1.0)
    assert "the prior is too poor" in result.reasons[0]
