"""Faults of one output: what stands behind its last layer, its metric, and one among several."""

import keras
import numpy as np
import pytest

from mode.diagnosis import check

LAYERS = keras.layers


def _stack(*layers, loss="sparse_categorical_crossentropy"):
    model = keras.Sequential([keras.Input((6,)), LAYERS.Dense(8, "relu"), *layers])
    model.compile("adam", loss)
    return model


def _nested(*layers):
    inner = _stack(*layers)
    inputs = keras.Input((6,))
    model = keras.Model(inputs, inner(inputs))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def _dropouts(model):
    return [f for f in check(model) if f.symptom == "high_dropout"]


def _behind(name="late"):
    return LAYERS.Dense(3), LAYERS.Dropout(0.5, name=name), LAYERS.Activation("softmax")


@pytest.mark.parametrize(
    "model",
    [
        lambda: _stack(*_behind()),
        lambda: _stack(LAYERS.Dense(3, "softmax"), LAYERS.Dropout(0.2, name="late")),
        lambda: _stack(LAYERS.Dense(3), LAYERS.Reshape((3,)), *_behind()[1:]),
        lambda: _nested(*_behind()),
    ],
    ids=["logits", "probabilities", "reshaped", "sub-model"],
)
def test_dropout_behind_the_last_layer_is_named(model):
    (found,) = _dropouts(model())
    assert found.where.layer == "late"
    assert found.fixes[0].line.startswith("rate=0  # late")


@pytest.mark.parametrize(
    "layers",
    [
        (LAYERS.Dropout(0.5), LAYERS.Dense(3, "softmax")),
        (LAYERS.Dense(3), LAYERS.Dropout(0.0), LAYERS.Softmax()),
        (LAYERS.Dropout(0.5), LAYERS.Dense(3), LAYERS.Softmax()),
    ],
    ids=["before", "rate 0", "before logits"],
)
def test_dropout_before_the_last_layer_is_fine(layers):
    assert not _dropouts(_stack(*layers))


def test_the_repair_of_dropped_predictions_drops_nothing():
    from mode.diagnosis.findings import Plan
    from mode.diagnosis.repair.rebuild import rebuild

    model = _stack(LAYERS.Dropout(0.3, name="early"), *_behind())
    plan = _dropouts(model)[0].fixes[0].apply(Plan())
    repaired = rebuild(model, plan)
    assert [repaired.get_layer(name).rate for name in ("early", "late")] == [0.3, 0]


def _with_metric(metric, y, units=1, activation="sigmoid", loss="binary_crossentropy"):
    model = keras.Sequential([keras.Input((6,)), LAYERS.Dense(units, activation)])
    model.compile("adam", loss, metrics=[metric])
    return [f for f in check(model, X, y) if f.symptom == "metric_mismatch"]


X = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
WHOLE = np.arange(64) % 3
ROWS = np.eye(3, dtype="float32")[WHOLE]
TWO = (WHOLE > 0).astype("float32")
SPARSE, CCE = "sparse_categorical_crossentropy", "categorical_crossentropy"
LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)
METRICS = keras.metrics


@pytest.mark.parametrize(
    ("metric", "y", "options", "severity"),
    [
        ("accuracy", X[:, 0] * 9, {"activation": "linear", "loss": "mse"}, "note"),
        (METRICS.Accuracy(), TWO, {}, "warning"),
        (METRICS.CategoricalAccuracy(), TWO, {}, "warning"),
        ("categorical_accuracy", WHOLE, {"units": 3, "activation": "softmax", "loss": SPARSE},
         "warning"),
        ("sparse_categorical_accuracy", ROWS, {"units": 3, "activation": "softmax", "loss": CCE},
         "note"),
        ("binary_accuracy", ROWS, {"units": 3, "activation": "softmax", "loss": CCE}, "note"),
        ("accuracy", 2 * TWO - 1, {"activation": "tanh", "loss": "hinge"}, "note"),
        ("accuracy", TWO, {"activation": "linear", "loss": LOGITS}, "note"),
    ],
)  # fmt: skip
def test_a_metric_that_does_not_fit_is_named_with_one_that_does(metric, y, options, severity):
    (found,) = _with_metric(metric, y, **options)
    assert found.severity == severity
    instead = found.fixes[0].line.partition("[")[2].rpartition("]")[0]
    usable = eval(instead.partition("  #")[0], {"keras": keras})
    y = TWO if "labels 0 and 1" in instead else y
    assert not _with_metric(usable, y, **options)


@pytest.mark.parametrize(
    ("metric", "y", "options"),
    [
        ("accuracy", TWO, {}),
        ("accuracy", ROWS, {"units": 3, "activation": "softmax", "loss": CCE}),
        ("accuracy", WHOLE, {"units": 3, "activation": "softmax", "loss": SPARSE}),
        (METRICS.BinaryAccuracy(threshold=0), TWO, {"activation": "linear", "loss": LOGITS}),
        ("binary_accuracy", (X[:, :3] > 0) * 1.0, {"units": 3}),
        ("mae", X[:, 0], {"activation": "linear", "loss": "mse"}),
    ],
)
def test_nothing_is_said_of_a_metric_that_fits(metric, y, options):
    assert not _with_metric(metric, y, **options)


def test_the_metrics_of_one_output_say_nothing_of_another():
    inputs = keras.Input((6,))
    ends = [LAYERS.Dense(1, "sigmoid", name="label"), LAYERS.Dense(1, name="price")]
    model = keras.Model(inputs, [end(inputs) for end in ends])
    y = {"label": TWO, "price": X[:, 0] * 9}
    for metrics in ({"label": ["accuracy"], "price": ["mae"]}, [["accuracy"], ["mae"]]):
        model.compile("adam", ["binary_crossentropy", "mse"], metrics=metrics)
        assert not [f for f in check(model, X, y) if f.symptom == "metric_mismatch"]
