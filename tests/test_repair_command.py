"""The command `repair`: its options, what it prints for people and for programs, its files."""

import inspect
import json

import keras
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from keras import layers

from mode.cli import main
from mode.data import load_data
from mode.report import files as files_module
from mode.report import workflow
from mode.report.workflow import repair_files

MISSING = 7  # a class that the model has not seen, and of which the pool has no input


@pytest.fixture(scope="module")
def files(few, tmp_path_factory):
    """A small CNN that was trained without a class, and its data, whose pool lacks it as well."""
    folder = tmp_path_factory.mktemp("files")
    keras.utils.set_random_seed(1)
    stack = [keras.Input((7, 7, 1)), layers.Conv2D(8, 3, activation="relu"), layers.Flatten()]
    model = keras.Sequential([*stack, layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    arrays = {}
    for name in few.sizes():
        part = getattr(few, name)
        part = part.take(part.y != MISSING) if name in ("train", "pool") else part
        arrays |= {f"x_{name}": part.x, f"y_{name}": part.y}
    model.fit(arrays["x_train"], arrays["y_train"], epochs=15, verbose=0)
    model.save(folder / "model.keras")
    np.savez(folder / "data.npz", **arrays)
    return folder / "model.keras", folder / "data.npz"


def run(*arguments):
    return CliRunner().invoke(main, ["repair", *map(str, arguments)])


@pytest.fixture(scope="module")
def done(files, tmp_path_factory):
    """The command with --json, and its folder."""
    out = tmp_path_factory.mktemp("out")
    ran = run(*files, "--out", out, "--no-report", "--json")
    assert ran.exit_code == 0, ran.output
    return ran, out


class StopError(Exception):
    pass


@pytest.fixture
def options_of(files, tmp_path, monkeypatch):
    """Call the command; return the options that `repair` gets from it."""

    def stop(model, data, **options):
        raise StopError(options)

    def options_of(*arguments) -> dict:
        monkeypatch.setattr(workflow.repair, "repair", stop)
        ran = run(*files, "--out", tmp_path, *arguments)
        assert isinstance(ran.exception, StopError), ran.output
        options = ran.exception.args[0]
        return {key: options[key] for key in options if key not in ("checkpoint_dir", "progress")}

    return options_of


def test_options_that_were_not_set_are_left_to_repair(options_of):
    assert options_of() == {"recipe": "recommended", "seed": 0}
    arguments = ["--rounds", 2, "--inputs-per-round", 9, "--minutes", 0.5, "--max-broken", 0.1]
    assert options_of(*arguments, "--label", 3, "--recipe", "mode", "--seed", 4) == {
        "rounds": 2,
        "inputs_per_round": 9,
        "minutes": 0.5,
        "max_broken": 0.1,
        "label": 3,
        "recipe": "mode",
        "seed": 4,
    }


def test_defaults_of_the_command_are_those_of_the_function():
    command = main.commands["repair"]
    defaults = command.make_context("repair", ["model", "data", "--out", "out"]).params
    for name, parameter in inspect.signature(repair_files).parameters.items():
        if parameter.default is not inspect.Parameter.empty and name not in ("show", "progress"):
            assert defaults.pop(name) == parameter.default, name
    assert set(defaults) == {"model", "data", "out", "as_json"}


@pytest.mark.parametrize(
    ("arguments", "rounds", "inputs"),
    [
        (["--budget", 20, "--rounds", 3], 3, 6),
        (["--budget", 2, "--rounds", 3], 2, 1),
        (["--budget", 10_000, "--rounds", 1], 1, None),
    ],
)
def test_no_more_than_the_budget_is_used(options_of, files, arguments, rounds, inputs):
    options = options_of(*arguments)
    inputs = inputs or len(np.load(files[1])["y_pool"])
    assert (options["rounds"], options["inputs_per_round"]) == (rounds, inputs)


def test_json_is_one_object_alone_on_standard_output(done):
    ran, out = done
    found = json.loads(ran.stdout)
    assert set(found) == {
        *(
            "summary",
            "accuracy",
            "repaired",
            "broken",
            "kept_round",
            "rounds",
            "reason",
            "held_out",
        ),
        *("classes_at_zero", "classes_worse", "inputs_used", "suspects", "round_over_limit"),
        *("data_notes", "notes", "seconds", "files"),
    }
    assert found["accuracy"]["after"] > found["accuracy"]["before"]
    assert found["kept_round"] > 0
    assert found["files"] == [
        str(out / name)
        for name in (
            *("repaired.keras", "rows.csv", "chosen.csv", "suspects.csv", "splits.csv"),
            *("faults.csv", "record.json"),
        )
    ]
    record = json.loads((out / "record.json").read_text())
    for name in ("reason", "held_out", "data_notes", "notes"):
        assert record[name] == found[name]
    assert record["kept"] == found["kept_round"]
    assert record["result"]["accuracy"] == found["accuracy"]["after"]
    assert record["seconds"] == pytest.approx(found["seconds"], abs=0.06)


def test_a_pool_without_labels_is_one_object_too_whatever_libraries_print(
    files, tmp_path, monkeypatch
):
    def noisy(*arguments, **options):
        print("noise")
        return load_data(*arguments, **options)

    monkeypatch.setattr(files_module, "load_data", noisy)
    data = dict(np.load(files[1]))
    del data["y_pool"]
    np.savez(tmp_path / "data.npz", **data)
    arguments = [files[0], tmp_path / "data.npz", "--out", tmp_path, "--label-budget", 9]
    ran = run(*arguments, "--json")
    assert json.loads(ran.stdout) == {"to_label": 9, "files": [str(tmp_path / "to_label.csv")]}
    assert "noise" in ran.stderr


def test_the_facts_are_true_of_the_saved_model(done, files):
    found = json.loads(done[0].stdout)
    data = np.load(files[1])
    x, y = data["x_test"], data["y_test"]
    loaded = [keras.saving.load_model(path) for path in (files[0], done[1] / "repaired.keras")]
    before, after = (model.predict(x, verbose=0).argmax(axis=1) == y for model in loaded)
    assert found["accuracy"]["before"] == pytest.approx(before.mean())
    assert found["accuracy"]["after"] == pytest.approx(after.mean())
    assert (found["repaired"], found["broken"]) == (
        (after & ~before).sum(),
        (before & ~after).sum(),
    )
    worse = {str(k) for k in range(10) if after[y == k].mean() < before[y == k].mean()}
    assert {row["class"] for row in found["classes_worse"]} == worse
    chosen = pd.read_csv(done[1] / "chosen.csv")
    used = chosen[chosen["round"] <= found["kept_round"]]
    assert len(used) == found["inputs_used"]
    np.testing.assert_array_equal(chosen["label"], data["y_pool"][chosen["index"]])


def test_a_class_that_stays_at_zero_is_named_below_the_first_line(done):
    found = json.loads(done[0].stdout)
    assert found["classes_at_zero"] == [{"class": str(MISSING), "pool_inputs": 0, "suspects": 0}]
    lines = done[0].stderr.splitlines()
    outcome = lines.index(found["summary"])
    assert lines[outcome + 1] == f"class {MISSING} stays at 0 %: the pool has no input of it"


def test_notes_of_the_data_and_the_plan_come_before_the_work(files, tmp_path):
    data = dict(np.load(files[1]))
    np.savez(tmp_path / "data.npz", x=data["x_train"], y=data["y_train"])
    arguments = [files[0], tmp_path / "data.npz", "--out", tmp_path / "out", "--no-report"]
    ran = run(*arguments, "--recipe", "margin", "--rounds", 1)
    assert ran.exit_code == 0, ran.output
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    notes = record["data_notes"]
    lines = ran.stderr.splitlines()
    assert record["held_out"] is False
    assert lines[: len(notes)] == notes
    assert lines[len(notes)].startswith("repairing")
    assert "at most 1 round" in lines[len(notes)]
    assert lines[-1] == "100 % done"
    assert ran.stdout.startswith("Accuracy on data that the model may have seen")


@pytest.mark.parametrize("recipe", ["random", "mode"])
def test_rows_have_a_layer_only_where_the_recipe_selects_one(files, tmp_path, recipe):
    arguments = [*files, "--out", tmp_path, "--no-report", "--recipe", recipe, "--rounds", 1]
    assert run(*arguments, "--inputs-per-round", 9).exit_code == 0
    assert ("layer" in pd.read_csv(tmp_path / "rows.csv")) == (recipe == "mode")


def test_a_named_data_set_is_repaired(tmp_path):
    """Its inputs have no places in files of the caller."""
    stack = [keras.Input((28, 28, 1)), layers.AveragePooling2D(4), layers.Flatten()]
    model = keras.Sequential([*stack, layers.Dense(10, "softmax")])
    model.save(tmp_path / "model.keras")
    options = ["--recipe", "random", "--rounds", 1, "--inputs-per-round", 100, "--no-report"]
    ran = run(tmp_path / "model.keras", "digits", "--out", tmp_path / "out", *options)
    assert ran.exit_code == 0, ran.output
    assert len(pd.read_csv(tmp_path / "out" / "splits.csv")) == 0
