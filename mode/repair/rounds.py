"""One round of a repair: view, choose, retrain, measure."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import keras
import numpy as np
import pandas as pd

from mode import seeds
from mode.data import Data
from mode.faults import accuracy_by_label, transitions
from mode.models import predict
from mode.repair import stages
from mode.repair.fine_tuning import FineTuning, Work, right_on
from mode.repair.oracle import best_batch
from mode.repair.recipe import Recipe
from mode.repair.retraining import retrain
from mode.repair.taking import take

# Columns that say how a round came about, not what its model does.
PROCESS = ("round", "inputs", "label", "kind", "layer", "faulty labels", "seconds")
ACCURACY = "diagnosis accuracy"
BROKEN = "broken on diagnosis"  # a share of what was right there before any repair


@dataclass(frozen=True)
class Played:
    """A finished round: its row, the indices it took from the pool, notes, and the faults it saw.

    A round that was not needed, or found the pool empty, has no row. settings: what fine-tuning
    has chosen, for the rounds after it.
    """

    row: dict
    batch: np.ndarray
    notes: tuple[str, ...]
    faults: pd.DataFrame
    settings: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Start:
    """What all rounds of a repair share.

    judges: whether the diagnosis part measures each round, to choose one.
    """

    model: keras.Model
    data: Data
    recipe: Recipe
    taken: tuple[np.ndarray, ...]
    seed: int
    judges: bool
    work: Work

    @cached_property
    def fine_tuning(self) -> FineTuning:
        """What retrains where the recipe says "fine-tune"."""
        return FineTuning(self.model, self.data, self.recipe, self.seed, self.work)

    @cached_property
    def initial(self) -> np.ndarray:
        """The given model's predictions on the test part."""
        return predict(self.model, self.data.test.x)

    @cached_property
    def right(self) -> np.ndarray:
        """Which inputs of the diagnosis part the given model gets right."""
        return right_on(self.model, self.data.diagnosis)

    @cached_property
    def wrong_by_class(self) -> np.ndarray:
        """The share of each class in the diagnosis part that the given model gets wrong."""
        wrong = np.bincount(self.data.diagnosis.y, ~self.right, self.data.classes)
        counts = np.bincount(self.data.diagnosis.y, minlength=self.data.classes)
        return (wrong / np.maximum(counts, 1)).astype(np.float32)

    def row(self, model: keras.Model | None = None) -> dict:
        """Return the measurements of `model`, or of the given one."""
        after = self.initial if model is None else predict(model, self.data.test.x)
        row = measure(self.data, self.initial, after)
        if not self.judges:
            return row
        right = self.right if model is None else right_on(model, self.data.diagnosis)
        return {**row, ACCURACY: float(right.mean()), BROKEN: self.broken_by(right)}

    def broken_by(self, right: np.ndarray) -> float:
        """Return the share of what the given model gets right on the diagnosis part that is no
        longer `right` (n,)."""
        return float((~right[self.right]).mean()) if self.right.any() else 0.0

    def available(self, done: Sequence[Played]) -> np.ndarray:
        """Return which inputs of the pool the next round may take."""
        free = np.ones(len(self.data.pool), bool)
        for indices in [*(played.batch for played in done), *self.taken[: len(done) + 1]]:
            free[indices] = False
        if self.recipe.retraining == "fine-tune":
            free &= ~self.fine_tuning.not_needed
        return free


def play(
    start: Start, model: keras.Model, done: Sequence[Played]
) -> tuple[Played, keras.Model | None]:
    """Play the next round on `model`; return it and the retrained copy, None where none was."""
    data, recipe, number = start.data, start.recipe, len(done) + 1
    began, stream = time.perf_counter(), seeds.derive(start.seed, "round", number)
    seen = stages.view(model, data, recipe, seed=stream)
    if seen.faults.empty and recipe.stops:
        return _ended(seen, f"round {number} was not needed: no label is faulty")
    available = start.available(done)
    batch, cause, said = choose(model, data, seen, recipe, available, seed=stream)
    notes = [f"round {number}: {note}" for note in said]
    tunes = recipe.retraining == "fine-tune"
    if len(batch) < recipe.batch and not tunes:
        size = f"{len(batch)} of {recipe.batch} inputs"
        notes.append(f"round {number} got {size}: pool used up")
    if len(batch) == 0 and not tunes:
        return _ended(seen, *notes)
    batches = [played.batch for played in done]
    if recipe.selector == "oracle":
        batch = best_batch(model, data, recipe, batches, batch, available, seed=stream)
    batches.append(batch)
    if tunes:
        after = start.fine_tuning.round(model, np.concatenate(batches), number, seed=stream)
    else:
        after = retrain(model, data, batches, recipe, seed=stream)
    used = sum(map(len, batches))
    row = {**start.row(after), **cause, "round": number, "inputs": used}
    row["seconds"] = time.perf_counter() - began
    settings = start.fine_tuning.settings if tunes else {}
    return Played(row, batch, tuple(notes), seen.faults, settings), after


def _ended(seen: stages.View, *notes: str) -> tuple[Played, None]:
    return Played({}, np.zeros(0, np.int64), notes, seen.faults), None


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
    everything = np.flatnonzero(available)
    tunes = recipe.retraining == "fine-tune" and not recipe.targeted
    if tunes and len(everything) <= recipe.batch:  # there is nothing to choose
        return everything, _cause(fault, None, seen), stages.unjudged(seen)
    layer, maps = None, None
    if recipe.compares:
        aimed = (int(fault["label"]), fault["kind"])
        rng = seeds.generator(seed, "layer")
        layer = stages.chosen_layer(model, data, seen, recipe, *aimed, rng=rng)
        maps = stages.maps_at(model, data, seen, recipe, layer)
    chosen, free = [], available.copy()
    aims = stages.aims(maps, data, recipe, fault, free)
    for number, aim in enumerate(aims):
        # The first has no number: its stream is that of a round with one aim.
        rng = seeds.generator(seed, "selector", *([number] if number else []))
        chosen.append(take(aim, model, data, seen, recipe, layer, rng=rng))
        free[chosen[-1]] = False
    found = sum(map(len, chosen))
    notes = stages.notes(maps, seen, recipe, fault, aims, found)
    rng = seeds.generator(seed, "random share")
    count = recipe.batch - found
    chosen.append(stages.random_share(data, recipe, fault, free, count, rng=rng))
    return np.concatenate(chosen), _cause(fault, layer, seen), notes


def _cause(fault: pd.Series, layer: str | None, seen: stages.View) -> dict:
    cause = {"label": int(fault["label"]), "kind": fault["kind"], "layer": layer or ""}
    return {**cause, "faulty labels": len(seen.faults)}


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
