"""A repaired plan as changed lines of a script."""

import ast
import subprocess

import keras
import pytest

from mode.diagnosis.findings import Plan
from mode.diagnosis.repair.patch import script_diff

LAYERS = keras.layers
SCRIPT = """\
import numpy as np
from tensorflow.keras import layers, models

model = models.Sequential([
    layers.Input((4,)),
    layers.Dense(8, "sigmoid", name="first"),
    layers.Dense(8, activation="sigmoid", name="second"),
])
model.add(layers.Dropout(0.9, name="drop"))
model.add(layers.Dense(1, activation="softmax", name="out"))
model.compile({optimizer}, loss="mse")
model.fit(x, y, epochs=3, validation_data=(xv, yv))"""


def _model():
    model = keras.Sequential([keras.Input((4,)), LAYERS.Dense(8, "sigmoid", name="first")])
    for layer in (LAYERS.Dense(8, "sigmoid", name="second"), LAYERS.Dropout(0.9, name="drop"),
                  LAYERS.Dense(1, "softmax", name="out")):  # fmt: skip
        model.add(layer)
    model.compile("sgd", "mse")
    return model


def _changed(plan, optimizer='"sgd"', script=SCRIPT, model=None, **given):
    """Return the lines that a plan adds, those it takes away, and what has no place."""
    text = script.replace("{optimizer}", optimizer)
    before = Plan(epochs=3, **given)
    diff, unplaced = script_diff("train.py", text, model or _model(), before, plan)
    lines = diff.splitlines()[2:]
    return ([line[1:] for line in lines if line.startswith("+")],
            [line[1:] for line in lines if line.startswith("-")], unplaced)  # fmt: skip


PLAN = Plan(epochs=3)
CASES = [
    (PLAN.edit(["first"], activation="relu"), ['    layers.Dense(8, "relu", name="first"),']),
    (PLAN.edit(["second"], activation="relu", kernel_initializer="he_normal"),
     ['    layers.Dense(8, activation="relu", name="second", kernel_initializer="he_normal"),']),
    (PLAN.edit(["drop"], rate=0.2), ['model.add(layers.Dropout(0.2, name="drop"))']),
    (PLAN.insert(["second"], "BatchNormalization"),
     ["import keras", '    layers.Dense(8, activation="sigmoid", name="second"), '
      "keras.layers.BatchNormalization(),"]),
    (PLAN.insert(["drop"], "Dropout", rate=0.3),
     ["import keras", "model.add(keras.layers.Dropout(rate=0.3))"]),
    (Plan(epochs=3, losses={"out": "binary_crossentropy"}),
     ['model.compile("sgd", loss="binary_crossentropy")']),
    (Plan(epochs=3, losses={"out": {"family": "binary", "from_logits": True}}),
     ["import keras",
      'model.compile("sgd", loss=keras.losses.BinaryCrossentropy(from_logits=True))']),
    (Plan(epochs=3, optimizer={"learning_rate": 0.001}),
     ["import keras",
      'model.compile(keras.optimizers.SGD(learning_rate=0.001), loss="mse")']),
    (Plan(epochs=12, batch_size=8), ["model.fit(x, y, epochs=12, validation_data=(xv, yv), "
                                     "batch_size=8)"]),
    (Plan(epochs=3, early_stopping=True),
     ["import keras", "model.fit(x, y, epochs=3, validation_data=(xv, yv), callbacks=["
      "keras.callbacks.EarlyStopping(patience=10, restore_best_weights=True)])"]),
    (Plan(epochs=3, scale_inputs=True),
     ["x_mean, x_std = x.mean(axis=0), x.std(axis=0) + 1e-7", "xv = (xv - x_mean) / x_std",
      "x = (x - x_mean) / x_std  # scale whatever else the model is given alike"]),
    (Plan(epochs=3, scale_targets=True),
     ["y_mean, y_std = y.mean(axis=0), y.std(axis=0) + 1e-7", "yv = (yv - y_mean) / y_std",
      "y = (y - y_mean) / y_std  # predictions * y_std + y_mean are in the units of the targets"]),
]  # fmt: skip


@pytest.mark.parametrize(("plan", "expected"), CASES)
def test_each_part_of_a_plan_is_written_where_it_belongs(plan, expected):
    added, _, unplaced = _changed(plan)
    assert [line.replace("'", '"') for line in added] == expected
    assert not unplaced


def test_a_layer_is_left_out():
    assert _changed(Plan(epochs=3, dropped=("drop", "first")))[:2] == (
        [],
        ['    layers.Dense(8, "sigmoid", name="first"),',
         'model.add(layers.Dropout(0.9, name="drop"))'],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        ("keras.optimizers.SGD(0.1)", "keras.optimizers.SGD(0.5, clipnorm=1)"),
        ("SGD(lr=0.1, momentum=0.2,)", "SGD(lr=0.5, momentum=0.2,clipnorm=1)"),
        ("SGD()", "SGD(learning_rate=0.5, clipnorm=1)"),
        ("get(3)[0]", "keras.optimizers.SGD(learning_rate=0.5, clipnorm=1)"),
    ],
)
def test_the_options_of_an_optimizer_are_changed_where_it_is_made(optimizer, expected):
    plan = Plan(epochs=3, optimizer={"learning_rate": 0.5, "clipnorm": 1})
    added, _, _ = _changed(plan, optimizer)
    assert added[-1] == f'model.compile({expected}, loss="mse")'
    named = SCRIPT.replace("model.compile", "opt = {optimizer}\nmodel.compile").replace(
        "compile({optimizer}", "compile(opt"
    )
    added, _, _ = _changed(plan, optimizer, named)
    assert f"{'opt = ' if '[' not in optimizer else 'model.compile('}{expected}" in "\n".join(added)


def test_what_a_plan_sets_to_what_is_there_is_no_change():
    assert _changed(PLAN.edit(["first"], activation="sigmoid")) == ([], [], [])


FUNCTIONAL = """\
import keras
inputs = keras.Input((4,))
h = keras.layers.Dense(8, "sigmoid", name="first")(inputs)
h = keras.layers.Dense(8, "sigmoid", name="second")(h)
for _ in range(3):
    build(keras.layers.Dense(1, name=f"many"))
model.fit(x[:5], y)
"""


def test_a_functional_model_and_what_has_no_certain_place():
    plan = Plan(epochs=3, dropped=("first",), scale_inputs=True, losses={"out": "mae"})
    plan = plan.insert(["second"], "BatchNormalization").edit(["many"], units=3)
    added, _, unplaced = _changed(plan, script=FUNCTIONAL)
    assert added == ["h = inputs", "h = keras.layers.BatchNormalization()(h)"]
    assert unplaced == ["many units=3", "loss of out: mae", "inputs scaled"]


@pytest.mark.parametrize("end", ["", "\n"])
def test_the_diff_is_one_that_git_applies(tmp_path, end):
    plan = CASES[3][0].edit(["first"], activation="relu")
    plan = Plan(**{**vars(plan), "batch_size": 8})
    script = SCRIPT.replace("{optimizer}", '"sgd"') + end
    diff, _ = script_diff("train.py", script, _model(), Plan(epochs=3), plan)
    (tmp_path / "train.py").write_text(script)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff, text=True, check=True)
    new = (tmp_path / "train.py").read_text()
    assert "BatchNormalization" in new
    assert "batch_size=8" in new
    ast.parse(new)
