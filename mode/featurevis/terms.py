"""The small callables that shape an ascent: transforms of the picture, penalties on it.

A transform is f(images, key) -> images, a penalty f(images, codes) -> (n,), subtracted from the
activation. `key` is a stateless random key (2,) int32, a new one each step.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf


def jitter(pixels: int = 2) -> Callable:
    """Return the transform that rolls all images by up to `pixels` either way."""

    def transform(images, key):
        shift = tf.random.stateless_uniform((2,), key, -pixels, pixels + 1, tf.int32)
        return tf.roll(images, shift, axis=(1, 2))

    return transform


def noise(scale: float = 0.1) -> Callable:
    """Return the transform that adds normal noise of standard deviation `scale`."""

    def transform(images, key):
        return images + scale * tf.random.stateless_normal(tf.shape(images), key)

    return transform


def blur(sigma: float = 0.5) -> Callable:
    """Return the transform that blurs with a Gaussian of `sigma` pixels (two 1-D passes)."""
    reach = max(1, int(np.ceil(3 * sigma)))
    line = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    line = (line / line.sum()).astype(np.float32)

    def transform(images, key):
        channels = images.shape[-1]
        for kernel in (line[:, None], line[None, :]):
            tiled = np.tile(kernel[..., None, None], (1, 1, channels, 1))
            images = tf.nn.depthwise_conv2d(images, tiled, (1, 1, 1, 1), "SAME")
        return images

    return transform


def total_variation(weight: float = 1.0) -> Callable:
    """Return the penalty on differences between neighbouring pixels (mean absolute)."""

    def penalty(images, codes):
        down = tf.reduce_mean(tf.abs(images[:, 1:] - images[:, :-1]), axis=(1, 2, 3))
        across = tf.reduce_mean(tf.abs(images[:, :, 1:] - images[:, :, :-1]), axis=(1, 2, 3))
        return weight * (down + across)

    return penalty


def norm(weight: float = 1.0, power: float = 2.0) -> Callable:
    """Return the penalty on bright pixels: mean |pixel| ** power."""
    return lambda images, codes: weight * tf.reduce_mean(tf.abs(images) ** power, axis=(1, 2, 3))


def toward_prior(weight: float = 0.1) -> Callable:
    """Return the penalty on unlikely codes, mean z ** 2 (PPGN: Nguyen et al., CVPR 2017)."""
    return lambda images, codes: (
        weight * tf.reduce_mean(tf.reshape(codes, (tf.shape(codes)[0], -1)) ** 2, axis=1)
    )
