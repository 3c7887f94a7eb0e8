"""Feedback by class and by unit: counts known by hand, and one real classifier."""

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from mode.checks import InputError
from mode.cli import main
from mode.featurevis.class_feedback import class_table, parse_units, smallest_change


def test_the_table_names_what_each_class_is_confused_with():
    expected = np.repeat([0, 1, 2], 100)
    predicted = expected.copy()
    predicted[:40], predicted[40:50], predicted[100:102] = 2, 1, 0
    table = class_table(expected, predicted, 3).set_index("class")
    assert table["error"].tolist() == pytest.approx([0.5, 0.02, 0])
    assert table["confused_with"].tolist() == [2, 0, -1]
    assert table["confused"].tolist() == pytest.approx([0.4, 0.02, 0])
    assert table["kind"].tolist() == ["weakness", "strength", "strength"]
    assert (table["low"] <= table["error"]).all()
    assert (table["error"] <= table["high"]).all()


def test_robustness_is_the_distance_to_the_border(ramp):
    images = np.full((2, 4, 4, 1), 0.5, "float32")
    images[:, :, :2] += 0.1
    images[1, :, :2] += 0.2
    logits = keras.Sequential([ramp.layers[0], keras.layers.Dense(3)])
    logits(images)
    logits.set_weights(ramp.get_weights())
    change = smallest_change(logits, images, np.array([0, 0]))
    # margin to class 2, whose logit is 0: 16 * 0.1 / 2, slope 1 per pixel; the change is the same
    # for every pixel, so its root mean square is the distance over 4.
    assert change == pytest.approx([0.05, 0.15], abs=2e-3)
    assert np.isnan(smallest_change(logits, images, np.array([1, 1]))).all()


@pytest.mark.parametrize("text", ["dense", "dense:", ":3", "dense:a", "dense:1,b", "dense:1=x"])
def test_a_unit_of_another_form_is_one_line(text):
    with pytest.raises(InputError) as error:
        parse_units((text,))
    assert str(error.value).startswith("a unit must be layer:3, a group layer:1,4,9")


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory):
    model = trained(1000)
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return str(path), [layer.name for layer in model.layers if "dense" in layer.name]


@pytest.fixture(scope="module")
def visualized(saved, tmp_path_factory):
    path, (_, hidden, _) = saved
    out = tmp_path_factory.mktemp("out")
    chosen = ["--unit", f"{hidden}:3", "--group", f"{hidden}:1,4=0.5"]
    return CliRunner().invoke(main, ["visualize", path, *chosen, "--out", str(out)]), out, hidden


def test_the_report_has_classes_and_units(visualized):
    run, out, hidden = visualized
    assert run.exit_code == 0, run.output
    page = (out / "report.html").read_text()
    assert page.count("of the prior's images of it") == 10
    assert f"{hidden}, units 1 (weight 1), 4 (weight 0.5)" in page
    assert (out / f"unit_{hidden}_3.png").stat().st_size > 0
    assert len((out / "classes.csv").read_text().splitlines()) == 11


def test_unknown_units_are_refused_before_anything_is_written(saved, tmp_path):
    path, (_, hidden, _) = saved
    for flag, text, message in (
        ("--unit", f"{hidden}:64", "unit must be a whole number from 0 to 63. Received: 64."),
        ("--group", f"{hidden}:1,99", "unit must be a whole number from 0 to 63. Received: 99."),
        ("--unit", "none:1", "layer must be one of"),
    ):
        out = tmp_path / "out"
        run = CliRunner().invoke(main, ["visualize", path, flag, text, "--out", str(out)])
        assert run.exit_code == 2
        assert message in run.stderr
        assert not out.exists()
