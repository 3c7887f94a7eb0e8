"""A symptom that appears in several places is reported in each of them."""

import keras
import numpy as np
import pytest

from mode.diagnosis import Diagnosis, check
from mode.diagnosis.diagnose import diagnose
from mode.diagnosis.facts.model import model_facts
from mode.diagnosis.facts.training import Row, empty_record
from mode.diagnosis.findings import Where
from mode.diagnosis.report import Findings
from tests.diagnosis.conftest import classifier

LAYERS = keras.layers


def _two_outputs(loss):
    inputs = keras.Input((6,))
    hidden = LAYERS.Dense(8, "relu")(inputs)
    outputs = [LAYERS.Dense(1, "sigmoid", name=name)(hidden) for name in ("left", "right")]
    model = keras.Model(inputs, outputs)
    model.compile("adam", loss)
    return model


def _hidden_softmax():
    return classifier(LAYERS.Dense(8, "softmax"), units=1, loss="binary_crossentropy")


def _bottleneck():
    return classifier(LAYERS.Dense(1, "relu", name="narrow"), LAYERS.Dense(4, name="straight"))


def _places(findings, symptom=None):
    return {(f.symptom, f.where) for f in findings if symptom in (None, f.symptom)}


CASES = {
    "two outputs with the wrong loss": (lambda: _two_outputs(["mse", "mse"]), 2, True),
    "a hidden softmax and a wrong output": (_hidden_softmax, 1, True),
    "a bottleneck and a linear layer": (_bottleneck, 1, True),
    "few rows with one class": (classifier, 1, "one class"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_training_reports_every_finding_of_the_check_at_its_place(case, two_classes):
    build, outputs, labels = CASES[case]
    x, y = two_classes[0][:96], two_classes[1][:96].astype("float32")
    y = y if labels != "one class" else np.zeros_like(y)
    given = y if outputs == 1 else [y] * outputs
    model = build()
    before = _places(check(model, x, given))
    model.fit(x, given, epochs=8, verbose=0, callbacks=[watch := Diagnosis()])
    assert before
    assert before <= _places(watch.report.findings)


def test_two_outputs_with_one_symptom_are_both_reported(two_classes):
    x, y = two_classes
    model = _two_outputs(["mse", "mse"])
    model.fit(x, [y, y], epochs=1, verbose=0, callbacks=[watch := Diagnosis()])
    found = _places(watch.report.findings, "loss_mismatch")
    assert {where.layer for _, where in found} == {"left", "right"}


def test_a_broken_label_hides_nothing_of_another_output(two_classes):
    x, y = two_classes
    broken = np.where(np.arange(len(y)) == 3, np.nan, y)
    found = check(_two_outputs(["mse", "mse"]), x, [broken, y])
    assert [f.where.layer for f in found if f.symptom == "loss_mismatch"] == ["right"]


def _record(**known):
    return empty_record(total_steps=100, finished=True, **known)


def test_every_dead_layer_is_reported_and_their_fixes_are_written_once():
    names = ("first", "second", "third")
    model = classifier(*(LAYERS.Dense(4, "relu", name=name) for name in names))
    losses = {"epochs": tuple({"loss": 0.69} for _ in range(8))}
    record = _record(units={name: np.zeros(4) for name in names}, **losses)
    found, _ = diagnose(record, model_facts(model))
    dead = [f for f in found if f.symptom == "dead_relu"]
    assert [f.where.layer for f in dead] == [*names]
    text = str(Findings(dead))
    assert text.count("  fix 1: ") == 1
    assert text.count("  fixes: those of dead_relu at layer first") == 2


def test_a_place_named_twice_is_reported_once_at_its_worst():
    model = classifier(*(LAYERS.Dense(4, "sigmoid", name=f"s{i}") for i in range(6)))
    gradients = [Row("gradient", f"s{i}", "kernel") for i in range(6)]
    weights = [Row("weight", f"s{i}", "kernel") for i in range(6)]
    values = np.ones((6, 12, 7))
    values[:, :6] = np.geomspace(1e-12, 1, 6)[:, None]
    record = _record(
        rows=(*gradients, *weights), values=values, steps=np.arange(6), losses=np.ones(6)
    )
    found, _ = diagnose(record, model_facts(model))
    vanishing = [f for f in found if f.symptom == "vanishing_gradient"]
    assert [(f.where, f.severity) for f in vanishing] == [(Where("layer", "s0"), "warning")]
