"""Dissection: which units matter, found by silencing each and measuring (Bau et al., ICLR 2019).

The judge stands where GAN dissection has a segmenter: a generator's unit makes class k to the
extent that its samples of k are recognised less without it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mode import checks
from mode.featurevis import targets
from mode.featurevis.prior import Prior, as_prior, images_of, judge_of, sample
from mode.seeds import derive


@dataclass(frozen=True)
class Dissection:
    """What silencing each unit of a layer does.

    effects: one row a unit and class: unit, class, before, after, drop (= before - after) and
    specific (the drop beyond the unit's mean over the classes), largest drop first. before: mean
    odds of the class over its samples with every unit at work.
    """

    part: str
    layer: str
    effects: pd.DataFrame

    def top(self, label: int, count: int = 5, *, by: str = "drop") -> list[int]:
        """Return the units whose loss costs class `label` most, worst first.

        Args:
            by: "drop", or "specific" to leave out units that every class needs.
        """
        checks.one_of("by", by, ("drop", "specific"))
        own = self.effects[self.effects["class"] == label]
        return own.nlargest(count, by)["unit"].tolist()


def dissect(
    classifier: keras.Model | None,
    prior: Prior,
    *,
    part: str = "classifier",
    layer: str | None = None,
    score: Callable | None = None,
    samples: int = 400,
    seed: int = 0,
) -> Dissection:
    """Return the effect of silencing each unit (or channel) of one layer.

    Args:
        part: "classifier": how its odds for the class drawn fall; "generator": how the judge's do
            (`classifier` may then be None).
        layer: by default the last hidden one of the classifier, or the first map of the generator.
        score: images -> (n,) or (n, classes), asked instead of the judge or classifier, such as
            how strongly an artefact shows.
        samples: pictures measured, evenly over the classes.

    Raises:
        InputError: for an unknown part or layer, a prior without a judge, another input shape.
    """
    checks.one_of("part", part, ("classifier", "generator"))
    prior = as_prior(prior)
    judge = judge_of(prior)
    codes, classes = sample(prior, samples, seed=derive(seed, "dissect"))
    images = images_of(prior, codes)
    judged = np.asarray(judge(images, training=False)).argmax(axis=1)
    classes = judged if classes is None else classes
    if part == "generator":
        model, inputs = prior.decoder, codes
        ask = score or (lambda x: tf.nn.softmax(judge(x, training=False)))
    else:
        targets.check_classifier(classifier)
        targets.check_shape(classifier, prior.shape)
        model, inputs = classifier, images
        ask = score or _odds(classifier, images[:8])
    name = _default(model, part) if layer is None else layer
    known = targets.layers_of(model)
    found = known[checks.one_of("layer", name, known)]
    return Dissection(part, name, _effects(model, found, inputs, classes, ask))


def _odds(classifier, example) -> Callable:
    given = targets.scores_of(classifier, example)[1] == "as given"
    return tf.nn.softmax if given else (lambda y: y)


def _default(model: keras.Model, part: str) -> str:
    """Return the classifier's last hidden layer with weights, or the generator's first map."""
    layers = targets.layers_of(model)
    weighted = [k for k, v in layers.items() if v.weights and not isinstance(v, keras.Model)]
    if part == "generator":
        maps = [k for k in weighted if len(layers[k].output.shape) == 4]
        return (maps or weighted)[0]
    return weighted[-2] if len(weighted) > 1 else weighted[-1]


def silenced(model: keras.Model, layer: keras.layers.Layer) -> Callable:
    """Return f(inputs, keep) -> outputs of `model`, the layer's last axis multiplied by `keep`."""

    def run(x, keep):
        inner = layer.call
        quiet = lambda *args, **kwargs: inner(*args, **kwargs) * keep  # noqa: E731
        with targets.replaced(layer, "call", quiet):
            return model(x, training=False)

    return run


def ablate(model: keras.Model, layer: str, units: Sequence[int], inputs: np.ndarray) -> tuple:
    """Return the outputs of `model` (a generator or a classifier) before and after.

    Args:
        layer: a name from `targets.layers_of`; its `units` (channels) are set to 0.
        inputs: codes (n, d) or images (n, h, w, c).

    Raises:
        InputError: for a layer or unit that does not exist.
    """
    known = targets.layers_of(model)
    found = known[checks.one_of("layer", layer, known)]
    width = _width(model, found, inputs)
    keep = np.ones(width, np.float32)
    for unit in checks.not_empty("units", units):
        keep[checks.number("unit", unit, 0, width - 1, integer=True)] = 0
    after = silenced(model, found)(tf.constant(inputs), tf.constant(keep))
    return np.asarray(model(inputs, training=False)), np.asarray(after)


def _width(model, layer, inputs) -> int:
    return int(targets.output_of(model, layer)(tf.constant(inputs[:1])).shape[-1])


def _effects(model, layer, inputs, classes, ask) -> pd.DataFrame:
    run = silenced(model, layer)
    plain = tf.function(tf.autograph.experimental.do_not_convert(lambda x, k: ask(run(x, k))))
    held = tf.constant(inputs)
    width = _width(model, layer, inputs)
    traced = plain.get_concrete_function(held, tf.ones(width))
    whole = _by_class(traced(held, tf.ones(width)), classes)
    rows = []
    for unit in range(width):
        keep = np.ones(width, np.float32)
        keep[unit] = 0
        after = _by_class(traced(held, tf.constant(keep)), classes)
        rows += [(unit, k, whole[k], after[k], whole[k] - after[k]) for k in sorted(whole)]
    table = pd.DataFrame(rows, columns=["unit", "class", "before", "after", "drop"])
    table["specific"] = table["drop"] - table.groupby("unit")["drop"].transform("mean")
    return table.sort_values("drop", ascending=False, ignore_index=True)


def _by_class(answer, classes: np.ndarray) -> dict[int, float]:
    values = np.asarray(answer)
    own = values[np.arange(len(classes)), classes] if values.ndim == 2 else values
    return {int(k): float(own[classes == k].mean()) for k in np.unique(classes)}
