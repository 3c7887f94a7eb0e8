"""A repaired model that keeps the original's answer where it is not much surer of another one."""

import keras
import numpy as np

from mode.models.classifier import classes_of, gives_logits, input_shape
from mode.models.copies import clone, compile_like, like

TINY = 1e-12
SAMPLE = 32  # inputs that show whether a model without a last activation gives logits
BEFORE, AFTER = "original", "repaired"


def guarded(before: keras.Model, after: keras.Model, margin: float, x: np.ndarray) -> keras.Model:
    """Return one model of both, which gives the label of `after` unless that of `before` is within
    a margin: `after`'s log-probabilities, the margin added to that of the label of `before`.

    So few inputs are broken that only a new model can repair (negative flips, Yan et al. 2021,
    CVPR). Both are copied. The original's weights are frozen; compile settings are those of
    `after`. A file of the model is twice as large, and a prediction takes twice as long.

    Args:
        before: the model whose right answers are to be kept.
        after: a repaired copy of it.
        margin: of log-probability, at least 0; with 0 it answers as `after`.
        x: some inputs.
    """
    original, repaired = clone(before), clone(after, keep_optimizer=False)
    original.name, repaired.name, original.trainable = BEFORE, AFTER, False
    logits = gives_logits(after, keras.ops.convert_to_numpy(after(x[:SAMPLE], training=False)))
    graph = getattr(after, "inputs", None)
    shape = (input_shape(after) or (None, *x.shape[1:]))[1:]
    inputs = keras.Input(shape, dtype=graph[0].dtype if graph else x.dtype.name)
    scores = _logits(repaired(inputs), logits=logits)
    old = _logits(original(inputs), logits=logits)
    if scores.shape[-1] == 1:
        scores, activation = scores + margin * keras.ops.sign(old), "sigmoid"
    else:
        label = keras.ops.one_hot(keras.ops.argmax(old, axis=-1), classes_of(after))
        scores, activation = scores + margin * label, "softmax"
    outputs = keras.layers.Activation("linear" if logits else activation, dtype="float32")(scores)
    model = keras.Model(inputs, outputs, name=after.name)
    if after.compiled:
        compile_like(after, model)
    return model


def repaired_like(
    model: keras.Model, repaired: keras.Model, margin: float, x: np.ndarray
) -> keras.Model:
    """Return `model` with the weights of `repaired`, a repaired copy, as `mode.models.copies.like`
    does; where there is a margin, guarded as `repaired` is."""
    if not margin:
        return like(model, repaired)
    return guarded(model, like(model, repaired.get_layer(AFTER)), margin, x)


def leads(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return by how much the log-probability of the new label exceeds that of the old one (n,), as
    `after` has them: what `guarded` compares with its margin.

    Args:
        before, after: probabilities (n, classes).

    Example:
        >>> leads(np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([[0.2, 0.8], [0.4, 0.6]])).round(3)
        array([1.386, 0.   ])
    """
    rows, scores = np.arange(len(after)), np.log(np.maximum(after, TINY))
    return scores.max(axis=1) - scores[rows, before.argmax(axis=1)]


def _logits(outputs: keras.KerasTensor, *, logits: bool) -> keras.KerasTensor:
    """Return a model's outputs as logits; a sigmoid of one unit has the log odds."""
    outputs = keras.ops.cast(outputs, "float32")
    if logits:
        return outputs
    scores = keras.ops.log(keras.ops.maximum(outputs, TINY))
    if outputs.shape[-1] > 1:
        return scores
    return scores - keras.ops.log(keras.ops.maximum(1 - outputs, TINY))
