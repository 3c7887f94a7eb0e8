"""Arms against each other on one faulty model: rows."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from mode import seeds
from mode.data import Data
from mode.repair.arms import AGAIN, FAMILY
from mode.repair.loop import Repair, run
from mode.repair.recipe import Recipe
from mode.repair.scenarios import faulty_model
from mode.selection import shares

COLUMNS = ["round", "inputs", "label", "layer", "accuracy", "worst accuracy", "repaired", "broken"]


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
    first: dict[str, np.ndarray] = {}
    for name, recipe in arms.items():
        again = recipe.selector == "random" and name.endswith(AGAIN)
        stream = seeds.derive(seed, "arms", scenario, AGAIN if again else "")
        sized = replace(recipe, rounds=rounds, inputs_per_round=batch)
        repaired = run(broken, planted, sized, seed=stream)
        chosen = first_choice(repaired, sized)
        reference = first.setdefault(name.partition(FAMILY)[0] if FAMILY in name else "", chosen)
        overlap = np.isin(chosen, reference).mean() if len(chosen) else np.nan
        identity = {"scenario": scenario, "arm": name}
        rows = repaired.rounds[[*COLUMNS, "faulty labels", "seconds"]].round(6)
        yield rows.assign(**identity, overlap=np.round(overlap, 4))


def first_choice(repaired: Repair, recipe: Recipe) -> np.ndarray:
    """Return what the selector chose in the first round, without the random share."""
    count, _ = shares(recipe.inputs_per_round, recipe.alpha)
    return repaired.chosen[0][:count] if repaired.chosen else np.zeros(0, np.int64)
