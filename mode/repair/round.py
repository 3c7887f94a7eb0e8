"""One round of a repair: look at the model, choose inputs, retrain, measure."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import keras
import numpy as np
import pandas as pd

from mode import seeds
from mode.data import Data
from mode.faults import transitions
from mode.layers.blocks import LayerBlock, blocks
from mode.models import predict
from mode.repair.fine_tuning import FineTuning, right_on
from mode.repair.pool_selection import select_round
from mode.repair.recipe import Recipe
from mode.repair.retraining import best_batch, oracle_candidates
from mode.repair.state import RepairState
from mode.repair.work import Work
from mode.selection import Candidates, select

# Columns that say how a round came about, not what its model does.
PROCESS = ("round", "inputs", "label", "kind", "layer", "faulty labels", "seconds")
ACCURACY = "diagnosis accuracy"
BROKEN = "broken on diagnosis"  # a share of what was right there before any repair


@dataclass(frozen=True)
class RoundResult:
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
class RepairContext:
    """What all rounds of a repair share.

    used_indices: round by round, inputs that another repair takes from the same pool.
    labels_per_round: round by round, how many random inputs of each label are taken; where empty,
        the recipe selects.
    chooses: whether the diagnosis split measures each round, to choose one.
    """

    model: keras.Model
    data: Data
    recipe: Recipe
    used_indices: tuple[np.ndarray, ...]
    labels_per_round: tuple[Mapping[int, int], ...]
    seed: int
    chooses: bool
    work: Work

    @cached_property
    def fine_tuning(self) -> FineTuning:
        """What retrains where the recipe says "fine-tune"."""
        return FineTuning(self.model, self.data, self.recipe, self.seed, self.work)

    @cached_property
    def layer_blocks(self) -> Mapping[str, LayerBlock]:
        """The layers that count; the same in every round."""
        return blocks(self.model, self.data.train.x)

    @cached_property
    def initial(self) -> np.ndarray:
        """The original model's predictions on the test split."""
        return predict(self.model, self.data.test.x)

    @cached_property
    def right(self) -> np.ndarray:
        """Which inputs of the diagnosis split the original model gets right."""
        return self.predicted == self.data.diagnosis.y

    @cached_property
    def predicted(self) -> np.ndarray:
        """The class that the original model predicts for each input of the diagnosis split."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """The original model's predictions on the diagnosis split (n, classes)."""
        return predict(self.model, self.data.diagnosis.x)

    @cached_property
    def wrong_by_class(self) -> np.ndarray:
        """The share of each class in the diagnosis split that the original model gets wrong."""
        wrong = np.bincount(self.data.diagnosis.y, ~self.right, self.data.classes)
        counts = np.bincount(self.data.diagnosis.y, minlength=self.data.classes)
        return (wrong / np.maximum(counts, 1)).astype(np.float32)

    def row(self, model: keras.Model) -> dict:
        """Return the measurements of a model; those of the original one are made once."""
        original = model is self.model
        predictions = self.initial if original else predict(model, self.data.test.x)
        chosen_by = {}
        if self.chooses:
            right = self.right if original else right_on(model, self.data.diagnosis)
            chosen_by = {ACCURACY: float(right.mean()), BROKEN: self.broken_by(right)}
        return {**measure(self.data, self.initial, predictions), **chosen_by}

    def broken_by(self, right: np.ndarray) -> float:
        """Return the share of what the original model gets right on the diagnosis split that is no
        longer `right` (n,)."""
        return float((~right[self.right]).mean()) if self.right.any() else 0.0

    def available(self, rounds: Sequence[RoundResult]) -> np.ndarray:
        """Return which inputs of the pool the round after `rounds` may take."""
        free = np.ones(len(self.data.pool), bool)
        batches = [result.batch for result in rounds]
        for indices in [*batches, *self.used_indices[: len(rounds) + 1]]:
            free[indices] = False
        if self.recipe.retraining == "fine-tune":
            free &= ~self.fine_tuning.not_needed
        return free

    def is_over(self, rounds: Sequence[RoundResult]) -> bool:
        """Say whether fine-tuning has nothing more to gain: the last round was worse than the one
        before, or perfect, or the time is over."""
        if self.recipe.retraining != "fine-tune" or not rounds or not self.chooses:
            return False
        accuracies = [result.row[ACCURACY] for result in rounds]
        worse = len(rounds) > 1 and accuracies[-1] < accuracies[-2]
        return worse or accuracies[-1] == 1 or self.work.is_over


def best_round(rounds: Sequence[RoundResult], *, chooses: bool) -> int:
    """Return the number of the round to return: the first of those most accurate on the diagnosis
    part, or the last one where the repair does not choose; 0 where there is none."""
    numbers = [number for number, result in enumerate(rounds, start=1) if result.row]
    if not chooses:
        return max(numbers, default=0)
    return max(numbers, key=lambda number: rounds[number - 1].row[ACCURACY], default=0)


