"""The plain list of what a repair changed: what it was, what it is."""

from dataclasses import replace

import keras
import pytest

from mode.diagnosis.findings import Plan
from mode.diagnosis.repair.autorepair import changes

LAYERS = keras.layers


def _model(loss="mse", optimizer=None):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            LAYERS.Dense(8, "sigmoid", name="first"),
            LAYERS.Dropout(0.9, name="drop"),
            LAYERS.Dense(3, name="last"),
        ]
    )
    model.compile(optimizer or keras.optimizers.SGD(0.1), loss)
    return model


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (Plan().edit(["first"], activation="relu"), "first activation: sigmoid -> relu"),
        (
            Plan().edit(["first"], kernel_initializer="he_normal"),
            "first kernel_initializer: glorot_uniform -> he_normal",
        ),
        (Plan().edit(["last"], kernel_regularizer="l2"), "last kernel_regularizer: none -> l2"),
        (Plan().edit(["first"], units=32), "first units: 8 -> 32"),
        (Plan().edit(["drop"], rate=0.2), "drop rate: 0.9 -> 0.2"),
        (Plan().edit(["last"], class_name="LSTM"), "last layer: Dense -> LSTM"),
        (
            Plan().insert(["first"], "BatchNormalization"),
            "after first: nothing -> BatchNormalization",
        ),
        (Plan(dropped=("drop",)), "drop: left out"),
        (
            Plan(losses={"last": "binary_crossentropy"}),
            "loss: mean_squared_error -> binary_crossentropy",
        ),
        (
            Plan(losses={"last": {"family": "sparse", "from_logits": True}}),
            "loss: from_logits=False -> from_logits=True",
        ),
        (Plan(optimizer={"name": "Adam"}), "optimizer name: SGD -> Adam"),
        (Plan(optimizer={"learning_rate": 1e-3}), "optimizer learning_rate: 0.1 -> 0.001"),
        (Plan(optimizer={"clipnorm": 1.0}), "optimizer clipnorm: none -> 1"),
        (Plan(epochs=80), "epochs: 20 -> 80"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_each_change_is_told_with_what_was_there(plan, line):
    assert changes(_model(), Plan(), plan) == [line]


def test_what_was_there_already_is_no_change():
    plan = Plan().edit(["first"], activation="sigmoid", kernel_initializer="glorot_uniform")
    same = replace(plan, losses={"last": "mse"}, optimizer={"name": "SGD", "learning_rate": 0.1})
    assert changes(_model(), Plan(), same) == []


def test_a_loss_of_several_is_named():
    inputs = keras.Input((4,))
    heads = [LAYERS.Dense(1, name=name)(inputs) for name in ("price", "age")]
    model = keras.Model(inputs, heads)
    model.compile("sgd", ["mse", "mae"])
    plan = Plan(losses={"age": "huber"})
    assert changes(model, Plan(), plan) == ["loss of age: mean_absolute_error -> huber"]


def test_a_switch_is_told_once_it_is_new():
    scaled = Plan(scale_inputs=True)
    assert len(changes(_model(), Plan(), scaled)) == 1
    assert changes(_model(), scaled, scaled) == []


def test_loss_scaling_is_looked_through():
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))
    plan = Plan(optimizer={"name": "Adam"})
    assert changes(_model(optimizer=optimizer), Plan(), plan) == ["optimizer name: SGD -> Adam"]
