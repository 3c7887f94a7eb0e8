"""Training loops, kept by what they depend on: compiled on TensorFlow, `fit` on other backends.

A model is trained by lending its weights to a private model of the same architecture, so that
the next model of the same kind does not compile again.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Any

import keras
import numpy as np

from mode.models.copies import clone, scales
from mode.models.weights import move

# XLA fuses a whole step of a dense net; its CPU convolutions are slower than TensorFlow's own.
FUSED = {"InputLayer", "Flatten", "Dense", "Activation", "ReLU", "Softmax", "Dropout", "Reshape"}
# In these, too, no row of a batch depends on another.
BY_ROW = FUSED | {"Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D"}
BY_ROW |= {"AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "Add", "Concatenate"}
BY_ROW |= {"ZeroPadding2D", "LayerNormalization", "LeakyReLU", "Rescaling", "SpatialDropout2D"}
MEANS = {"binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"}
MEANS |= {"mean_squared_error", "mean_absolute_error"}


@dataclass(frozen=True)
class Trainer:
    """A private model with a compiled loop over its training steps.

    padded: a last, smaller batch is filled up with rows of weight zero, which saves a
    compilation; otherwise it is run as it is.
    """

    model: keras.Model
    run: Callable
    padded: bool


KEPT = 8  # compiled loops; a study has one or two architectures at a time
TRAINERS: OrderedDict[tuple, Trainer] = OrderedDict()
_LOCK = RLock()


@contextmanager
def lent_weights(model: keras.Model, loss: Any) -> Iterator[Trainer]:
    """Give the weights and the optimizer's state of `model` to the compiled loop for its kind, and
    take them back at the end. One thread at a time: the loop's own model is shared."""
    with _LOCK:
        trainer = _trainer_for(model, loss)
        move(model, trainer.model)
        yield trainer
        move(trainer.model, model)


def _trainer_for(model: keras.Model, loss: Any) -> Trainer:
    """Return the compiled loop for models of this architecture, optimizer and loss."""
    key = _signature(model, loss)
    if key not in TRAINERS:
        private = clone(model)
        TRAINERS[key] = Trainer(private, *_loop(private, loss))
    TRAINERS.move_to_end(key)
    while len(TRAINERS) > KEPT:
        TRAINERS.popitem(last=False)
    return TRAINERS[key]


def _signature(model: keras.Model, loss: Any) -> tuple:
    """What a compiled loop depends on. Classes and functions themselves, not their names: two
    that are different may have the same name, and a key keeps them from being collected."""
    settings = model.optimizer.get_config()
    if isinstance(settings.get("learning_rate"), float):  # a variable, copied; not a schedule
        settings.pop("learning_rate")
    kinds = type(model), type(model.optimizer), *_loss_signature(loss)
    parts = [
        _without_seeds(model.get_config()),
        settings | {"name": ""},
        [layer.trainable for layer in model.layers],
        [variable.shape for variable in model.variables],
        # A Normalization computes with constants, which no move of weights reaches.
        [[weight.tolist() for weight in layer.get_weights()] for layer in scales(model)],
    ]
    return *kinds, json.dumps(parts, sort_keys=True, default=str)


def _loss_signature(loss: Any) -> tuple:
    """Two of Keras's own loss objects are the same when their settings are."""
    if isinstance(loss, keras.losses.Loss) and type(loss).__module__.startswith("keras."):
        settings = json.dumps(loss.get_config(), sort_keys=True, default=str)
        return type(loss), getattr(loss, "fn", None), settings
    return (loss,)


def _without_seeds(config):
    """A layer's seeds and initializers do not shape its computation."""
    if isinstance(config, dict):
        entries = {
            k: v for k, v in config.items() if k != "seed" and not k.endswith("_initializer")
        }
        return {key: _without_seeds(value) for key, value in entries.items()}
    return [_without_seeds(item) for item in config] if isinstance(config, list) else config


def _by_row(model: keras.Model, loss: Any) -> bool:
    """Whether a row of weight zero leaves no trace in a batch: no layer mixes rows, and the
    batch's loss is the mean over its rows."""
    loss = keras.losses.get(loss)
    function = getattr(loss, "fn", loss)
    is_mean = function.__module__.startswith("keras.") and (
        getattr(function, "__name__", "") in MEANS
        and getattr(loss, "reduction", "sum_over_batch_size") == "sum_over_batch_size"
    )
    parts = getattr(model, "operations", model.layers)
    graph = type(model).__name__ in ("Sequential", "Functional")
    plain = all(
        type(part).__name__ in BY_ROW and not getattr(part, "activity_regularizer", None)
        for part in parts
    )
    return is_mean and graph and plain


def _loop(model: keras.Model, loss: Any) -> tuple[Callable, bool]:
    """Return the loop and whether its batches are padded (see Trainer)."""
    if keras.backend.backend() == "tensorflow":
        return _compiled_loop(model, padded=_by_row(model, loss))
    return _fit_loop(model), False


def _fit_loop(model: keras.Model) -> Callable:
    """Return a loop that calls Keras's `fit`, which every backend has."""

    def run(x, y, weights, steps):
        def rows(array: np.ndarray) -> np.ndarray:
            return array[:steps].reshape(-1, *array.shape[2:])

        options = {"batch_size": y.shape[1], "shuffle": False, "verbose": 0}
        model.fit(keras.tree.map_structure(rows, x), rows(y), **options)

    return run


def _compiled_loop(model: keras.Model, *, padded: bool) -> tuple[Callable, bool]:
    """Return a TensorFlow graph that trains on many batches, and whether they are padded."""
    import tensorflow as tf  # not needed on other backends

    fused = padded and all(type(layer).__name__ in FUSED for layer in model.layers)

    @tf.function(jit_compile=fused, autograph=False, reduce_retracing=True)
    def run(x, y, weights, steps):
        def step(i):
            with tf.GradientTape() as tape:
                inputs = keras.tree.map_structure(lambda array: array[i], x)
                predictions = model(inputs, training=True)
                loss = model.compute_loss(inputs, y[i], predictions, weights[i] if padded else None)
                loss = model.optimizer.scale_loss(loss)
            variables = model.trainable_variables
            model.optimizer.apply(tape.gradient(loss, variables), variables)
            return i + 1

        return tf.while_loop(lambda i: i < steps, step, [tf.constant(0)])

    def run_arrays(x, y, weights, steps):
        # The function would convert numpy's arrays itself, but takes three times as long.
        run(*keras.tree.map_structure(tf.convert_to_tensor, (x, y, weights, steps)))

    return run_arrays, padded
