"""Train on everything instead of repairing: the rivals that a repair must beat in the same time."""

from collections.abc import Mapping
from time import perf_counter

import keras
import numpy as np
import pandas as pd

from mode import checks, seeds
from mode.data import Data, Part
from mode.data.splits import same_inputs
from mode.faults import transitions
from mode.models import clone, predict, reinitialize, train
from mode.models.copies import like
from mode.models.rescaled import of_unit_inputs

REPAIR = "this repair"
FINE_TUNED = "plain fine-tuning on train + pool"
FROM_SCRATCH = "training from scratch on train + pool"


def fine_tuned(model: keras.Model, data: Data, seconds: float, *, seed: int = 0) -> keras.Model:
    """Return the best epoch of a copy that is trained on train + pool for so many seconds.

    The copy keeps the compile settings and the optimizer's state of `model`; batches have 32
    inputs. The best epoch is the most accurate one on the diagnosis split, the first of equals,
    and the given model where no epoch is more accurate: the repair chooses its round in this way.

    Args:
        model: a built Keras classifier, which is not changed.
        data: an epoch sees the inputs of train, and those of the pool that are not in train as
            well; the diagnosis split chooses the epoch.
        seconds: the first epoch is always completed; a later one ends when the time is used up.
        seed: decides the order of the inputs.

    Raises:
        InputError: for a pool that is streamed or has no labels, or seconds that are no number.
    """
    began = perf_counter()
    inputs = train_and_pool(data)
    copy = clone(_of_units(model, data))
    return like(model, _best_epoch(copy, inputs, data.diagnosis, _left(seconds, began), seed))


def from_scratch(model: keras.Model, data: Data, seconds: float, *, seed: int = 0) -> keras.Model:
    """Return the best epoch of a new model of the same architecture, trained on train + pool for
    so many seconds.

    Its initial weights are drawn anew. Everything else is as in `fine_tuned`, but that the model
    before its first epoch is never returned.

    Raises:
        InputError: as `fine_tuned`, and for a subclassed model.
    """
    began = perf_counter()
    inputs = train_and_pool(data)
    untrained = reinitialize(_of_units(model, data), seed=seeds.derive(seed, "fresh"))
    left = _left(seconds, began)
    best = _best_epoch(untrained, inputs, data.diagnosis, left, seed, keep_first=False)
    return like(model, best)


def compare(
    before: keras.Model, models: Mapping[str, tuple[keras.Model, float]], data: Data
) -> pd.DataFrame:
    """Return one row per way: accuracy on the test split, test inputs repaired and broken, seconds.

    Args:
        before: the model that was given to each way.
        models: way -> the model that it made, and the seconds that it took.
        data: its test split measures.
    """
    test, rows = data.test, []
    initial = predict(_of_units(before, data), test.x)
    for way, (model, seconds) in models.items():
        predictions = predict(_of_units(model, data), test.x)
        moved = transitions(test.y, initial, predictions, data.classes)
        accuracy = float((predictions.argmax(axis=1) == test.y).mean())
        row = {"way": way, "accuracy": accuracy}
        rows.append(row | {"repaired": moved.repaired, "broken": moved.broken, "seconds": seconds})
    return pd.DataFrame(rows, columns=["way", "accuracy", "repaired", "broken", "seconds"])


def train_and_pool(data: Data) -> Part:
    """Return the inputs of train, and those of the pool that are not in train as well.

    Raises:
        InputError: for a pool that is streamed or has no labels.
    """
    train, pool = data.train, data.pool_in_memory
    if not data.labeled:
        checks.fail("the pool must have labels to be trained on", "a pool without labels")
    new = pool.take(~same_inputs(pool.x, train.x))
    return Part(np.concatenate([train.x, new.x]), np.concatenate([train.y, new.y]))


def _of_units(model: keras.Model, data: Data) -> keras.Model:
    """Return a model that takes the inputs of `data`, which are divided by 255 where they were
    8-bit numbers."""
    return of_unit_inputs(model) if data.from_bytes else model


def _left(seconds: float, began: float) -> float:
    return checks.number("seconds", seconds, 0) - (perf_counter() - began)


def _best_epoch(
    model: keras.Model,
    inputs: Part,
    diagnosis: Part,
    seconds: float,
    seed: int,
    *,
    keep_first: bool = True,
) -> keras.Model:
    """Train epoch by epoch until the time is used up; return the model of the best epoch."""
    began = perf_counter()
    best, best_accuracy = model, _accuracy(model, diagnosis) if keep_first else -1.0
    epoch, left = 0, seconds
    while epoch == 0 or left > 0:
        limit = left if epoch else None
        stream = seeds.derive(seed, "epoch", epoch)
        model = train(model, inputs.x, inputs.y, epochs=1, seconds=limit, seed=stream)
        accuracy = _accuracy(model, diagnosis)
        if accuracy > best_accuracy:
            best, best_accuracy = model, accuracy
        epoch += 1
        left = seconds - (perf_counter() - began)
    return best


def _accuracy(model: keras.Model, part: Part) -> float:
    return float((predict(model, part.x).argmax(axis=1) == part.y).mean())
