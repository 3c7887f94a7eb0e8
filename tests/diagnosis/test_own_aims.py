"""Trainings that aim at something else than accuracy or squares: left alone, and their faults."""

import keras
import numpy as np
import pytest

from mode.diagnosis import Diagnosis, check
from mode.diagnosis.facts.model import model_facts
from mode.diagnosis.facts.training import empty_record, starts_slowly
from mode.diagnosis.rules.outputs import failure_findings
from tests.diagnosis.conftest import classifier

LAYERS = keras.layers


def _fitted(model, x, y, **options):
    keras.utils.set_random_seed(0)
    model.fit(x, y, verbose=0, callbacks=[watch := Diagnosis(stop=True)], **options)
    return watch.report


def _rare(draw):
    x = draw.normal(size=(1600, 6)).astype("float32")
    return x, (x[:, 0] + x[:, 1] + 0.3 * draw.normal(size=1600) > 2.3).astype("float32")


@pytest.mark.parametrize(("rate", "alarm"), [(3e-3, False), (0.0, True)])
def test_weights_of_classes_change_what_is_aimed_at(rate, alarm):
    x, y = _rare(np.random.default_rng(0))
    model = classifier(
        LAYERS.Dense(16, "relu"), units=1, activation="sigmoid", loss="binary_crossentropy",
        optimizer=keras.optimizers.Adam(rate),
    )  # fmt: skip
    weights = {0: 0.5 / (1 - y.mean()), 1: 0.5 / y.mean()}
    report = _fitted(model, x, y, epochs=12, batch_size=64, class_weight=weights)
    assert report.record.weighted
    assert bool(report.alarms) == alarm, report


def _quantile(truth, predicted):
    error = truth - predicted
    return keras.ops.mean(keras.ops.maximum(0.9 * error, -0.1 * error), axis=-1)


@pytest.mark.parametrize(("rate", "alarm"), [(0.01, False), (0.0, True)])
def test_a_quantile_is_no_failed_mean(rate, alarm):
    draw = np.random.default_rng(0)
    x = draw.uniform(-2, 2, (1600, 1)).astype("float32")
    y = (np.sin(2 * x) + 0.6 * draw.normal(size=x.shape)).astype("float32")
    model = classifier(
        LAYERS.Dense(32, "tanh"), LAYERS.Dense(16, "tanh"), units=1, activation=None,
        loss=_quantile, optimizer=keras.optimizers.Adam(rate), inputs=1,
    )  # fmt: skip
    report = _fitted(model, x, y, epochs=20, batch_size=32)
    assert bool(report.alarms) == alarm, report


def test_a_loss_that_still_falls_is_not_hopeless():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(400, 6)).astype("float32")
    y = 150 + 60 * x[:, 0] + 40 * draw.normal(size=400)
    model = classifier(
        LAYERS.Dense(64, "relu"), LAYERS.Dense(64, "relu"), units=1, activation=None, loss="mse",
        optimizer=keras.optimizers.RMSprop(1e-3),
    )  # fmt: skip
    report = _fitted(model, x, y, epochs=60, batch_size=16)
    assert not report.stopped
    assert not report.alarms, report


def test_a_loss_that_hardly_falls_at_first_has_time_while_the_training_is_young():
    draw = np.random.default_rng(0)
    y = np.arange(240) % 2
    x = (0.3 + 0.3 * y[:, None] + draw.uniform(-0.1, 0.1, (240, 2))).astype("float32")
    keras.utils.set_random_seed(0)
    model = classifier(LAYERS.Dense(2, "sigmoid"), inputs=2, optimizer=keras.optimizers.Adam(3e-3))
    report = _fitted(model, x, y, epochs=40, batch_size=10)
    assert not report.stopped
    assert not report.alarms, report


@pytest.mark.parametrize(
    ("losses", "planned", "slow"),
    [
        (0.8 - 0.001 * np.arange(40), 200, True),
        (0.8 - 0.001 * np.arange(40), 60, False),  # more than half of it is over
        (0.8 + 0.001 * np.sin(7 * np.arange(40)), 200, False),
        (0.8 + 0.001 * np.arange(40), 200, False),
        ([0.8], 200, False),
    ],
)
def test_a_slow_start_falls_from_epoch_to_epoch_early_in_its_plan(losses, planned, slow):
    record = empty_record(epochs=tuple({"loss": float(loss)} for loss in losses))
    assert starts_slowly(record, planned) == slow


def test_labels_that_belong_to_other_rows(two_classes):
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(240, 20)).astype("float32"), draw.integers(0, 4, 240)
    model = classifier(LAYERS.Dense(128, "relu"), units=4, inputs=20)
    model.compile(keras.optimizers.Adam(0.01), model.loss, metrics=["accuracy"])
    report = _fitted(model, x, y, epochs=25, validation_split=0.5)
    assert [(a.symptom, a.fixes[0].code) for a in report.alarms] == [("overfitting", "fix_labels")]


def test_a_frozen_model_is_named_before_training(two_classes):
    model = classifier(LAYERS.Dense(8, "relu"))
    model.trainable = False
    model.compile("adam", model.loss)
    found = [f for f in check(model, *two_classes) if f.severity == "error"]
    assert [(f.symptom, f.fixes[0].code) for f in found] == [
        ("unchanged_weights", "unfreeze_layers")
    ]
    model.trainable, model.layers[0].trainable = True, False
    model.compile("adam", model.loss)
    assert "unchanged_weights" not in {f.symptom for f in check(model, *two_classes)}


@pytest.mark.parametrize(("bias", "found"), [(-10.0, True), (0.0, False)])
def test_biases_that_kill_units(bias, found, two_classes):
    start = keras.initializers.Constant(bias)
    model = classifier(LAYERS.Dense(8, "relu", bias_initializer=start, name="dead"))
    told = [f for f in check(model, *two_classes) if f.symptom == "bad_initialization"]
    assert [f.fixes[0].line for f in told] == ['bias_initializer="zeros"  # dead'] * found


def test_an_exception_tells_which_shapes_are_apart():
    error = ValueError("Incompatible shapes: [16] vs. [16,4] [Op:Mul]")
    (finding,) = failure_findings(error, model_facts(classifier(units=4)))
    assert finding.symptom == "shape_mismatch"
    assert [e.value for e in finding.evidence] == ["(16)", "(16,4)"]


@pytest.mark.parametrize(
    ("activation", "loss", "codes", "both"),
    [
        ("softmax", "categorical_crossentropy", {"change_loss", "change_output_activation"}, True),
        ("softmax", "binary_crossentropy", {"change_output_activation"}, False),
    ],
)
def test_fixes_that_need_each_other_say_so(activation, loss, codes, both, two_classes):
    several = np.random.default_rng(0).integers(0, 2, (320, 3)).astype("float32")
    found = check(classifier(units=3, activation=activation, loss=loss), two_classes[0], several)
    finding = next(f for f in found if f.symptom.endswith("_mismatch"))
    assert {f.code for f in finding.fixes} == codes
    assert finding.text.endswith("both fixes are needed") == both
