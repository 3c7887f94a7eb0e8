"""From a training to its report: faults are named, healthy trainings are left alone."""

import json
import random
import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from benchmarks.diagnosis_mapping import mapping_rows, tree_rows
from mode.diagnosis import Diagnosis, Finding, Fix, autorepair, check
from mode.diagnosis.catalog.fixes import FIXES, make_fix
from mode.diagnosis.catalog.symptoms import SYMPTOMS
from mode.diagnosis.diagnose import diagnose
from mode.diagnosis.facts.model import model_facts
from mode.diagnosis.facts.outcome import TrainingCase
from mode.diagnosis.facts.training import empty_record
from mode.diagnosis.findings import Plan, Where
from mode.diagnosis.repair.rebuild import rebuild
from mode.diagnosis.report import Findings
from mode.diagnosis.rules.validation import overfitting
from tests.diagnosis.conftest import classifier

LAYERS = keras.layers


def _watched(model, x, y, epochs=8, **options):
    model.fit(x, y, epochs=epochs, verbose=0, callbacks=[watch := Diagnosis(**options)])
    return watch.report


def test_a_healthy_training_has_no_alarm(two_classes):
    report = _watched(classifier(optimizer=keras.optimizers.Adam(0.01)), *two_classes, epochs=15)
    assert report.alarms == ()
    assert report.outcome.level == "good"


def test_one_softmax_unit_is_seen_before_and_during_training(two_classes):
    x, y = two_classes
    model = classifier(units=1, loss="binary_crossentropy")
    assert check(model, x, y)[0].symptom == "activation_mismatch"
    report = _watched(model, x, y)
    assert report.findings[0].symptom == "activation_mismatch"
    assert report.findings[0].fixes[0].code == "change_output_activation"
    assert "constant_output" in {f.symptom for f in report.alarms}
    reported, again = report.record.pairs[-1]
    assert again > 5 * reported  # the loss falls by the logits alone


def test_a_healthy_loss_is_that_of_its_predictions(two_classes):
    report = _watched(classifier(units=1, activation="sigmoid", loss="binary_crossentropy"),
                      *two_classes, epochs=2)  # fmt: skip
    reported, again = report.record.pairs.T
    np.testing.assert_allclose(again, reported, rtol=1e-4)


def test_a_hopeless_training_is_stopped(two_classes):
    model = classifier(optimizer=keras.optimizers.SGD(-1.0))
    report = _watched(model, *two_classes, epochs=50, stop=True)
    assert report.stopped
    assert report.findings[0].symptom == "lr_negative"
    assert report.record.total_steps < 100


def test_raw_inputs_are_the_first_cause_of_a_failed_training(two_classes):
    x, y = two_classes
    model = classifier(optimizer=keras.optimizers.SGD(0.05))
    report = _watched(model, x * 1e4 + 1e5, y)
    assert report.findings[0].fixes[0].code == "normalize_input"


def test_training_rows_in_validation_are_recognized(two_classes):
    x, y = two_classes
    model = classifier()
    model.fit(
        x,
        y,
        epochs=2,
        verbose=0,
        validation_data=(x[:80], y[:80]),
        callbacks=[watch := Diagnosis()],
    )
    assert "validation_overlap" in {f.symptom for f in watch.report.alarms}


def test_a_report_speaks_json_table_text_and_html(two_classes):
    report = _watched(classifier(activation="sigmoid"), *two_classes, epochs=2)
    told = json.loads(report.to_json())
    assert told[0]["symptom"] == report.findings[0].symptom
    assert list(report.to_frame().symptom) == [f.symptom for f in report.findings]
    assert report.findings[0].symptom in str(report)
    assert report._repr_html_().startswith("<table>")


