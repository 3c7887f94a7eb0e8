"""`estimate`: the accuracy of a classifier on inputs without labels."""

from typing import Any

import keras
import numpy as np
import pandas as pd

from mode import checks
from mode.data.pools import Pool
from mode.dense import one_thread
from mode.estimation import (
    calibration,
    conclusion,
    inputs,
    label_shift,
    made_shifts,
    methods,
)
from mode.estimation.keras_outputs import Asked, Predicted
from mode.estimation.outputs import Labeled, Outputs, fit_temperature
from mode.estimation.shift import Activations, images_apart
from mode.faults import order_note
from mode.models import predict
from mode.seeds import generator
from mode.streaming import collected

ACTIVATIONS = 2000  # labeled inputs whose activations are kept
COMPARED = 400  # unlabeled ones, and images of both sets


def estimate(
    model: keras.Model,
    labeled: Any,
    unlabeled: Any,
    *,
    method: str | None = None,
    second: keras.Model | None = None,
    seed: int = 0,
    client: Any = None,
) -> conclusion.Estimate:
    """Estimate the accuracy of a classifier on inputs without labels.

    The labeled set is corrupted in many ways, so that the accuracy there is known; what the
    methods say on these made sets teaches how to combine them, how wide the interval has to be, and
    where nothing can be estimated. The model must not have been trained on the labeled inputs.

    Args:
        model: a classifier to probabilities or logits; not changed.
        labeled: (x, y), or a part of a `Data`, in the form that the model takes. Labels that are
            text are numbered in the order of the alphabet.
        unlabeled: the new inputs, in the same form, in memory or as `mode.data.open_pool` takes
            them: a path, an array or a dataset, read in blocks.
        method: a name of ESTIMATORS; "gde" with a second model; "calibrated", the combination of
            all. Defaults to None: "calibrated".
        second: another training of the same model, for "gde". Defaults to None.
        seed: seed of the made shifts and of the samples. Defaults to 0.
        client: a Dask client whose workers read and predict the unlabeled inputs. Defaults to None.

    Returns:
        An Estimate with .accuracy .interval .by_class .method .verdict .shift; where the verdict is
        "cannot tell" the accuracy is a best guess.

    Example:
        >>> estimate(model, labeled=(x, y), unlabeled=x_new)  # doctest: +SKIP
        accuracy 91.8 % (90.3 to 93.3 %) on 1,000 unlabeled inputs, ...

    Raises:
        InputError: for an unknown method; sets of fewer than 50 inputs, another shape or range; a
            labeled set with one class, or with classes that the model lacks; a model whose
            probabilities are constant or not finite.
    """
    names = [*methods.ESTIMATORS, methods.GDE, calibration.DEFAULT]
    method = calibration.DEFAULT if method is None else checks.one_of("method", method, names)
    if (method == methods.GDE) != (second is not None):
        received = "no second model" if second is None else f"a second model for {method!r}"
        checks.fail("the method 'gde' must come with a second model", received)
    x, y, classes = inputs.labeled_part(model, labeled)
    pool = inputs.unlabeled_pool(x, unlabeled)
    rows = generator(seed, "labeled").permutation(len(y))[:ACTIVATIONS]
    asked = Asked(model, x)
    raw = asked.with_activations(predict(model, x), x[rows], rows)
    hint = "It has learned nothing: train it first."
    inputs.check_probabilities("the labeled set", raw.probabilities, hint)
    new, few, agreed = _unlabeled_outputs(asked, second, pool, x, seed, client)
    hint = "Look at these inputs: they may all be alike, or unlike all that it knows."
    inputs.check_probabilities("the unlabeled set", new.probabilities, hint)
    temperature = fit_temperature(raw.probabilities, y)
    scaled = raw.tempered(temperature)
    labeled_outputs = Labeled(scaled.probabilities, scaled.activations, rows, y)
    space, rng = Activations(labeled_outputs), generator(seed, "describe")
    with one_thread():
        here = calibration.describe(labeled_outputs, space, new.tempered(temperature), rng)
        learned = _learned(asked, x, labeled_outputs, space, temperature, seed)
    some = rows[:COMPARED]
    weights = label_shift.reweighted(labeled_outputs, here.shares).weights[some]
    images = images_apart(x[some], few, weights, generator(seed, "images"))
    guess = _concluded(
        method, here, images, learned, labeled_outputs, new.tempered(temperature), agreed
    )
    if classes is not None:
        guess.by_class["class"] = list(classes)
    return guess


