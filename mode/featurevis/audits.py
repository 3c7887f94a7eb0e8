"""`audit`: the test error of a classifier and what is wrong with it, estimated without its data."""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from mode import checks
from mode.featurevis import probe_set as probes
from mode.featurevis import scores, targets, verdict
from mode.featurevis.intervals import Measurement, score_table
from mode.featurevis.maximization import PreferredInputs
from mode.featurevis.prior import Prior, as_prior, reference_classifier_of
from mode.featurevis.reference import reference_model
from mode.seeds import generator

SCALES = {"[0, 255]": (255.0, 0.0), "[-1, 1]": (2.0, -1.0)}


@dataclass(frozen=True, repr=False)
class Audit(verdict.Conclusion):
    """The verdict and the scores it is based on.

    error: estimated test error, 0 to 1, and interval (low, high) of 90 %; overfitting: a score
    that follows the gap between training and test accuracy, higher = worse, -0.14 to 0.14 for fine
    classifiers of the zoo; homogeneity: log-odds that the training images of a class were all
    alike; verdict: "fine", "over-fitted", "label noise", "under-fitted" or "cannot tell"; reasons:
    sentences; scores: one row per score with value, low, high (90 % bootstrap) and the value of
    the reference model; preferred_inputs by class; cross_talk: (classes, classes); matching: the
    model's output for each of the prior's classes.
    """

    scores: pd.DataFrame
    preferred_inputs: PreferredInputs | None
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
    model: keras.Model,
    prior: Prior,
    images: np.ndarray | None = None,
    *,
    classes: tuple[int, ...] | None = None,
    seed: int = 0,
) -> Audit:
    """Return the verdict on a classifier of images in [0, 1], to probabilities or logits.

    Args:
        model: the classifier; not changed.
        prior: a Prior, or what `load_prior` takes.
        images: training images (n, h, w, c) in [0, 1]: adds the score "nearest_image" (see
            `intervals.nearest_image`) and changes nothing else. Defaults to None.
        classes: the classes of the prior that the model has. Defaults to all.
        seed: seed of the probe set, the ascents, the reference model and the intervals. Defaults
            to 0.

    Raises:
        InputError: for a prior without a reference classifier; a model of another input shape,
            value range or number of classes, or with NaN weights or outputs; images of another
            shape or range.
    """
    prior = as_prior(prior)
    targets.check_model(model)
    targets.check_input_shape(model, prior.shape)
    classes = _checked_classes(model, prior, classes)
    images = None if images is None else _checked_images(images, prior)
    probe_set = probes.make_probe_set(prior, seed=seed, labels=classes)
    logits, source = targets.logits_of(model, probe_set.images[:8])
    probabilities = probes.predict_probe_set(logits, probe_set)
    _check_finite(probabilities["images"])
    if np.ptp(probabilities["images"], axis=0).max() < 1e-4:
        return _constant(probabilities["images"].shape[1])
    _check_range(logits, probe_set)
    matching = scores.match(_confusion(probabilities["images"], probe_set, slice(None)))

    def measure(network, logits, probabilities) -> Measurement:
        ordered = {name: values[..., matching] for name, values in probabilities.items()}
        preferred = probes.preferred_inputs_of(network, logits, prior, probe_set, seed=seed)
        predictions = probes.predict_preferred(preferred, logits, prior, matching, labels=classes)
        more, cross_talk = probes.preferred_scores(predictions, probe_set)
        values = probes.sample_scores(ordered, probe_set) | more
        return Measurement(values, ordered, preferred, predictions, cross_talk)

    measured, reference = measure(model, logits, probabilities), None
    recognized = float((probe_set.reference.max(axis=1) > probes.SURE).mean())
    reasons = verdict.why_not(measured.scores, recognized)
    if reasons:
        conclusion = _no_verdict(measured.scores, reasons)
    else:
        sure = probe_set.reference.argmax(axis=1) == probe_set.classes
        samples = probe_set.images[sure], matching[probe_set.classes[sure]]
        network = reference_model(model, *samples, logits=source == "as given", seed=seed)
        if network is not None:
            logits = targets.logits_of(network, probe_set.images[:8])[0]
            reference = measure(network, logits, probes.predict_probe_set(logits, probe_set))
        others = None if reference is None else reference.scores
        conclusion = verdict.conclude(measured.scores, others, prior.card.get("name"))
    table = score_table(measured, reference, probe_set, images=images, seed=seed)
    return Audit(
        **vars(conclusion), scores=table, preferred_inputs=measured.preferred_inputs,
        cross_talk=measured.cross_talk, matching=tuple(matching.tolist()),
    )  # fmt: skip


