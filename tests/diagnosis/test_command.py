"""The command `diagnose`: its options, what it refuses, what it shows of a script that fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from mode.cli import main
from tests.diagnosis.conftest import classifier

ROOT = Path(__file__).parents[2]
HEALTHY = """
import sys
import keras, numpy as np
print("given", *sys.argv[1:])
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
model.fit(x, (x[:, 0] > 0).astype("int32"), verbose=0)
"""
# line 10 fails in line 2 of another file, line 13 inside fit
FAILING = """\
import sys

import keras
import numpy as np

import labels

x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
if "before" in sys.argv:
    labels.load("no.csv")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax", name="out")])
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit(x, np.arange(64) % 7, verbose=0)
"""


def _command(*arguments):
    return CliRunner().invoke(main, ["diagnose", *map(str, arguments)])


@pytest.fixture(scope="module")
def files(tmp_path_factory, two_classes):
    """Return a folder with a model, one with a Lambda, and data."""
    folder = tmp_path_factory.mktemp("files")
    classifier(optimizer=keras.optimizers.Adam(0.01)).save(folder / "m.keras")
    # its code is run only where that is allowed
    twice = keras.layers.Lambda(lambda x: 2 * x, output_shape=(6,))
    classifier(twice, keras.layers.Dense(8, "relu")).save(folder / "unsafe.keras")
    np.savez(folder / "d.npz", x=two_classes[0], y=two_classes[1])
    return folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("{0}/m.keras {0}/d.npz --alow-unsafe", "No such option"),
        ("--alow-unsafe {0}/m.keras {0}/d.npz", "No such option"),
        ("--epochs train.py", "No such option"),
        ("{0}/m.keras {0}/d.npz {0}/e.npz", "TARGET.keras must be followed by one DATA.npz"),
        ("--allow-unsafe train.py", "--allow-unsafe must come with TARGET.keras"),
        ("{0}/m.keras --watch-only", "--watch-only must come with a script"),
    ],
)
def test_what_diagnose_does_not_know_is_refused_in_one_line(arguments, message, files):
    result = _command(*arguments.format(files).split())
    assert result.exit_code == 2
    assert result.output.startswith(f"Error: {message}")
    assert result.output.count("\n") == 1


def test_the_options_of_a_model_stand_anywhere(files):
    refused = _command(files / "unsafe.keras", files / "d.npz")
    assert refused.exit_code == 2
    assert "allow-unsafe" in refused.output
    given = [files / "unsafe.keras", files / "d.npz"]
    for at in range(3):
        result = _command(*given[:at], "--allow-unsafe", *given[at:])
        assert result.exit_code in (0, 1)
        assert "Error" not in result.output
    assert _command(files / "m.keras", files / "d.npz").output == "Nothing found.\n"


def test_options_of_diagnose_may_follow_a_script(tmp_path):
    (tmp_path / "train.py").write_text(HEALTHY)
    words = ["--epochs", "3", "--json", "-x", "--out", tmp_path / "page", "--help"]
    result = _command(tmp_path / "train.py", *words)
    assert "given --epochs 3 -x --help" in result.stderr.splitlines()
    assert json.loads(result.stdout)["exit_code"] == result.exit_code
    assert (tmp_path / "page" / "report.html").exists()


def test_what_follows_two_dashes_belongs_to_the_script(tmp_path):
    (tmp_path / "train.py").write_text(HEALTHY)
    words = ["--help", "--model", "m.keras", "--", "--watch-only", "--allow-unsafe"]
    result = _command("--watch-only", tmp_path / "train.py", *words)
    words.remove("--")
    assert result.output.splitlines()[0] == f"given {' '.join(words)}"


@pytest.mark.parametrize(
    ("arguments", "code", "shown"),
    [
        (
            ["before"],
            2,
            [
                'train.py:10: labels.load("no.csv")',
                "labels.py:2: return open(path).read()",
                "FileNotFoundError: [Errno 2] No such file or directory: 'no.csv'",
            ],
        ),
        (
            [],
            1,
            [
                "before fit 1: error: target_out_of_range: labels lie beyond the units",
                "train.py:13: model.fit(x, np.arange(64) % 7, verbose=0)",
                "InvalidArgumentError: Received a label value of 6 which is outside the valid "
                "range of [0, 2).",
                "fit 1 of 1",
                "ERROR target_out_of_range at data, before training",
            ],
        ),
    ],
)
def test_a_failing_script_shows_its_own_lines_then_the_findings(tmp_path, arguments, code, shown):
    (tmp_path / "train.py").write_text(FAILING)
    (tmp_path / "labels.py").write_text("def load(path):\n    return open(path).read()\n")
    if code == 2:
        done = _command(tmp_path / "train.py", *arguments)
        assert done.exit_code == code
    else:  # in a process of its own, for what TensorFlow itself prints
        command = [sys.executable, "-m", "mode", "diagnose", str(tmp_path / "train.py")]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == code
    lines = done.stdout.splitlines()
    for line, expected in zip(lines, shown, strict=False):
        assert line.startswith(expected)
    assert len(lines) == len(shown) if code == 2 else "Diagnosis:" not in done.stdout
    assert not [line for line in lines if "site-packages" in line or "runpy" in line]


def test_a_script_that_leaves_with_a_reason_and_one_that_cannot_be_read(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("import sys\nsys.exit('no data here')")
    assert (_command(script).exit_code, _command(script).output) == (2, "no data here\n")
    script.write_text("x = 1\ny = (2\n")
    expected = "train.py:2: y = (2\nSyntaxError: '(' was never closed (train.py, line 2)\n"
    assert (_command(script).exit_code, _command(script).output) == (2, expected)
