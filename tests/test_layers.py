"""Blocks, states, probes and the layer to blame, on nets whose answers are known by hand."""

import sys
import tracemalloc
from dataclasses import replace
from itertools import pairwise

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from mode.data import Data, Part, load
from mode.layers import (
    LayerBlock,
    Probes,
    bhattacharyya,
    blocks,
    choose_layer,
    features,
    layer_curve,
    layer_names,
    probe_layers,
    reductions,
    softmax_head,
    states,
    target_layer,
)
from mode.layers.hooks import leaf_layers, record_layer_calls, replaced_attribute, walk
from mode.layers.probes import scale_of, softmax_heads, zscale
from mode.models import build, predict, train
from tests.tolerance import FLOAT32


def identity(units: int, name: str, activation=None) -> layers.Layer:
    return layers.Dense(units, activation, kernel_initializer="identity", name=name)


@pytest.fixture(scope="module")
def skip() -> keras.Model:
    """x -> hidden = relu(x) -> x + hidden -> out, all weights 1 on the diagonal."""
    inputs = keras.Input((2,))
    hidden = layers.ReLU()(identity(2, "hidden")(inputs))
    added = layers.Add(name="added")([inputs, hidden])
    return keras.Model(inputs, identity(2, "out")(added))


def test_a_block_ends_before_a_branch_a_merge_or_the_next_weights():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(2, 3, name="conv"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(4, name="hidden"),
            layers.Dense(3, name="out"),
            layers.Softmax(name="softmax"),
        ]
    )
    # Calls: conv 0, and behind it up to Flatten 5; hidden 6; out 7 and softmax 8.
    assert blocks(model) == {
        "conv": LayerBlock((18,), 5),
        "hidden": LayerBlock((4,), 6),
        "out": LayerBlock((3,), 8),
    }


def test_states_of_a_net_with_a_skip_by_hand(skip):
    x = np.array([[1, -2], [-3, 4]], np.float32)
    found = states(skip, x)
    assert list(found) == layer_names(skip) == ["hidden", "out"]
    assert found["hidden"].tolist() == [[1, 0], [0, 4]]
    assert found["out"].tolist() == [[2, -2], [-3, 8]]
    assert list(states(skip, x, "out")) == ["out"]
    assert list(states(skip, x, ["out", "hidden"])) == ["out", "hidden"]
    assert states(skip, x[:0])["hidden"].shape == (0, 2)


def test_states_of_a_nested_model_by_hand():
    inner = keras.Sequential([keras.Input((2,)), identity(2, "a", "relu")], name="inner")
    inputs = keras.Input((2,))
    model = keras.Model(inputs, identity(2, "out")(inner(identity(2, "first")(inputs))))
    found = states(model, np.array([[1, -2]], np.float32))
    assert {name: array.tolist() for name, array in found.items()} == {
        "first": [[1, -2]],
        "inner/a": [[1, 0]],
        "out": [[1, 0]],
    }


def test_states_in_chunks_equal_states_at_once(trained, small, monkeypatch):
    whole = states(trained, small.pool.x)
    monkeypatch.setattr(sys.modules["mode.layers.states"], "CHUNK", 64)
    for name, array in states(trained, small.pool.x).items():
        np.testing.assert_allclose(array, whole[name], **FLOAT32)
    output = trained.predict(small.pool.x, verbose=0)
    np.testing.assert_allclose(whole["output"], output, **FLOAT32)


def test_large_spatial_states_are_averaged_over_space():
    array = np.arange(2 * 3 * 3 * 2, dtype=np.float64).reshape(2, 3, 3, 2)
    assert features(array).shape == (2, 18)
    np.testing.assert_allclose(features(array, limit=17), array.mean(axis=(1, 2)))
    assert features(array[:0]).shape == (0, 18)


class ChannelsFirst(layers.Conv2D):
    """A convolution with channels first that runs where TensorFlow itself has none: on any CPU."""

    def convolution_op(self, inputs, kernel):
        last = keras.ops.transpose(inputs, (0, 2, 3, 1))
        outputs = keras.ops.conv(last, kernel, padding=self.padding, data_format="channels_last")
        return keras.ops.transpose(outputs, (0, 3, 1, 2))


