"""Every symptom has a row here: a model with its data, or a record, that shows it."""

import keras
import numpy as np
import pytest

from mode.diagnosis import check
from mode.diagnosis.catalog.fixes import FIXES
from mode.diagnosis.catalog.symptoms import CAUSES, SYMPTOMS
from mode.diagnosis.diagnose import diagnose
from mode.diagnosis.facts.data import array_moments
from mode.diagnosis.facts.model import model_facts
from mode.diagnosis.facts.training import COLUMNS, HEAD_COLUMNS, Row, empty_record
from tests.diagnosis.conftest import classifier

LAYERS, SGD = keras.layers, keras.optimizers.SGD
X = np.random.default_rng(0).normal(size=(320, 6)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype("int32")
REAL = X[:, :1] + 3.0
BCE, CCE = "binary_crossentropy", "categorical_crossentropy"


def _checked(*hidden, x=X, y=Y, **options):
    return lambda: check(classifier(*hidden, **options), x, y)


def _regression(y=REAL, **options):
    return _checked(y=y, units=1, activation="linear", loss="mse", **options)


def _logarithm(truth, predicted):
    return -keras.ops.mean(truth * keras.ops.log(predicted))


def _frozen():
    model = classifier()
    model.trainable = False
    model.compile("adam", "mse")
    return check(model)


def _repeated():
    model = keras.Sequential([keras.Input((6,)), LAYERS.Dense(2, "softmax"), LAYERS.Softmax()])
    model.compile("adam", "sparse_categorical_crossentropy")
    return check(model, X, Y)


def _trained(model=classifier, **recorded):
    """Return how a training is diagnosed that ended with these parts of a record."""
    parts = {"total_steps": 400, "finished": True, **recorded}
    return lambda: diagnose(empty_record(**parts), model_facts(model()))[0]


def _epochs(**curves):
    return tuple(
        dict(zip(curves, values, strict=True)) for values in zip(*curves.values(), strict=True)
    )


def _outputs(**columns):
    """Return eight records of one output."""
    usual = {"low": 0.0, "high": 1.0, "spread": 0.4, "row_sum_low": 1.0, "row_sum_high": 1.0}
    row = [(usual | columns).get(name, np.nan) for name in HEAD_COLUMNS]
    return {"steps": np.arange(1, 9) * 50, "losses": np.full(8, 0.69),
            "heads": np.array([[row]] * 8)}  # fmt: skip


def _rows(*phases, column="rms", **sizes):
    """Return eight records of three tensors of each phase; `sizes` of each, by time and tensor."""
    rows = [Row(phase, f"layer{i}", "kernel", "tanh") for phase in phases for i in range(3)]
    values = np.zeros((8, len(rows), len(COLUMNS)))
    for i, phase in enumerate(phases):
        values[:, 3 * i : 3 * i + 3, COLUMNS.index(column)] = sizes.get(phase, 1.0)
    return {"steps": np.arange(1, 9) * 50, "losses": np.full(8, 0.69), "rows": tuple(rows),
            "values": values}  # fmt: skip


def _normalized():
    return classifier(LAYERS.BatchNormalization(), LAYERS.Dense(8, "relu"))


def _two_outputs():
    inputs = keras.Input((6,))
    model = keras.Model(inputs, [LAYERS.Dense(1, name=name)(inputs) for name in ("one", "two")])
    model.compile("adam", "mse")
    return model


def _side_by_side(**columns):
    """Return eight records of two outputs, of which each column names both."""
    pairs = [_outputs(**{name: values[i] for name, values in columns.items()}) for i in range(2)]
    heads = np.concatenate([pair["heads"] for pair in pairs], axis=1)
    reals = tuple(array_moments(f"target {i}", REAL) for i in range(2))
    return {**pairs[0], "heads": heads, "targets": reals}


RARE = {"targets": (array_moments("target 0", (X[:, 0] > 1.3).astype("int32")),)}
NOISE = np.random.default_rng(1).integers(0, 2, (len(X), 1))
TARGETS = {"targets": (array_moments("target 0", Y),)}
JUMP = np.where(np.arange(8) == 6, 1e4, 1.0)[:, None]
FLAT = {"epochs": _epochs(loss=[0.69] * 8)}

ROWS = {
    "unsafe_operation": _checked(units=1, activation="relu", loss=_logarithm),
    "nan_in_input": _checked(x=np.where(X > 2, np.nan, X)),
    "nan_in_target": _checked(y=np.where(X[:, 0] > 2, np.nan, Y)),
    "bad_labels": _checked(y=Y + 0.5),
    "single_class_target": _checked(y=np.zeros_like(Y)),
    "target_out_of_range": _checked(y=Y + 5),
    "shape_mismatch": _checked(y=REAL[:, 0], units=3, activation="linear", loss="mse"),
    "lr_negative": _checked(optimizer=SGD(-1.0)),
    "target_mismatch": _checked(y=2 * Y - 1, units=1, activation="sigmoid", loss=BCE),
    "activation_mismatch": _checked(units=1, activation="softmax", loss=BCE),
    "repeated_activation": _repeated,
    "missing_softmax": _checked(activation="linear"),
    "loss_mismatch": _checked(units=1, activation="sigmoid", loss="mse"),
    "target_not_distribution": _checked(y=np.abs(np.tanh(X[:, :2])), loss=CCE),
    "hidden_softmax": _checked(LAYERS.Dense(8, "softmax")),
    "unbounded_rnn_activation": _checked(LAYERS.Reshape((6, 1)), LAYERS.LSTM(8, "relu")),
    "bad_initialization": _checked(LAYERS.Dense(8, "relu", kernel_initializer="ones")),
    "high_dropout": _checked(LAYERS.Dense(8, "relu"), LAYERS.Dropout(0.9)),
    "missing_activation": _checked(LAYERS.Dense(8), LAYERS.Dense(8)),
    "exploding_activation": _checked(LAYERS.Dense(8, "exponential")),
    "unnormalized_input": _checked(x=X * 1e4),
    "target_scale": _regression(y=REAL * 1e3),
    "lr_high": _checked(optimizer=SGD(10.0)),
    "lr_low": _checked(optimizer=SGD(1e-9)),
    "validation_overlap": _trained(overlap=0.5, inputs=(array_moments("input 0", X),)),
    "bottleneck": _checked(LAYERS.Dense(1, "relu"), LAYERS.Dense(8, "relu")),
    "numerical_error": _trained(epochs=_epochs(loss=[1.0, np.nan])),
    "zero_loss": _trained(losses=np.zeros(4)),
    "negative_loss": _trained(losses=np.full(4, -1.0)),
    "constant_output": _trained(**_outputs(spread=0.0)),
    "loss_metric_disagree": _trained(pairs=np.array([[0.25, 6.0]] * 8)),
    "exploding_gradient": _trained(**_rows("gradient", "weight", gradient=JUMP)),
    "exploding_weights": _trained(**_rows("gradient", "weight", "update")),
    "vanishing_gradient": _trained(**_rows("gradient", "weight", gradient=[1e-9, 1e-3, 1.0])),
    "dead_relu": _trained(units={"hidden": np.zeros(8)}),
    "vanishing_activation": _trained(**_rows("activation", activation=[1.0, 1e-6, 1.0])),
    "saturated_activation": _trained(**_rows("activation", column="beyond")),
    "unchanged_weights": _frozen,
    "loss_increasing": _trained(epochs=_epochs(loss=np.arange(1.0, 9.0))),
    "oscillating_loss": _checked(optimizer=SGD(0.01, momentum=0.99)),
    "few_steps": _trained(**_outputs(hits=0.5) | {"total_steps": 3}, **TARGETS,
                          epochs=_epochs(loss=[0.69] * 3)),
    "loss_not_decreasing": _trained(**FLAT),
    "lagging_statistics": _trained(
        _normalized, **_outputs() | {"total_steps": 20}, **TARGETS,
        same_rows=np.stack([_outputs(hits=hits)["heads"][0] for hits in (0.9, 0.5)])),
    "nothing_to_learn": _trained(sample=(X, NOISE), **_outputs(hits=0.5), **TARGETS, **FLAT),
    "output_not_learning": _trained(
        _two_outputs, **_side_by_side(square=[0.1, 2.0], follows=[0.9, 0.0])),
    "majority_only": _trained(**_outputs(hits=0.9, common=1.0), **RARE, **FLAT),
    "metric_mismatch": _regression(),
    "output_out_of_range": _trained(**_outputs(low=-1.0)),
    "output_not_distribution": _trained(**_outputs(row_sum_high=2.0)),
    "unchanged_output": _trained(**_outputs() | _rows("gradient", "weight", "update", update=0.0)),
    "accuracy_not_increasing": _trained(**_outputs(hits=0.5), **TARGETS, **FLAT),
    "large_loss": _trained(**TARGETS, epochs=_epochs(loss=[9.0] * 8)),
    "suspicious_validation": _trained(epochs=_epochs(accuracy=[0.5] * 5, val_accuracy=[0.9] * 5)),
    "overfitting": _trained(epochs=_epochs(loss=1 / np.arange(1.0, 10.0),
                                           val_loss=np.arange(1.0, 10.0))),
    "slow_convergence": _trained(epochs=_epochs(loss=np.linspace(1, 0.5, 8))),
    "underfitting": _trained(**TARGETS, epochs=_epochs(loss=[0.69, *[0.6] * 7])),
    "not_diagnosed": lambda: check(classifier()),
}  # fmt: skip


@pytest.mark.parametrize("code", SYMPTOMS)
def test_every_symptom_is_found_where_it_is(code):
    found = [f for f in ROWS[code]() if f.symptom == code]
    assert found
    causes = [c.code for f in found for c in f.causes]
    assert {*causes} <= {*SYMPTOMS[code].causes}


def test_the_catalog_refers_to_nothing_that_is_not_in_it():
    for symptom in SYMPTOMS.values():
        assert {*symptom.causes, *symptom.during} <= {*CAUSES}
        assert not symptom.before or symptom.before in CAUSES
    for cause in CAUSES.values():
        assert {*cause.fixes} <= {*FIXES}
