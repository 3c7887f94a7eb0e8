"""A user's script under diagnosis, and a saved model at rest."""

import numpy as np
import pytest

from mode.diagnosis import diagnose_model, run_script
from tests.diagnosis.conftest import classifier

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
