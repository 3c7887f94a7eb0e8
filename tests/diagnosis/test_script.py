"""A user's script under diagnosis, and a saved model at rest."""

import builtins
import io
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from mode.diagnosis import diagnose_model, run_script
from mode.diagnosis.command import diagnose_target
from mode.diagnosis.report import Report
from mode.diagnosis.script import _show_reports
from tests.diagnosis.conftest import classifier

ROOT = Path(__file__).parents[2]
SCRIPT = """
import keras, numpy as np
x = np.random.default_rng(0).normal(size=(320, 4)).astype("float32")
y = (x[:, 0] > 0).astype("int32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu")])
model.add(keras.layers.Dense({units}, "softmax"))
model.compile(keras.optimizers.Adam(0.02), "{loss}")
model.fit(x, y, epochs=10, verbose=0)
"""


def _run(tmp_path, text):
    path, shown = tmp_path / "training.py", []
    path.write_text(text)
    return run_script(path, show=shown.append), "\n".join(shown)


def test_a_healthy_script_ends_with_0(tmp_path):
    code, text = _run(tmp_path, SCRIPT.format(units=2, loss="sparse_categorical_crossentropy"))
    assert (code, text) == (0, "fit 1 of 1\nNothing found.")


def test_findings_end_with_1(tmp_path):
    code, text = _run(tmp_path, SCRIPT.format(units=1, loss="binary_crossentropy"))
    assert code == 1
    assert "ERROR activation_mismatch" in text


@pytest.mark.parametrize(("strict", "code", "word"), [
    (False, 1, "translated to Keras 3: fit(x) of shape (n,)"), (True, 2, "min_ndim=2"),
])  # fmt: skip
def test_inputs_in_a_row_are_a_column_as_keras_2_took_them(tmp_path, strict, code, word):
    path, shown = tmp_path / "training.py", []
    path.write_text(
        "import keras, numpy as np\nx = np.linspace(0, 10, 400)\n"
        "layers = [keras.layers.Dense(8, 'relu'), keras.layers.Dense(3, 'softmax')]\n"
        "model = keras.Sequential(layers)\n"
        "model.compile('adam', 'mse')\nmodel.fit(x, x ** 2, epochs=2, verbose=0)\n"
    )  # fmt: skip
    assert run_script(path, strict=strict, show=shown.append) == code
    assert word in "\n".join(shown)


def test_a_fit_that_others_have_wrapped_is_watched(tmp_path, monkeypatch):
    before = keras.Model.fit
    monkeypatch.setattr(keras.Model, "fit", lambda self, *a, **options: before(self, *a, **options))
    text = SCRIPT.format(units=1, loss="binary_crossentropy")
    assert _run(tmp_path, text)[0] == 1
    assert _run(tmp_path, text.replace("fit(x, y", "fit(x=x, y=y"))[0] == 1


def test_a_fit_that_keras_refuses_is_checked_all_the_same(tmp_path):
    text = SCRIPT.format(units=2, loss="sparse_categorical_crossentropy")
    code, shown = _run(tmp_path, text.replace('astype("int32")', 'astype("int32").astype(str)'))
    assert code == 1
    assert "ERROR bad_labels" in shown
    assert "the targets are text" in shown


def test_a_script_that_cannot_run_ends_with_2(tmp_path):
    assert _run(tmp_path, "import keras\nraise ValueError('mine')")[0] == 2
    assert run_script(tmp_path / "no.py", show=lambda text: None) == 2


def test_a_saved_model_is_checked_against_stored_data(tmp_path, two_classes):
    classifier(units=1, loss="binary_crossentropy").save(tmp_path / "model.keras")
    np.savez(tmp_path / "data.npz", x=two_classes[0], y=two_classes[1])
    shown = []
    assert diagnose_model(tmp_path / "model.keras", tmp_path / "data.npz", show=shown.append) == 1
    assert "softmax over one unit is always 1" in shown[0]


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (
            "no.keras",
            None,
            "the model must be the path of an existing .keras file. Received: '{}'.",
        ),
        ("text.keras", None, "{} must be a model saved by Keras. Received: another or a damaged "),
        ("model.keras", "no.npz", "{} must be an .npz archive of plain arrays. Received: no such"),
        ("model.keras", "text.keras", "{} must be an .npz archive of plain arrays. Received: "),
        ("model.keras", "odd.npz", "data must hold x and y, or x_train and y_train. Received: a."),
        (
            "model.keras",
            "objects.npz",
            "{} must be an .npz archive of plain arrays. Received: pickled",
        ),
    ],
)
def test_files_that_cannot_be_read_end_with_2(tmp_path, model, data, message):
    classifier().save(tmp_path / "model.keras")
    (tmp_path / "text.keras").write_text("no archive")
    np.savez(tmp_path / "odd.npz", a=[1])
    np.savez(tmp_path / "objects.npz", x=np.array([None]), y=[1])
    shown: list[str] = []
    given = None if data is None else tmp_path / data
    assert diagnose_model(tmp_path / model, given, show=shown.append) == 2
    wrong = tmp_path / model if data is None else given
    assert shown[0].startswith("Error: " + message.format(wrong))
    assert "\n" not in shown[0]


