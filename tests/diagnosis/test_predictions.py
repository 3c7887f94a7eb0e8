"""What a mean hides: one output among several, one class among few, training beside evaluation."""

import re

import keras
import numpy as np
import pytest

from mode.diagnosis import Diagnosis
from tests.diagnosis.conftest import classifier

LAYERS, ADAM = keras.layers, keras.optimizers.Adam
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(1920, 6)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype("int32")


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(0)


def _watched(model, x, y, **options):
    options = {"epochs": 10, "verbose": 0, **options}
    model.fit(x, y, callbacks=[watch := Diagnosis()], **options)
    return watch.report


def _alarms(report, symptom):
    return [f for f in report.alarms if f.symptom == symptom]


def _two_outputs(hidden=None):
    """Return a model of two outputs; the second reads what the first does."""
    inputs = keras.Input((6,))
    seen = (hidden or LAYERS.Dense(16, "relu"))(inputs)
    label = LAYERS.Dense(2, "softmax", name="label")(seen)
    price = LAYERS.Dense(1, name="price")(seen)
    model = keras.Model(inputs, [label, price])
    model.compile(ADAM(0.02), ["sparse_categorical_crossentropy", "mse"])
    return model


@pytest.mark.parametrize("noisy", [True, False])
def test_an_output_that_learns_nothing_is_named(noisy):
    prices = DRAW.normal(size=len(X)) if noisy else X[:, 0] - X[:, 2]
    report = _watched(_two_outputs(), X, [Y, prices.astype("float32")])
    found = _alarms(report, "output_not_learning")
    assert [f.where.layer for f in found] == (["price"] if noisy else [])
    assert all("'price'" in f.text for f in found)


def test_an_output_is_named_that_a_weight_of_zero_leaves_out():
    model = _two_outputs()
    model.compile(ADAM(0.02), ["sparse_categorical_crossentropy", "mse"], loss_weights=[1.0, 0.0])
    report = _watched(model, X, [Y, X[:, 2]])
    assert [f.where.layer for f in _alarms(report, "output_not_learning")] == ["price"]


def test_only_the_largest_class_is_predicted():
    rare = (DRAW.random(len(X)) < 0.1).astype("int32")
    report = _watched(classifier(), X, rare)
    (found,) = _alarms(report, "majority_only")
    weights = re.findall(r"\d: ([\d.]+)", found.fixes[0].line)
    expected = [0.5 / np.mean(rare == label) for label in (0, 1)]
    assert np.allclose([*map(float, weights)], expected, rtol=0.5)


def test_rare_classes_that_are_found_are_no_fault():
    rare = (X[:, 0] > 1.3).astype("int32")
    report = _watched(classifier(optimizer=ADAM(0.02)), X, rare, epochs=20)
    assert not [f for f in report.findings if f.symptom == "majority_only"]


def _normalized(momentum):
    layers = LAYERS.BatchNormalization(momentum=momentum), LAYERS.Dense(16, "relu")
    return classifier(*layers, LAYERS.BatchNormalization(momentum=momentum), optimizer=ADAM(0.02))


@pytest.mark.parametrize("momentum", [0.99, 0.6])
def test_statistics_that_lag_behind_are_told_by_the_same_rows(momentum):
    x, model = 20 * X + 100, _normalized(momentum)
    report = _watched(model, x, Y, epochs=2, batch_size=64)
    found = _alarms(report, "lagging_statistics")
    accuracy = np.mean(model(x, training=False).numpy().argmax(1) == Y)
    assert [f.symptom for f in found] == (["lagging_statistics"] if momentum == 0.99 else [])
    assert (accuracy < 0.65) == bool(found)
    if found:
        assert found[0].fixes[0].line.startswith("momentum=0.9")
        assert [e.value for e in found[0].evidence][2] == pytest.approx(0.99**60)


def test_watching_evaluation_changes_no_weight():
    ends = []
    for callbacks in ([], [Diagnosis()]):
        keras.utils.set_random_seed(0)
        model = _normalized(0.99)
        model.fit(X, Y, epochs=2, verbose=0, callbacks=callbacks)
        ends.append(model.get_weights())
    for plain, watched in zip(*ends, strict=True):
        np.testing.assert_array_equal(plain, watched)


def _sub_model():
    inner = keras.Sequential([keras.Input((6,)), LAYERS.Dense(16, "relu", name="deep")])
    inner.layers[0].bias.assign(np.full(16, -50.0))
    return inner


def test_a_dead_layer_inside_a_sub_model_is_named():
    report = _watched(_two_outputs(_sub_model()), X, [Y, X[:, 2]], epochs=6)
    dead = [f for f in report.findings if f.symptom == "dead_relu"]
    assert [f.where.layer.split("/")[-1] for f in dead] == ["deep"]
    assert dead[0].severity == "error"


def test_a_shared_layer_is_named_once_and_both_its_outputs():
    shared = LAYERS.Dense(1, "softmax", name="shared")
    first, second = keras.Input((6,)), keras.Input((6,))
    model = keras.Model([first, second], {"a": shared(first), "b": shared(second)})
    loss = {"a": "binary_crossentropy", "b": "binary_crossentropy"}
    model.compile(ADAM(0.02), loss)
    report = _watched(model, [X, X[::-1]], {"a": Y, "b": Y[::-1].copy()})
    assert [f.where.layer for f in _alarms(report, "activation_mismatch")] == ["shared"]
    assert "constant_output" in {f.symptom for f in report.alarms}


def test_targets_are_told_apart_by_the_names_of_the_outputs():
    inputs = keras.Input((6,))
    ends = [LAYERS.Dense(1, "sigmoid", name="z_label"), LAYERS.Dense(1, name="a_price")]
    model = keras.Model(inputs, [end(inputs) for end in ends])
    model.compile(ADAM(0.02), {"z_label": "binary_crossentropy", "a_price": "mse"})
    report = _watched(model, X, {"z_label": Y, "a_price": 5 * X[:, 2]}, epochs=15)
    assert [target.high.max() > 1 for target in report.record.targets] == [False, True]
    assert not report.alarms
