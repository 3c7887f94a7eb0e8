"""Activations in the wrong place: each kind has its own symptom, cause and fix."""

import keras
import numpy as np
import pytest

from mode.diagnosis import check
from mode.diagnosis.cause_scores import collect_evidence
from mode.diagnosis.diagnose import diagnose
from mode.diagnosis.facts.model import model_facts
from mode.diagnosis.facts.outcome import TrainingCase, training_outcome
from mode.diagnosis.facts.training import empty_record
from mode.diagnosis.findings import Plan
from tests.diagnosis.conftest import classifier

LAYERS = keras.layers


def _hidden_softmax():
    return classifier(LAYERS.Dense(8, "softmax", name="wide"))


def _relu_in_rnn():
    stack = [LAYERS.Reshape((6, 1)), LAYERS.SimpleRNN(8, activation="relu", name="cell")]
    return classifier(*stack)


def _repeated_softmax():
    model = keras.Sequential([keras.Input((6,)), LAYERS.Dense(8, "relu")])
    model.add(LAYERS.Dense(2, "softmax", name="out"))
    model.add(LAYERS.Softmax(name="again"))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def _one_softmax():
    return classifier(units=1, loss="binary_crossentropy")


# model -> symptom, cause it speaks for, first fix, its line, the options that the fix sets
CASES = {
    "softmax in a hidden layer": (
        _hidden_softmax, "hidden_softmax", "activation", "change_hidden_activation",
        'activation="relu", kernel_initializer="he_normal"  # wide',
        ("wide", {"activation": "relu", "kernel_initializer": "he_normal"}),
    ),
    "relu in a recurrent layer": (
        _relu_in_rnn, "unbounded_rnn_activation", "explosive", "change_hidden_activation",
        'activation="tanh", kernel_initializer="glorot_uniform"  # cell',
        ("cell", {"activation": "tanh", "kernel_initializer": "glorot_uniform"}),
    ),
    "softmax of a softmax": (
        _repeated_softmax, "repeated_activation", "output", "change_output_activation",
        'activation="linear"  # out', ("out", {"activation": "linear"}),
    ),
    "softmax over one unit": (
        _one_softmax, "activation_mismatch", "output", "change_output_activation",
        'activation="sigmoid"  # out', ("out", {"activation": "sigmoid"}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_activation_in_the_wrong_place_has_its_own_symptom_cause_and_fix(case, two_classes):
    build, symptom, cause, code, line, (layer, options) = CASES[case]
    model = build()
    found = [f for f in check(model, *two_classes) if "activation" in str(f.evidence)]
    assert [f.symptom for f in found] == [symptom]
    fix = found[0].fixes[0]
    assert (fix.code, fix.line) == (code, line)
    assert fix.apply(Plan()).edits[layer] == options
    record, facts = empty_record(total_steps=200, finished=True), model_facts(model)
    empty = TrainingCase(record, facts, training_outcome(record, facts.heads))
    alone = collect_evidence(empty, [], []).of(cause)[0]
    value, why = collect_evidence(empty, found, []).of(cause)
    assert value > alone
    assert why == found[0].text


def test_a_hidden_softmax_does_not_speak_against_the_output(two_classes):
    losses = {"epochs": tuple({"loss": 0.69} for _ in range(8))}
    record = empty_record(total_steps=200, finished=True, units={"wide": np.zeros(8)}, **losses)
    found, _ = diagnose(record, model_facts(_hidden_softmax()))
    (dead,) = (f for f in found if f.symptom == "dead_relu")
    assert dead.causes[0].code == "activation"
    assert "output" not in {c.code for c in dead.causes}


def _ensemble():
    inputs = keras.Input((6,))
    votes = [LAYERS.Dense(2, "softmax")(LAYERS.Dense(8, "relu")(inputs)) for _ in range(2)]
    return keras.Model(inputs, LAYERS.Average()(votes))


def _gated():
    inputs = keras.Input((6,))
    weights, features = LAYERS.Dense(8, "softmax")(inputs), LAYERS.Dense(8, "relu")(inputs)
    outputs = LAYERS.Dense(2, "softmax")(LAYERS.Multiply()([weights, features]))
    return keras.Model(inputs, outputs)


def _log_probabilities_first():
    inputs = keras.Input((6,))
    scores = keras.ops.log(LAYERS.Dense(2, "softmax")(LAYERS.Dense(8, "relu")(inputs)))
    return keras.Model(inputs, LAYERS.Softmax()(2.0 * scores))


@pytest.mark.parametrize("built", [_ensemble, _gated, _log_probabilities_first])
def test_a_softmax_that_no_layer_reads_as_features_is_no_mistake(built):
    model = built()
    model.compile("adam", "sparse_categorical_crossentropy")
    assert not {"hidden_softmax", "repeated_activation"} & {f.symptom for f in check(model)}


@pytest.mark.parametrize(
    ("activation", "symptoms"), [("softmax", set()), (None, {"missing_softmax"})]
)
def test_a_linear_activation_at_the_end_only_casts(activation, symptoms):
    """As programs of mixed precision do, to answer in float32."""
    inputs = keras.Input((6,))
    outputs = LAYERS.Activation(activation or "linear")(LAYERS.Dense(3)(inputs))
    model = keras.Model(inputs, LAYERS.Activation("linear", dtype="float32")(outputs))
    model.compile("adam", "sparse_categorical_crossentropy")
    findings = check(model, np.random.default_rng(0).normal(size=(60, 6)), np.arange(60) % 3)
    assert {finding.symptom for finding in findings} == symptoms
