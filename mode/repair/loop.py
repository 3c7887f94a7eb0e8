"""Repair a classifier: faults -> layer -> map -> selection -> retrain a copy -> measure."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
import pandas as pd

from mode import checks, seeds
from mode.data import Data
from mode.faults import accuracy_by_label, transitions
from mode.models import classes_of, clone, predict
from mode.models.predicting import check_inputs
from mode.repair import stages
from mode.repair.oracle import best_batch
from mode.repair.recipe import OPTIONS, RECIPES, Defects, Recipe
from mode.repair.retraining import retrain


@dataclass(frozen=True)
class Repair:
    """The repaired model and how it came about.

    rounds: one row a round, round 0 before any; see `measure`. faults: the faulty labels found
    first. chosen: for each round the indices into the pool. notes: what did not go as asked.
    """

    model: keras.Model
    rounds: pd.DataFrame
    faults: pd.DataFrame
    chosen: tuple[np.ndarray, ...]
    notes: tuple[str, ...]


def repair(
    model: keras.Model,
    data: Data,
    *,
    selector: str = "recommended",
    rounds: int = 5,
    batch: int = 2000,
    seed: int = 0,
    **options,
) -> Repair:
    """Repair a trained classifier with inputs from `data.pool`; `model` is not changed.

    Args:
        model: a built Keras classifier, compiled or not.
        data: train (what the model was made from), pool, diagnosis and test parts.
        selector: a name of RECIPES: "recommended", "mode" (corrected MODE), "published" (the
            replication with its defects), "random", "quota_random", "margin", "entropy", ...
        rounds, batch: at most so many rounds of so many inputs.
        seed: decides the random shares, the replayed inputs and the order of training.
        options: any other field of Recipe, e.g. metric="cosine", alpha=0.5, layer="last hidden".

    Raises:
        InputError: for an unknown name or option, data that does not fit the model, a pool
            smaller than a batch, or a model without reachable layers where one is needed.
    """
    recipe = RECIPES[checks.one_of("selector", selector, RECIPES)]
    for option in options:
        checks.one_of("option", option, OPTIONS)
    recipe = replace(recipe, rounds=rounds, batch=batch, **options)
    return run(model, data, recipe, seed=seed)


def run(
    model: keras.Model,
    data: Data,
    recipe: Recipe,
    *,
    seed: int = 0,
    taken: Sequence[np.ndarray] = (),
) -> Repair:
    """Repair by a recipe. `taken`: round by round, what another repair takes from the same pool.

    Raises:
        InputError: as `repair`.
    """
    _check(model, data, recipe)
    given = model
    available = np.ones(len(data.pool), bool)
    initial = predict(model, data.test.x)
    rows = [measure(data, initial, initial)]
    batches, notes, first = [], [], None
    for number in range(1, recipe.rounds + 1):
        start, stream = time.perf_counter(), seeds.derive(seed, "round", number)
        seen = stages.view(model, data, recipe, seed=stream)
        first = seen.faults if first is None else first
        if seen.faults.empty and recipe.stops:
            notes.append(f"round {number} was not needed: no label is faulty")
            break
        for indices in taken[number - 1 : number]:
            available[indices] = False
        batch, cause, said = choose(model, data, seen, recipe, available, seed=stream)
        notes += [f"round {number}: {note}" for note in said]
        if len(batch) < recipe.batch:
            notes.append(f"round {number} got {len(batch)} of {recipe.batch} inputs: pool used up")
        if len(batch) == 0:
            break
        if recipe.selector == "oracle":
            batch = best_batch(model, data, recipe, batches, batch, available, seed=stream)
        available[batch] = False
        batches.append(batch)
        model = retrain(model, data, batches, recipe, seed=stream)
        row = measure(data, initial, predict(model, data.test.x))
        used = sum(map(len, batches))
        seconds = time.perf_counter() - start
        rows.append({**row, **cause, "round": number, "inputs": used, "seconds": seconds})
    model = clone(model) if model is given else model
    return Repair(model, pd.DataFrame(rows), first, tuple(batches), tuple(notes))


def choose(
    model: keras.Model,
    data: Data,
    seen: stages.View,
    recipe: Recipe,
    available: np.ndarray,
    *,
    seed: int,
) -> tuple[np.ndarray, dict, list[str]]:
    """Return a round's indices into the pool, what they are for (label, kind, layer), and notes.

    Where the aims find too few inputs, random ones make up for them, so that every arm trains on
    the same number.
    """
    fault = stages.fault_to_mend(seen, recipe, data.classes)
    layer, maps = None, None
    if recipe.compares:
        aimed = (int(fault["label"]), fault["kind"])
        rng = seeds.generator(seed, "layer")
        layer = stages.chosen_layer(model, data, seen, recipe, *aimed, rng=rng)
        maps = stages.maps_at(model, data, seen, recipe, layer)
    chosen, free = [], available.copy()
    for aim in stages.aims(maps, data, recipe, fault, free):
        rng = seeds.generator(seed, "selector")
        chosen.append(stages.take(aim, model, data, seen, recipe, layer, rng=rng))
        free[chosen[-1]] = False
    found = sum(map(len, chosen))
    notes = stages.notes(maps, seen, recipe, fault, found)
    rng = seeds.generator(seed, "random share")
    count = recipe.batch - found
    chosen.append(stages.random_share(data, recipe, fault, free, count, rng=rng))
    cause = {"label": int(fault["label"]), "kind": fault["kind"], "layer": layer or ""}
    return np.concatenate(chosen), {**cause, "faulty labels": len(seen.faults)}, notes


def measure(data: Data, before: np.ndarray, after: np.ndarray) -> dict:
    """Return one row on the test part: accuracy overall, worst and per label; repaired and broken.

    The other columns stand for a model not yet repaired and are overwritten after a round.
    """
    by_label = accuracy_by_label(data.test.y, after, data.classes)["accuracy"]
    moved = transitions(data.test.y, before, after, data.classes)
    row = {"round": 0, "inputs": 0, "label": -1, "kind": "", "layer": "", "faulty labels": -1}
    row["accuracy"] = float((after.argmax(axis=1) == data.test.y).mean())
    row |= {"worst accuracy": by_label.min(), "repaired": moved.repaired, "broken": moved.broken}
    row |= {f"accuracy of {label}": value for label, value in enumerate(by_label)}
    return {**row, "seconds": 0.0}


def control(
    model: keras.Model, data: Data, recipe: Recipe, repaired: Repair, *, seed: int = 0
) -> Repair:
    """Give the same model as many random inputs as `repaired` got, and as many training steps.

    As published (`extra_control_batch`) it also gets the batch of the round that was not needed,
    from the pool that MODE leaves, and a fresh optimiser.
    """
    rounds, taken = len(repaired.chosen), ()
    if recipe.defects.extra_control_batch:
        rounds, taken = min(rounds + 1, recipe.rounds), repaired.chosen
        model = clone(model, keep_optimizer=False)
    if rounds == 0:
        return replace(repaired, model=clone(model))
    plain = {"selector": "random", "targeted": False, "alpha": 1.0, "stops": False}
    return run(model, data, replace(recipe, rounds=rounds, **plain), seed=seed, taken=taken)


def drawable(data: Data, repaired: Repair, defects: Defects) -> np.ndarray:
    """Return the indices of the pool from which best and worst inputs are drawn: the whole pool,
    or as published (`depleted_figures`) only what the repair has left of it."""
    left = np.ones(len(data.pool), bool)
    if defects.depleted_figures:
        for batch in repaired.chosen:
            left[batch] = False
    return np.flatnonzero(left)


def _check(model: keras.Model, data: Data, recipe: Recipe) -> None:
    check_inputs(model, data.train.x)
    if classes_of(model) != data.classes:
        checks.fail(f"the model must tell {data.classes} classes apart", classes_of(model))
    if recipe.batch > len(data.pool):
        checks.fail(f"batch must be at most the pool's {len(data.pool)} inputs", recipe.batch)
