"""A training that is over: its curves, as Keras and its callbacks leave them."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import mode
from mode import checks
from tests.diagnosis.conftest import classifier

EPOCHS = np.arange(30)
FALLING = np.exp(-EPOCHS / 6) + 0.05
TURNING = 0.4 + 0.6 * np.exp(-EPOCHS / 3) + 0.01 * np.maximum(EPOCHS - 10, 0)
DRAW = np.random.default_rng(0)


def _log(loss, val_loss=None, **scores):
    held = {} if val_loss is None else {"val_loss": val_loss}
    return {"loss": loss, **held, **scores}


ROWS = {
    "overfitting": _log(FALLING, TURNING),
    "loss_increasing": _log(np.concatenate([FALLING[:10], FALLING[9] + 0.2 * np.arange(10)])),
    "loss_not_decreasing": _log(0.69 - 0.0003 * EPOCHS),
    "underfitting": _log(0.6 + 0.09 * np.exp(-EPOCHS / 3)),
    "oscillating_loss": _log(0.6 + 0.3 * (-1.0) ** EPOCHS),
    "slow_convergence": _log(1 - 0.02 * EPOCHS),
    "suspicious_validation": _log(FALLING, FALLING),
    "numerical_error": _log([0.7, np.nan, np.nan]),
}  # fmt: skip


def _symptoms(log):
    return [finding.symptom for finding in mode.diagnose_history(log).alarms]


@pytest.mark.parametrize("symptom", ROWS)
def test_each_symptom_is_found_with_its_evidence_and_fix(symptom):
    first = mode.diagnose_history(ROWS[symptom]).alarms[0]
    assert first.symptom == symptom
    assert first.evidence
    assert first.fixes
    assert first.when.epoch


@pytest.mark.parametrize(
    "log",
    [
        _log(FALLING, FALLING + 0.02),
        _log(FALLING + 0.02 * DRAW.normal(size=30), FALLING + 0.1 + 0.05 * DRAW.normal(size=30)),
        _log(FALLING[:6], TURNING[8:14]),  # too short to tell
        _log(0.02 - 1e-5 * EPOCHS, accuracy=0.99 + 0 * EPOCHS),  # learned before the first log
    ],
)
def test_a_healthy_a_noisy_and_a_short_history_raise_no_alarm(log):
    assert not _symptoms(log)


def test_the_best_epoch_is_named_and_a_score_that_holds_makes_a_note():
    found = mode.diagnose_history(ROWS["overfitting"]).alarms[0]
    assert abs(found.when.epoch - 11) <= 2
    held = {"accuracy": 0.9 + 0.002 * EPOCHS, "val_accuracy": 0.9 + 0 * EPOCHS}
    notes = mode.diagnose_history(_log(FALLING, TURNING, **held)).findings
    assert [(f.symptom, f.severity) for f in notes] == [("overfitting", "note")]


def test_a_report_says_what_it_could_not_judge():
    for log in (_log([0.5]), _log(FALLING)):
        assert "not_diagnosed" in [f.symptom for f in mode.diagnose_history(log).findings]


NO_VALIDATION = "could not diagnose over-fitting: no validation loss was logged"


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (_log([0.5]), "could not diagnose the course of 1 epoch: 7 or more show one"),
        (_log(FALLING), NO_VALIDATION),
        (_log(FALLING, FALLING[:10] + 0.02),
         "could not diagnose over-fitting: 20 of 30 epochs have no validation loss"),
        (_log(FALLING, [None] * 30), NO_VALIDATION),
        (_log([float("nan")] * 30), NO_VALIDATION),
    ],
    ids=["one epoch", "no key", "short", "empty", "nan"],
)  # fmt: skip
def test_what_a_history_lacks_is_said_in_one_line(log, told):
    findings = mode.diagnose_history(log).findings
    assert [f.text for f in findings if f.symptom == "not_diagnosed"] == [told]


def test_keras_leaves_the_same_history_in_memory_in_a_table_and_as_json(tmp_path, two_classes):
    table = tmp_path / "training.csv"
    for _ in range(2):  # the second training is appended to the first, and counts
        history = classifier().fit(
            *two_classes, validation_split=0.25, epochs=8, verbose=0,
            callbacks=[keras.callbacks.CSVLogger(table, append=True)],
        )  # fmt: skip
    (tmp_path / "history.json").write_text(json.dumps(history.history))
    expected = mode.diagnose_history(history)
    assert len(expected.record.epochs) == 8
    for path in (str(table), tmp_path / "history.json"):
        report = mode.diagnose_history(path)
        assert report.findings == expected.findings
        assert np.allclose(report.record.log("val_loss"), expected.record.log("val_loss"))


def _write(folder: Path, name: str, values) -> None:
    from mode.diagnosis.recorder.events import EventWriter

    writer = EventWriter(folder / name)
    for step, value in enumerate(values):
        writer.scalar("epoch_loss", value, step)
    writer.close()


def test_a_folder_of_tensorboard_events_is_a_history(tmp_path):
    _write(tmp_path, "train", FALLING)
    _write(tmp_path, "validation", TURNING)
    report = mode.diagnose_history(tmp_path)
    assert [f.symptom for f in report.alarms] == ["overfitting"]
    assert np.allclose(report.record.log("val_loss"), TURNING)


def test_the_folder_of_kerass_own_callback_is_a_history(tmp_path, two_classes):
    pytest.importorskip("tensorboard")
    history = classifier().fit(
        *two_classes, validation_split=0.25, epochs=3, verbose=0,
        callbacks=[keras.callbacks.TensorBoard(tmp_path)],
    )  # fmt: skip
    record = mode.diagnose_history(tmp_path).record
    for name in ("loss", "val_loss", "val_accuracy"):
        assert np.allclose(record.log(name), history.history[name])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({}, "history must hold a column 'loss' .* Received: no column"),
        ({"accuracy": [0.5]}, "history must hold a column 'loss' .* Received: accuracy"),
        ({"loss": []}, "history must hold a column 'loss'"),
        (3, "history must be a Keras History"),
        ("no.csv", "must be the path of a log. Received: .*no.csv', which does not exist"),
        ("model.txt", "the log's ending must be one of '.csv'"),
        ("empty.csv", "empty.csv must hold a column 'loss'"),
        ("bytes.csv", "bytes.csv must be a table of logs"),
        ("list.json", "list.json must be a history dictionary as JSON. Received: list"),
        ("nothing", "nothing must be a folder of TensorBoard event files"),
        ("other", "must be a TensorBoard event file|must hold a column 'loss'"),
        ("two", "two must hold one training. Received: '[ab]' and '[ab]'"),
    ],
)
def test_what_is_no_history_is_refused_in_one_line(tmp_path, source, message):
    for name in ("model.txt", "empty.csv"):
        (tmp_path / name).write_text("")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00loss\n\x80")
    (tmp_path / "list.json").write_text("[1]")
    for name in ("nothing", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "other" / "events.out.tfevents.1").write_bytes(b"something else altogether")
    for run in "ab":
        _write(tmp_path / "two", run, [1.0, 0.5])
    given = tmp_path / source if isinstance(source, str) else source
    with pytest.raises(checks.InputError, match=message) as caught:
        mode.diagnose_history(given)
    assert "\n" not in str(caught.value)
