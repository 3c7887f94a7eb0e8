"""Compiled training: many batches in one call, the batches drawn from a named stream.

One `tf.function` call that gathers its own batches costs a fraction of a Python step each,
which is what lets a prior be fitted in minutes and a twin trained in seconds.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

CHUNK = 100  # steps a compiled call: small enough for a progress bar to move


def batches(count: int, size: int, steps: int, generator: np.random.Generator) -> np.ndarray:
    """Return indices, (steps, size): passes over `count` items, each in an order of its own."""
    size = min(size, count)
    passes = -(-steps // max(count // size, 1))
    order = [generator.permutation(count)[: count // size * size] for _ in range(passes)]
    return np.concatenate(order).reshape(-1, size)[:steps].astype(np.int32)


def run(
    step: Callable, arrays: tuple, rows: np.ndarray, *, bar: str = "", compiled: bool = False
) -> list[float]:
    """Call `step(*batch)` for every row of indices; return its loss at each chunk's end.

    Args:
        step: takes a batch of each array, updates weights, returns a scalar loss.
        arrays: what is sampled, each n x ...; copied to a tensor once.
        rows: indices, (steps, batch), as from `batches`.
        bar: words for a progress bar; none where empty.
        compiled: also pass through XLA (pays for dense networks, not for convolutions).
    """
    held = [tf.constant(a) for a in arrays]
    plain = tf.autograph.experimental.do_not_convert(step)

    @tf.function(
        jit_compile=compiled, input_signature=[tf.TensorSpec((None, rows.shape[1]), tf.int32)]
    )
    def many(index):
        loss = tf.constant(0.0)
        for row in index:
            loss = plain(*[tf.gather(a, row) for a in held])
        return loss

    call = many.get_concrete_function()
    chunks = [rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK)]
    return [float(call(tf.constant(c))) for c in tqdm(chunks, desc=bar, disable=not bar)]


def classifier_step(model: keras.Model, optimizer, *, logits: bool) -> Callable:
    """Return the step of cross-entropy training: (images, labels) -> loss."""
    optimizer.build(model.trainable_variables)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=logits)

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True)) + sum(model.losses)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    return step
