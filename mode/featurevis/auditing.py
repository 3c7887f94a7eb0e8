"""`audit`: how wrong is this classifier, and in what way, told without its data."""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from mode import checks
from mode.featurevis import intervals, measuring, scores, targets, twin, verdict
from mode.featurevis.maximisation import Stimuli
from mode.featurevis.prior import Prior, as_prior, judge_of
from mode.seeds import generator

SCALES = {"[0, 255]": (255.0, 0.0), "[-1, 1]": (2.0, -1.0)}


@dataclass(frozen=True, repr=False)
class Audit:
    """The verdict and what it rests on.

    error: estimated test error, 0 to 1, and interval (low, high) of 90 %; overfitting: a score
    that follows the gap between training and test accuracy, higher = worse, -0.14 to
    0.14 for fine classifiers of the zoos; homogeneity: log-odds that the training images
    of a class were all alike; verdict: "fine", "over-fitted", "label noise", "under-fitted"
    or "cannot tell"; reasons: sentences; scores: one row a score with value, low,
    high (90 % bootstrap) and the healthy twin's; stimuli: preferred pictures by class; cross_talk:
    (classes, classes); matching: the classifier's output for each of the prior's classes.
    """

    error: float
    interval: tuple[float, float]
    overfitting: float
    homogeneity: float
    verdict: str
    reasons: tuple[str, ...]
    scores: pd.DataFrame
    stimuli: Stimuli | None
    cross_talk: np.ndarray | None
    matching: tuple[int, ...]

    def __str__(self) -> str:
        return "\n  ".join([f"{self.verdict}: {self._estimate()}", *self.reasons])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        reasons = "".join(f"<li>{reason}</li>" for reason in self.reasons)
        return f"<p><b>{self.verdict}</b>: {self._estimate()}</p><ul>{reasons}</ul>"

    def _estimate(self) -> str:
        low, high = self.interval
        return f"test error {self.error:.1%} ({low:.1%} to {high:.1%})"


def audit(
    classifier: keras.Model,
    prior: Prior,
    images: np.ndarray | None = None,
    *,
    classes: tuple[int, ...] | None = None,
    seed: int = 0,
) -> Audit:
    """Return the verdict on `classifier` (images in [0, 1] to odds or logits).

    Args:
        images: training images (n, h, w, c) in [0, 1], where there are any: adds the score
            "nearest_image" (see `intervals.nearest_image`) and changes nothing else.
        classes: the prior's classes that the classifier knows, where not all of them.

    Raises:
        InputError: for a prior without a judge, a classifier of another input shape, value range
            or number of classes, with NaN weights or scores, or for images of another shape or
            range.
    """
    prior = as_prior(prior)
    targets.check_classifier(classifier)
    targets.check_shape(classifier, prior.shape)
    known = _classes(classifier, prior, classes)
    images = None if images is None else _training_images(images, prior)
    ask = measuring.questions(prior, seed=seed, labels=known)
    read, how = targets.scores_of(classifier, ask.images[:8])
    odds = measuring.answers(read, ask)
    _check_finite(odds["images"])
    if np.ptp(odds["images"], axis=0).max() < 1e-4:
        return _constant(odds["images"], ask)
    _check_range(read, ask)
    table = scores.confusion(ask.classes, odds["images"].argmax(axis=1), ask.judged.shape[1])
    order = scores.match(table)
    own = _measured(classifier, read, odds, prior, ask, order, known, seed)
    recognised = float((ask.judged.max(axis=1) > 0.9).mean())
    reasons = verdict.why_not(own.scores, recognised)
    if reasons:
        return _audit(_unknown(own.scores, reasons), own, None, ask, order, images, seed)
    healthy = _twin(classifier, ask, how, order, seed)
    other = None
    if healthy is not None:
        twin_read = targets.scores_of(healthy, ask.images[:8])[0]
        heard = measuring.answers(twin_read, ask)
        other = _measured(healthy, twin_read, heard, prior, ask, order, known, seed)
    twin_scores = None if other is None else other.scores
    found = verdict.judge(own.scores, twin_scores, prior.card.get("name"))
    return _audit(found, own, other, ask, order, images, seed)


