"""How many right answers a small change of the pixels turns: projected gradient descent.

Madry et al. (2018, ICLR), section 2.1: steps along the sign of the loss's gradient, each followed
by a projection onto the images that differ by at most eps in any pixel.
"""

import keras
import numpy as np
import tensorflow as tf

from mode import seeds
from mode.featurevis.targets import logits_of
from mode.models import predict

EPS = 0.15  # of images with values from 0 to 1
STEPS, STEP = 40, 0.01
INPUTS, BATCH = 2000, 500


def attack_success(model: keras.Model, x: np.ndarray, y: np.ndarray, *, seed: int = 0) -> float:
    """Return the share of what `model` gets right of the first 2,000 inputs that an attack makes
    it get wrong.

    Args:
        model: a classifier.
        x: images (n, height, width, channels) with values from 0 to 1.
        y: labels (n,).
        seed: decides where in the ball of eps each image starts. Defaults to 0.
    """
    x, y = x[:INPUTS], y[:INPUTS]
    right = predict(model, x).argmax(axis=1) == y
    attacked = adversarial(model, x[right], y[right], seed=seed)
    return float((predict(model, attacked).argmax(axis=1) != y[right]).mean())


def adversarial(model: keras.Model, x: np.ndarray, y: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Return images (n, height, width, channels) within EPS of `x`, at which the loss is high."""
    logits, _ = logits_of(model, x[:1])
    start = seeds.generator(seed, "attack").uniform(-EPS, EPS, x.shape).astype(np.float32)
    batches = range(0, len(x), BATCH)
    return np.concatenate(
        [_attacked(logits, *(a[i : i + BATCH] for a in (x, y, start))) for i in batches]
    )


def _attacked(logits, x: np.ndarray, y: np.ndarray, start: np.ndarray) -> np.ndarray:
    low, high = tf.maximum(x - EPS, 0.0), tf.minimum(x + EPS, 1.0)
    images = tf.clip_by_value(x + start, low, high)

    @tf.function
    def moved(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits(images))
        changed = images + STEP * tf.sign(tape.gradient(loss, images))
        return tf.clip_by_value(changed, low, high)

    for _ in range(STEPS):
        images = moved(images)
    return images.numpy()