def test_what_a_check_finds_prints_and_draws_itself(two_classes):
    x, y = two_classes
    found = check(classifier(units=1, loss="binary_crossentropy"), x, y)
    lines = str(found).splitlines()
    assert lines[0] == "ERROR activation_mismatch at output out, before training"
    assert lines[1] == f"  {found[0].text}"
    assert lines[-1].startswith(f"  fix {len(found[-1].fixes)}: ")
    assert found._repr_html_().count("<tr>") == 1 + len(found)
    good = check(classifier(optimizer=keras.optimizers.Adam(0.01)), x, y)
    assert (good, str(good)) == ([], "Nothing found.")


@pytest.mark.parametrize(
    ("activation", "loss", "codes"),
    [
        (
            "linear",
            "sparse_categorical_crossentropy",
            ["change_output_activation", "use_from_logits"],
        ),
        ("softmax", "mse", ["change_loss"]),
        ("relu", "mse", ["change_output_activation", "change_loss"]),
    ],
)
def test_no_fix_asks_for_what_is_there_already(two_classes, activation, loss, codes):
    x, y = two_classes
    targets = keras.utils.to_categorical(y) if loss == "mse" else y
    found = check(classifier(units=2, activation=activation, loss=loss), x, targets)
    table = [f for f in found if "loss" in {e.quantity for e in f.evidence}]
    assert [fix.code for fix in table[0].fixes] == codes


def test_the_same_fixes_are_written_out_once_and_a_symptom_says_what_it_means():
    fixes, raw = (Fix("train_longer", "train longer"),), Where("input", variable="input 0")
    first = Finding("slow_convergence", "warning", Where("fit"), fixes=fixes, text="it still falls")
    found = Findings([first, Finding("large_loss", "note", Where("loss"), fixes=fixes)])
    assert found._repr_html_().count("train longer") == 1
    assert "as for slow_convergence at fit" in found._repr_html_()
    assert str(Findings([*found, Finding("nan_in_input", "note", raw)])).splitlines() == [
        "WARNING slow_convergence at fit, before training",
        "  it still falls",
        "  fix 1: train_longer: train longer",
        "NOTE large_loss at loss, before training",
        f"  {SYMPTOMS['large_loss'].text}",
        "  fixes: those of slow_convergence at fit",
        "NOTE nan_in_input at input 0, before training",
        f"  {SYMPTOMS['nan_in_input'].text}",
    ]


def test_what_cannot_be_judged_is_said():
    model = keras.Sequential([LAYERS.Dense(2)])
    texts = [f.text for f in check(model) if f.symptom == "not_diagnosed"]
    assert texts == [
        "could not diagnose the outputs: the model is not built",
        "could not diagnose loss and optimizer: the model is not compiled",
    ]


def test_the_tree_and_the_mapping_use_the_words_of_the_diagnosis():
    for row in tree_rows():
        assert row["symptom"] in SYMPTOMS
        assert set(row["fixes"].split()) <= set(FIXES)
    for row in mapping_rows():
        assert set(row["our symptoms"].split()) <= set(SYMPTOMS)
        assert set(row["our fixes"].split()) <= set(FIXES)


def test_an_unguarded_logarithm_is_a_note_and_an_error_once_it_failed(two_classes):
    x, y = two_classes

    def logarithm(truth, predicted):
        return -keras.ops.mean(truth * keras.ops.log(predicted))

    y = y.astype("float32")[:, None]
    model = classifier(units=1, activation="relu", loss=logarithm)
    notes = [f for f in check(model, x, y) if f.symptom == "unsafe_operation"]
    assert [(f.severity, f.where.variable) for f in notes] == [("note", "Log")]
    report = _watched(model, x, y, epochs=2)
    assert report.findings[0].symptom == "unsafe_operation"
    assert report.findings[0].severity == "error"
    assert report.findings[0].fixes[0].code == "guard_operation"


def _distance(pair):
    return keras.ops.sqrt(keras.ops.sum(keras.ops.square(pair[0] - pair[1]), -1, keepdims=True))


