"""The probe set: images of a prior that every model predicts, and the raw scores from these."""

from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf
from scipy.special import softmax

from mode.featurevis import scores
from mode.featurevis.maximization import PRESETS, PreferredInputs, climb
from mode.featurevis.prior import Prior, decode, draw, reference_classifier_of
from mode.seeds import derive, generator

SAMPLES, PATHS, POINTS, RESTARTS = 3000, 400, 5, 12
ASCENT = replace(PRESETS["default"], steps=40)
SURE = 0.9  # probability above which the reference classifier recognizes an image


@dataclass(frozen=True)
class ProbeSet:
    """The images that every model predicts; made once per prior.

    images (n, h, w, c), classes (n,) drawn for, component (n,), reference (n, classes) the
    probabilities of the reference classifier; noisy and shifted: the same images disturbed; paths
    (m, points, h, w, c) lead from one sample to another of its class; starts: codes at which the
    ascents start.
    """

    images: np.ndarray
    classes: np.ndarray
    component: np.ndarray
    reference: np.ndarray
    noisy: np.ndarray
    shifted: np.ndarray
    paths: np.ndarray
    starts: np.ndarray


def make_probe_set(prior: Prior, *, seed: int, labels: tuple | None = None) -> ProbeSet:
    """Return the probe set of the classes `labels` (all by default)."""
    codes, classes, component = draw(prior, SAMPLES, seed=derive(seed, "ask"), labels=labels)
    images, classifier = decode(prior, codes), reference_classifier_of(prior)
    logits = _outputs(lambda x: classifier(x, training=False), images)
    reference = softmax(logits, axis=-1)
    if labels is not None:
        reference = reference[:, list(labels)] + 1e-12  # all of them may have underflowed
        reference = reference / reference.sum(axis=1, keepdims=True)
        classes = None if classes is None else np.searchsorted(labels, classes)
    classes = reference.argmax(axis=1) if classes is None else classes
    stream = generator(seed, "disturb")
    noisy = np.clip(images + stream.normal(0, 0.2, images.shape), 0, 1).astype(np.float32)
    moves = stream.integers(-2, 3, (len(images), 2))
    shifted = np.stack([np.roll(x, m, (0, 1)) for x, m in zip(images, moves, strict=True)])
    starts = codes[stream.permutation(len(codes))[: reference.shape[1] * RESTARTS]]
    paths = _paths(prior, codes, classes)
    return ProbeSet(images, classes, component, reference, noisy, shifted, paths, starts)


def _paths(prior: Prior, codes: np.ndarray, classes: np.ndarray) -> np.ndarray:
    order = np.argsort(classes, kind="stable")
    pairs = np.stack([order[:-1], order[1:]], axis=1)
    pairs = pairs[classes[pairs[:, 0]] == classes[pairs[:, 1]]]
    pairs = pairs[np.linspace(0, len(pairs) - 1, min(PATHS, len(pairs))).astype(int)]
    along = np.linspace(0, 1, POINTS, dtype=np.float32)[None, :, None]
    between = codes[pairs[:, :1]] * (1 - along) + codes[pairs[:, 1:]] * along
    flat = decode(prior, between.reshape(-1, codes.shape[1]))
    return flat.reshape(len(pairs), POINTS, *flat.shape[1:])


def _outputs(read, images: np.ndarray, batch: int = 500) -> np.ndarray:
    plain = tf.function(tf.autograph.experimental.do_not_convert(read))
    traced = plain.get_concrete_function(tf.TensorSpec((None, *images.shape[1:]), tf.float32))
    parts = [images[i : i + batch] for i in range(0, len(images), batch)]
    return np.concatenate([np.asarray(traced(tf.constant(p))) for p in parts])


def predict_probe_set(logits, probe_set: ProbeSet) -> dict[str, np.ndarray]:
    """Return the model's probabilities for the samples, the disturbed samples and the paths.

    logits: a function images -> logits, as `targets.logits_of` returns.
    """
    flat = probe_set.paths.reshape(-1, *probe_set.paths.shape[2:])
    parts = (probe_set.images, probe_set.noisy, probe_set.shifted, flat)
    probabilities = softmax(_outputs(logits, np.concatenate(parts)).astype(np.float64), axis=-1)
    ends = np.cumsum([len(part) for part in parts[:3]])
    images, noisy, shifted, paths = np.split(probabilities, ends)
    paths = paths.reshape(*probe_set.paths.shape[:2], -1)
    return {"images": images, "noisy": noisy, "shifted": shifted, "paths": paths}


def preferred_inputs_of(
    model: keras.Model, logits, prior: Prior, probe_set: ProbeSet, *, seed: int
) -> PreferredInputs:
    """Return the preferred inputs of each class, from the codes at which all models start."""
    return climb(
        model, prior, list(range(probe_set.reference.shape[1])), probe_set.starts, ASCENT,
        restarts=RESTARTS, seed=derive(seed, "audit ascent"), logits=logits,
    )  # fmt: skip


