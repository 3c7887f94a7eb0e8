"""A custom loss that takes logits wants an output without activation; other losses do not."""

import keras
import pytest
import tensorflow as tf

from mode.diagnosis import check

ops = keras.ops


def _sparse(truth, predicted):
    labels = tf.cast(tf.reshape(truth, [-1]), tf.int32)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, predicted)


def _labels(truth, predicted):
    """Takes labels and nothing else."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(truth, tf.int32), predicted)


def _rows(truth, predicted):
    return tf.nn.softmax_cross_entropy_with_logits(truth, predicted)


def _binary(truth, predicted):
    return ops.mean(ops.binary_crossentropy(truth, predicted, from_logits=True))


def _tensorflow_binary(truth, predicted):
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(truth, predicted))


def _own_softmax(truth, predicted):
    return -ops.mean(ops.sum(truth * ops.log_softmax(predicted), -1))


def _of_logarithms(truth, predicted):
    logits = ops.log(ops.maximum(predicted, 1e-7))
    return tf.nn.softmax_cross_entropy_with_logits(truth, logits)


def _of_a_multiple(truth, predicted):
    return tf.nn.softmax_cross_entropy_with_logits(truth, 20 * predicted)


def _squared_logarithms(truth, predicted):
    return ops.mean(ops.square(ops.log1p(predicted) - ops.log1p(truth)))


def _softmax_of_targets(truth, predicted):
    return keras.losses.kl_divergence(ops.softmax(truth), predicted)


def _model(loss, activation):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation, name="end")])
    model.compile("sgd", loss)
    return model


def _found(loss, activation):
    return [f for f in check(_model(loss, activation)) if f.symptom == "activation_mismatch"]


@pytest.mark.parametrize(
    ("loss", "activation"),
    [
        (_sparse, "softmax"),
        (_labels, "softmax"),
        (_rows, "softmax"),
        (_own_softmax, "softmax"),
        (_own_softmax, "sigmoid"),
        (_binary, "sigmoid"),
        (_tensorflow_binary, "sigmoid"),
    ],
)
def test_an_activated_output_before_logits_is_found(loss, activation):
    (finding,) = _found(loss, activation)
    assert finding.severity == "warning"
    assert finding.where.layer == "end"
    assert finding.fixes[0].line == 'activation="linear"  # end'
    assert _found(loss, "linear") == []


@pytest.mark.parametrize(
    ("loss", "activation"),
    [
        (_of_logarithms, "softmax"),
        (_of_a_multiple, "softmax"),
        (_softmax_of_targets, "softmax"),
        (_squared_logarithms, "sigmoid"),
        (_binary, "softmax"),
    ],
)
def test_other_losses_are_left_alone(loss, activation):
    assert _found(loss, activation) == []


def test_a_loss_is_paired_with_its_output_by_name():
    inputs = keras.Input((4,))
    ends = {n: keras.layers.Dense(3, "softmax", name=n)(inputs) for n in ("one", "two")}
    model = keras.Model(inputs, ends)
    model.compile("sgd", {"two": _rows, "one": _of_logarithms})
    found = [f.where.layer for f in check(model) if f.symptom == "activation_mismatch"]
    assert found == ["two"]
