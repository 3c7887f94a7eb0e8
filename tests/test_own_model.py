"""One's own model: what is written, kept, resumed, asked for and refused."""

import json
import resource
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from keras import layers

from mode.cli import main
from mode.data import Data, Part, load_data
from mode.models import load_model, predict
from mode.repair import repair
from mode.repair.checkpoint import Checkpoint
from mode.repair.label_errors import suspects
from mode.report.files import page
from mode.report.workflow import repair_files

QUICK = {"rounds": 2, "inputs_per_round": 60, "epochs": 15}
ONE_ROUND = {"rounds": 1, "inputs_per_round": 9, "report": False}


@pytest.fixture(scope="module")
def given(few) -> keras.Model:
    """Made by plain Keras."""
    keras.utils.set_random_seed(1)
    stack = [keras.Input((7, 7, 1)), layers.Flatten(), layers.Dense(12, "relu", name="Mine")]
    model = keras.Sequential([*stack, layers.Dense(10, "softmax")], name="own_net")
    optimizer = keras.optimizers.AdamW(3e-3, weight_decay=1e-3, name="mine")
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    model.fit(few.train.x, few.train.y, epochs=8, verbose=0)
    return model


@pytest.fixture(scope="module")
def files(given, few, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    given.save(folder / "model.keras")
    arrays = {f"{a}_{n}": getattr(getattr(few, n), a) for n in few.sizes() for a in "xy"}
    np.savez(folder / "data.npz", **arrays)
    return folder / "model.keras", folder / "data.npz", arrays


@pytest.fixture(scope="module")
def undisturbed(given, few):
    repaired = repair(given, few, **QUICK)
    assert (repaired.kept, len(repaired.chosen)) == (2, 2), "or nothing is tested"
    return repaired


def same(one, other) -> None:
    for mine, theirs in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    rows = [r.rounds.drop(columns="seconds").to_csv() for r in (one, other)]
    assert rows[0] == rows[1]
    assert one.faults.to_csv() == other.faults.to_csv()
    np.testing.assert_array_equal(np.concatenate(one.chosen), np.concatenate(other.chosen))
    assert (one.notes, one.kept) == (other.notes, other.kept)


class StopError(Exception):
    pass


def test_a_repair_stopped_after_a_round_is_resumed_to_the_same_result(
    given, few, undisturbed, tmp_path, monkeypatch, refused
):
    write = Checkpoint.write

    def stopping(self, number, *rest):
        write(self, number, *rest)
        raise StopError

    options = {**QUICK, "checkpoint_dir": tmp_path}
    monkeypatch.setattr(Checkpoint, "write", stopping)
    with pytest.raises(StopError):
        repair(given, few, **options)
    monkeypatch.undo()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "repair.json",
        "round_1.json",
        "round_1.keras",
        "round_1.npy",
    ]
    assert refused(repair, given, few, **options) == (
        f"the folder must hold no rounds of a repair. Received: '{tmp_path}'. "
        "Go on with it by resume (--resume), or name another folder."
    )
    assert refused(repair, given, few, **options, seed=3, resume=True) == (
        f"the repair in '{tmp_path}' must be resumed with the same seed. Received: seed 3, kept 0."
    )
    same(repair(given, few, **options, resume=True), undisturbed)
    same(repair(given, few, **options, resume=True), undisturbed)


def test_a_full_disk_leaves_what_was_finished(given, few, undisturbed, tmp_path):
    options = {**QUICK, "checkpoint_dir": tmp_path}
    repair(given, few, **{**options, "rounds": 1})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(OSError):  # noqa: PT011
            repair(given, few, **options, resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.glob("*round_2*"))
    same(repair(given, few, **options, resume=True), undisturbed)


def test_a_label_asked_for_is_the_one_that_is_mended(given, few, refused):
    label = 3
    repaired = repair(given, few, rounds=1, inputs_per_round=8, epochs=1, label=label)
    assert repaired.rounds["label"][1] == label
    assert (few.pool.y[repaired.chosen[0]] == label).all()
    names = ", ".join(f"'{n}'" for n in range(10))
    assert refused(repair, given, few, rounds=1, inputs_per_round=8, label=12) == (
        f"label must be one of {names}. Received: '12'. Did you mean '2'?"
    )