def test_channels_that_come_first_are_kept_and_space_is_averaged():
    x = np.random.default_rng(0).random((4, 3, 40, 40), np.float32)
    conv = ChannelsFirst(5, 3, data_format="channels_first", name="conv")
    stack = [conv, layers.BatchNormalization(axis=1), layers.ReLU(), layers.Flatten()]
    model = keras.Sequential([keras.Input(x.shape[1:]), *stack, layers.Dense(2, name="out")])
    other = keras.Sequential(
        [keras.Input((40, 40, 3)), layers.Conv2D(5, 3, activation="relu", name="conv")]
    )
    other.set_weights(conv.get_weights())
    found = states(model, x)["conv"]
    assert reductions(model)["conv"] == "averaged over space"
    assert found.shape == (4, 5)
    expected = states(other, x.transpose(0, 2, 3, 1))["conv"]
    np.testing.assert_allclose(found, expected / np.sqrt(1 + 1e-3), **FLOAT32)


@pytest.mark.parametrize("sequence", [False, True])
def test_the_axis_of_the_channels_follows_the_spatial_axes(sequence):
    array = np.random.default_rng(0).random((2, 4, 3, 5, 6))  # of a ConvLSTM2D, over time
    array = array if sequence else array[:, 0]
    axes = (1, 3, 4) if sequence else (2, 3)
    found = features(array, limit=9, channels=-3)
    np.testing.assert_allclose(found, array.mean(axis=axes), rtol=1e-6)


def nested() -> keras.Model:
    inner = keras.Sequential([keras.Input((2,)), identity(2, "deep")], name="inner")
    return keras.Sequential([keras.Input((2,)), inner, identity(2, "out")])


def test_a_nested_model_is_followed_by_its_layers():
    model = nested()
    assert [name for name, _ in walk(model)] == ["inner", "inner/deep", "out"]
    assert list(leaf_layers(model)) == ["inner/deep", "out"]


def test_calls_are_recorded_until_the_block_ends_even_by_an_error():
    model, calls, original = nested(), [], keras.Layer.__call__
    x = np.array([[1.0, 2.0]], np.float32)

    def fail_after_a_call():
        with record_layer_calls(leaf_layers(model), calls.append):
            model(x)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_a_call()
    model(x)
    assert [call.layer.name for call in calls] == ["deep", "out"]
    np.testing.assert_array_equal(calls[0].output, x)
    assert keras.Layer.__call__ is original


@pytest.mark.parametrize("own", [True, False])
def test_a_replaced_attribute_comes_back_even_after_an_error(own):
    layer = identity(2, "layer", "relu")
    name, before = ("activation", layer.activation) if own else ("call", None)

    def fail_with_another_value():
        with replaced_attribute(layer, name, keras.ops.negative):
            assert getattr(layer, name) is keras.ops.negative
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_with_another_value()
    assert vars(layer).get(name) is before


def test_models_without_reachable_layers_are_refused(refused, small):
    class Hidden(keras.Model):
        """Its weights are its own, not a layer's."""

        def __init__(self):
            super().__init__(name="own")
            self.flatten = layers.Flatten()

        def build(self, shape):
            self.kernel = self.add_weight(shape=(784, 10))

        def call(self, inputs):
            return keras.ops.softmax(self.flatten(inputs) @ self.kernel)

    own = Hidden()
    own(small.train.x[:2])
    weightless = keras.Sequential([keras.Input((3,)), layers.Softmax()], name="weightless")
    unbuilt = keras.Sequential([layers.Dense(3)], name="unbuilt")
    message = (
        "the model must be built and have reachable layers with weights. "
        "Received: {}. Call it on an input, and keep its layers as attributes."
    )
    assert refused(blocks, own) == message.format("Hidden 'own' with 1 layers")
    assert refused(layer_names, weightless) == message.format(
        "Sequential 'weightless' with 1 layers"
    )
    assert refused(layer_names, unbuilt) == message.format("Sequential 'unbuilt' with 1 layers")
    refused(target_layer, own, small, 1, kind="under-fitted")
    assert refused(states, build("published"), small.test.x, "hiden_1") == (
        "layer must be one of 'hidden_1', 'hidden_2', 'output'. Received: 'hiden_1'. "
        "Did you mean 'hidden_1'?"
    )


