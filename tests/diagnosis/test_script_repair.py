"""`python -m mode diagnose SCRIPT.py --repair`: a diff of the script, which stays as it is."""

import json
import subprocess

import keras
import pytest
from click.testing import CliRunner

from mode.cli import main

SCRIPT = """\
import keras
import numpy as np

x = np.random.default_rng(0).normal(size=(320, 4)).astype("float32")
y = (x[:, 0] > 0).astype("int32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu")])
model.add(keras.layers.Dense(1, "softmax"))
model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
model.fit(x, y, epochs=12, verbose=0)
"""


def _command(script, *options):
    return CliRunner().invoke(main, ["diagnose", *options, str(script)])


def test_the_repair_is_a_diff_after_which_nothing_is_found(tmp_path):
    keras.utils.clear_session()  # automatic names count from 0, as in a process of its own
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    done = _command(script, "--repair", "--json", "--out", str(tmp_path / "out"))
    assert (done.exit_code, script.read_text()) == (1, SCRIPT)
    repair = json.loads(done.stdout)["repair"]
    assert repair["reached"]
    assert repair["skill"] > repair["before"] + 0.5
    assert not repair["unplaced"]
    diff = (tmp_path / "out" / "repair.diff").read_text()
    assert diff == repair["diff"]
    assert '+model.add(keras.layers.Dense(1, "sigmoid"))' in diff.replace("'", '"')
    subprocess.run(["git", "apply", "-p0", "--unsafe-paths", "-"], cwd=tmp_path, text=True,
                   check=True, input=diff.replace(f"a/{script}", "train.py")
                                         .replace(f"b/{script}", "train.py"))  # fmt: skip
    assert script.read_text() != SCRIPT
    again = _command(script, "--repair")
    assert again.exit_code == 0
    assert again.output.endswith("nothing to repair: no finding above a note\n")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("model.fit(x, y,", "import tensorflow as tf\n"
         "model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(32),",
         "--repair needs x and y of fit as arrays. Received: x of _BatchDataset."),
        ("verbose=0", "class_weight={0: 1.0, 1: 2.0}, verbose=0",
         "--repair needs a fit whose rows count alike. Received: class_weight."),
        ("model.fit", "#", "nothing to repair: no fit was watched"),
    ],
)  # fmt: skip
def test_what_cannot_be_repaired_is_said_in_one_line(tmp_path, old, new, message):
    (tmp_path / "train.py").write_text(SCRIPT.replace(old, new))
    lines = _command(tmp_path / "train.py", "--repair").output.splitlines()
    assert lines[-1] == message
