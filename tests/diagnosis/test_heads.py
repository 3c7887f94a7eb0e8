"""Faults of one output: what stands behind its last layer, its metric, and one among several."""

import keras
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