def accuracy(probabilities: np.ndarray, part: Part) -> float:
    return (probabilities.argmax(axis=1) == part.y).mean()


def last_probe_is_the_model(model: keras.Model, data: Data) -> None:
    before = [weights.copy() for weights in model.get_weights()]
    probes = probe_layers(model, data)
    assert list(probes.heads) == layer_names(model)
    last = layer_names(model)[-1]
    own = accuracy(predict(model, data.diagnosis.x), data.diagnosis)
    assert abs(accuracy(probes.diagnosis[last], data.diagnosis) - own) <= 0.01
    for weights, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, kept)
    assert all(layer.trainable for layer in model.layers)


def test_the_last_probe_is_as_accurate_as_the_model_on_digits(trained, digits):
    last_probe_is_the_model(trained, digits)


@pytest.mark.mnist
def test_the_last_probe_is_as_accurate_as_the_model_on_mnist():
    data = load("mnist")
    model = train(build("published"), data.train.x, data.train.y, epochs=3)
    last_probe_is_the_model(model, data)


def test_probes_depend_on_the_seed_and_are_judged_where_asked(trained, small):
    one, two, other = (probe_layers(trained, small, seed=seed) for seed in (0, 0, 1))
    assert (one.heads["output"] == two.heads["output"]).all()
    assert (one.heads["output"] != other.heads["output"]).any()
    on_test = probe_layers(trained, small, diagnosis=small.test)
    assert (on_test.heads["output"] == one.heads["output"]).all()
    assert len(on_test.diagnosis["output"]) == len(small.test)
    scale = one.scales["hidden_1"]
    hidden = states(trained, small.train.x)["hidden_1"]
    np.testing.assert_allclose(scale[0], hidden.mean(axis=0, dtype=float), **FLOAT32)


@pytest.fixture(scope="module")
def deep() -> tuple[keras.Model, Data]:
    """Twenty layers of 256 units, and data of which each layer's states take 1 MB."""
    rng = np.random.default_rng(0)
    sizes = {"train": 1000, "pool": 10, "diagnosis": 250, "test": 10}
    parts = {name: rng.random((size, 8), np.float32) for name, size in sizes.items()}
    parts = {name: Part(x, (x[:, 0] > 0.5).astype(int)) for name, x in parts.items()}
    hidden = [layers.Dense(256, "relu", name=f"hidden_{number}") for number in range(20)]
    stack = [keras.Input((8,)), *hidden, layers.Dense(2, "softmax", name="out")]
    return keras.Sequential(stack), Data(**parts, classes=2)