def _checked_images(images, prior) -> np.ndarray:
    images = checks.not_empty("images", checks.images("images", images))
    if images.shape[1:] != prior.shape:
        checks.fail(f"images must be the prior's, n x {prior.shape}", f"shape {images.shape}")
    return images


def _checked_classes(model, prior, classes) -> tuple[int, ...] | None:
    reference_classifier_of(prior)
    if classes is not None:
        for label in checks.not_empty("classes", classes):
            checks.number("classes", label, 0, prior.classes - 1, integer=True)
        if len(set(classes)) < len(classes):
            checks.fail("classes must differ from each other", f"{tuple(classes)}")
        classes = tuple(sorted(int(c) for c in classes))
    expected = prior.classes if classes is None else len(classes)
    shape = tuple(model(np.zeros((1, *prior.shape), np.float32), training=False).shape)
    outputs = shape[-1] if len(shape) == 2 else shape
    if outputs != expected or expected < 2:
        checks.fail(
            f"model must have {max(expected, 2)} classes, one per class of the prior",
            f"{outputs}",
            "If it has fewer, name them: audit(..., classes=(0, 1, ...)).",
        )
    return classes


def _check_finite(probabilities: np.ndarray) -> None:
    bad = int((~np.isfinite(probabilities)).any(axis=1).sum())
    if bad:
        checks.fail(
            "model must give finite outputs for the prior's images",
            f"NaN or inf for {bad} of {len(probabilities)}",
        )


def _confusion(outputs: np.ndarray, probe_set: probes.ProbeSet, rows) -> np.ndarray:
    """Return the shares of the classes of the probe set's `rows` predicted as each class."""
    classes = probe_set.reference.shape[1]
    return scores.confusion(probe_set.classes[rows], outputs.argmax(axis=1), classes)


def _check_range(logits, probe_set) -> None:
    """Refuse a model that predicts the same images far better in another range of values."""
    few = generator(0, "range").permutation(len(probe_set.images))[:500]

    def agreement(factor, offset):
        scaled = probe_set.images[few] * np.float32(factor) + np.float32(offset)
        table = _confusion(np.asarray(logits(scaled)), probe_set, few)
        return table[np.arange(len(table)), scores.match(table)].mean()

    here = agreement(1.0, 0.0)
    for name, scale in SCALES.items():
        there = agreement(*scale)
        if there > 0.7 and there > here + 0.2:
            checks.fail(
                "model must take images in [0, 1]",
                "a model that agrees with the reference classifier on "
                f"{here:.0%} of them, on {there:.0%} in {name}",
                "Put a keras.layers.Rescaling layer in front.",
            )


def _no_verdict(values: dict, reasons: tuple[str, ...]) -> verdict.Conclusion:
    error, gap = float(values["error"]), float(values["over_confidence"])
    return verdict.Conclusion(error, (0.0, 1.0), gap, float("nan"), "cannot tell", reasons)


def _constant(classes: int) -> Audit:
    """Return the audit of a model with the same output for every image."""
    reason = "It predicts the same for every image: it has learned nothing."
    chance = 1 - 1 / classes
    columns = ["score", "value", "low", "high", "reference"]
    table = pd.DataFrame([("error", chance, chance, chance, float("nan"))], columns=columns)
    return Audit(
        chance, (chance, chance), 0.0, float("nan"), "under-fitted", (reason,), table, None, None,
        tuple(range(classes)),
    )  # fmt: skip
