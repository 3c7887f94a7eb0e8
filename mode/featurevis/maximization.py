"""Activation maximization: z* = argmax a(G(z)) - R(z), every unit and restart in one batch.

Follows DGN-AM (Nguyen et al., NeurIPS 2016): normalized gradient, codes shrunk at each step and
clipped to a measured box, a rate that decays to 0. Without a prior the code is the image itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from mode import checks
from mode.featurevis import targets
from mode.featurevis.prior import Prior, as_prior, sample
from mode.seeds import derive, generator

CHUNK = 20  # steps per compiled call, so that the progress bar moves


@dataclass(frozen=True)
class Ascent:
    """Settings of an ascent; `rate` and `shrink` are in units of a code's standard deviation."""

    steps: int = 60
    rate: float = 0.15
    shrink: float = 0.99
    adaptive: bool = True  # Adam's moments; else the normalized gradient itself
    keep_best: bool = True  # else the last image, as in DGN-AM


PRESETS = {
    "default": Ascent(),
    "dgn-am": Ascent(steps=200, rate=0.8, adaptive=False, keep_best=False),
    "pixels": Ascent(steps=150, rate=0.15, shrink=1.0),
}


@dataclass(frozen=True)
class PreferredInputs:
    """The images that most excite each unit.

    images (units, restarts, h, w, c) in [0, 1]; codes (units, restarts, d); activations (units,
    restarts), logits for classes; trace (steps, units, restarts), activation per step; units as
    requested; layer or None for the logits.
    """

    images: np.ndarray
    codes: np.ndarray
    activations: np.ndarray
    trace: np.ndarray
    units: tuple
    layer: str | None

    def _repr_html_(self) -> str:
        from mode.featurevis.report import image_table

        return image_table(self.images, [str(u) for u in self.units])


def maximize(
    model: keras.Model,
    prior: Prior | None,
    units: Sequence = range(10),
    *,
    layer: str | None = None,
    restarts: int = 16,
    seed: int = 0,
    preset: str | None = None,
    steps: int | None = None,
    transforms: Sequence[Callable] | None = None,
    penalties: Sequence[Callable] | None = None,
    progress: bool = True,
) -> PreferredInputs:
    """Return the images that most excite `units` of `layer`, `restarts` of each.

    Args:
        prior: the generator to search through, or None to search pixels.
        units: whole numbers (classes or channels), tuples (single neurons) or dicts of such to
            weights (groups). Defaults to the classes 0 to 9.
        layer: a name from `targets.named_layers`. Defaults to the logits.
        restarts: images per unit. Defaults to 16.
        seed: seed of the starts and transforms. Defaults to 0.
        preset: a name from `PRESETS`. Defaults to "default", or "pixels" without a prior.
        steps: steps of the ascent. Defaults to the preset's.
        transforms: callables (images, key) -> images; `key` is a random key (2,) int32, a new one
            per step. Defaults to `random_translation` and `blur` without a prior, else none.
        penalties: callables (images, codes) -> (n,), subtracted from the activation. Defaults to
            `total_variation` and `norm` without a prior, else none.

    Raises:
        InputError: for a model of another input shape, NaN weights, an unknown layer, unit or
            preset, or a unit whose activation no restart can change.
    """
    name = preset or ("pixels" if prior is None else "default")
    ascent = PRESETS[checks.one_of("preset", name, PRESETS)]
    if steps is not None:
        ascent = replace(ascent, steps=checks.number("steps", steps, 1, integer=True))
    checks.number("restarts", restarts, 1, integer=True)
    prior = None if prior is None else as_prior(prior)
    units = _unit_list(units)
    if prior is None:
        transforms = (random_translation(1), blur(0.5)) if transforms is None else transforms
        penalties = (total_variation(5.0), norm(1.0)) if penalties is None else penalties
    transforms, penalties = transforms or (), penalties or ()
    _check_callables(transforms=transforms, penalties=penalties)
    targets.check_model(model)
    start = _starts(model, prior, len(units) * restarts, seed)
    preferred = climb(
        model, prior, units, start, ascent, layer=layer, restarts=restarts,
        seed=derive(seed, "ascent"), transforms=transforms, penalties=penalties,
        bar="maximize" if progress else "",
    )  # fmt: skip
    _check_alive(preferred)
    return preferred


def _unit_list(units) -> list:
    if isinstance(units, int | np.integer | dict):
        return [units]
    if not isinstance(units, Sequence | np.ndarray) or isinstance(units, str):
        checks.fail("units must be a unit or a sequence of units", repr(units))
    return list(checks.not_empty("units", units))


def _check_callables(**arguments) -> None:
    for name, value in arguments.items():
        if not isinstance(value, Sequence) or not all(callable(one) for one in value):
            checks.fail(f"{name} must be a sequence of callables", repr(value))


def _starts(model, prior, count, seed) -> np.ndarray:
    if prior is None:
        shape = targets.input_shape(model)
        if shape is None or None in shape:
            checks.fail("model must have a fixed input shape for pixel space", f"{shape}")
        noise = generator(seed, "pixels").normal(size=(count, *shape))
        return np.clip(0.5 + 0.1 * noise, 0, 1).astype(np.float32)
    targets.check_input_shape(model, prior.shape)
    codes, _ = sample(prior, count, seed=derive(seed, "starts"))
    return codes[generator(seed, "mix").permutation(count)]


