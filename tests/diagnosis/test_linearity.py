"""Linear layers in a row are found in the graph; what is linear on purpose is left alone."""

import keras
import numpy as np
import pytest

from mode.diagnosis import check
from mode.diagnosis.facts.layers import leaf_layers, redundant_linear

L = keras.layers


def _found(*stack, inputs=(8,)):
    model = keras.Sequential([keras.Input(inputs), *stack])
    return sorted(redundant_linear(model, leaf_layers(model)))


def _dense(units, name, activation=None):
    return L.Dense(units, activation, name=name)


@pytest.mark.parametrize(
    ("between", "found"),
    [
        ([], ["a"]),
        ([L.BatchNormalization, L.Flatten, lambda: L.Dropout(0.1)], ["a"]),
        ([lambda: L.Activation("linear")], ["a"]),
        ([lambda: L.Activation("tanh")], []),
        ([L.LeakyReLU], []),
        ([L.LayerNormalization], []),
    ],
    ids=["nothing", "linear", "identity", "tanh", "leaky", "rows normalized"],
)
def test_a_row_is_what_nothing_bends(between, found):
    assert _found(_dense(16, "a"), *[make() for make in between], _dense(3, "b")) == found


@pytest.mark.parametrize(("width", "found"), [(4, []), (8, ["a"]), (12, ["a"])])
def test_a_layer_narrower_than_both_its_neighbors_is_a_factor(width, found):
    assert _found(_dense(width, "a"), _dense(16, "b", "relu")) == found


def test_depthwise_and_pointwise_are_one_convolution():
    stack = [L.DepthwiseConv2D(3, name="a"), L.Conv2D(8, 1, activation="relu")]
    assert _found(*stack, inputs=(8, 8, 4)) == []
    stack = [L.Conv2D(8, 3, name="a"), L.AveragePooling2D(2), L.Conv2D(8, 1, activation="relu")]
    assert _found(*stack, inputs=(8, 8, 4)) == ["a"]


def test_what_is_added_to_another_branch_is_no_row():
    i = keras.Input((8,))
    h = _dense(8, "a")(i)
    model = keras.Model(i, _dense(2, "c")(L.Add()([h, _dense(8, "b", "relu")(h)])))
    assert redundant_linear(model, leaf_layers(model)) == {"a"}, "a is also read by b"
    model = keras.Model(i, _dense(2, "d")(L.Add()([i, _dense(8, "e")(i)])))
    assert redundant_linear(model, leaf_layers(model)) == frozenset()


def test_a_row_runs_into_and_out_of_nested_models():
    inner = keras.Sequential([keras.Input((16,)), _dense(16, "inside")])
    i = keras.Input((8,))
    model = keras.Model(i, _dense(3, "out")(inner(_dense(16, "before")(i))))
    assert redundant_linear(model, leaf_layers(model)) == {"before", "inside"}


class _Branches(keras.Model):
    """Two linear layers side by side, of which only the code says that they are no row."""

    def __init__(self):
        super().__init__()
        self.layer, self.first = _dense(64, "layer", "relu"), _dense(32, "first")
        self.second, self.last = _dense(32, "second"), _dense(2, "last", "softmax")
        self.third = _dense(8, "third", "relu")

    def call(self, x):
        h = self.layer(x)
        return self.last(self.third(keras.ops.concatenate([self.first(h), self.second(h)], -1)))


def test_a_layer_that_the_next_cannot_read_begins_no_row_in_a_model_without_a_graph():
    model = _Branches()
    model.compile("adam", "sparse_categorical_crossentropy")
    model(np.ones((1, 8), "float32"))
    assert "missing_activation" not in {f.symptom for f in check(model)}


def test_linear_bottlenecks_of_a_known_network_are_no_fault():
    model = keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3), classes=10)
    model.compile("adam", "sparse_categorical_crossentropy")
    assert [f.symptom for f in check(model) if f.severity != "note"] == []