def test_the_repaired_model_is_the_callers_own_and_loads_without_this_package(
    files, given, few, tmp_path
):
    model, data, _ = files
    done = repair_files(model, data, out=tmp_path, report=False)
    found = keras.saving.load_model(tmp_path / "repaired.keras")
    same_file = keras.saving.load_model(model)
    assert found.get_config() == same_file.get_config()
    assert found.get_compile_config() == same_file.get_compile_config()
    assert [v.path for v in found.variables] == [v.path for v in same_file.variables]
    assert not np.array_equal(found.get_weights()[0], given.get_weights()[0])
    chosen = pd.read_csv(tmp_path / "chosen.csv")
    assert chosen["index"].tolist() == done.repair.chosen[0].tolist()
    np.testing.assert_array_equal(chosen["label"], few.pool.y[chosen["index"]])
    assert json.loads((tmp_path / "record.json").read_text())["kept"] == done.repair.kept > 0
    code = (
        "import sys; sys.modules['mode'] = None; import keras, numpy as np; "
        f"m = keras.saving.load_model({str(tmp_path / 'repaired.keras')!r}); "
        f"x = np.load({str(data)!r})['x_test']; print(m.predict(x, verbose=0).argmax(1).tolist())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = predict(done.repair.model, few.test.x).argmax(axis=1).tolist()
    assert said.stdout.strip().splitlines()[-1] == str(expected)


def test_labels_are_written_as_the_caller_spells_them(files, few, tmp_path):
    model, _, arrays = files
    names = np.array([f"digit {9 - n}" for n in range(10)])
    spelled = {key: names[a] if key.startswith("y") else a for key, a in arrays.items()}
    np.savez(tmp_path / "data.npz", **spelled, class_names=names)
    command = ["repair", str(model), str(tmp_path / "data.npz"), "--out", str(tmp_path / "out")]
    options = ["--rounds", "1", "--inputs-per-round", "9", "--label", "digit 6", "--no-report"]
    assert CliRunner().invoke(main, [*command, *options]).exit_code == 0
    chosen = pd.read_csv(tmp_path / "out" / "chosen.csv")
    assert set(chosen["class"]) == {"digit 6"}
    assert set(chosen["label"]) == {3}
    assert (spelled["y_pool"][chosen["index"]] == "digit 6").all()
    faults = pd.read_csv(tmp_path / "out" / "faults.csv")
    assert faults["class"].tolist() == names[faults["label"]].tolist()


def test_a_pool_without_labels_is_asked_for_and_then_used(files, tmp_path, refused):
    model, _, arrays = files
    unlabeled = {key: value for key, value in arrays.items() if key != "y_pool"}
    data = tmp_path / "own.npz"
    np.savez(data, **unlabeled)
    assert refused(repair_files, model, data, out=tmp_path) == (
        "the data must hold y_pool. Received: a pool without labels. "
        "Use --label-budget N to list which inputs to label."
    )
    assert "'margin'" in refused(
        repair_files, model, data, out=tmp_path, recipe="misclassified_then_margin", label_budget=9
    )
    command = ["repair", str(model), str(data), "--out", str(tmp_path), "--label-budget", "9"]
    asked = CliRunner().invoke(main, command)
    assert asked.exit_code == 0, asked.output
    wanted = pd.read_csv(tmp_path / "to_label.csv")["index"]
    top = np.sort(predict(load_model(model), arrays["x_pool"]), axis=1)
    expected = np.argsort(top[:, -1] - top[:, -2], kind="stable")[:9]
    assert set(wanted) == set(expected)
    y = np.full(len(arrays["x_pool"]), -1)
    y[wanted] = arrays["y_pool"][wanted]
    np.savez(data, **unlabeled, y_pool=y)
    done = repair_files(model, data, out=tmp_path, label_budget=9, **ONE_ROUND)
    chosen = pd.read_csv(tmp_path / "chosen.csv")
    assert set(chosen["index"]) == set(wanted)
    np.testing.assert_array_equal(chosen["label"], arrays["y_pool"][chosen["index"]])
    assert len(done.repair.chosen) == 1


@pytest.mark.parametrize("held_out", [False, True])
def test_what_was_created_from_training_data_is_said_before_the_work(
    files, few, tmp_path, held_out
):
    model, _, arrays = files
    keys = ("x_train", "y_train") + (("x_pool", "y_pool") if held_out else ())
    data = {key: arrays[key] for key in keys}
    said = []
    repair_files(model, data, out=tmp_path, recipe="margin", show=said.append, **ONE_ROUND)
    record = json.loads((tmp_path / "record.json").read_text())
    parts = load_data(data, classes=10)
    assert record["held_out"] == parts.held_out == held_out
    assert record["data_notes"] == list(parts.notes)
    notes = len(parts.notes)
    assert notes >= (not held_out)
    assert said[:notes] == record["data_notes"]
    assert said[notes].startswith("repairing")


def test_the_command_takes_named_data_and_for_a_report_no_dict(files, tmp_path, refused):
    model, _, arrays = files
    assert "report=False" in refused(repair_files, model, arrays, out=tmp_path)
    message = refused(repair_files, model, "digits", out=tmp_path, report=False)
    assert "('n', 7, 7, 1)" in message, "digits are larger than what the model takes"
    assert "Did you mean 'digits'?" in refused(repair_files, model, "digit", out=tmp_path)


def test_bad_input_of_the_command_is_one_line_before_any_work(files, tmp_path):
    model, data, _ = files
    names = ", ".join(f"'{n}'" for n in range(10))
    bad = {
        ("--label", "x"): f"label must be one of {names}. Received: 'x'.",
        ("--max-broken", "2"): "max_broken must be a number from 0 to 1. Received: 2.0.",
        (
            "--inputs-per-round",
            "5",
            "--budget",
            "9",
        ): "inputs_per_round or budget must be given, not both. Received: 5 and 9.",
    }
    for options, message in bad.items():
        ran = CliRunner().invoke(
            main, ["repair", str(model), str(data), "--out", str(tmp_path / "out"), *options]
        )
        assert (ran.exit_code, ran.stderr.splitlines()[-1]) == (2, f"Error: {message}")
    (tmp_path / "file").write_text("")
    ran = CliRunner().invoke(
        main, ["repair", str(model), str(data), "--out", str(tmp_path / "file")]
    )
    assert ran.exit_code == 2
    assert ran.stderr.startswith("Error: out must be a folder that can be written. Received: ")


def test_a_lambda_is_refused_unless_it_is_allowed_knowingly(tmp_path, refused):
    stack = [keras.Input((4,)), layers.Lambda(lambda x: 2 * x), layers.Dense(2, "softmax")]
    keras.Sequential(stack).save(tmp_path / "unsafe.keras")
    message = refused(load_model, tmp_path / "unsafe.keras")
    assert "must load in Keras's safe mode" in message
    assert "--allow-unsafe" in message
    assert len(load_model(tmp_path / "unsafe.keras", allow_unsafe=True).layers) == 2


def test_suspects_are_those_confidently_of_another_class():
    """Thresholds by hand: class 0 has (0.9 + 0.8 + 0.1) / 3 = 0.6, class 1 (0.7 + 0.7) / 2."""
    first = np.array([0.9, 0.8, 0.1, 0.3, 0.3])
    found = suspects(np.array([0, 0, 0, 1, 1]), np.stack([first, 1 - first], axis=1))
    assert found.to_dict("list") == {"index": [2], "label": [0], "suggested": [1]}


def test_a_page_escapes_what_its_cells_show():
    import nbformat

    hostile = "<script>alert(1)</script><b>bold</b>"
    notebook = nbformat.v4.new_notebook()
    frame = pd.DataFrame({hostile: [hostile]})
    shown = nbformat.v4.new_output(
        "execute_result", {"text/html": frame._repr_html_(), "text/plain": hostile}
    )
    said = nbformat.v4.new_output("stream", name="stdout", text=hostile)
    heading = nbformat.v4.new_markdown_cell(f"# Heading\n\n{hostile}")
    notebook.cells = [heading, nbformat.v4.new_code_cell("hidden_code", outputs=[shown, said])]
    text = page(notebook, hostile)
    assert "<h1" in text
    assert "<thead>" in text
    assert "<script" not in text
    assert text.count("<b>bold") == 1, "in the heading's own cell, where it is markdown"
    assert "alert(1)" in text
    assert ".dataframe tbody tr th" not in text, "the style that pandas adds to each table"
    assert "hidden_code" not in text
    assert "http" not in text


def test_labels_in_another_order_than_the_models_are_noted(undisturbed, few):
    parts = {name: getattr(few, name) for name in few.sizes()}
    turned = {name: Part(part.x, (part.y + 1) % 10) for name, part in parts.items()}
    options = {"rounds": 1, "epochs": 1}
    repaired = repair(undisturbed.model, Data(**turned, classes=10), **options)
    assert "in another order" in repaired.notes[0]
    assert not repair(undisturbed.model, few, **options).notes
