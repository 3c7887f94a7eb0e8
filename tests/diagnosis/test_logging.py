"""What the callback hands to Keras's logs, to an event folder, and to a loop as an exception."""

import csv

import keras
import numpy as np
import pytest

from mode import checks
from mode.diagnosis import Diagnosis, HopelessTrainingError
from tests.diagnosis.conftest import classifier

NUMBERS = ("activation_rms", "grad_norm", "weight_norm", "update_ratio", "dead_units")


def _fit(two_classes, *callbacks, model=None, **options):
    model = model or classifier(keras.layers.Dense(8, "relu", name="hidden"))
    options = {"epochs": 3, "verbose": 0, **options}
    return model, model.fit(*two_classes, callbacks=list(callbacks), **options)


def test_callbacks_behind_the_diagnosis_record_its_numbers(tmp_path, two_classes):
    path = tmp_path / "training.csv"
    log = keras.callbacks.CSVLogger(path)
    _, history = _fit(two_classes, Diagnosis(log=True, every=5), log)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    for number in NUMBERS:
        name = f"diag/hidden/{number}"
        values = [float(row[name]) for row in rows]
        assert np.allclose(values, history.history[name])
        assert np.isfinite(values).all()
    assert 0 < float(rows[0]["diag/out/update_ratio"]) < 1


def test_callbacks_before_it_and_logs_that_were_not_asked_for_stay_as_they_are(
    tmp_path, two_classes
):
    before = keras.callbacks.CSVLogger(tmp_path / "before.csv")
    _fit(two_classes, before, Diagnosis(log=True))
    assert "diag/" not in (tmp_path / "before.csv").read_text()
    _, history = _fit(two_classes, Diagnosis())
    assert not [name for name in history.history if "diag/" in name]


def test_the_norms_are_those_of_the_weights(two_classes):
    model, history = _fit(two_classes, Diagnosis(log=True, every=1), epochs=1)
    kernel = model.get_layer("hidden").kernel.numpy()
    (norm,) = history.history["diag/hidden/weight_norm"]
    assert np.isclose(norm, np.linalg.norm(kernel), rtol=1e-4)


def test_an_event_folder_holds_histograms_of_each_layer_and_the_report(tmp_path, two_classes):
    from mode.diagnosis.recorder.events import histogram_bins, read_events

    watch = Diagnosis(log_dir=tmp_path / "events", every=5)
    _fit(two_classes, watch)
    written = [(tag, step, value) for _, tag, step, value in read_events(tmp_path / "events")]
    for tag in ("hidden/activation", "hidden/kernel/gradient", "out/kernel/update"):
        histograms = [value for name, _, value in written if name == f"diag/{tag}"]
        assert len(histograms) == 3
        assert all(h.num > 0 and len(h.bucket) == len(h.bucket_limit) for h in histograms)
    edges, counts = histogram_bins(histograms[-1])
    assert (np.diff(edges) >= 0).all()
    assert (edges[0], edges[-1], counts.sum()) == (
        histograms[-1].min, histograms[-1].max, histograms[-1].num,
    )  # fmt: skip
    text = [value for name, _, value in written if name == "diag/report"][-1]
    assert str(watch.report) in text


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["a", "b"], "log_dir must be the path of one folder"),
        (__file__, "log_dir must be a folder"),
    ],
)
def test_what_is_no_folder_is_refused_in_one_line(option, message):
    with pytest.raises(checks.InputError, match=message):
        Diagnosis(log_dir=option)


def _exploding():
    optimizer = keras.optimizers.SGD(1e30)
    return classifier(keras.layers.Dense(8, "relu", name="hidden"), optimizer=optimizer)


def test_a_loop_over_trials_learns_which_layer_ended_a_training(two_classes):
    ends = []
    for model in (_exploding(), None):
        watch = Diagnosis(terminate=True)
        try:
            model, _ = _fit(two_classes, watch, model=model, epochs=20)
        except HopelessTrainingError as end:
            ends.append((end, watch, model))
    ((end, watch, model),) = ends
    assert end.report is watch.report
    assert watch.report.stopped
    assert "call" not in vars(model.layers[0])  # the model is as it was
    assert "train_step" not in vars(model)
    assert (end.phase, end.layer != "") == ("layer", True)
    assert 0 < end.step <= 40
    assert end.layer in str(end)
    assert str(end.step) in str(end)