def climb(
    model, prior, units, start, ascent, *, layer=None, restarts, seed,
    transforms=(), penalties=(), bar="", logits=None,
) -> PreferredInputs:  # fmt: skip
    """Return the preferred inputs reached from `start`, codes (units x restarts, ...)."""
    decoder = tf.identity if prior is None else partial(prior.decoder, training=False)
    low, high = (0.0, 1.0) if prior is None else prior.box.T
    read = logits or targets.activations_of(model, layer, decoder(tf.constant(start[:2])))
    shape = tuple(read(decoder(tf.constant(start[:1]))).shape[1:])
    weights = targets.unit_weights(units, shape)  # (k, units)
    unit_of_row = np.repeat(np.eye(len(units), dtype=np.float32), restarts, axis=0)

    def objective(z, key):
        images = decoder(z)
        for i, transform in enumerate(transforms):
            images = transform(images, key + tf.constant([0, i]))
        by_unit = tf.reshape(read(images), (len(start), -1)) @ weights
        value = tf.reduce_sum(by_unit * unit_of_row, axis=1)
        return value, value - sum((p(images, z) for p in penalties), tf.zeros(len(start)))

    codes, values, trace = _ascend(objective, start, (low, high), ascent, seed, bar)
    grid = (len(units), restarts)
    images = np.asarray(decoder(tf.constant(codes)))
    return PreferredInputs(
        images.reshape(*grid, *images.shape[1:]), codes.reshape(*grid, *codes.shape[1:]),
        values.reshape(grid), trace.reshape(-1, *grid), tuple(units), layer,
    )  # fmt: skip


def _check_alive(preferred: PreferredInputs) -> None:
    """Raise for a unit that is not finite, or the same in every restart at every step."""
    trace, units = preferred.trace, preferred.units
    where = "the logits" if preferred.layer is None else f"layer {preferred.layer!r}"
    finite = np.isfinite(trace).all(axis=(0, 2))
    if not finite.all():
        unit = units[int(finite.argmin())]
        checks.fail(f"units must be finite numbers; unit {unit!r} of {where} is not", "NaN or inf")
    low, high = trace.min(axis=(0, 2)), trace.max(axis=(0, 2))
    dead = high - low <= 1e-6 * np.maximum(np.abs(high), np.abs(low))
    if dead.any():
        index = int(dead.argmax())
        checks.fail(
            f"units must respond to the image; unit {units[index]!r} of {where} is dead",
            f"activation {trace[0, index, 0]:g} at every step of every restart",
        )


def _ascend(
    objective: Callable, start: np.ndarray, box: tuple, ascent: Ascent, seed: int, bar: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return codes (n, ...), their activations (n,) and the activations per step (steps, n).

    objective: (codes, key) -> activation (n,) and the goal to climb (n,).
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
    """Return the compiled steps first to last; best, top and best_value are the best so far."""
    move = tf.autograph.experimental.do_not_convert(_mover(objective, box, ascent, seed, axes))

    @tf.function
    def chunk(first, last, z, m, v, best, top, best_value):
        trace = tf.TensorArray(tf.float32, last - first)
        for t in tf.range(first, last):
            value, goal, moved, m, v = move(t, z, m, v)
            better = goal > top
            best = tf.where(tf.reshape(better, (-1, *[1] * axes)), z, best)
            top = tf.where(better, goal, top)
            best_value = tf.where(better, value, best_value)
            trace = trace.write(t - first, value)
            z = moved
        return z, m, v, best, top, best_value, trace.stack()

    return chunk


def _mover(objective, box, ascent, seed, axes):
    low, high = (tf.constant(b, tf.float32) for b in box)
    deviation = (high - low) / 6  # the box spans 6 standard deviations
    code_axes = tuple(range(1, axes + 1))

    def move(t, z, m, v):
        with tf.GradientTape() as tape:
            tape.watch(z)
            value, goal = objective(z, tf.stack([t, tf.constant(seed, tf.int32)]))
        slope = deviation * tape.gradient(goal, z, unconnected_gradients="zero")
        slope /= tf.reduce_mean(tf.abs(slope), axis=code_axes, keepdims=True) + 1e-30
        now = tf.cast(t, tf.float32)
        if ascent.adaptive:
            m, v = 0.9 * m + 0.1 * slope, 0.99 * v + 0.01 * slope**2
            slope = m / (1 - 0.9 ** (now + 1)) / (tf.sqrt(v / (1 - 0.99 ** (now + 1))) + 1e-8)
        rate = ascent.rate * (1 - now / ascent.steps)
        moved = tf.clip_by_value(ascent.shrink * (z + rate * deviation * slope), low, high)
        return value, goal, moved, m, v

    return move


def random_translation(pixels: int = 2) -> Callable:
    """Return the transform that rolls all images by up to `pixels` in each direction."""

    def transform(images, key):
        shift = tf.random.stateless_uniform((2,), key, -pixels, pixels + 1, tf.int32)
        return tf.roll(images, shift, axis=(1, 2))

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
    """Return the penalty on differences between neighboring pixels (mean absolute)."""

    def penalty(images, codes):
        down = tf.reduce_mean(tf.abs(images[:, 1:] - images[:, :-1]), axis=(1, 2, 3))
        across = tf.reduce_mean(tf.abs(images[:, :, 1:] - images[:, :, :-1]), axis=(1, 2, 3))
        return weight * (down + across)

    return penalty


def norm(weight: float = 1.0, power: float = 2.0) -> Callable:
    """Return the penalty on bright pixels: mean |pixel| ** power."""
    return lambda images, codes: weight * tf.reduce_mean(tf.abs(images) ** power, axis=(1, 2, 3))
