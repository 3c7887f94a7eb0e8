"""What `diagnose` hands to programs and editors: JSON, lines of the script, a page."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from mode.cli import main
from mode.diagnosis import output
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.places import line_of, read_calls
from mode.diagnosis.report import Report

SCRIPT = """\
import keras, numpy as np
from keras import layers
x = np.random.default_rng(0).normal(size=(320, 4)).astype("float32")
y = (x[:, 0] > 0).astype("int32")

model = keras.Sequential([keras.Input((4,)), layers.Dense(8, "relu")])
model.add(
    layers.Dense(1, "softmax", name="out"))
model.compile(keras.optimizers.SGD(-1.0), "binary_crossentropy")
model.fit(x, y, epochs=2, verbose=0)
"""
CALLS = """\
def build():
    stack = [Dense(8) for _ in range(3)]
    return stack + [Conv2D(8), Conv2D(8, name="second"), LSTM(4), LSTM(4)]
model = build()
model.compile("sgd")
model.fit(x)
"""


def _finding(phase, layer=""):
    return Finding("dead_relu", "warning", Where(phase, layer))


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (("layer", "second"), 3),
        (("layer", "model/lstm_1/lstm_cell"), 3),
        (("layer", "dense_1"), None),  # made in a loop
        (("layer", "conv2d_1"), None),  # the second one has a name of its own
        (("optimizer",), 5),
        (("loss",), 5),
        (("data",), 6),
    ],
)
def test_a_finding_has_the_line_of_its_layer_or_of_its_call(where, line):
    assert line_of(_finding(*where), read_calls(CALLS)) == line


def test_a_line_that_is_not_certain_is_not_named():
    calls = read_calls(CALLS)
    assert line_of(_finding("data"), calls, 0, fits=2) is None
    looped = read_calls("for _ in range(2):\n    model.fit(x)")
    assert line_of(_finding("data"), looped) is None
    assert read_calls("x = (") == []


def test_json_has_a_version_and_no_number_that_json_does_not_have():
    evidence = (Evidence("loss", float("nan")), Evidence("units", np.float32(2), np.int64(3)))
    report = Report((Finding("dead_relu", "warning", Where("layer", "a"), evidence=evidence),))
    facts = json.loads(output.to_json("t.csv", [report], 1))
    assert (facts["version"], facts["target"], facts["exit_code"]) == (1, "t.csv", 1)
    (finding,) = facts["reports"][0]["findings"]
    assert [e["value"] for e in finding["evidence"]] == [None, 2.0]
    assert set(finding) == {
        "symptom", "severity", "text", "where", "when", "evidence", "causes", "fixes", "line",
    }  # fmt: skip


def test_a_script_gives_lines_for_an_editor_and_with_json_nothing_else(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(f"print('of the script')\n{SCRIPT}")
    arguments = ["diagnose", "--out", str(tmp_path / "out"), str(script)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert f"{script}:9: error: activation_mismatch: " in result.output
    assert f"{script}:10: error: lr_negative: " in result.output
    page = (tmp_path / "out" / "report.html").read_text()
    assert "activation_mismatch" in page
    result = CliRunner().invoke(main, ["diagnose", "--json", str(script)])
    facts = json.loads(result.stdout)
    assert facts["exit_code"] == result.exit_code == 1
    lines = {f["symptom"]: f["line"] for f in facts["reports"][0]["findings"]}
    assert (lines["activation_mismatch"], lines["lr_negative"]) == (9, 10)
    assert "of the script" in result.stderr


def test_the_log_of_a_training_is_read_by_the_same_command(tmp_path):
    epochs = range(12)
    rows = [f"{e},{1 / (e + 1)},{0.5 + 0.05 * abs(e - 4)}" for e in epochs]
    log = tmp_path / "training.csv"
    log.write_text("\n".join(["epoch,loss,val_loss", *rows]))
    result = CliRunner().invoke(main, ["diagnose", str(log), "--json"])
    findings = json.loads(result.stdout)["reports"][0]["findings"]
    assert (result.exit_code, findings[0]["symptom"]) == (1, "overfitting")
    assert "best epoch 5" in CliRunner().invoke(main, ["diagnose", str(log)]).output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("a.csv b.csv", "the log of a training must stand alone"),
        ("{0} {0}", "the log of a training must stand alone"),
        ("no.csv", "history must be the path of a log"),
        ("{0}", "{0} must be a folder of TensorBoard event files"),
        ("a.csv --watch-only", "--watch-only must come with a script"),
        ("a.csv --allow-unsafe", "--allow-unsafe must come with TARGET.keras"),
        ("a.csv --out {0}/file", "--out must name a folder"),
    ],
)
def test_what_does_not_go_with_a_log_is_refused_in_one_line(tmp_path, arguments, message):
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(main, ["diagnose", *arguments.format(tmp_path).split()])
    assert result.exit_code == 2
    assert result.output.startswith(f"Error: {message.format(tmp_path)}")
    assert result.output.count("\n") == 1
