"""Experiments on one model, as rows: metrics against their controls, methods on a faulty model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

import keras
import numpy as np
import pandas as pd

from mode import checks, seeds
from mode.data import Data
from mode.distances import DISTANCES
from mode.models import build, train
from mode.repair.loop import Repair, control, run
from mode.repair.recipe import Recipe
from mode.selection import shares
from mode.studies.methods import AGAIN, FAMILY, METRICS
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
    recipes = {metric: replace(recipe, metric=metric) for metric in metrics}
    streams = {
        metric: seeds.derive(seed, "metric", metric if recipe.defects.fresh_init else "shared")
        for metric in metrics
    }

    @cache
    def start(stream: int) -> keras.Model:
        return initial_model(data, model, epochs=epochs, seed=stream)

    controls: dict[tuple, Repair] = {}
    for metric, repaired in _repair_each(recipes, data, start, streams):
        # A control depends on nothing but its model and its number of rounds, unless it draws from
        # the pool that its metric's repair has left.
        left = metric if recipe.defects.extra_control_batch else ""
        stream = streams[metric]
        key = (stream, left, len(repaired.chosen))
        if key not in controls:
            controls[key] = control(start(stream), data, recipe, repaired, seed=stream)
        yield _rows(metric, repaired, controls[key])


def _repair_each(
    recipes: Mapping[str, Recipe],
    data: Data,
    start: Callable[[int], keras.Model],
    streams: Mapping[str, int],
) -> Iterator[tuple[str, Repair]]:
    """Yield (name, repair) of each recipe, from the model `start(seed)` and with the seed that
    `streams` has for its name."""
    for name, recipe in recipes.items():
        yield name, run(start(streams[name]), data, recipe, seed=streams[name])


def initial_model(data: Data, name: str, *, epochs: int, seed: int) -> keras.Model:
    """Return the model to be repaired: `name`, trained on `data.train`."""
    fresh = build(name, seed=seed, shape=data.shape, classes=data.classes)
    return train(fresh, data.train.x, data.train.y, epochs=epochs, seed=seed)


def _rows(metric: str, repaired: Repair, controlled: Repair) -> pd.DataFrame:
    parts = {"mode": repaired, "control": controlled}
    return pd.concat(
        [part.rounds.assign(metric=metric, arm=arm) for arm, part in parts.items()],
        ignore_index=True,
    )


def compare_arms(
    data: Data,
    scenario: str,
    arms: Mapping[str, Recipe],
    *,
    rounds: int = 5,
    batch: int = 2000,
    model: str = "published",
    seed: int = 0,
) -> Iterator[pd.DataFrame]:
    """Yield each arm's rows, one a round, round 0 before any repair.

    All arms start from one faulty model with its optimiser's state and share their random
    streams; an arm whose name ends in "again" has streams of its own where it draws at random.
    Columns: scenario, arm, those of `measure` without the labels' accuracies, `faulty labels`,
    and `overlap`: the share of its selector's first choice that the first arm chose as well, or
    for an arm named "family: variant" the first arm of its family.

    Raises:
        InputError: for an unknown scenario or model, or a pool smaller than a batch.
    """
    broken, planted = faulty_model(scenario, data, model=model, seed=seed)
    recipes = {
        name: replace(recipe, rounds=rounds, inputs_per_round=batch)
        for name, recipe in arms.items()
    }
    streams = {}
    for name, recipe in arms.items():
        again = recipe.selector == "random" and name.endswith(AGAIN)
        streams[name] = seeds.derive(seed, "arms", scenario, AGAIN if again else "")
    first: dict[str, np.ndarray] = {}
    for name, repaired in _repair_each(recipes, planted, lambda _: broken, streams):
        chosen = first_choice(repaired, recipes[name])
        reference = first.setdefault(name.partition(FAMILY)[0] if FAMILY in name else "", chosen)
        overlap = np.isin(chosen, reference).mean() if len(chosen) else np.nan
        identity = {"scenario": scenario, "arm": name}
        rows = repaired.rounds[[*COLUMNS, "faulty labels", "seconds"]].round(6)
        yield rows.assign(**identity, overlap=np.round(overlap, 4))


def first_choice(repaired: Repair, recipe: Recipe) -> np.ndarray:
    """Return what the selector chose in the first round, without the random share."""
    count, _ = shares(recipe.round_size, recipe.alpha)
    return repaired.chosen[0][:count] if repaired.chosen else np.zeros(0, np.int64)