def test_memory_for_probes_does_not_grow_with_the_layers(deep, monkeypatch):
    model, data = deep
    monkeypatch.setattr("mode.layers.probes.GROUP_BYTES", 2**22)  # three layers at once
    tracemalloc.start()
    probe_layers(model, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22 + 4 * 1000 * 256 * 4, "all layers' states would be 26 MB"


def test_probes_in_groups_of_layers_are_those_of_all_at_once(trained, small, monkeypatch):
    whole = probe_layers(trained, small)
    monkeypatch.setattr("mode.layers.probes.GROUP_BYTES", 1)
    grouped = probe_layers(trained, small)
    assert list(grouped.heads) == list(whole.heads) == layer_names(trained)
    for name in grouped.heads:
        np.testing.assert_allclose(grouped.heads[name], whole.heads[name], **FLOAT32)
        np.testing.assert_allclose(grouped.diagnosis[name], whole.diagnosis[name], **FLOAT32)


def test_states_are_scaled_and_a_constant_unit_stays_at_zero():
    array = np.array([[0, 7], [4, 7]], np.float32)
    scale = scale_of(array)
    assert zscale(array, scale).tolist() == [[-1, 0], [1, 0]]
    assert zscale(np.array([[5, 8]], np.float32), scale).tolist() == [[1.5, 1]]


def test_a_scale_loses_no_digits_over_many_inputs():
    """A sum of a million float32 numbers would, and a constant unit would seem to vary."""
    rng = np.random.default_rng(0)
    array = np.full((2**20, 2), 0.1, np.float32)
    array[:, 1] = 1000 + rng.random(2**20, np.float32)
    mean, deviation = scale_of(array)
    assert mean.dtype == deviation.dtype == np.float32
    assert mean[0] == array[0, 0]
    assert deviation[0] == 1
    exact = array[:, 1].astype(np.float64)
    np.testing.assert_allclose([mean[1], deviation[1]], [exact.mean(), exact.std()], rtol=1e-6)


def test_a_head_finds_what_separates_and_knows_the_shares_where_nothing_does():
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], [300, 100])
    inputs = np.where(labels == 1, 1.0, -1.0)[:, None].astype(np.float32)
    head = softmax_head(inputs, labels, 2, generator=generator)
    assert head.shape == (2, 2)
    assert head[0, 1] > 1 > -1 > head[0, 0]
    constant = softmax_head(0 * inputs, labels, 2, generator=generator)
    assert np.exp(constant[1, 1] - constant[1, 0]) == pytest.approx(1 / 3, rel=0.15)


def test_heads_that_are_trained_at_once_are_those_that_are_trained_alone():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    inputs = [rng.normal(labels[:, None], size=(200, units)) for units in (5, 2, 9)]
    together = softmax_heads(
        inputs, labels, 3, generators=[np.random.default_rng(n) for n in range(3)], steps=50
    )
    for number, head in enumerate(together):
        generator = np.random.default_rng(number)
        alone = softmax_head(inputs[number], labels, 3, generator=generator, steps=50)
        np.testing.assert_allclose(head, alone, **FLOAT32)


def test_a_head_needs_a_label_for_each_input(refused):
    assert refused(softmax_head, np.zeros((3, 1)), np.zeros(2, int), 2, generator=None) == (
        "inputs and labels must have the same length. Received: inputs: 3, labels: 2."
    )


def test_bhattacharyya_by_hand():
    p, q = np.array([[0.5, 0.5], [1, 0]]), np.array([[0.5, 0.5], [0.25, 0.75]])
    assert bhattacharyya(p, p) == pytest.approx(0)
    assert bhattacharyya(p, q) == pytest.approx(np.log(2) / 2)
    assert bhattacharyya(p, q) == bhattacharyya(q, p)
    assert bhattacharyya(np.array([[1.0, 0]]), np.array([[0.0, 1]])) == pytest.approx(
        -np.log(1e-12)
    )


def scripted(held_out: list[int], reference: list[int]) -> tuple[Probes, Part]:
    """Probes of which layer i has held_out[i] (reference[i]) of 100 inputs of label 1 right."""
    part = Part(np.zeros((100, 1)), np.ones(100, int))

    def says(right: int) -> np.ndarray:
        return np.eye(2)[(np.arange(100) < right).astype(int)]

    names = [f"layer {number}" for number in range(1, len(held_out) + 1)]
    on_train = dict(zip(names, map(says, reference), strict=True))
    return Probes({}, {}, on_train, dict(zip(names, map(says, held_out), strict=True))), part


@pytest.mark.parametrize(
    ("held_out", "chosen"),
    [
        ([50, 70, 80, 90], 4),  # always better: the last
        ([50, 70, 70, 90], 2),  # no better after the second
        ([50, 40, 70, 90], 1),  # worse after the first
        ([22, 23, 24, 24], 3),  # 0.24 - 0.23 is a step of 0.01, though not in floats
        ([50], 1),
    ],
)
def test_under_fitting_walks_forward_until_a_layer_adds_nothing(held_out, chosen):
    probes, part = scripted(held_out, [99] * len(held_out))
    choice = choose_layer(probes, part, part, 1, kind="under-fitted")
    assert choice.layer == f"layer {chosen}"
    assert choice.curve["label accuracy"].tolist() == [right / 100 for right in held_out]


