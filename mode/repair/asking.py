"""Which inputs of a pool without labels are worth labelling: the first half of active learning."""

from dataclasses import replace

import keras
import numpy as np

from mode import checks, seeds
from mode.data import Data
from mode.repair import stages
from mode.repair.recipe import RECIPES
from mode.repair.taking import take
from mode.selection import SELECTORS


def unlabelled_selectors() -> list[str]:
    """Return the names of RECIPES that need no label of the pool."""
    return [
        name
        for name, recipe in RECIPES.items()
        if not recipe.targeted and "labels" not in SELECTORS[recipe.selector].needs
    ]


def ask(model: keras.Model, data: Data, selector: str, count: int, *, seed: int = 0) -> np.ndarray:
    """Return the indices of the `count` inputs of the pool to be labelled; its labels are not read.

    Raises:
        InputError: for a selector that needs labels, or more inputs than the pool has.
    """
    name = "selector for a pool without labels"
    recipe = RECIPES[checks.one_of(name, selector, unlabelled_selectors())]
    checks.number("label budget", count, 1, len(data.pool), integer=True)
    recipe = replace(recipe, inputs_per_round=count)
    seen = stages.view(model, data, recipe, seed=seed)
    aim = stages.Aim(np.arange(len(data.pool)), count)
    rng = seeds.generator(seed, "ask")
    return take(aim, model, data, seen, recipe, None, rng=rng)