def _unlabeled_outputs(
    asked: Asked,
    second: keras.Model | None,
    pool: Pool,
    x: np.ndarray,
    seed: int,
    client: Any,
) -> tuple[Outputs, np.ndarray, float | None]:
    """Return the outputs for a pool, read in blocks, a few inputs of it, and the agreement with the
    second model."""
    form = inputs.Form.like(x)
    probabilities = collected(pool, Predicted(asked.model, form), client)
    same = None
    if second is not None:
        others = collected(pool, Predicted(second, form), client)
        same = methods.agreement(probabilities.argmax(axis=1), others.argmax(axis=1))
    rows = np.sort(generator(seed, "unlabeled").permutation(len(pool))[:COMPARED])
    few = form.of(pool.take(rows))
    return asked.with_activations(probabilities, few, rows), few, same


def _learned(
    asked: Asked, x: np.ndarray, labeled: Labeled, space: Activations, temperature: float, seed: int
) -> calibration.Calibration:
    """Return what the made shifts teach."""
    rng = generator(seed, "made shifts")
    shifts = made_shifts.plan(x, rng)
    described, accuracies = [], []
    for made, y in made_shifts.make(shifts, x, labeled.labels, rng):
        outputs = asked.outputs(made)
        accuracies.append((outputs.predictions == y).mean())
        described.append(calibration.describe(labeled, space, outputs.tempered(temperature), rng))
    return calibration.fit(described, np.array(accuracies), [s.kinds for s in shifts])


def _concluded(
    method: str,
    here: calibration.Description,
    images: float | None,
    learned: calibration.Calibration,
    labeled: Labeled,
    new: Outputs,
    agreed: float | None,
) -> conclusion.Estimate:
    estimates = {calibration.DEFAULT: learned.estimate(here), **here.estimates}
    if agreed is not None:
        estimates[methods.GDE] = agreed
    accuracy = estimates[method]
    half = learned.half_width(here, method if method in learned.errors else calibration.DEFAULT)
    reasons = conclusion.abstention_reasons(here, learned, half, images)
    order = order_note(labeled.labels, labeled.predictions, labeled.probabilities.shape[1])
    of_images = {} if images is None else {"images": images}
    return conclusion.Estimate(
        accuracy=accuracy,
        interval=(max(0.0, accuracy - half), min(1.0, accuracy + half)),
        by_class=_by_class(accuracy, here, labeled, new),
        method=method,
        verdict=conclusion.CANNOT_TELL if reasons else conclusion.verdict_of(here),
        shift={**here.measures, **of_images, "class_shares": here.shares.distance},
        labeled_accuracy=labeled.accuracy,
        estimates=estimates,
        inputs=len(new.probabilities),
        reasons=(*reasons, *[order] * bool(order), *conclusion.shift_sentences(here)),
    )


def _by_class(
    accuracy: float, here: calibration.Description, labeled: Labeled, new: Outputs
) -> pd.DataFrame:
    """Return a row per class; the calibrated rates are scaled alike to the accuracy of all."""
    rates = methods.nearest_class_rates(labeled, new)
    rates = np.clip(rates * accuracy / max(float(rates.mean()), 1e-9), 0, 1)
    classes = labeled.probabilities.shape[1]
    counts = np.bincount(new.predictions, minlength=classes)
    sums = np.bincount(new.predictions, rates, minlength=classes)
    labeled_counts = np.bincount(labeled.predictions, minlength=classes)
    right = np.bincount(labeled.predictions, labeled.right, minlength=classes)
    return pd.DataFrame(
        {
            "class": np.arange(classes),
            "inputs": counts,
            "accuracy": _ratio(sums, counts),
            "labeled_accuracy": _ratio(right, labeled_counts),
            "share": here.shares.shares,
            "labeled_share": here.shares.labeled,
        }
    )


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
