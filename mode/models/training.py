"""Train a copy, many batches to one compiled call.

`fit` returns to Python after every batch, which on the study's tiny nets costs ten times the
arithmetic. Here a compiled loop (`mode.models.loops`) runs STEPS batches at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import keras
import numpy as np

from mode import checks, seeds
from mode.models.classifier import of_rows, training_data
from mode.models.copies import compiled_for_training
from mode.models.loops import Trainer, lent_weights
from mode.models.normalization import ROWS as ROWS_OF_STATISTICS
from mode.models.normalization import reestimate_statistics
from mode.models.weights import RunningMean

STEPS = 64
ROWS = 8192  # at most so many inputs a call, so that large batches need no 64 of them at once


def train(
    model: keras.Model,
    x: Any,
    y: np.ndarray,
    *,
    epochs: int = 3,
    batch_size: int = 32,
    optimizer: keras.Optimizer | None = None,
    weight_averaging: float = 0.0,
    decay: float = 0.0,
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
    frequency: np.ndarray | None = None,
    seconds: float | None = None,
    progress: Callable[[float], None] | None = None,
    seed: int = 0,
    copy: bool = True,
) -> keras.Model:
    """Return a trained copy of `model`; its optimizer goes on from the model's state.

    Args:
        model: a built Keras classifier. Its own compile settings are used; where it has none,
            Adam and sparse (for one output unit: binary) cross entropy.
        x: inputs, n x the model's input shape; for a model of several inputs the list or dict of
            arrays that it takes.
        y: integer labels (n,) or one-hot rows (n, classes). A loss with "sparse" in its name
            gets integers, any other one-hot rows, and one output unit gets 0. or 1.
        optimizer: a new one instead of the model's own; the copy that is returned keeps it.
        epochs, batch_size: as in `fit`; the last batch of an epoch may be smaller.
        weight_averaging: the trained weights are the mean over this last share of the training,
            sampled every STEPS batches (Izmailov et al. 2018); 0 for the last weights alone.
        decay: over this last share of the training the learning rate falls linearly to zero, and
            is as before in the copy that is returned; 0, the default, keeps it. A learning rate
            schedule of the optimizer's own goes on instead.
        augment: (inputs, generator) -> inputs of the same shape, asked anew in every epoch.
        frequency: numbers (n,), how often an input is seen relative to the others; an epoch still
            has n inputs. Each is seen once where None, the default.
        seconds: training ends after so long, with its decay and average, if the epochs take
            longer. The result then depends on the machine's speed.
        progress: called with the share of the training that is done, from 0 on.
        seed: decides the order of the inputs and the masks of dropout layers.
        copy: False trains `model` itself and returns it. Defaults to True.

    Moving statistics of batch normalization are estimated again at the end, on `x`.

    Raises:
        InputError: for inputs or labels that do not fit the model.
    """
    checks.number("epochs", epochs, 0, integer=True)
    checks.number("batch_size", batch_size, 1, integer=True)
    checks.number("weight_averaging", weight_averaging, 0, 1)
    checks.number("decay", decay, 0, 1)
    if seconds is not None:
        checks.number("seconds", seconds, 0)
    x, targets, loss = training_data(model, x, y)
    model = compiled_for_training(model, loss, optimizer, copy=copy)
    order = seeds.generator(seed, "order")
    orders = [_order(len(targets), frequency, order) for _ in range(epochs)]
    rng = seeds.generator(seed, "augment")
    changed = (lambda inputs: augment(inputs, rng)) if augment else lambda inputs: inputs
    mean, began = RunningMean(), perf_counter()
    with lent_weights(model, loss) as trainer:
        _reseed(trainer.model, seed)
        separate = bool(decay or weight_averaging or augment) or seconds is not None
        calls = _calls(trainer, orders, batch_size, separate=separate)
        rate = _rate(trainer.model)
        for number, call in enumerate(calls):
            share = number / len(calls)
            if seconds is not None and number:
                share = max(share, (perf_counter() - began) / seconds if seconds else 1.0)
            if share >= 1:
                break
            if progress:
                progress(share)
            if decay and rate is not None:
                trainer.model.optimizer.learning_rate = rate * min(1.0, (1 - share) / decay)
            _run(trainer, x, targets, call, changed)
            if share >= 1 - weight_averaging:
                mean.add(trainer.model)
        if rate is not None:
            trainer.model.optimizer.learning_rate = rate
    mean.move_to(model)
    if orders:
        reestimate_statistics(model, of_rows(x, orders[-1][:ROWS_OF_STATISTICS]))
    return model


def _order(rows: int, frequency: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
    """Return the places of one epoch, shuffled; by systematic sampling where inputs differ in
    how often they are seen."""
    places = generator.permutation(rows)
    if frequency is None:
        return places
    ends = np.cumsum(frequency[places]) * (rows / frequency.sum())
    times = np.diff(np.floor(ends + generator.random()), prepend=0).astype(np.int64)
    return generator.permutation(np.repeat(places, times))


def _rate(model: keras.Model) -> float | None:
    """Return the learning rate, None where the optimizer follows a schedule of its own."""
    schedule = keras.optimizers.schedules.LearningRateSchedule
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    setting = getattr(optimizer, "_learning_rate", None)
    return None if isinstance(setting, schedule) else float(optimizer.learning_rate)


@dataclass(frozen=True)
class _Call:
    """The places of the inputs of each batch of one call; the arrays of a call have room for
    `steps` batches of `batch` rows."""

    batches: list[np.ndarray]
    steps: int
    batch: int


def _calls(
    trainer: Trainer, orders: list[np.ndarray], batch: int, *, separate: bool
) -> list[_Call]:
    """Return the calls of all epochs, of STEPS batches (fewer, if they are large).

    separate: a call ends with its epoch; else short epochs share one, for each call moves as much
        data as a full one.
    """
    steps = max(1, min(STEPS, ROWS // batch))
    epochs = [[order[n : n + batch] for n in range(0, len(order), batch)] for order in orders]
    if trainer.padded:
        passes = epochs if separate else [[part for parts in epochs for part in parts]]
        return [
            _Call(parts[n : n + steps], steps, batch)
            for parts in passes
            for n in range(0, len(parts), steps)
        ]
    calls = []
    for parts in epochs:
        whole = [part for part in parts if len(part) == batch]
        calls += [_Call(whole[n : n + steps], steps, batch) for n in range(0, len(whole), steps)]
        calls += [_Call([part], 1, len(part)) for part in parts[len(whole) :]]
    return calls


def _run(
    trainer: Trainer,
    x: Any,
    y: np.ndarray,
    call: _Call,
    changed: Callable[[np.ndarray], np.ndarray],
) -> None:
    """Train on the batches of a call; its arrays are filled up with rows of weight zero."""
    weights = np.zeros((call.steps, call.batch), np.float32)
    places = np.zeros((call.steps, call.batch), np.int64)
    for number, part in enumerate(call.batches):
        weights[number, : len(part)] = call.batch / len(part)
        places[number] = np.resize(part, call.batch)

    def in_batches(array: np.ndarray) -> np.ndarray:
        return array.reshape(places.shape + array.shape[1:])

    inputs = keras.tree.map_structure(in_batches, changed(of_rows(x, places.reshape(-1))))
    trainer.run(inputs, y[places], weights, np.int32(len(call.batches)))


def _reseed(model: keras.Model, seed: int) -> None:
    """Start every random layer's stream anew, each from a seed of its own."""
    generators = [
        v for v in model.non_trainable_variables if v.path.endswith("seed_generator_state")
    ]
    for number, state in enumerate(generators):
        state.assign(np.array([seeds.derive(seed, "layer", number), 0], dtype="uint32"))
