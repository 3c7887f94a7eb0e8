"""The compiled climb itself: many codes at once, a normalised gradient, a box, the best kept.

Knows nothing of classifiers or generators: an objective comes in, codes go out.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tqdm import tqdm

CHUNK = 20  # steps a compiled call, so that the progress bar moves


@dataclass(frozen=True)
class Ascent:
    """Settings of an ascent; `rate` and `shrink` are in units of a code's standard deviation."""

    steps: int = 60
    rate: float = 0.15
    shrink: float = 0.99
    adaptive: bool = True  # Adam's moments; else the normalised gradient itself
    keep_best: bool = True  # else the last picture, as DGN-AM does


def ascend(
    objective: Callable, start: np.ndarray, box: tuple, ascent: Ascent, seed: int, bar: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return codes (n, ...), their activations (n,) and the activations by step (steps, n).

    Args:
        objective: (codes, key) -> activation (n,) and the goal to climb (n,).
        start: codes, n x ...
        box: lowest and highest value of each code element.
        seed: of the keys handed to the objective, one a step.
        bar: words for a progress bar; none where empty.
    """
    chunk = _chunk(objective, box, ascent, seed, start.ndim - 1)
    n = len(start)
    state = [tf.constant(start), tf.zeros_like(start), tf.zeros_like(start), tf.constant(start)]
    state += [tf.fill((n,), -np.inf), tf.zeros(n)]
    compiled = chunk.get_concrete_function(tf.constant(0), tf.constant(0), *state)
    traces = []
    for first in tqdm(range(0, ascent.steps, CHUNK), desc=bar, disable=not bar):
        last = min(first + CHUNK, ascent.steps)
        *state, trace = compiled(tf.constant(first), tf.constant(last), *state)
        traces.append(trace.numpy())
    codes, values = state[3].numpy(), state[5].numpy()
    if not ascent.keep_best:
        codes = state[0].numpy()
        values = objective(state[0], tf.constant([ascent.steps, seed], tf.int32))[0].numpy()
    return codes, values, np.concatenate(traces)


def _chunk(objective, box, ascent, seed, axes):
    """Return the compiled steps first to last; best, top and kept are the best so far."""
    move = tf.autograph.experimental.do_not_convert(_mover(objective, box, ascent, seed, axes))

    @tf.function
    def chunk(first, last, z, m, v, best, top, kept):
        trace = tf.TensorArray(tf.float32, last - first)
        for t in tf.range(first, last):
            value, goal, moved, m, v = move(t, z, m, v)
            better = goal > top
            best = tf.where(tf.reshape(better, (-1, *[1] * axes)), z, best)
            top, kept = tf.where(better, goal, top), tf.where(better, value, kept)
            trace = trace.write(t - first, value)
            z = moved
        return z, m, v, best, top, kept, trace.stack()

    return chunk


def _mover(objective, box, ascent, seed, axes):
    low, high = (tf.constant(b, tf.float32) for b in box)
    reach = (high - low) / 6  # the box spans 6 standard deviations
    own = tuple(range(1, axes + 1))

    def move(t, z, m, v):
        with tf.GradientTape() as tape:
            tape.watch(z)
            value, goal = objective(z, tf.stack([t, tf.constant(seed, tf.int32)]))
        slope = reach * tape.gradient(goal, z, unconnected_gradients="zero")
        slope /= tf.reduce_mean(tf.abs(slope), axis=own, keepdims=True) + 1e-30
        now = tf.cast(t, tf.float32)
        if ascent.adaptive:
            m, v = 0.9 * m + 0.1 * slope, 0.99 * v + 0.01 * slope**2
            slope = m / (1 - 0.9 ** (now + 1)) / (tf.sqrt(v / (1 - 0.99 ** (now + 1))) + 1e-8)
        rate = ascent.rate * (1 - now / ascent.steps)
        moved = tf.clip_by_value(ascent.shrink * (z + rate * reach * slope), low, high)
        return value, goal, moved, m, v

    return move