def _pairs(gap):
    shared = LAYERS.Dense(4, name="shared")
    first, second = keras.Input((6,)), keras.Input((6,))
    model = keras.Model([first, second], gap([shared(first), shared(second)]))
    model.compile("adam", "mse")
    return model


def _watched_pairs(model, x, y):
    apart = np.where(np.arange(len(x))[:, None] < 100, x[::-1], x)  # later rows are their own pair
    watch = Diagnosis()
    model.fit([x, apart], y, epochs=1, verbose=0, shuffle=False, callbacks=[watch])
    return watch.report.findings


@pytest.mark.parametrize(("end", "found"), [(1.3, []), (1.6, ["overfitting"])])
def test_without_a_score_the_loss_must_rise_further(end, found):
    losses = [0.4, 0.3, 0.2, *[0.2 * end] * 6]
    epochs = [{"loss": 0.5 / e, "val_loss": v} for e, v in enumerate(losses, 1)]
    record = empty_record(epochs=tuple(epochs), total_steps=900, finished=True)
    case = TrainingCase(record, None, SimpleNamespace(constant_loss=0.7))
    assert [f.symptom for f in overfitting(case)] == found


def test_the_usual_rate_with_momentum_is_not_high():
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    assert "lr_high" not in {f.symptom for f in check(classifier(optimizer=optimizer))}
    optimizer = keras.optimizers.SGD(0.2, momentum=0.9)
    assert "lr_high" in {f.symptom for f in check(classifier(optimizer=optimizer))}


def test_a_root_without_slope_at_zero_is_named_where_its_gradients_break(two_classes):
    model = _pairs(LAYERS.Lambda(_distance, output_shape=(1,), name="gap"))
    notes = [f for f in check(model) if f.symptom == "unsafe_operation"]
    assert [(f.where.layer, f.where.variable) for f in notes] == [("gap", "Sqrt")]
    worst = _watched_pairs(model, *two_classes)[0]
    assert (worst.symptom, worst.severity) == ("unsafe_operation", "error")
    assert worst.fixes[0].line == "keras.ops.sqrt(keras.ops.maximum(x, 1e-7))"


def test_an_infinite_slope_is_known_by_its_gradients_alone(two_classes):
    findings = _watched_pairs(_pairs(_distance), *two_classes)
    broken = next(f for f in findings if f.symptom == "numerical_error")
    assert broken.fixes[0].code == "guard_operation"


@pytest.mark.parametrize(
    ("gap", "found"), [(0.07, []), (0.09, ["overfitting"])], ids=["near", "apart"]
)
def test_only_a_score_that_suffers_is_over_fitting(gap, found):
    epochs = [
        {"loss": 0.5 / e, "val_loss": 0.4 + 0.1 * e, "accuracy": 0.99, "val_accuracy": 0.99 - gap}
        for e in range(1, 10)
    ]
    record = empty_record(epochs=tuple(epochs), total_steps=900, finished=True)
    outcome = SimpleNamespace(constant_loss=0.7)
    assert [f.symptom for f in overfitting(TrainingCase(record, None, outcome))] == found


def test_a_guarded_logarithm_is_fine(two_classes):
    def logarithm(truth, predicted):
        return -keras.ops.mean(truth * keras.ops.log(keras.ops.maximum(predicted, 1e-7)))

    found = check(classifier(units=1, activation="sigmoid", loss=logarithm), *two_classes)
    assert "unsafe_operation" not in {f.symptom for f in found}


def test_a_repair_changes_what_was_wrong_and_nothing_else(two_classes):
    x, y = two_classes
    repaired = autorepair(
        lambda: classifier(
            activation="sigmoid", units=1, loss="mse", optimizer=keras.optimizers.SGD(1e-6)
        ),
        (x[:240], y[:240]),
        validation=(x[240:], y[240:]),
        trials=2,
        epochs=10,
    )
    assert repaired.skill > repaired.before + 0.3
    assert any(line.startswith("optimizer learning_rate: 1e-06 -> ") for line in repaired.changes)
    assert repaired.history[0].fix in FIXES


