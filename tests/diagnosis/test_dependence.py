"""Targets that cannot be predicted from the inputs at all: the test, and what it excuses."""

import keras
import numpy as np
import pytest

from mode.diagnosis import Diagnosis
from mode.diagnosis.facts.dependence import dependence_p
from mode.diagnosis.limits import LIMITS
from tests.diagnosis.conftest import classifier

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(300, 8))


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (X[:, :1] > 0, True),
        (X[:, :1] * X[:, 1:2] > 0, True),  # neither feature alone tells
        (np.sin(2 * X[:, :1]) + X[:, 1:2] ** 2, False),
        (np.eye(3)[np.digitize(X[:, 0], [-0.5, 0.5])], True),
    ],
)
def test_targets_that_go_with_the_inputs_are_seen_to(y, classes):
    assert dependence_p(X, y, classes=classes) <= LIMITS.dependence_p


@pytest.mark.parametrize("features", [1, 8, 200])
def test_targets_by_chance_are_hardly_ever_taken_for_more(features):
    draws = (np.random.default_rng(seed) for seed in range(12))
    taken = [
        dependence_p(g.normal(size=(120, features)), g.integers(0, 4, (120, 1)), classes=True)
        <= LIMITS.dependence_p
        for g in draws
    ]
    assert sum(taken) <= 3


def test_few_rows_and_constants_show_nothing():
    assert np.isnan(dependence_p(X[:50], X[:50], classes=False))
    assert np.isnan(dependence_p(np.ones((200, 3)), X[:200], classes=False))


def _report(x, y, **options):
    keras.utils.set_random_seed(0)
    model = classifier(keras.layers.Dense(8, "relu"), inputs=x.shape[1])
    model.fit(x, y, verbose=0, callbacks=[watch := Diagnosis()], **options)
    return watch.report


@pytest.mark.parametrize("epochs", [1, 12])
def test_a_demonstration_on_random_numbers_gets_one_note_and_no_alarm(epochs):
    x, y = DRAW.uniform(size=(400, 6)).astype("float32"), DRAW.integers(0, 2, 400)
    report = _report(x, y, epochs=epochs)
    assert not report.alarms, report
    assert "nothing_to_learn" in {f.symptom for f in report.findings}


def test_a_training_on_random_numbers_is_not_stopped_before_its_end():
    x, y = DRAW.uniform(size=(400, 6)).astype("float32"), DRAW.integers(0, 2, 400)
    keras.utils.set_random_seed(0)
    model = classifier(keras.layers.Dense(8, "relu"), inputs=6, optimizer="adam")
    watch = Diagnosis(stop=True)
    model.fit(x, y, verbose=0, epochs=60, batch_size=16, callbacks=[watch])
    assert not watch.report.stopped, watch.report


def test_a_few_steps_of_a_demonstration_get_one_note_and_no_alarm():
    x, y = DRAW.uniform(size=(40, 6)).astype("float32"), DRAW.uniform(size=(40, 1)) + 5
    model = classifier(units=1, activation="linear", loss="mse", inputs=6)
    model.fit(x, y, verbose=0, epochs=2, callbacks=[watch := Diagnosis()])
    assert not watch.report.alarms, watch.report
    assert [f.symptom for f in watch.report.findings if f.symptom == "few_steps"]


def test_a_training_that_fails_on_what_can_be_learned_is_still_found():
    x = DRAW.uniform(size=(400, 6)).astype("float32")
    report = _report(x, (x[:, 0] > 0.5).astype(int), epochs=1)
    assert report.alarms, report


def test_what_is_wrong_whatever_can_be_learned_stays_an_alarm():
    x, y = DRAW.uniform(size=(400, 6)).astype("float32"), DRAW.integers(0, 2, 400)
    model = classifier(units=1, activation="softmax", loss="binary_crossentropy")
    model.fit(x, y, verbose=0, epochs=2, callbacks=[watch := Diagnosis()])
    assert watch.report.alarms[0].symptom == "activation_mismatch"
