"""Feedback on a classifier, class by class and unit by unit, from samples of a prior.

Per class: how often it is right, what it is confused with, how little change of its preferred
inputs changes the prediction, and which units carry it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from scipy.stats import norm

from mode import checks
from mode.featurevis import scores, targets
from mode.featurevis.audits import Audit
from mode.featurevis.dissection import dissect
from mode.featurevis.intervals import wilson_bound
from mode.featurevis.maximization import PreferredInputs, maximize
from mode.featurevis.prior import Prior, decode, reference_classifier_of, sample
from mode.seeds import derive

SAMPLES, HALVINGS = 1000, 10


@dataclass(frozen=True, repr=False)
class Feedback:
    """The strengths and weaknesses of a classifier.

    table: one row per class of the model: class, images (samples of the prior), error (share of
    them that are wrong, 0 to 1) with low and high (90 %, Wilson 1927), confused_with (the most
    frequent wrong class, -1 without any) and confused (its share of the images), robustness (see
    `smallest_change`, median of the restarts), units (those that carry it, at most 3) and kind:
    "strength", "weakness" or "" where the interval holds the error of all classes. layer: of the
    units.
    """

    table: pd.DataFrame
    layer: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return one sentence per class."""
        return tuple(_sentence(row, self.layer) for row in self.table.itertuples())

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{sentence}</li>" for sentence in self.sentences)
        return f"<ul>{items}</ul><p>{ROBUSTNESS}</p>"


ROBUSTNESS = (
    "Robustness: the change of a preferred input, as the root mean square over its pixels in "
    "percent of the range of values, at which the prediction changes. It is measured in the "
    "direction in which the margin falls fastest, so a smaller change may exist in another one."
)


def feedback(model: keras.Model, prior: Prior, result: Audit, *, seed: int = 0) -> Feedback | None:
    """Return the feedback on an audited classifier; None if its audit refused a verdict.

    Args:
        result: the `Audit` of `model` through `prior`, of all classes of the prior.
        seed: seed of the samples. Defaults to 0.
    """
    preferred = result.preferred_inputs
    refused = result.interval == (0.0, 1.0)
    if preferred is None or refused or len(result.matching) != prior.classes:
        return None
    codes, drawn = sample(prior, SAMPLES, seed=derive(seed, "feedback"))
    images = decode(prior, codes)
    if drawn is None:
        drawn = np.asarray(reference_classifier_of(prior)(images, training=False)).argmax(axis=1)
    logits, _ = targets.logits_of(model, images[:8])
    expected = np.asarray(result.matching)[drawn]
    outputs = np.concatenate([np.asarray(logits(images[i : i + 500])) for i in range(0, 1000, 500)])
    table = class_table(expected, outputs.argmax(axis=1), len(result.matching))
    units, restarts = preferred.images.shape[:2]
    flat = preferred.images.reshape(-1, *preferred.images.shape[2:])
    change = smallest_change(logits, flat, np.repeat(np.arange(units), restarts))
    dissection = dissect(model, prior, samples=200, seed=seed)
    prior_class = np.argsort(result.matching)
    table = table.assign(
        robustness=np.nanmedian(change.reshape(units, restarts), axis=1)[table["class"]],
        units=[tuple(dissection.top(prior_class[k], 3, by="specific")) for k in table["class"]],
    )
    return Feedback(table, dissection.layer)


def class_table(expected: np.ndarray, predicted: np.ndarray, classes: int) -> pd.DataFrame:
    """Return error, interval, confusion and kind of each class that occurs in `expected` (n,)."""
    shares = scores.confusion(expected, predicted, classes)
    names, counts = np.unique(expected, return_counts=True)
    error = 1 - shares[names, names]
    low, high = (wilson_bound(error, counts, z * norm.ppf(0.95)) for z in (-1, 1))
    wrong = shares[names].copy()
    wrong[np.arange(len(names)), names] = 0
    mean = float((expected != predicted).mean())
    kind = np.select([low > mean, high < mean], ["weakness", "strength"], "")
    return pd.DataFrame({
        "class": names, "images": counts, "error": error, "low": low, "high": high,
        "confused_with": np.where(wrong.max(axis=1) > 0, wrong.argmax(axis=1), -1),
        "confused": wrong.max(axis=1), "kind": kind,
    })  # fmt: skip