def test_what_is_certain_is_shown_before_the_first_step(tmp_path, monkeypatch):
    told = []

    class Steps(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            told.append("step")

    monkeypatch.setattr(builtins, "steps", Steps(), raising=False)
    script = SCRIPT.format(units=1, loss="binary_crossentropy")
    path = tmp_path / "training.py"
    path.write_text(script.replace("verbose=0", "verbose=0, callbacks=[steps]"))
    run_script(path, show=told.append)
    assert told[0].startswith("before fit 1: error: activation_mismatch: softmax over one unit")
    assert told[1] == "step"


def _fits(times):
    script = SCRIPT.format(units=2, loss="sparse_categorical_crossentropy")
    loop = script.replace("model.fit", f"for _ in range({times}):\n    model.fit")
    return loop.replace("epochs=10", "epochs=1")


ODD = {
    "needs arguments": (
        "import argparse\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('data')\nparser.parse_args()",
        2, "training.py ended with exit code 2 before any fit. Give its arguments like this: "
           "python -m mode diagnose {path} ARGUMENTS",
    ),
    "reads an argument": (
        "import sys\nopen(sys.argv[1])",
        2, "Give arguments like this: python -m mode diagnose {path} ARGUMENTS",
    ),
    "reads standard input": (
        "rows = input('rows: ')",
        2, "training.py reads standard input, which has ended. Give it like this: "
           "python -m mode diagnose {path} < FILE",
    ),
    "calls no fit": ("import keras\nkeras.Sequential()", 2, "The script ran but called no fit."),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_an_odd_script_is_told_in_one_clear_line(tmp_path, case, monkeypatch):
    text, expected, line = ODD[case]
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, shown = _run(tmp_path, text)
    lines = shown.splitlines()
    assert (code, lines[-1]) == (expected, line.format(path=tmp_path / "training.py"))
    assert len(lines) <= 3


def test_of_very_many_fits_the_first_are_watched(tmp_path, monkeypatch):
    monkeypatch.setattr("mode.diagnosis.watched_fits.WATCHED", 2)
    _, shown = _run(tmp_path, _fits(5))
    assert shown.splitlines()[-1] == "Only the first 2 of 5 fits were watched."
    assert next(line for line in shown.splitlines() if line.startswith("fit")).endswith("of 5")


def test_fits_in_a_row_with_one_report_are_shown_once():
    shown = []
    _show_reports([Report()] * 3, 3, shown.append)
    assert shown == ["fits 1 to 3 of 3", "Nothing found."]


def test_a_script_may_change_the_directory(tmp_path, monkeypatch):
    (tmp_path / "away").mkdir()
    (tmp_path / "training.py").write_text(
        "import os\nos.chdir('away')\n" + SCRIPT.format(units=1, loss="binary_crossentropy")
    )
    monkeypatch.chdir(tmp_path)
    shown = []
    diagnose_target("training.py", show=shown.append)
    assert Path.cwd() == tmp_path
    assert any(line.startswith("training.py:") for line in shown)


def test_a_process_that_a_script_forks_is_not_reported_twice(tmp_path):
    (tmp_path / "training.py").write_text("import os, time\nif os.fork():\n    time.sleep(1)")
    done = subprocess.run([sys.executable, "-m", "mode", "diagnose", str(tmp_path / "training.py")],
                          cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()) == (
        2,
        ["training.py went on in a process that it forked, which is not diagnosed.",
         "The script ran but called no fit."],
    )  # fmt: skip
