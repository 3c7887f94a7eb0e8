"""Trials: short and full trainings of a plan from fresh weights, each with its report and skill."""

import random
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from mode import seeds
from mode.diagnosis.callback import Diagnosis
from mode.diagnosis.facts.model import model_facts
from mode.diagnosis.findings import Plan
from mode.diagnosis.repair.data import TrainingData, listed, mapped, prepared, rescaled, skill, take
from mode.diagnosis.report import Report

_TRIAL_STEPS, _TRIAL_LAP = 300, 50
_BASE_STEPS = 1000  # the unrepaired training gets more time, lest a healthy one looks slow
_FULL_STEPS, _FULL_LAP = 3000, 100
_PATIENCE = 10
_ROWS = 1024  # predicted at once


@dataclass(frozen=True)
class TrialSetup:
    """What stays the same over all trials."""

    build: Callable
    train: TrainingData
    validation: TrainingData
    epochs: int
    seed: int


@dataclass(frozen=True)
class Result:
    """A trained plan: its model, what the diagnosis says of it, its validation skill."""

    model: keras.Model
    plan: Plan
    report: Report
    skill: float

    @property
    def errors(self) -> set[str]:
        """Symptoms that are errors."""
        return {f.symptom for f in self.report.findings if f.severity == "error"}


def base(setup: TrialSetup, plan: Plan) -> Result:
    """Train the unrepaired plan, epoch by epoch as it stands, and validate it, for over-fitting."""
    steps = _steps(setup, plan)
    epochs = min(plan.epochs, max(-(-_BASE_STEPS // steps), 5))
    return _train(setup, plan, epochs, steps, stop=True, validated=True)


def trial(setup: TrialSetup, plan: Plan) -> Result:
    """Train shortly; several passes over few rows make one epoch, whose overhead is fixed."""
    steps = _steps(setup, plan)
    epochs = min(plan.epochs, max(-(-_TRIAL_STEPS // steps), 5))
    return _train(setup, plan, epochs, _TRIAL_LAP, stop=True)


def full(setup: TrialSetup, best: Result) -> Result:
    """Train in full, keep the best epoch; one that ends worse gives way to the trial."""
    plan, steps = best.plan, _steps(setup, best.plan)
    epochs = max(plan.epochs, min(max(3 * plan.epochs, 60), _FULL_STEPS // steps))
    final = _train(setup, replace(plan, early_stopping=True), epochs, _FULL_LAP, stop=False)
    final = replace(final, plan=plan)
    return final if final.skill >= best.skill else best


def _steps(setup: TrialSetup, plan: Plan) -> int:
    return max(len(take(setup.train.x)) // plan.batch_size, 1)


def _train(
    setup: TrialSetup, plan: Plan, epochs: int, lap: int, *, stop: bool, validated: bool = False
) -> Result:
    with _seeded(setup.seed):
        held = prepared(setup.validation, plan, setup.train)
        train = prepared(setup.train, plan)
        model = setup.build(plan, train.x)
        train, epochs = _laps(train, plan, epochs, lap, setup.seed)
        callbacks = [watch := Diagnosis(stop=stop)]
        options: dict[str, Any] = {"epochs": epochs, "batch_size": plan.batch_size}
        if validated or plan.early_stopping:
            options["validation_data"] = (held.x, held.y)
        if plan.early_stopping:
            callbacks.append(
                keras.callbacks.EarlyStopping(patience=_PATIENCE, restore_best_weights=True)
            )
        try:
            model.fit(train.x, train.y, shuffle=False, verbose=0, callbacks=callbacks, **options)
        except Exception:
            if not watch.report.alarms:
                raise
            return Result(model, plan, watch.report, -1.0)
        model = rescaled(model, plan, setup.train)
        return Result(model, plan, watch.report, _score(model, setup.validation, plan))


def _laps(
    data: TrainingData, plan: Plan, epochs: int, lap: int, seed: int
) -> tuple[TrainingData, int]:
    """Return rows for one epoch of at least `lap` steps, each pass in an order of its own.

    Only whole batches: a last, smaller one would cost a second compilation.
    """
    rows, batch = len(take(data.x)), plan.batch_size
    passes = max(min(lap * batch // rows, epochs), 1)
    draw = seeds.generator(seed, "trial")
    order = np.concatenate([draw.permutation(rows) for _ in range(passes)])
    order = order[: len(order) // batch * batch] if len(order) > batch else order
    return data.rows(order), -(-epochs // passes)


def _score(model, held: TrainingData, plan: Plan) -> float:
    clean = prepared(held, replace(plan, scale_targets=False))
    predicted = _predict(model, clean)
    logits = any(head.from_logits for head in model_facts(model).heads)
    pairs = zip(listed(predicted), listed(clean.y), strict=True)
    return float(np.mean([skill(p, t, logits=logits) for p, t in pairs]))


def _predict(model, data: TrainingData):
    """Call the model on few rows at a time; `predict` would compile a function for one use."""
    rows, outputs = len(take(data.x)), []
    for start in range(0, rows, _ROWS):
        part = data.rows(np.arange(start, min(start + _ROWS, rows))).x
        output = model(mapped(keras.ops.convert_to_tensor, part), training=False)
        outputs.append(keras.tree.map_structure(keras.ops.convert_to_numpy, output))
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *outputs)


@contextmanager
def _seeded(seed: int):
    """Trials are seeded alike; the caller's streams go on as if nothing had happened.

    Keras takes the seeds of initializers and dropout from Python's generator.
    """
    before, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy)  # noqa: NPY002