def smallest_change(logits: Callable, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the smallest change of each image at which its predicted class changes, (n,).

    The size of a change is the root mean square over the pixels, as a share of the range of values
    0 to 1. The direction is the one in which the margin (logit of the class minus the largest
    other) falls fastest, as in DeepFool's first step (Moosavi-Dezfooli et al., CVPR 2016, section
    2), and the size is found by bisection: an upper bound of the smallest change there is. 1 if
    none changes the prediction, NaN for an image that is not predicted as its label.

    Args:
        logits: images -> logits (n, classes).
        images: (n, h, w, c) in [0, 1].
        labels: the class of each image (n,).

    Examples:
        >>> edge = lambda x: keras.ops.stack([x[:, 0, 0, 0], 0.5 + 0 * x[:, 0, 0, 0]], axis=1)
        >>> smallest_change(edge, np.full((1, 1, 1, 1), 0.75, np.float32), np.array([0])).round(2)
        array([0.25])
    """
    direction = _falling(logits, images, labels)
    low, high = np.zeros(len(images)), np.ones(len(images))

    def changed(size):
        moved = images + size[:, None, None, None].astype(np.float32) * direction
        return np.asarray(logits(tf.constant(np.clip(moved, 0, 1)))).argmax(axis=1) != labels

    unlike, reached = changed(low), changed(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_changed = changed(middle)
        high, low = np.where(is_changed, middle, high), np.where(is_changed, low, middle)
    return np.where(unlike, np.nan, np.where(reached | (high < 1), high, 1.0))


def _falling(logits, images, labels) -> np.ndarray:
    x, one_hot = tf.constant(images), tf.one_hot(labels, int(logits(images[:1]).shape[-1]))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.cast(logits(x), tf.float32)
        margin = tf.reduce_sum(y * one_hot, axis=1) - tf.reduce_max(y - 1e9 * one_hot, axis=1)
    slope = -tape.gradient(margin, x).numpy()
    return slope / (np.sqrt((slope**2).mean(axis=(1, 2, 3), keepdims=True)) + 1e-30)


def _sentence(row, layer: str) -> str:
    name = f"Class {row[1]}"
    kind = f" ({row.kind})" if row.kind else ""
    text = f"{name}{kind}: wrong on {row.error:.0%} of the prior's images of it"
    text += f" ({row.low:.0%} to {row.high:.0%})"
    if row.confused_with >= 0:
        text += f", mostly predicted as {row.confused_with} then ({row.confused:.0%})"
    change = f"{row.robustness:.1%}" if np.isfinite(row.robustness) else "not measured"
    text += f"; robustness {change}"
    units = ", ".join(str(unit) for unit in row.units)
    return text + (f"; carried by units {units} of {layer}." if units else ".")


def parse_units(texts: tuple[str, ...]) -> list[tuple[str, int | dict[int, float]]]:
    """Return (layer, unit or weighted group) for each text.

    Args:
        texts: "layer:3" is a unit; "layer:1,4,9" a group of equal weights; "layer:1=2,4=-0.5" a
            weighted one.

    Raises:
        InputError: for a text of another form.

    Examples:
        >>> parse_units(("dense:3", "dense:1,4=0.5"))
        [('dense', 3), ('dense', {1: 1.0, 4: 0.5})]
    """
    return [_parsed(text) for text in texts]


def _parsed(text: str) -> tuple[str, int | dict[int, float]]:
    layer, _, members = text.rpartition(":")
    group = {}
    try:
        for part in members.split(","):
            unit, _, weight = part.partition("=")
            group[int(unit)] = float(weight or 1)
    except ValueError:
        group = {}
    if not layer or not group:
        checks.fail("a unit must be layer:3, a group layer:1,4,9 or layer:1=2,4=0.5", repr(text))
    single = len(group) == 1 and "=" not in members
    return layer, next(iter(group)) if single else group


def check_units(model: keras.Model, prior: Prior, texts: tuple[str, ...]) -> list[tuple]:
    """Return the units as `parse_units` does, if the model has them.

    Raises:
        InputError: for an unknown layer or unit.
    """
    parsed = parse_units(texts)
    for layer, unit in parsed:
        read = targets.output_of(model, targets.named_layer(model, layer))
        shape = tuple(read(tf.zeros((1, *prior.shape))).shape[1:])
        targets.unit_weights([unit], shape)
    return parsed


def unit_feedback(
    model: keras.Model, prior: Prior, layer: str, unit, *, seed: int = 0
) -> tuple[PreferredInputs, str]:
    """Return the preferred inputs of one unit or group, and a sentence about them."""
    preferred = maximize(model, prior, [unit], layer=layer, restarts=8, seed=seed, progress=False)
    text = f"{layer}, {_named(unit)}: activation {preferred.activations.mean():.2f}"
    codes, _ = sample(prior, 500, seed=derive(seed, "unit"))
    images = decode(prior, codes)
    read = targets.output_of(model, targets.named_layer(model, layer))
    activations = np.asarray(read(tf.constant(images))).reshape(len(images), -1)
    shape = tuple(read(tf.constant(images[:1])).shape[1:])
    usual = activations @ targets.unit_weights([unit], shape)[:, 0]
    text += f" on its preferred inputs, {usual.mean():.2f} on the prior's images (mean)"
    if prior.reference_classifier is not None:
        seen = np.asarray(prior.reference_classifier(preferred.images[0], training=False))
        counts = np.bincount(seen.argmax(axis=1))
        text += (
            f"; the reference classifier takes {counts.max()} of {counts.sum()} of them for class "
            f"{counts.argmax()}"
        )
    return preferred, text + "."


def _named(unit) -> str:
    if not isinstance(unit, dict):
        return f"unit {unit}"
    members = ", ".join(f"{k} (weight {w:g})" for k, w in unit.items())
    return f"units {members}"
