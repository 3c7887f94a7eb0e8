"""Repair a classifier: faults -> layer -> map -> selection -> retrain a copy -> measure."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import pandas as pd

from mode import checks
from mode.data import Data
from mode.models import classes_of, clone
from mode.models.predicting import check_inputs
from mode.repair.keeping import Folder, identity
from mode.repair.recipe import OPTIONS, RECIPES, Defects, Recipe
from mode.repair.rounds import BROKEN, Start, play


@dataclass(frozen=True)
class Repair:
    """The repaired model and how it came about.

    rounds: one row a round, round 0 before any; see `measure`. faults: the faulty labels found
    first. chosen: for each round the indices into the pool. notes: what did not go as asked.
    kept: the round whose model this is; 0 for a copy of the given one.
    """

    model: keras.Model
    rounds: pd.DataFrame
    faults: pd.DataFrame
    chosen: tuple[np.ndarray, ...]
    notes: tuple[str, ...]
    kept: int = 0


def repair(
    model: keras.Model,
    data: Data,
    *,
    selector: str = "recommended",
    rounds: int = 5,
    batch: int = 2000,
    seed: int = 0,
    keep: str | os.PathLike | Folder | None = None,
    resume: bool = False,
    **options,
) -> Repair:
    """Repair a trained classifier with inputs from `data.pool`; `model` is not changed.

    Args:
        model: a built Keras classifier, compiled or not.
        data: train (what the model was made from), pool, diagnosis and test parts. A `Streamed`
            pool is gone through block by block; only what is chosen is loaded.
        selector: a name of RECIPES: "recommended", "mode" (corrected MODE), "published" (the
            replication with its defects), "random", "quota_random", "margin", "entropy", ...
        rounds, batch: at most so many rounds of so many inputs.
        seed: decides the random shares, the replayed inputs and the order of training.
        keep: a folder in which each finished round is kept.
        resume: go on from the rounds in `keep`, to the same result as without a break.
        options: any other field of Recipe, e.g. metric="cosine", alpha=0.5, max_broken=0.01,
            layer="last hidden"; label=3 mends that label, whatever the selector.

    Raises:
        InputError: for an unknown name or option, data that does not fit the model, a pool
            smaller than a batch, a model without reachable layers where one is needed, or rounds
            of another repair in `keep`.
    """
    recipe = RECIPES[checks.one_of("selector", selector, RECIPES)]
    for option in options:
        checks.one_of("option", option, OPTIONS)
    if options.get("label") is not None:
        options = {"targeted": True, **options}
    recipe = replace(recipe, rounds=rounds, batch=batch, **options)
    if keep is not None and not isinstance(keep, Folder):
        keep = Folder(keep, resume=resume)
    return run(model, data, recipe, seed=seed, keep=keep)


def run(
    model: keras.Model,
    data: Data,
    recipe: Recipe,
    *,
    seed: int = 0,
    taken: Sequence[np.ndarray] = (),
    keep: Folder | None = None,
    after_round: Callable[[dict], bool | None] | None = None,
) -> Repair:
    """Repair by a recipe. `taken`: round by round, what another repair takes from the same pool.

    after_round: called with the row of each finished round; where it returns True the repair ends
        there, as if no more rounds had been asked for.

    Raises:
        InputError: as `repair`.
    """
    _check(model, data, recipe)
    counts = recipe.max_broken is not None or keep is not None
    start = Start(model, data, recipe, tuple(taken), seed, counts_broken=counts)
    done = keep.open(identity(model, data, recipe, seed))[: recipe.rounds] if keep else []
    kept = max([n for n, played in enumerate(done, 1) if allowed(played.row, recipe)], default=0)
    best = keep.model(kept) if keep and kept else clone(model)
    latest = keep.model(len(done)) if keep and done else model
    while len(done) < recipe.rounds:
        played, after = play(start, latest, done)
        done.append(played)
        if after is None:
            break
        latest = after
        if keep:
            keep.write(len(done), played, after)
        if allowed(played.row, recipe):
            best, kept = after, len(done)
        if after_round and after_round(played.row):
            break
    rows = [start.row(), *(played.row for played in done if played.row)]
    batches = tuple(played.batch for played in done if played.row)
    notes = tuple(note for played in done for note in played.notes)
    notes += _given_up(rows[kept + 1 :], recipe)
    return Repair(best, pd.DataFrame(rows), done[0].faults, batches, notes, kept)


def allowed(row: dict, recipe: Recipe) -> bool:
    """Say whether a round broke no more than the recipe allows."""
    return recipe.max_broken is None or row[BROKEN] <= recipe.max_broken


def _given_up(rows: list[dict], recipe: Recipe) -> tuple[str, ...]:
    """Return a note on each round whose model is not kept."""
    return tuple(
        f"round {row['round']} was given up: it broke {row[BROKEN]:.2%} of what was right on the "
        f"diagnosis part, more than {recipe.max_broken:.2%}"
        for row in rows
    )


def control(
    model: keras.Model,
    data: Data,
    recipe: Recipe,
    repaired: Repair,
    *,
    seed: int = 0,
    after_round: Callable[[dict], bool | None] | None = None,
) -> Repair:
    """Give the same model as many random inputs as `repaired` got, and as many training steps.

    As published (`extra_control_batch`) it also gets the batch of the round that was not needed,
    from the pool that MODE leaves, and a fresh optimiser. `after_round` as in `run`.
    """
    rounds, taken = len(repaired.chosen), tuple[np.ndarray, ...]()
    if recipe.defects.extra_control_batch:
        rounds, taken = min(rounds + 1, recipe.rounds), repaired.chosen
        model = clone(model, keep_optimizer=False)
    if rounds == 0:
        return replace(repaired, model=clone(model))
    plain: dict[str, Any] = {"selector": "random", "targeted": False, "alpha": 1.0, "stops": False}
    plain |= {"label": None, "max_broken": None}
    recipe = replace(recipe, rounds=rounds, **plain)
    return run(model, data, recipe, seed=seed, taken=taken, after_round=after_round)


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
    if recipe.label is not None:
        checks.one_of("label", str(recipe.label), map(str, range(data.classes)))
