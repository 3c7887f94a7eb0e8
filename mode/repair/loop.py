"""Repair a classifier: faults -> layer -> map -> selection -> retrain a copy -> measure."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pandas as pd

from mode import checks
from mode.data import Data
from mode.faults import order_note
from mode.models import classes_of, clone
from mode.models.classifier import check_classifier
from mode.models.guarded import repaired_like
from mode.models.rescaled import of_unit_inputs
from mode.models.weights import Snapshot
from mode.repair.checkpoint import Checkpoint, identity
from mode.repair.fine_tuning import check_fine_tuning
from mode.repair.model_choice import Choice, choose_model
from mode.repair.recipe import OPTIONS, RECIPES, Defects, Recipe
from mode.repair.result import Repair, no_suspects
from mode.repair.round import PROCESS, RepairContext, best_round, run_round
from mode.repair.work import Work


def repair(
    model: keras.Model,
    data: Data,
    *,
    recipe: str = "recommended",
    seed: int = 0,
    checkpoint_dir: str | os.PathLike | Checkpoint | None = None,
    resume: bool = False,
    minutes: float | None = None,
    progress: Callable[[float], None] | None = None,
    **fields,
) -> Repair:
    """Repair a trained classifier with inputs from `data.pool`; `model` is not changed.

    By default the whole of what is there to learn from is used. Wrong labels are set aside, and
    three rounds fine-tune on the training part and the pool. The round that is the most accurate
    on the diagnosis split is returned if it beats the original there by more than chance (McNemar's
    exact test, p at most 0.05 after multiplying by the number of rounds); else the original is.
    Any gain counts where that test cannot tell: where the split was created from x_train, which
    the original has learned, or has so few wrong inputs that not even a perfect round would pass.
    `mode.repair.fine_tuning` says more. The test split is only measured.

    Args:
        model: a built Keras classifier, compiled or not.
        data: train (what the model was made from), pool, diagnosis and test parts, as
            `mode.load_data` returns them. A `Streamed` pool is gone through block by block; only
            what is chosen is loaded.
        recipe: a name of RECIPES: "recommended" (the default), "mode" (corrected MODE),
            "published" (the replication with its defects), "random", "margin", "entropy", ...
        seed: decides what is drawn at random. Defaults to 0.
        checkpoint_dir: a folder in which each finished round is kept. Defaults to none.
        resume: continue from the rounds in `checkpoint_dir`, to the same result as without a
            break. Defaults to False.
        minutes: training ends after about so long; the result then depends on the machine's
            speed. Defaults to no limit: work is planned from the model's size.
        progress: called with the share of the work that is done, 0 to 1. Defaults to none.
        **fields: any field of `Recipe`, e.g. `rounds=5`, `inputs_per_round=200`, `epochs=3`,
            `max_broken=0.01`, `metric="cosine"`; `label=3` repairs that label.

    Returns:
        A `Repair`.

    Example:
        >>> from mode.data import load
        >>> from mode.models import build, train
        >>> data = load("digits")
        >>> model = train(build("published"), data.train.x, data.train.y)
        >>> fixed = repair(model, data)
        >>> fixed.result["accuracy"] > fixed.rounds["accuracy"][0]
        True

    Raises:
        InputError: for an unknown name or option, data that does not fit the model, a pool
            smaller than a round needs, a model without reachable layers where one is needed, or
            rounds of another repair in `checkpoint_dir`.
    """
    chosen = RECIPES[checks.one_of("recipe", recipe, RECIPES)]
    for name in fields:
        checks.one_of("option", name, OPTIONS)
    if fields.get("label") is not None:
        fields = {"targeted": True, **fields}
    chosen = replace(chosen, **fields)
    chosen.check_used(fields)
    checkpoint = checkpoint_dir
    if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
        checkpoint = Checkpoint(checkpoint, resume=resume)
    if minutes is not None:
        checks.number("minutes", minutes, 0.01)
    options: dict[str, Any] = {"minutes": minutes, "progress": progress, "chooses": True}
    return run(model, data, chosen, seed=seed, checkpoint=checkpoint, **options)


def run(
    model: keras.Model,
    data: Data,
    recipe: Recipe,
    *,
    seed: int = 0,
    used_indices: Sequence[np.ndarray] = (),
    labels_per_round: Sequence[Mapping[int, int]] = (),
    checkpoint: Checkpoint | None = None,
    after_round: Callable[[dict], bool | None] | None = None,
    chooses: bool = False,
    minutes: float | None = None,
    progress: Callable[[float], None] | None = None,
) -> Repair:
    """Repair by a recipe.

    Args:
        used_indices: round by round, inputs that another repair takes from the same pool.
        labels_per_round: round by round, how many inputs of each label are taken, at random:
            what the recipe selects is left aside, and the repair has as many rounds at most.
        after_round: called with the row of each finished round; where it returns True the repair
            ends there, as if no more rounds had been asked for.
        chooses: choose the model to return on the diagnosis split; else it is the last round's.
        minutes, progress: as in `repair`.

    Raises:
        InputError: as `repair`.
    """
    began, original = time.monotonic(), model
    model = of_unit_inputs(model) if data.from_bytes else model
    check_classifier(model, data.train.x, data.classes)
    if recipe.label is not None:
        checks.one_of("label", str(recipe.label), map(str, range(classes_of(model))))
    recipe = recipe.sized(len(data.pool))
    if recipe.retraining == "fine-tune":
        check_fine_tuning(model)
    if labels_per_round:
        recipe = replace(recipe, rounds=min(recipe.rounds, len(labels_per_round)))
    work = Work(1.0, None if minutes is None else began + 60 * minutes, progress)
    taken = tuple(used_indices), tuple(labels_per_round)
    context = RepairContext(model, data, recipe, *taken, seed, chooses, work)
    done = checkpoint.open(identity(model, data, recipe, seed)) if checkpoint else []
    done = done[: recipe.rounds]
    if recipe.retraining == "fine-tune":
        work.planned = context.fine_tuning.planned()
        if done:
            context.fine_tuning.settings.update(done[0].settings)
        elif recipe.checks_labels:
            context.fine_tuning.check_labels()
    number = best_round(done, chooses=chooses)
    if checkpoint and done:
        latest = checkpoint.model(len(done))
    else:
        latest = model if recipe.makes_models else clone(model)
    best = Snapshot.of(checkpoint.model(number)) if checkpoint and number else None
    while len(done) < recipe.rounds and not context.is_over(done):
        result, after = run_round(context, latest, done)
        done.append(result)
        if after is None:
            break
        latest = after
        if best_round(done, chooses=chooses) == len(done):
            best, number = Snapshot.of(latest), len(done)
        if checkpoint:
            checkpoint.write(len(done), result, latest)
        if after_round and after_round(result.row):
            break
    repaired = best.restore(latest) if best else None
    rows = [context.row(model), *(result.row for result in done if result.row)]
    batches = tuple(result.batch for result in done if result.row)
    notes = tuple(note for result in done for note in result.notes)
    if chooses:
        order = order_note(data.diagnosis.y, context.predicted, data.classes)
        notes = (order, *notes) if order else notes
        choice = choose_model(context, repaired, number, len(batches))
    else:
        choice = Choice(repaired or model, number, "the last round's model is returned")
    suspects = context.fine_tuning.settings.get("suspects") if done else None
    if progress:
        progress(1.0)
    number = choice.number
    return Repair(
        model=repaired_like(original, choice.model, choice.margin, data.train.x),
        rounds=pd.DataFrame(rows),
        faults=done[0].faults,
        chosen=batches,
        notes=notes,
        kept=number,
        reason=choice.reason,
        result={**context.row(choice.model), **{name: rows[number][name] for name in PROCESS}},
        suspects=no_suspects() if suspects is None else pd.DataFrame(suspects),
        seconds=time.monotonic() - began,
        names=data.names,
        margin=choice.margin,
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
    from the pool that MODE leaves, and a fresh optimizer. `after_round` as in `run`.
    """
    rounds, used = len(repaired.chosen), tuple[np.ndarray, ...]()
    if recipe.defects.extra_control_batch:
        rounds, used = min(rounds + 1, recipe.rounds), repaired.chosen
        model = clone(model, keep_optimizer=False)
    if rounds == 0:
        return replace(repaired, model=clone(model))
    plain: dict[str, Any] = {"selector": "random", "targeted": False, "alpha": 1.0, "stops": False}
    plain |= {"label": None, "max_broken": None}
    recipe = replace(recipe, rounds=rounds, **plain)
    return run(model, data, recipe, seed=seed, used_indices=used, after_round=after_round)


def drawable(data: Data, repaired: Repair, defects: Defects) -> np.ndarray:
    """Return the indices of the pool from which best and worst inputs are drawn: the whole pool,
    or as published (`depleted_figures`) only what the repair has left of it."""
    left = np.ones(len(data.pool), bool)
    if defects.depleted_figures:
        for batch in repaired.chosen:
            left[batch] = False
    return np.flatnonzero(left)