def test_a_repair_sees_over_fitting():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(640, 20)).astype("float32")
    y = (x[:, :3].sum(1) + draw.normal(size=640) > 0).astype(int)

    def build():
        model = keras.Sequential(
            [keras.Input((20,)), LAYERS.Dense(128, "relu"), LAYERS.Dense(2, "softmax")]
        )
        model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
        return model

    few, held = (x[:80], y[:80]), (x[80:], y[80:])
    repaired = autorepair(build, few, validation=held, trials=1, epochs=20)
    assert repaired.history[0].fix == "early_stopping"


def test_a_training_is_judged_by_its_steps_and_by_no_clock(two_classes, monkeypatch):
    judged, steps = [], []

    def noted(record, *rest):
        judged.append(record.total_steps)
        return diagnose(record, *rest)

    class Slow(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            time.sleep(0.003 if steps else 0)

    monkeypatch.setattr("mode.diagnosis.callback.diagnose", noted)
    for _ in range(2):
        judged.clear()
        classifier().fit(
            *two_classes, epochs=6, batch_size=16, verbose=0, callbacks=[Diagnosis(), Slow()]
        )
        steps.append(judged.copy())
    assert steps[0] == steps[1] == [1, 2, 3, 5, 20, 40, 60, 100, 120]


def test_a_healthy_model_is_not_changed(two_classes):
    x, y = two_classes
    build = classifier(optimizer=keras.optimizers.Adam(0.02))
    weights = build.get_weights()
    repaired = autorepair(build, (x[:240], y[:240]), validation=(x[240:], y[240:]), epochs=10)
    assert repaired.changes == ()
    for before, after in zip(weights, build.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    "look_up",
    [LAYERS.Embedding(9, 2), LAYERS.Hashing(9), LAYERS.CategoryEncoding(9, output_mode="count")],
    ids=lambda layer: layer.name,
)
def test_inputs_that_are_names_are_not_scaled(look_up):
    """Of two inputs, one is looked up and the other measured."""
    names, sizes = keras.Input((3,), dtype="int64"), keras.Input((2,))
    read = LAYERS.Flatten()(look_up(names))
    joined = LAYERS.Concatenate()([LAYERS.Rescaling(1.0)(read), sizes])
    model = keras.Model([names, sizes], LAYERS.Dense(1)(joined))
    model.compile("adam", "mean_squared_error")
    x = [np.array([[1, 2, 3], [6, 7, 8]]), np.array([[1.0, 20.0], [3.0, 60.0]])]
    scaled = rebuild(model, Plan(scale_inputs=True), x)
    kinds = [type(layer).__name__ for layer in scaled.layers]
    assert kinds.count("Normalization") == 1
    assert scaled(x).shape == (2, 1)


@pytest.mark.parametrize(("depth", "line"), [(2, "some of the layers"), (5, "dense_3, dense_4")])
def test_which_layers_to_leave_out_is_said(depth, line):
    model = classifier(*(LAYERS.Dense(8, "relu", name=f"dense_{i}") for i in range(depth)))
    assert make_fix("change_depth", model_facts(model)).line == f"# leave out {line}"


def test_a_repair_leaves_every_random_stream_alone(two_classes):
    x, y = two_classes

    def draws(act):
        keras.utils.set_random_seed(4)
        act()
        normal = keras.ops.convert_to_numpy(keras.random.normal((2,)))
        return random.random(), np.random.rand(), *normal  # noqa: NPY002

    model = classifier(LAYERS.Dense(8, "relu"), LAYERS.Dropout(0.2))
    expected = draws(lambda: None)
    assert draws(lambda: autorepair(model, (x, y), trials=1, epochs=2)) == expected


def test_data_that_are_no_pair_are_refused():
    with pytest.raises(ValueError, match=r"^data must be \(x, y\)\. Received: int\.$"):
        autorepair(classifier, 3)