def sample_scores(probabilities: dict, probe_set: ProbeSet) -> dict[str, float]:
    """Return the scores that need no ascent.

    probabilities: as `predict_probe_set`, columns in the prior's order of classes.
    """
    images, noisy = probabilities["images"], probabilities["noisy"]
    classes, reference = probe_set.classes, probe_set.reference
    wrong = scores.errors(images, classes)
    sure = reference.max(axis=1) > SURE
    return {
        "error": wrong.mean(),
        "sure_error": _mean((images.argmax(1) != reference.argmax(1))[sure]),
        "noisy_error": scores.errors(noisy, classes).mean(),
        "shifted_error": scores.errors(probabilities["shifted"], classes).mean(),
        "confidence": scores.confidence(images).mean(),
        "confidence_wrong": _mean(scores.confidence(images)[wrong > 0]),
        "noisy_confidence": scores.confidence(noisy).mean(),
        "over_confidence": scores.over_confidence(images, classes).mean(),
        "implausibility": scores.implausibility(images, classes, reference),
        "unevenness": scores.unevenness(wrong, probe_set.component),
        "islands": _mean(scores.islands(probabilities["paths"].argmax(axis=2))),
        "worst_class": max(wrong[classes == k].mean() for k in np.unique(classes)),
        "classes_used": (np.bincount(images.argmax(1), minlength=2) > 0).sum(),
    }


def _mean(values: np.ndarray) -> float:
    """Return the mean of the values that are not NaN; 0 without any."""
    numbers = values[~np.isnan(values.astype(float))]
    return float(numbers.mean()) if numbers.size else 0.0


@dataclass(frozen=True)
class Predictions:
    """Predictions for the preferred inputs, units in the prior's order of classes.

    images (units, restarts, h, w, c); reference and probabilities (units x restarts, classes), of
    the reference classifier and of the model; disturbed (units, copies, classes), first all noisy
    copies, then all rolled; effort and rise (units, restarts).
    """

    images: np.ndarray
    reference: np.ndarray
    probabilities: np.ndarray
    disturbed: np.ndarray
    effort: np.ndarray
    rise: np.ndarray

    @property
    def unit(self) -> np.ndarray:
        """Return the class of each image, (units x restarts,)."""
        return np.repeat(np.arange(len(self.images)), self.images.shape[1])


def predict_preferred(
    preferred: PreferredInputs, logits, prior: Prior, matching, *, labels=None
) -> Predictions:
    """Return the predictions for the preferred inputs and for disturbed copies of them.

    matching: the model's outputs in the prior's order of classes.
    """
    images = preferred.images[matching]
    flat = images.reshape(-1, *images.shape[2:])
    units, restarts = images.shape[:2]

    def probabilities_of(x):
        return softmax(np.asarray(logits(tf.constant(x))), axis=-1)[:, matching]

    reference = softmax(np.asarray(reference_classifier_of(prior)(flat, training=False)), axis=-1)
    reference = reference if labels is None else reference[:, list(labels)]
    outputs = np.asarray(logits(tf.constant(flat)))[:, matching]
    stream = generator(0, "robustness")
    noise = np.clip(flat + stream.normal(0, 0.3, flat.shape), 0, 1).astype(np.float32)
    rolled = np.roll(flat, stream.integers(1, 4, 2), axis=(1, 2))
    disturbed = probabilities_of(np.concatenate([noise, rolled]))
    disturbed = disturbed.reshape(2, units, restarts, -1).transpose(1, 0, 2, 3)
    return Predictions(
        images, reference, softmax(outputs.astype(np.float64), axis=-1),
        disturbed.reshape(units, 2 * restarts, -1), scores.effort(preferred.trace[:, matching]),
        (preferred.activations - preferred.trace[0])[matching],
    )  # fmt: skip


def preferred_scores(
    predictions: Predictions, probe_set: ProbeSet
) -> tuple[dict[str, float], np.ndarray]:
    """Return the scores of the preferred inputs and the cross-talk matrix."""
    images, unit = predictions.images, predictions.unit
    talk = scores.cross_talk(predictions.reference.argmax(axis=1).reshape(images.shape[:2]))
    return {
        "diversity": scores.diversity(images, probe_set.images, probe_set.classes).mean(),
        "preferred_confidence": predictions.probabilities[np.arange(len(unit)), unit].mean(),
        "cross_talk": 1 - np.trace(talk) / len(talk),
        "reference_confidence": predictions.reference.max(axis=1).mean(),
        "effort": predictions.effort.mean(),
        "robustness": scores.robustness(predictions.disturbed).mean(),
        "rise": np.mean(predictions.rise),
    }, talk
