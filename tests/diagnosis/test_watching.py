"""A loop of the user's own is watched: `train_on_batch`, and a tape's gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mode import checks
from mode.diagnosis import Diagnosis, HopelessTrainingError
from tests.diagnosis.conftest import classifier

STEPS = 60


def _batches(two_classes, steps=STEPS):
    x, y = two_classes
    for step in range(steps):
        rows = np.arange(step * 32, step * 32 + 32) % len(x)
        yield x[rows], y[rows]


def _model(rate=0.02, **options):
    hidden = keras.layers.Dense(8, "relu", name="hidden")
    return classifier(hidden, optimizer=keras.optimizers.Adam(rate), **options)


def _step(model, loss_of):
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        variables = model.trainable_variables
        model.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return step


LOSS = keras.losses.SparseCategoricalCrossentropy()


def test_train_on_batch_is_watched_as_fit_is_and_left_as_it_was(two_classes):
    model = _model()
    before = tf.GradientTape.gradient
    with Diagnosis(every=5).watching(model) as watch:
        for x, y in _batches(two_classes):
            model.train_on_batch(x, y)
    record = watch.report.record
    assert record.total_steps == STEPS
    assert len(record.steps) > STEPS / 5
    assert record.targets[0].rows
    assert not watch.report.alarms
    assert "train_on_batch" not in vars(model)
    assert "train_step" not in vars(model)
    assert tf.GradientTape.gradient is before


def test_a_fault_is_found_in_a_train_on_batch_loop(two_classes):
    model = _model(units=1, loss="binary_crossentropy")
    with Diagnosis().watching(model) as watch:
        for x, y in _batches(two_classes):
            model.train_on_batch(x, y)
    assert "activation_mismatch" in [f.symptom for f in watch.report.alarms]


@pytest.mark.parametrize("compiled", [False, True])
def test_the_steps_of_a_tape_are_recorded(two_classes, compiled):
    model, losses = _model(), []
    with Diagnosis(every=5).watching(model) as watch:
        step = _step(model, LOSS)
        step = tf.function(step) if compiled else step
        for number, (x, y) in enumerate(_batches(two_classes)):
            losses.append(float(step(x, y)))
            if compiled:
                watch.on_train_batch_end(number)
    record = watch.report.record
    assert record.total_steps == STEPS
    assert np.allclose(record.losses[:5], losses[:5])
    assert {row.phase for row in record.rows} == {
        "input", "activation", "loss", "gradient", "weight", "update",
    }  # fmt: skip
    assert not watch.report.alarms


def test_the_layer_where_a_tape_s_loop_broke_is_named(two_classes):
    model = _model()

    def train():
        with Diagnosis(terminate=True).watching(model):
            step = _step(model, lambda y, p: tf.reduce_mean(tf.sqrt(p - p)))
            for x, y in _batches(two_classes):
                step(x, y)

    with pytest.raises(HopelessTrainingError) as end:
        train()
    assert end.value.finding.symptom == "numerical_error"
    assert end.value.step <= 2
    assert "call" not in vars(model.layers[0])


def test_a_step_that_was_compiled_before_is_said_not_to_be_recorded(two_classes):
    model = _model()
    step = tf.function(_step(model, LOSS))
    for x, y in _batches(two_classes, 1):
        step(x, y)
    with Diagnosis().watching(model) as watch:
        for x, y in _batches(two_classes, 3):
            step(x, y)
    notes = [f.text for f in watch.report.findings if f.symptom == "not_diagnosed"]
    assert any("any step" in note for note in notes)


def test_a_model_without_an_optimizer_is_refused_in_one_line():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with (
        pytest.raises(checks.InputError, match="watching needs a model with an optimizer"),
        Diagnosis().watching(model),
    ):
        pass
