"""From a classifier and a prior to raw scores: the part between the networks and the arithmetic."""

from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from mode.featurevis import scores
from mode.featurevis.maximisation import PRESETS, Stimuli, climb
from mode.featurevis.prior import Prior, draw, images_of, judge_of
from mode.seeds import derive, generator

SAMPLES, PATHS, POINTS, RESTARTS = 3000, 400, 5, 12
ASCENT = replace(PRESETS["default"], steps=40)


@dataclass(frozen=True)
class Questions:
    """The pictures every classifier is asked about; made once for a prior.

    images (n, h, w, c), classes (n,) drawn for, component (n,), judged (n, classes) the judge's
    odds; noisy and shifted: the same images disturbed; paths (m, points, h, w, c) lead from one
    sample to another of its class; starts: codes from which the ascents set out.
    """

    images: np.ndarray
    classes: np.ndarray
    component: np.ndarray
    judged: np.ndarray
    noisy: np.ndarray
    shifted: np.ndarray
    paths: np.ndarray
    starts: np.ndarray


def questions(prior: Prior, *, seed: int, labels: tuple | None = None) -> Questions:
    """Return the pictures to ask about, of the classes `labels` (all by default)."""
    codes, drawn, component = draw(prior, SAMPLES, seed=derive(seed, "ask"), labels=labels)
    images, judge = images_of(prior, codes), judge_of(prior)
    judged = scores.softmax(_answers(lambda x: judge(x, training=False), images))
    if labels is not None:
        judged = judged[:, list(labels)] + 1e-12  # all of them may have underflowed
        judged = judged / judged.sum(axis=1, keepdims=True)
        drawn = None if drawn is None else np.searchsorted(labels, drawn)
    classes = judged.argmax(axis=1) if drawn is None else drawn
    stream = generator(seed, "disturb")
    noisy = np.clip(images + stream.normal(0, 0.2, images.shape), 0, 1).astype(np.float32)
    moves = stream.integers(-2, 3, (len(images), 2))
    shifted = np.stack([np.roll(x, m, (0, 1)) for x, m in zip(images, moves, strict=True)])
    starts = codes[stream.permutation(len(codes))[: judged.shape[1] * RESTARTS]]
    return Questions(
        images, classes, component, judged, noisy, shifted, _paths(prior, codes, classes), starts
    )


def _paths(prior: Prior, codes: np.ndarray, classes: np.ndarray) -> np.ndarray:
    order = np.argsort(classes, kind="stable")
    pairs = np.stack([order[:-1], order[1:]], axis=1)
    pairs = pairs[classes[pairs[:, 0]] == classes[pairs[:, 1]]]
    pairs = pairs[np.linspace(0, len(pairs) - 1, min(PATHS, len(pairs))).astype(int)]
    along = np.linspace(0, 1, POINTS, dtype=np.float32)[None, :, None]
    between = codes[pairs[:, :1]] * (1 - along) + codes[pairs[:, 1:]] * along
    flat = images_of(prior, between.reshape(-1, codes.shape[1]))
    return flat.reshape(len(pairs), POINTS, *flat.shape[1:])


def _answers(read, images: np.ndarray, batch: int = 500) -> np.ndarray:
    plain = tf.function(tf.autograph.experimental.do_not_convert(read))
    traced = plain.get_concrete_function(tf.TensorSpec((None, *images.shape[1:]), tf.float32))
    parts = [images[i : i + batch] for i in range(0, len(images), batch)]
    return np.concatenate([np.asarray(traced(tf.constant(p))) for p in parts])


def answers(read, ask: Questions) -> dict[str, np.ndarray]:
    """Return the classifier's odds for the samples, the disturbed samples and the paths."""
    flat = ask.paths.reshape(-1, *ask.paths.shape[2:])
    every = np.concatenate([ask.images, ask.noisy, ask.shifted, flat])
    odds = scores.softmax(_answers(read, every).astype(np.float64))
    n = len(ask.images)
    names = ("images", "noisy", "shifted")
    parts = {name: odds[i * n : (i + 1) * n] for i, name in enumerate(names)}
    parts["paths"] = odds[3 * n :].reshape(*ask.paths.shape[:2], -1)
    return parts


def stimuli_of(model: keras.Model, read, prior: Prior, ask: Questions, *, seed: int) -> Stimuli:
    """Return each class's preferred pictures, from the codes all classifiers start from."""
    classes = ask.judged.shape[1]
    return climb(
        model, prior, list(range(classes)), ask.starts, ASCENT, restarts=RESTARTS,
        seed=derive(seed, "audit ascent"), scores=read,
    )  # fmt: skip


