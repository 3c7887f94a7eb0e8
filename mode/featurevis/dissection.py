"""Dissection: which units matter, measured by ablating each (Bau et al., ICLR 2019).

The reference classifier replaces the segmenter of GAN dissection: a generator's unit produces
class k to the extent that its samples of k are recognized less without the unit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mode import checks
from mode.featurevis import targets
from mode.featurevis.prior import Prior, as_prior, decode, reference_classifier_of, sample
from mode.layers.hooks import replaced_attribute
from mode.seeds import derive

DIMMED = 0.1  # share of its probability that a class loses at least, if a unit dims it
CARRIES = 0.1  # share of the strongest unit's drop, from which on a unit carries a class


@dataclass(frozen=True)
class Dissection:
    """The effect of ablating each unit of a layer.

    effects: one row per unit and class: unit, class, before, after, drop (= before - after) and
    specific (the drop beyond the unit's mean over the classes), largest drop first. before: mean
    probability of the class over its samples without an ablation. common: the units without which
    every class loses at least a tenth of its probability: they dim all of them, and are no class's.
    """

    part: str
    layer: str
    effects: pd.DataFrame

    def top(self, label: int, count: int = 5, *, by: str = "drop") -> list[int]:
        """Return the units without which class `label` loses most, without the common ones.

        Args:
            count: number of units. Defaults to 5.
            by: "drop", or "specific" for the drop beyond the unit's mean over the classes.
                Defaults to "drop".
        """
        checks.one_of("by", by, ("drop", "specific"))
        rows = self.effects
        of_label = rows[(rows["class"] == label) & ~rows["unit"].isin(self.common)]
        return of_label.nlargest(count, by)["unit"].tolist()

    def carriers(self, label: int) -> list[int]:
        """Return all units that carry class `label`, strongest first: the specific drop of each is
        at least a tenth of the strongest one's. The common ones are left out."""
        rows = self.effects
        rows = rows[(rows["class"] == label) & ~rows["unit"].isin(self.common)]
        strong = (rows["specific"] > 0) & (rows["specific"] >= CARRIES * rows["specific"].max())
        return self.top(label, int(strong.sum()), by="specific")

    @property
    def common(self) -> list[int]:
        """Return the units that dim every class, in order."""
        dims = self.effects["drop"] >= DIMMED * self.effects["before"].abs()
        every = dims.groupby(self.effects["unit"]).all()
        return every.index[every].tolist()


def dissect(
    model: keras.Model | None,
    prior: Prior,
    *,
    part: str = "classifier",
    layer: str | None = None,
    score: Callable | None = None,
    samples: int = 400,
    seed: int = 0,
) -> Dissection:
    """Return the effect of ablating each unit (or channel) of one layer.

    Args:
        model: the classifier; may be None for the generator.
        part: "classifier": drop of its probability of the sampled class; "generator": drop of the
            reference classifier's. Defaults to "classifier".
        layer: name of a layer. Defaults to the last hidden one of the classifier, or the first map
            of the generator.
        score: images -> (n,) or (n, classes), used instead of the classifier's probabilities, such
            as the strength of an artifact.
        samples: number of samples, evenly over the classes. Defaults to 400.
        seed: seed of the samples. Defaults to 0.

    Raises:
        InputError: for an unknown part or layer, a prior without a reference classifier, or a
            model of another input shape.
    """
    checks.one_of("part", part, ("classifier", "generator"))
    prior = as_prior(prior)
    classifier = reference_classifier_of(prior)
    codes, classes = sample(prior, samples, seed=derive(seed, "dissect"))
    images = decode(prior, codes)
    if classes is None:
        classes = np.asarray(classifier(images, training=False)).argmax(axis=1)
    if part == "generator":
        network, inputs = prior.decoder, codes
        score = score or (lambda x: tf.nn.softmax(classifier(x, training=False)))
    else:
        targets.check_model(model)
        targets.check_input_shape(model, prior.shape)
        network, inputs = model, images
        score = score or _probabilities(model, images[:8])
    name = _default_layer(network, part) if layer is None else layer
    effects = _effects(network, targets.named_layer(network, name), inputs, classes, score)
    return Dissection(part, name, effects)


def _probabilities(model, example) -> Callable:
    """Return a function: outputs of `model` -> probabilities."""
    logits = targets.logits_of(model, example)[1] == "as given"
    return tf.nn.softmax if logits else (lambda y: y)


def _default_layer(model: keras.Model, part: str) -> str:
    """Return the classifier's last hidden layer with weights, or the generator's first map."""
    layers = targets.named_layers(model)
    weighted = [k for k, v in layers.items() if v.weights and not isinstance(v, keras.Model)]
    if part == "generator":
        maps = [k for k in weighted if len(layers[k].output.shape) == 4]
        return (maps or weighted)[0]
    return weighted[-2] if len(weighted) > 1 else weighted[-1]


def ablated(model: keras.Model, layer: keras.layers.Layer) -> Callable:
    """Return f(inputs, keep) -> outputs of `model`, the layer's last axis multiplied by `keep`."""

    def run(x, keep):
        original = layer.call
        call = lambda *args, **kwargs: original(*args, **kwargs) * keep  # noqa: E731
        with replaced_attribute(layer, "call", call):
            return model(x, training=False)

    return run


def ablate(model: keras.Model, layer: str, units: Sequence[int], inputs: np.ndarray) -> tuple:
    """Return the outputs of `model` (a generator or a classifier) before and after an ablation.

    Args:
        layer: a name from `targets.named_layers`; its `units` (channels) are set to 0.
        inputs: codes (n, d) or images (n, h, w, c).

    Raises:
        InputError: for a layer or unit that does not exist.
    """
    part = targets.named_layer(model, layer)
    width = _width(model, part, inputs)
    keep = np.ones(width, np.float32)
    for unit in checks.not_empty("units", units):
        keep[checks.number("unit", unit, 0, width - 1, integer=True)] = 0
    after = ablated(model, part)(tf.constant(inputs), tf.constant(keep))
    return np.asarray(model(inputs, training=False)), np.asarray(after)


def ablation_effect(
    prior: Prior, layer: str, units: Sequence[int], *, samples: int = 400, seed: int = 0
) -> pd.DataFrame:
    """Return by class how often the reference classifier recognizes the generator's samples before
    and after an ablation of all `units` at once: class, before, after, drop.

    Args:
        layer: a layer of the generator.
        samples: number of samples, evenly over the classes. Defaults to 400.
        seed: seed of the samples. Defaults to 0.

    Raises:
        InputError: for a layer or unit that does not exist, or a prior without a reference
            classifier.
    """
    classifier = reference_classifier_of(prior)
    codes, classes = sample(prior, samples, seed=derive(seed, "ablation"))
    images = ablate(prior.decoder, layer, units, codes)
    before, after = (np.asarray(classifier(x, training=False)).argmax(axis=1) for x in images)
    classes = before if classes is None else classes
    table = pd.DataFrame({"class": classes, "before": before == classes, "after": after == classes})
    shares = table.groupby("class", as_index=False).mean()
    return shares.assign(drop=shares["before"] - shares["after"])


def _width(model, layer, inputs) -> int:
    return int(targets.output_of(model, layer)(tf.constant(inputs[:1])).shape[-1])


def _effects(model, layer, inputs, classes, score) -> pd.DataFrame:
    run, width = ablated(model, layer), _width(model, layer, inputs)
    plain = tf.function(tf.autograph.experimental.do_not_convert(lambda x, k: score(run(x, k))))
    x = tf.constant(inputs)
    traced = plain.get_concrete_function(x, tf.ones(width))
    before = _by_class(traced(x, tf.ones(width)), classes)
    rows = []
    for unit in range(width):
        keep = np.ones(width, np.float32)
        keep[unit] = 0
        after = _by_class(traced(x, tf.constant(keep)), classes)
        rows += [(unit, k, before[k], after[k], before[k] - after[k]) for k in sorted(before)]
    table = pd.DataFrame(rows, columns=["unit", "class", "before", "after", "drop"])
    table["specific"] = table["drop"] - table.groupby("unit")["drop"].transform("mean")
    return table.sort_values("drop", ascending=False, ignore_index=True)


def _by_class(outputs, classes: np.ndarray) -> dict[int, float]:
    values = np.asarray(outputs)
    of_class = values[np.arange(len(classes)), classes] if values.ndim == 2 else values
    return {int(k): float(of_class[classes == k].mean()) for k in np.unique(classes)}
