"""The package on another Keras backend than TensorFlow, in an environment without TensorFlow."""

import importlib.util

import keras
import numpy as np
import pytest

import mode
from mode import checks, distances, faults, heatmaps, selection
from mode.models import build, predict, train
from tests.diagnosis.other_backend import check_report, diagnosed

pytestmark = pytest.mark.backend

RECIPES = ["recommended", "mode", "margin"]


@pytest.fixture(scope="module")
def data():
    return mode.load_data("digits")


@pytest.fixture(scope="module")
def model(data):
    return train(build("published"), data.train.x[:300], data.train.y[:300], epochs=10)


def accuracy(model, part) -> float:
    return float((predict(model, part.x).argmax(axis=1) == part.y).mean())


def test_tensorflow_is_neither_there_nor_used():
    assert keras.backend.backend() != "tensorflow"
    assert importlib.util.find_spec("tensorflow") is None


def test_training_learns_and_leaves_the_model_as_it_was(model, data):
    before = [array.copy() for array in model.get_weights()]
    trained = train(model, data.train.x, data.train.y, epochs=2, seed=1)
    again = train(model, data.train.x, data.train.y, epochs=2, seed=1)
    assert accuracy(trained, data.test) > accuracy(model, data.test) > 0.5
    for ours, theirs in zip(trained.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_repair_repairs(recipe, model, data):
    repaired = mode.repair(model, data, recipe=recipe)
    assert repaired.kept > 0
    assert repaired.result["accuracy"] > repaired.rounds["accuracy"][0] + 0.01
    assert accuracy(repaired.model, data.test) == pytest.approx(repaired.result["accuracy"])


def test_the_arithmetic_takes_what_the_model_says(model, data):
    probabilities, part = predict(model, data.diagnosis.x), data.diagnosis
    known = (data.train.y, predict(model, data.train.x))
    assert len(faults.faulty_labels(part.y, probabilities, *known))
    maps = heatmaps.heatmaps(part.x, part.y, probabilities, kind="pixel")
    near = distances.distance("euclidean", data.pool.x, maps.hci[3])
    candidates = selection.Candidates(distances=near)
    stream = np.random.default_rng(0)
    chosen = selection.select("nearest", candidates, 20, generator=stream)
    assert (data.pool.y[chosen] == 3).mean() > 0.5


def test_a_training_is_checked_and_watched(data):
    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
    wrong = keras.Sequential(layers)
    wrong.compile("sgd", "sparse_categorical_crossentropy")
    assert mode.check(wrong, data.train.x, data.train.y)[0].symptom == "missing_softmax"
    wrong.fit(data.train.x, data.train.y, callbacks=[watch := mode.Diagnosis()], verbose=0)
    alarms = [finding.symptom for finding in watch.report.alarms]
    assert "missing_softmax" in alarms


def test_without_a_watched_step_the_report_says_what_is_missing():
    check_report(diagnosed(), f"backend {keras.backend.backend()!r}, not 'tensorflow'")


def test_what_needs_tensorflow_refuses_in_one_line(model):
    with pytest.raises(checks.InputError) as refused:
        mode.audit(model, "digits")
    assert "\n" not in str(refused.value)
    assert "KERAS_BACKEND=tensorflow" in str(refused.value)