def _audit(found, own, other, ask, order, images, seed) -> Audit:
    frame = intervals.table(own, other, ask, images=images, seed=seed)
    return Audit(
        **vars(found), scores=frame, stimuli=own.stimuli, cross_talk=own.cross_talk,
        matching=tuple(order.tolist()),
    )  # fmt: skip


def _training_images(images, prior) -> np.ndarray:
    images = checks.not_empty("images", checks.images("images", images))
    if images.shape[1:] != prior.shape:
        checks.fail(f"images must be the prior's, n x {prior.shape}", f"shape {images.shape}")
    return images


def _classes(classifier, prior, classes) -> tuple[int, ...] | None:
    judge_of(prior)
    if classes is not None:
        for label in checks.not_empty("classes", classes):
            checks.number("classes", label, 0, prior.classes - 1, integer=True)
        if len(set(classes)) < len(classes):
            checks.fail("classes must differ from each other", f"{tuple(classes)}")
        classes = tuple(sorted(int(c) for c in classes))
    expected = prior.classes if classes is None else len(classes)
    blank = np.zeros((1, *prior.shape), np.float32)
    shape = tuple(classifier(blank, training=False).shape)
    outputs = shape[-1] if len(shape) == 2 else shape
    if outputs != expected or expected < 2:
        checks.fail(
            f"classifier must have {max(expected, 2)} classes, one for each the judge knows",
            f"{outputs}",
            "Where it knows fewer, name them: audit(..., classes=(0, 1, ...)).",
        )
    return classes


def _check_finite(odds: np.ndarray) -> None:
    bad = int((~np.isfinite(odds)).any(axis=1).sum())
    if bad:
        checks.fail(
            "classifier must give finite scores for the prior's pictures",
            f"scores that are not for {bad} of {len(odds)}",
        )


def _check_range(read, ask) -> None:
    """Refuse a classifier that understands the same pictures far better in another range."""
    few = generator(0, "range").permutation(len(ask.images))[:500]
    expected = ask.classes[few]

    def agreement(factor, offset):
        answer = np.asarray(read(ask.images[few] * np.float32(factor) + np.float32(offset)))
        table = scores.confusion(expected, answer.argmax(axis=1), ask.judged.shape[1])
        return table[np.arange(len(table)), scores.match(table)].mean()

    here = agreement(1.0, 0.0)
    for name, scale in SCALES.items():
        there = agreement(*scale)
        if there > 0.7 and there > here + 0.2:
            checks.fail(
                "classifier must take images in [0, 1], as the prior makes them",
                f"one that agrees with the judge on {here:.0%} of them, on {there:.0%} in {name}",
                "Put a keras.layers.Rescaling layer in front.",
            )


def _measured(model, read, odds, prior, ask, order, known, seed) -> intervals.Measured:
    ordered = {k: v[..., order] for k, v in odds.items()}
    found = measuring.sample_scores(ordered, ask)
    stimuli = measuring.stimuli_of(model, read, prior, ask, seed=seed)
    seen = measuring.shown(stimuli, read, prior, order, labels=known)
    more, talk = measuring.stimuli_scores(seen, ask)
    return intervals.Measured(found | more, ordered, stimuli, seen, talk)


def _twin(classifier, ask, how, order, seed) -> keras.Model | None:
    sure = ask.judged.argmax(axis=1) == ask.classes
    labels = order[ask.classes[sure]]
    return twin.healthy(classifier, ask.images[sure], labels, logits=how == "as given", seed=seed)


def _unknown(own: dict, reasons: tuple[str, ...]) -> verdict.Finding:
    error, confidence = float(own["error"]), float(own["over_confidence"])
    return verdict.Finding(error, (0.0, 1.0), confidence, float("nan"), "cannot tell", reasons)


def _constant(odds, ask) -> Audit:
    classes = odds.shape[1]
    reason = "It gives the same answer to every picture: it has learned nothing."
    chance = 1 - 1 / classes
    order = tuple(range(classes))
    frame = pd.DataFrame([("error", chance, chance, chance, float("nan"))],
                         columns=["score", "value", "low", "high", "twin"])  # fmt: skip
    return Audit(
        chance, (chance, chance), 0.0, float("nan"), "under-fitted", (reason,), frame, None, None,
        order,
    )  # fmt: skip
