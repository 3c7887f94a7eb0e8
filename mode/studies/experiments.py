"""Experiments on one model, as rows: metrics against their controls, methods on a faulty model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pandas as pd

from mode import checks, seeds
from mode.data import Data
from mode.distances import DISTANCES
from mode.models import build, train
from mode.repair.loop import control, run
from mode.repair.recipe import EPOCHS, Recipe
from mode.repair.result import Repair
from mode.selection import shares
from mode.studies.comparison import AGAIN
from mode.studies.methods import FAMILY, METRICS
from mode.studies.scenarios import faulty_model

COLUMNS = ["round", "inputs", "label", "layer", "accuracy", "worst accuracy", "repaired", "broken"]


def compare_metrics(
    data: Data,
    recipe: Recipe,
    *,
    metrics: Sequence[str] = METRICS,
    model: str = "published",
    epochs: int = 3,
    seed: int = 0,
) -> Iterator[pd.DataFrame]:
    """Yield, metric by metric, the rows of its repair and of its control.

    All metrics start from one model of the seed and share its random streams, so that they are
    paired; as published (`fresh_init`), each has a model and streams of its own.

    Raises:
        InputError: for an unknown metric or model, before anything is trained.
    """
    for metric in metrics:
        checks.one_of("metric", metric, DISTANCES)
    start: dict[str, keras.Model] = {}
    controls: dict[tuple, Repair] = {}
    for metric in metrics:
        name = metric if recipe.defects.fresh_init else "shared"
        stream = seeds.derive(seed, "metric", name)
        if name not in start:
            start[name] = initial_model(data, model, epochs=epochs, seed=stream)
        repaired = run(start[name], data, replace(recipe, metric=metric), seed=stream)
        # A control depends on nothing but its model and its number of rounds, unless it draws from
        # the pool that its metric's repair has left.
        left = metric if recipe.defects.extra_control_batch else ""
        key = (name, left, len(repaired.chosen))
        if key not in controls:
            controls[key] = control(start[name], data, recipe, repaired, seed=stream)
        yield _rows(metric, repaired, controls[key])


def initial_model(data: Data, name: str, *, epochs: int, seed: int) -> keras.Model:
    """Return the model to be repaired: `name`, trained on `data.train`."""
    fresh = build(name, seed=seed, shape=data.shape, classes=data.classes)
    return train(fresh, data.train.x, data.train.y, epochs=epochs, seed=seed)


def _rows(metric: str, repaired: Repair, controlled: Repair) -> pd.DataFrame:
    parts = {"mode": repaired, "control": controlled}
    return pd.concat(
        [part.rounds.assign(metric=metric, method=method) for method, part in parts.items()],
        ignore_index=True,
    )


def compare_methods(
    data: Data,
    scenario: str,
    methods: Mapping[str, Recipe],
    *,
    rounds: int = 5,
    batch: int = 2000,
    model: str = "published",
    seed: int = 0,
) -> Iterator[pd.DataFrame]:
    """Yield each method's rows, one a round, round 0 before any repair.

    All methods start from one faulty model with its optimizer's state and share their random
    streams; a method whose name ends in "again" draws at random from streams of its own.
    Columns: scenario, method, those of `measure` without the labels' accuracies, `faulty labels`,
    and `overlap`: the share of its selector's first choice that the first method chose as well, or
    for a method named "family: variant" the first method of its family.

    Raises:
        InputError: for an unknown scenario or model, or a pool smaller than a batch.
    """
    broken, planted = faulty_model(scenario, data, model=model, seed=seed)
    first: dict[str, np.ndarray] = {}
    repairs: dict[str, Repair] = {}

    def repair_by(name: str) -> Repair:
        """Repair by a method, once where class-matched random ones need its labels."""
        if name not in repairs:
            recipe = methods[name]
            options: dict[str, Any] = {"chooses": recipe.retraining == "fine-tune"}
            stream = seeds.derive(seed, "methods", scenario, AGAIN if name.endswith(AGAIN) else "")
            if of := getattr(recipe, "labels_of", ""):
                options["labels_per_round"] = labels_per_round(planted, repair_by(of))
            sized = sized_for(recipe, len(planted.pool), rounds=rounds, batch=batch)
            repairs[name] = run(broken, planted, sized, seed=stream, **options)
        return repairs[name]

    for name, recipe in methods.items():
        repaired = repair_by(name)
        chosen = first_choice(repaired, sized_for(recipe, 0, rounds=rounds, batch=batch))
        reference = first.setdefault(name.partition(FAMILY)[0] if FAMILY in name else "", chosen)
        overlap = np.isin(chosen, reference).mean() if len(chosen) else np.nan
        identity = {"scenario": scenario, "method": name}
        rows = measured_rounds(repaired)[[*COLUMNS, "faulty labels", "seconds"]].round(6)
        yield rows.assign(**identity, overlap=np.round(overlap, 4))


def sized_for(recipe: Recipe, pool: int, *, rounds: int, batch: int) -> Recipe:
    """Return the recipe with the rounds and inputs per round of a study.

    Fine-tuning plans its own. The whole pool is taken in one round, in about as many steps as the
    study's rounds make: round k trains on k batches and the replayed inputs.
    """
    if recipe.retraining == "fine-tune":
        return recipe
    if not getattr(recipe, "whole_pool", False) or not pool:
        return replace(recipe, rounds=rounds, inputs_per_round=batch)
    old = recipe.replay * batch
    passes = (recipe.epochs or EPOCHS) * (batch * rounds * (rounds + 1) / 2 + rounds * old)
    epochs = max(1, round(passes / (pool + old)))
    return replace(recipe, rounds=1, inputs_per_round=pool, replay=old / pool, epochs=epochs)


def labels_per_round(data: Data, repaired: Repair) -> list[dict[int, int]]:
    """Return, round by round, how many inputs of each label a repair took from the pool."""
    counts = [np.unique(data.pool.y[batch], return_counts=True) for batch in repaired.chosen]
    return [dict(zip(*map(np.ndarray.tolist, pair), strict=True)) for pair in counts]


def measured_rounds(repaired: Repair) -> pd.DataFrame:
    """Return a repair's rounds; of one that chooses its round, the first row and the chosen one."""
    if "diagnosis accuracy" not in repaired.rounds:
        return repaired.rounds
    first, last = (repaired.rounds.iloc[n].to_dict() for n in (0, -1))
    return pd.DataFrame([first, {**last, **repaired.result, "round": len(repaired.chosen)}])


def first_choice(repaired: Repair, recipe: Recipe) -> np.ndarray:
    """Return what the selector chose in the first round, without the random share."""
    count, _ = shares(recipe.round_size, recipe.alpha)
    return repaired.chosen[0][:count] if repaired.chosen else np.zeros(0, np.int64)