@pytest.mark.parametrize(
    ("gaps", "chosen"),
    [
        ([0, 10, 20, 30], 4),  # the last layer widens
        ([0, 10, 20, 20], 3),
        ([0, 10, 11, 12], 2),  # 0.01 more is not more than eps
        ([20, 20, 19, 5], 1),  # nothing widens: it was there from the first on
    ],
)
def test_over_fitting_walks_backward_to_the_last_layer_that_widens_the_gap(gaps, chosen):
    probes, part = scripted([60 - gap for gap in gaps], [60] * len(gaps))
    choice = choose_layer(probes, part, part, 1, kind="over-fitted")
    assert choice.layer == f"layer {chosen}"
    assert choice.kind == "over-fitted"
    np.testing.assert_allclose(choice.curve["gap"], np.array(gaps) / 100, atol=1e-12)


def test_eps_moves_the_stop():
    probes, part = scripted([50, 60, 65, 66], [99] * 4)
    found = [
        choose_layer(probes, part, part, 1, kind="under-fitted", eps=eps).layer
        for eps in (0.0, 0.02, 0.07, 0.2)
    ]
    assert found == ["layer 4", "layer 3", "layer 2", "layer 1"]


def test_the_curve_by_hand():
    p = {"a": np.array([[0.8, 0.2], [0.3, 0.7]]), "b": np.array([[0.2, 0.8], [0.3, 0.7]])}
    judge, seen = Part(np.zeros((2, 1)), np.array([0, 1])), Part(np.zeros((1, 1)), np.array([0]))
    how = {"a": "flattened", "b": "averaged over space"}
    probes = Probes({}, {}, {"a": np.array([[1.0, 0]]), "b": np.array([[1.0, 0]])}, p, how)
    curve = layer_curve(probes, seen, judge, 0)
    expected = pd.DataFrame(
        {
            "layer": ["a", "b"],
            "accuracy": [1.0, 0.5],
            "label accuracy": [1.0, 0.0],
            "reference accuracy": [1.0, 1.0],
            "gap": [0.0, 1.0],
            "bhattacharyya": [np.nan, -np.log(2 * np.sqrt(0.16))],
            "states": ["flattened", "averaged over space"],
        }
    )
    pd.testing.assert_frame_equal(curve, expected)


def test_target_layer_of_a_real_model(trained, small):
    choice = target_layer(trained, small, 3, kind="under-fitted", eps=0.02)
    assert choice.curve["layer"].tolist() == ["hidden_1", "hidden_2", "hidden_3", "output"]
    assert (choice.label, choice.kind, choice.eps) == (3, "under-fitted", 0.02)
    curve = choice.curve["label accuracy"].tolist()
    steps = [after - before for before, after in pairwise(curve)]
    stalled = [number for number, step in enumerate(steps) if step < 0.02]
    assert choice.layer == choice.curve["layer"][stalled[0] if stalled else 3]


def test_target_layer_refuses(trained, small, refused):
    assert refused(target_layer, trained, small, 3, kind="underfitted") == (
        "kind must be one of 'over-fitted', 'under-fitted'. Received: 'underfitted'. "
        "Did you mean 'under-fitted'?"
    )
    assert refused(target_layer, trained, small, 10, kind="under-fitted") == (
        "label must be from 0 to 9. Received: labels from 10 to 10."
    )
    assert refused(target_layer, trained, small, 3, kind="under-fitted", eps=2) == (
        "eps must be a number from 0 to 1. Received: 2."
    )
    without = small.with_part("diagnosis", small.diagnosis.take(small.diagnosis.y != 3))
    assert refused(target_layer, trained, without, 3, kind="under-fitted") == (
        "label must have inputs in the train and diagnosis parts. Received: 3, without."
    )
    called = replace(without, class_names=tuple("abcdefghij"))
    assert refused(target_layer, trained, called, 3, kind="under-fitted") == (
        "label must have inputs in the train and diagnosis parts. Received: d, without."
    )
