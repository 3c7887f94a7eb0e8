"""Train a copy, many batches to one compiled call.

`fit` returns to Python after every batch, which on the study's tiny nets costs ten times the
arithmetic. Here a compiled loop runs STEPS batches at once. Compiled loops are kept by the
model's architecture, so that the next model of the same kind does not compile again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from mode import checks, seeds
from mode.models.copies import assign, clone
from mode.models.predicting import check_inputs, classes_of

STEPS = 64
# XLA fuses a whole step of a dense net; its CPU convolutions are slower than TensorFlow's own.
FUSED = {"InputLayer", "Flatten", "Dense", "Activation", "ReLU", "Softmax", "Dropout", "Reshape"}


@dataclass(frozen=True)
class Trainer:
    """A private model with a compiled loop over its training steps."""

    model: keras.Model
    run: Callable


def train(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    *,
    epochs: int = 3,
    batch_size: int = 32,
    seed: int = 0,
) -> keras.Model:
    """Return a copy of `model`, trained on; its optimiser goes on from the model's state.

    Args:
        model: a built Keras classifier. Its own compile settings are used; where it has none,
            Adam and sparse cross entropy.
        x: inputs, n x the model's input shape.
        y: integer labels (n,) or one-hot rows (n, classes).
        epochs, batch_size: as in `fit`; the last batch of an epoch may be smaller.
        seed: decides the order of the inputs and the masks of dropout layers.

    Raises:
        InputError: for inputs or labels that do not fit the model.
    """
    checks.number("epochs", epochs, 0, integer=True)
    checks.number("batch_size", batch_size, 1, integer=True)
    check_inputs(model, x)
    targets = _targets(model, checks.labels("y", y, classes_of(model)))
    checks.not_empty("x", x)
    checks.same_length(x=x, y=targets)
    trained = _compiled(clone(model))
    trainer = _trainer(trained)
    _move(trained, trainer.model)
    _reseed(trainer.model, seed)
    order = seeds.generator(seed, "order")
    for _ in range(epochs):
        _epoch(trainer, x, targets, order.permutation(len(x)), batch_size)
    _move(trainer.model, trained)
    return trained


def _compiled(model: keras.Model) -> keras.Model:
    if not model.compiled:
        logits = getattr(model.layers[-1], "activation", None) is keras.activations.linear
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
        model.compile("adam", loss, metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    return model


def _targets(model: keras.Model, labels: np.ndarray) -> np.ndarray:
    """Labels in the form that the model's loss takes."""
    units = model.output_shape[-1]
    if units == 1:
        return labels.astype(np.float32)[:, None]
    if "sparse" in _loss_name(model):
        return labels.astype(np.int32)
    return np.eye(units, dtype=np.float32)[labels]


def _loss_name(model: keras.Model) -> str:
    loss = model.loss if model.compiled else "sparse"
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    return name.lower()


def _epoch(trainer: Trainer, x: np.ndarray, y: np.ndarray, order: np.ndarray, batch: int) -> None:
    """One pass in calls of STEPS batches; the last batch is filled up with weight zero."""
    size = STEPS * batch
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        steps = -(-len(chosen) // batch)
        weights = np.zeros(size, np.float32)
        weights[: len(chosen)] = 1
        last = len(chosen) - (steps - 1) * batch
        weights[(steps - 1) * batch : len(chosen)] = batch / last
        rows = np.resize(chosen, size)
        trainer.run(
            x[rows].reshape(STEPS, batch, *x.shape[1:]),
            y[rows].reshape(STEPS, batch, *y.shape[1:]),
            weights.reshape(STEPS, batch),
            np.int32(steps),
        )


_TRAINERS: dict[str, Trainer] = {}


def _trainer(model: keras.Model) -> Trainer:
    """Return the compiled loop for models of this architecture, optimiser and loss."""
    key = _signature(model)
    if key not in _TRAINERS:
        private = _compiled(clone(model))
        _TRAINERS[key] = Trainer(private, _loop(private))
    return _TRAINERS[key]


def _signature(model: keras.Model) -> str:
    settings = model.optimizer.get_config()
    if isinstance(settings["learning_rate"], float):  # a variable, which is copied; no schedule
        settings.pop("learning_rate")
    parts = [
        type(model).__name__,
        _without_seeds(model.get_config()),
        [type(model.optimizer).__name__, settings | {"name": ""}, str(getattr(model, "loss", ""))],
        [layer.trainable for layer in model.layers],
    ]
    return json.dumps(parts, sort_keys=True, default=str)


def _without_seeds(config):
    """A layer's seeds and initialisers do not shape its computation."""
    if isinstance(config, dict):
        kept = {k: v for k, v in config.items() if k != "seed" and not k.endswith("_initializer")}
        return {key: _without_seeds(value) for key, value in kept.items()}
    return [_without_seeds(item) for item in config] if isinstance(config, list) else config


def _loop(model: keras.Model) -> Callable:
    fused = all(type(layer).__name__ in FUSED for layer in model.layers)

    @tf.function(jit_compile=fused, autograph=False, reduce_retracing=True)
    def run(x, y, weights, steps):
        def step(i):
            with tf.GradientTape() as tape:
                predictions = model(x[i], training=True)
                loss = model.compute_loss(x[i], y[i], predictions, weights[i])
                loss = model.optimizer.scale_loss(loss)
            variables = model.trainable_variables
            model.optimizer.apply(tape.gradient(loss, variables), variables)
            return i + 1

        return tf.while_loop(lambda i: i < steps, step, [tf.constant(0)])

    return run


def _move(source: keras.Model, target: keras.Model) -> None:
    assign(target.variables, source.variables)
    assign(target.optimizer.variables, source.optimizer.variables)


def _reseed(model: keras.Model, seed: int) -> None:
    """Start every random layer's stream anew, each from a seed of its own."""
    generators = [
        v for v in model.non_trainable_variables if v.path.endswith("seed_generator_state")
    ]
    for number, state in enumerate(generators):
        state.assign(np.array([seeds.derive(seed, "layer", number), 0], dtype="uint32"))