def sample_scores(odds: dict, ask: Questions) -> dict[str, float]:
    """Return the scores that need no ascent; odds with columns in the prior's order of classes."""
    wrong = scores.errors(odds["images"], ask.classes)
    sure = ask.judged.max(axis=1) > 0.9
    return {
        "error": wrong.mean(),
        "sure_error": _mean((odds["images"].argmax(1) != ask.judged.argmax(1))[sure]),
        "noisy_error": scores.errors(odds["noisy"], ask.classes).mean(),
        "shifted_error": scores.errors(odds["shifted"], ask.classes).mean(),
        "confidence": scores.confidence(odds["images"]).mean(),
        "confidence_wrong": _mean(scores.confidence(odds["images"])[wrong > 0]),
        "noisy_confidence": scores.confidence(odds["noisy"]).mean(),
        "over_confidence": scores.over_confidence(odds["images"], ask.classes).mean(),
        "implausibility": scores.implausibility(odds["images"], ask.classes, ask.judged),
        "unevenness": scores.unevenness(wrong, ask.component),
        "islands": _mean(scores.islands(odds["paths"].argmax(axis=2))),
        "worst_class": max(wrong[ask.classes == k].mean() for k in np.unique(ask.classes)),
        "classes_used": (np.bincount(odds["images"].argmax(1), minlength=2) > 0).sum(),
    }


def _mean(values: np.ndarray) -> float:
    kept = values[~np.isnan(values.astype(float))]
    return float(kept.mean()) if kept.size else 0.0


@dataclass(frozen=True)
class Shown:
    """The preferred pictures and what is said of them, units in the prior's order of classes.

    images (units, restarts, h, w, c); judged and odds (units x restarts, classes), the judge's and
    the classifier's; disturbed (units, copies, classes), first all noisy copies, then all rolled;
    effort and rise (units, restarts).
    """

    images: np.ndarray
    judged: np.ndarray
    odds: np.ndarray
    disturbed: np.ndarray
    effort: np.ndarray
    rise: np.ndarray

    @property
    def unit(self) -> np.ndarray:
        """Return the class of each picture, (units x restarts,)."""
        return np.repeat(np.arange(len(self.images)), self.images.shape[1])


def shown(stimuli: Stimuli, read, prior: Prior, order, *, labels=None) -> Shown:
    """Return the answers to the preferred pictures and to disturbed copies of them.

    `order` puts the classifier's units into the prior's order of classes.
    """
    images = stimuli.images[order]
    flat = images.reshape(-1, *images.shape[2:])
    judged = scores.softmax(np.asarray(judge_of(prior)(flat, training=False)))
    judged = judged if labels is None else judged[:, list(labels)]
    grid = images.shape[:2]
    logits = np.asarray(read(tf.constant(flat)))[:, order]
    odds = scores.softmax(logits.astype(np.float64))
    stream = generator(0, "robustness")
    noise = np.clip(flat + stream.normal(0, 0.3, flat.shape), 0, 1).astype(np.float32)
    rolled = np.roll(flat, stream.integers(1, 4, 2), axis=(1, 2))
    disturbed = scores.softmax(np.asarray(read(tf.constant(np.concatenate([noise, rolled])))))
    kept = (
        disturbed[:, order]
        .reshape(2, *grid, -1)
        .transpose(1, 0, 2, 3)
        .reshape(grid[0], -1, grid[0])
    )
    return Shown(
        images, judged, odds, kept, scores.effort(stimuli.trace[:, order]),
        (stimuli.activations - stimuli.trace[0])[order],
    )  # fmt: skip


def stimuli_scores(seen: Shown, ask: Questions) -> tuple[dict[str, float], np.ndarray]:
    """Return the scores of the preferred pictures and the cross-talk matrix."""
    talk = scores.cross_talk(seen.judged.argmax(axis=1).reshape(seen.images.shape[:2]))
    found = {
        "diversity": scores.diversity(seen.images, ask.images, ask.classes).mean(),
        "stimulus_confidence": seen.odds[np.arange(len(seen.odds)), seen.unit].mean(),
        "cross_talk": 1 - np.trace(talk) / len(talk),
        "judged_sure": seen.judged.max(axis=1).mean(),
        "effort": seen.effort.mean(),
        "robustness": scores.robustness(seen.disturbed).mean(),
        "rise": np.mean(seen.rise),
    }
    return found, talk