def run_round(
    context: RepairContext, model: keras.Model, rounds: Sequence[RoundResult]
) -> tuple[RoundResult, keras.Model | None]:
    """Run the round after `rounds` on `model`; return it and the retrained model, None where no
    round is needed or possible.

    Where the recipe retrains by replay or on new inputs alone, `model` itself is retrained.
    """
    data, recipe, number = context.data, context.recipe, len(rounds) + 1
    began, seed = time.perf_counter(), seeds.derive(context.seed, "round", number)
    earlier_layer = _earlier_layer(recipe, rounds)
    state = RepairState(model, data, recipe, seed, context.layer_blocks, earlier_layer)
    if state.faults.empty and recipe.stops:
        return _ended(state, f"round {number} was not needed: no label is faulty")
    available = context.available(rounds)
    if context.labels_per_round:
        batch = class_matched(state, available, context.labels_per_round[number - 1])
        notes = state.labels_without_inputs
    else:
        batch, notes = choose(state, available)
    notes = [f"round {number}: {note}" for note in notes]
    tunes = recipe.retraining == "fine-tune"
    if len(batch) < recipe.round_size and not tunes:
        size = f"{len(batch)} of {recipe.round_size} inputs"
        notes.append(f"round {number} got {size}: pool used up")
    if len(batch) == 0 and not tunes:
        return _ended(state, *notes)
    before, cause = [result.batch for result in rounds], _cause(state)
    if tunes:
        chosen = np.concatenate([*before, batch])
        after = context.fine_tuning.round(model, chosen, number, seed=seed)
    else:
        oracle = recipe.selector == "oracle"
        candidates = oracle_candidates(batch, available, seed=seed) if oracle else [batch]
        batch, after = best_batch(model, data, before, candidates, recipe, seed=seed)
    inputs = sum(map(len, before)) + len(batch)
    row = {**context.row(after), **cause, "round": number, "inputs": inputs}
    row["seconds"] = time.perf_counter() - began
    settings = context.fine_tuning.settings if tunes else {}
    return RoundResult(row, batch, tuple(notes), state.faults, settings), after


def _earlier_layer(recipe: Recipe, rounds: Sequence[RoundResult]) -> str | None:
    """Return the layer of the last round where it serves the next one too (`layer_rounds`)."""
    selects = recipe.layer not in ("chosen", "random") or len(rounds) % recipe.layer_rounds == 0
    return None if selects else rounds[-1].row["layer"] or None


def choose(state: RepairState, available: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return a round's indices into the pool, and notes.

    Args:
        available: which inputs of the pool may be taken (n,).
    """
    recipe = state.recipe
    if recipe.retraining == "fine-tune" and not recipe.targeted:
        everything = np.flatnonzero(available)
        if len(everything) <= recipe.round_size:  # there is nothing to choose
            return everything, state.labels_without_inputs
    return select_round(state, available, recipe.round_size)


def class_matched(
    state: RepairState, available: np.ndarray, quota: Mapping[int, int]
) -> np.ndarray:
    """Return random indices into the pool, `quota` of each label or all `available` ones."""
    candidates = Candidates(labels=state.data.pool.y, quota=dict(quota))
    generator = seeds.generator(state.seed, "class-matched")
    count = sum(quota.values())
    return select("class_matched_random", candidates, count, among=available, generator=generator)


def _ended(state: RepairState, *notes: str) -> tuple[RoundResult, None]:
    return RoundResult({}, np.zeros(0, np.int64), notes, state.faults), None


def _cause(state: RepairState) -> dict:
    fault = state.fault
    cause = {"label": int(fault["label"]), "kind": fault["kind"], "layer": state.layer or ""}
    return {**cause, "faulty labels": len(state.faults)}


def measure(data: Data, before: np.ndarray, after: np.ndarray) -> dict:
    """Return one row on the test split: accuracy overall, worst and per label; repaired and broken.

    The other columns stand for a model not yet repaired and are overwritten after a round.

    Args:
        before, after: probabilities (n, classes) on the test split.
    """
    moved = transitions(data.test.y, before, after, data.classes)
    right = moved.by_label["repaired"] + moved.by_label["still right"]
    by_label = right / np.bincount(data.test.y, minlength=data.classes)
    row = {"round": 0, "inputs": 0, "label": -1, "kind": "", "layer": "", "faulty labels": -1}
    row["accuracy"] = float((after.argmax(axis=1) == data.test.y).mean())
    row |= {"worst accuracy": by_label.min(), "repaired": moved.repaired, "broken": moved.broken}
    row |= {f"accuracy of {label}": value for label, value in enumerate(by_label)}
    return {**row, "seconds": 0.0}
