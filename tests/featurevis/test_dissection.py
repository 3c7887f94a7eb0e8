"""Ablation by hand-known weights, and through the shipped generator."""

import keras
import numpy as np
import pandas as pd
import pytest

from mode.checks import InputError
from mode.featurevis import ablate, ablation_effect, dissect
from mode.featurevis.dissection import Dissection


def test_ablate_zeroes_the_named_units_and_nothing_else():
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(3, name="units"), keras.layers.Dense(1)]
    )
    model.set_weights([np.eye(3), np.zeros(3), np.array([[1.0], [10.0], [100.0]]), np.zeros(1)])
    x = np.ones((2, 3), "float32")
    before, after = ablate(model, "units", [1, 2], x)
    assert before == pytest.approx(np.full((2, 1), 111))
    assert after == pytest.approx(np.full((2, 1), 1))
    assert np.asarray(model(x)) == pytest.approx(before)


@pytest.fixture(scope="module")
def dissection(digits_prior):
    """Of the shipped generator's units."""
    return dissect(None, digits_prior, part="generator", samples=100)


def test_some_generator_unit_matters_and_most_do_not(dissection):
    by_unit = dissection.effects.groupby("unit")["drop"].max()
    assert by_unit.max() > 0.2
    assert by_unit.median() < by_unit.max() / 2
    assert (
        dissection.effects["drop"] == dissection.effects["before"] - dissection.effects["after"]
    ).all()
    assert dissection.effects["drop"].is_monotonic_decreasing


def test_a_custom_score_replaces_the_reference_classifier(digits_prior):
    def darkness(images):
        return -keras.ops.mean(images, axis=(1, 2, 3))

    dissection = dissect(None, digits_prior, part="generator", score=darkness, samples=50)
    assert (dissection.effects["before"] < 0).all()


BAD = {
    "part must be one of 'classifier', 'generator'. Received: 'judge'.": {"part": "judge"},
    "layer must be one of 'code', 'map', 'out', 'shape', 'up0', 'up1'. Received: 'up9'. "
    "Did you mean 'up1'?": {"part": "generator", "layer": "up9"},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_one_line(message, digits_prior):
    with pytest.raises(InputError) as error:
        dissect(digits_prior.reference_classifier, digits_prior, **BAD[message])
    assert str(error.value) == message


def test_units_that_the_layer_lacks(digits_prior):
    codes = np.zeros((1, digits_prior.latent), "float32")
    with pytest.raises(InputError) as error:
        ablate(digits_prior.decoder, "up0", [32], codes)
    assert str(error.value) == "unit must be a whole number from 0 to 31. Received: 32."


def test_a_unit_that_dims_every_class_is_named_and_not_offered():
    rows = [(0, 0, 0.9, 0.1), (0, 1, 0.9, 0.8), (0, 2, 0.9, 0.9), (1, 0, 0.9, 0.2),
            (1, 1, 0.9, 0.3), (1, 2, 0.9, 0.1)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["unit", "class", "before", "after"])
    table["drop"] = table["before"] - table["after"]
    table["specific"] = table["drop"] - table.groupby("unit")["drop"].transform("mean")
    dissection = Dissection("classifier", "hidden", table)
    assert dissection.common == [1]
    assert dissection.top(0) == [0]
    assert dissection.carriers(0) == [0]
    assert dissection.carriers(2) == []


def test_without_all_units_that_carry_it_a_class_is_lost_and_a_control_class_stays(
    digits_prior, dissection
):
    lost, stays = [], []
    for label in range(10):
        effect = ablation_effect(digits_prior, dissection.layer, dissection.carriers(label))
        assert effect["drop"].to_numpy() == pytest.approx(effect["before"] - effect["after"])
        lost.append(effect["drop"][label])
        stays.append(effect["drop"].drop(label).min())
    assert max(lost) > 0.5
    assert stays[int(np.argmax(lost))] < 0.1
