"""Activation maximisation: z* = argmax a(G(z)) - R(z), every unit and restart in one batch.

Follows DGN-AM (Nguyen et al., NeurIPS 2016): normalised gradient, codes shrunk each step and kept
in a measured box, a rate that decays to 0. Without a prior the code is the picture itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from mode import checks
from mode.featurevis import targets, terms
from mode.featurevis.ascent import Ascent, ascend
from mode.featurevis.prior import Prior, as_prior, sample
from mode.seeds import derive, generator

PRESETS = {
    "default": Ascent(),
    "dgn-am": Ascent(steps=200, rate=0.8, adaptive=False, keep_best=False),
    "pixels": Ascent(steps=150, rate=0.15, shrink=1.0),
}


@dataclass(frozen=True)
class Stimuli:
    """What units prefer.

    images (units, restarts, h, w, c) in [0, 1]; codes (units, restarts, d); activations (units,
    restarts), before softmax for classes; trace (steps, units, restarts), activation by step;
    units as asked for; layer or None for the class scores.
    """

    images: np.ndarray
    codes: np.ndarray
    activations: np.ndarray
    trace: np.ndarray
    units: tuple
    layer: str | None

    def _repr_html_(self) -> str:
        from mode.featurevis.pictures import table

        return table(self.images, [str(u) for u in self.units])


def maximise(
    classifier: keras.Model,
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
) -> Stimuli:
    """Return the pictures that most excite `units` of `layer`, `restarts` of each.

    Args:
        prior: the generator to search through, or None to search pixels.
        units: whole numbers (classes or channels), tuples (single neurons) or dicts of such to
            weights (groups).
        layer: a name from `targets.layers_of`; None is the class scores before softmax.
        preset: a name from `PRESETS`; by default "default", or "pixels" without a prior.
        steps: overrides the preset's.
        transforms, penalties: callables as in `terms`; without a prior jitter, blur, total
            variation and norm unless others are handed in.

    Raises:
        InputError: for a classifier of another input shape, NaN weights, an unknown layer, unit or
            preset, or a unit whose activation no restart can change.
    """
    ascent = PRESETS[checks.one_of("preset", preset or _default(prior), PRESETS)]
    if steps is not None:
        ascent = replace(ascent, steps=checks.number("steps", steps, 1, integer=True))
    checks.number("restarts", restarts, 1, integer=True)
    prior = None if prior is None else as_prior(prior)
    units = _listed(units)
    for name, given in (("transforms", transforms), ("penalties", penalties)):
        _check_callables(name, given)
    targets.check_classifier(classifier)
    start = _starts(classifier, prior, len(units) * restarts, seed)
    if prior is None:
        transforms = (terms.jitter(1), terms.blur(0.5)) if transforms is None else transforms
        penalties = (
            (terms.total_variation(5.0), terms.norm(1.0)) if penalties is None else penalties
        )
    stimuli = climb(
        classifier, prior, units, start, ascent, layer=layer, restarts=restarts,
        seed=derive(seed, "ascent"), transforms=transforms or (), penalties=penalties or (),
        bar="maximise" if progress else "",
    )  # fmt: skip
    _check_alive(stimuli)
    return stimuli


def _listed(units) -> list:
    if isinstance(units, int | np.integer | dict):
        return [units]
    if not isinstance(units, Sequence | np.ndarray) or isinstance(units, str):
        checks.fail("units must be a unit or a sequence of units", repr(units))
    return list(checks.not_empty("units", units))


def _check_callables(name: str, given) -> None:
    if given is None:
        return
    if not isinstance(given, Sequence) or not all(callable(one) for one in given):
        checks.fail(f"{name} must be a sequence of callables, as those of mode.featurevis.terms",
                    repr(given))  # fmt: skip


def _default(prior: Prior | None) -> str:
    return "pixels" if prior is None else "default"


def _starts(classifier, prior, count, seed) -> np.ndarray:
    if prior is None:
        shape = targets.input_shape(classifier)
        if shape is None or None in shape:
            checks.fail("classifier must have a fixed input shape for pixel space", f"{shape}")
        noise = generator(seed, "pixels").normal(size=(count, *shape))
        return np.clip(0.5 + 0.1 * noise, 0, 1).astype(np.float32)
    targets.check_shape(classifier, prior.shape)
    return sample(prior, count, seed=derive(seed, "starts"))[0][
        generator(seed, "mix").permutation(count)
    ]


def climb(
    classifier, prior, units, start, ascent, *, layer=None, restarts, seed,
    transforms=(), penalties=(), bar="", scores=None,
) -> Stimuli:  # fmt: skip
    """Return the stimuli reached from `start`, codes (units x restarts, ...), unit by unit."""
    decode = tf.identity if prior is None else partial(prior.decoder, training=False)
    low, high = (0.0, 1.0) if prior is None else prior.box.T
    read = scores or targets.reader(classifier, layer, decode(tf.constant(start[:2])))
    shape = tuple(read(decode(tf.constant(start[:1]))).shape[1:])
    weights = targets.unit_weights(units, shape)  # (k, units)
    own = np.repeat(np.eye(len(units), dtype=np.float32), restarts, axis=0)  # a row's unit

    def objective(z, key):
        images = decode(z)
        for i, transform in enumerate(transforms):
            images = transform(images, key + tf.constant([0, i]))
        every = tf.reshape(read(images), (len(start), -1)) @ weights
        value = tf.reduce_sum(every * own, axis=1)
        return value, value - sum((p(images, z) for p in penalties), tf.zeros(len(start)))

    codes, values, trace = ascend(objective, start, (low, high), ascent, seed, bar)
    grid = (len(units), restarts)
    images = np.asarray(decode(tf.constant(codes)))
    return Stimuli(
        images.reshape(*grid, *images.shape[1:]), codes.reshape(*grid, *codes.shape[1:]),
        values.reshape(grid), trace.reshape(-1, *grid), tuple(units), layer,
    )  # fmt: skip


def dead(stimuli: Stimuli) -> list:
    """Return the units whose activation stays the same in every restart at every step."""
    low, high = stimuli.trace.min(axis=(0, 2)), stimuli.trace.max(axis=(0, 2))
    flat = high - low <= 1e-6 * np.maximum(np.abs(high), np.abs(low))
    return [unit for unit, still in zip(stimuli.units, flat, strict=True) if still]


def _check_alive(stimuli: Stimuli) -> None:
    still, where = dead(stimuli), f"layer {stimuli.layer!r}"
    where = "the class scores" if stimuli.layer is None else where
    finite = np.isfinite(stimuli.trace).all(axis=(0, 2))
    if not finite.all():
        unit = stimuli.units[int(finite.argmin())]
        checks.fail(f"units must be finite numbers; unit {unit!r} of {where} is not", "NaN or inf")
    if still:
        index = stimuli.units.index(still[0])
        level = stimuli.trace[0, index, 0]
        checks.fail(
            f"units must respond to the picture; unit {still[0]!r} of {where} is dead",
            f"activation {level:g} at every step of every restart",
        )
