"""Select inputs from the pool: targets of a round, and what a selector takes for each of them."""

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from mode import checks, seeds
from mode.data import Data, Streamed
from mode.distances import distance
from mode.heatmaps import differential
from mode.repair.recipe import RECIPES
from mode.repair.state import OVER_FITTED, RepairState
from mode.repair.streamed_selection import select_streamed
from mode.selection import SELECTORS, Candidates, select, shares


@dataclass(frozen=True)
class SelectionTarget:
    """`count` inputs of the pool among the indices `among`, near `heatmap` where there is one."""

    among: np.ndarray
    count: int
    heatmap: np.ndarray | None = None

    @property
    def map_is_zero(self) -> bool:
        """Whether there is a heat map that tells no input from another.

        A differential map is zero where it has no inputs of its own, so that HCI replaces it.
        """
        return self.heatmap is not None and not self.heatmap.any()


def select_round(
    state: RepairState, available: np.ndarray, size: int
) -> tuple[np.ndarray, list[str]]:
    """Return the indices of the inputs of one round, and notes.

    The selector's share comes first, then random inputs. These also make up for targets that have
    too few inputs, so that every method trains on the same number.

    Args:
        available: which inputs of the pool may be taken (n,).
        size: how many inputs to take.
    """
    state = _facing(state)
    chosen, free = [], available.copy()
    targets = selection_targets(state, free, size)
    for number, target in enumerate(targets):
        # The first has no number: its stream is that of a round with one target.
        stream = ("selector", number) if number else ("selector",)
        generator = seeds.generator(state.seed, *stream)
        chosen.append(select_from_pool(state, target, generator=generator))
        free[chosen[-1]] = False
    selected = sum(map(len, chosen))
    generator = seeds.generator(state.seed, "random share")
    chosen.append(_random_share(state, free, size - selected, generator=generator))
    return np.concatenate(chosen), _notes(state, targets, selected, size)


def _facing(state: RepairState) -> RepairState:
    """Return the state in whose recipe an over-fitted label gets the inputs that `over_fitting`
    names: the farthest from DHCI, unless the recipe names another map."""
    recipe = state.recipe
    turns = recipe.over_fitting == "farthest" and recipe.selector == "nearest" and recipe.targeted
    if not turns or state.fault["kind"] != OVER_FITTED:
        return state
    named = "dhci" if recipe.map == "by fault" else recipe.map
    return state.with_recipe(replace(recipe, selector="farthest", map=named))


def selection_targets(
    state: RepairState, available: np.ndarray, size: int
) -> list[SelectionTarget]:
    """Return the targets of the selector's share of a round of `size` inputs.

    Under-fitting needs inputs of the label near DHCI. Over-fitting needs half of them near DHWI
    (inputs of the label like those it loses), half near DHMI (of others, like those it attracts).
    A recipe may name one map for both.
    """
    recipe, fault, maps = state.recipe, state.fault, state.maps
    count, _ = shares(size, recipe.alpha)
    free = np.flatnonzero(available)
    if not recipe.targeted:
        return [SelectionTarget(free, count)]
    label = int(fault["label"])
    of_label = state.data.pool.y[free] == label
    same, others = free[of_label], free[~of_label]
    if maps is None:
        return [SelectionTarget(same, count)]
    kind = "hci" if recipe.defects.pixel_hci_only else recipe.map
    if kind == "hci":
        return [SelectionTarget(same, count, maps.hci[label])]
    if kind == "by fault" and fault["kind"] == OVER_FITTED:
        lost = count - count // 2
        return [
            SelectionTarget(same, lost, differential(maps, label, "dhwi")),
            SelectionTarget(others, count - lost, differential(maps, label, "dhmi")),
        ]
    kind = "dhci" if kind == "by fault" else kind
    among = others if kind == "dhmi" else same
    return [SelectionTarget(among, count, differential(maps, label, kind))]


def select_from_pool(
    state: RepairState, target: SelectionTarget, *, generator: np.random.Generator
) -> np.ndarray:
    """Return the indices into the pool that the recipe's selector takes for one target; random
    ones where the target's heat map is zero. A streamed pool is streamed.

    Raises:
        InputError: for a selector that cannot stream (STREAMED).
    """
    if target.map_is_zero:  # by some metrics all inputs are equally near, by others dark ones win
        return generator.permutation(target.among)[: target.count]
    selector, pool = state.recipe.applied_selector, state.data.pool
    if isinstance(pool, Streamed) and selector != "random":
        options: dict[str, Any] = {"heatmap": target.heatmap, "generator": generator}
        return select_streamed(state, pool, target.among, target.count, **options)
    rows = target.among
    candidates = Candidates(size=len(rows), labels=pool.y[rows])
    if target.heatmap is not None:
        x = state.data.pool_in_memory.x[rows]
        if state.layer is not None and not state.recipe.maps_are_pixels:
            x = state.activations(x, state.layer)
        distances = distance(state.recipe.measured_metric, x, target.heatmap)
        candidates = replace(candidates, distances=distances)
    elif SELECTORS[selector].needs:
        evidence = state.evidence(selector, state.data.pool_in_memory, rows)
        candidates = replace(candidates, **evidence)
    return rows[select(selector, candidates, target.count, generator=generator)]


def query(
    model: keras.Model, data: Data, selector: str, count: int, *, seed: int = 0
) -> np.ndarray:
    """Return the indices of the `count` inputs of the pool to be labeled, whose labels are not
    read: the first half of active learning.

    Raises:
        InputError: for a selector that needs labels, or more inputs than the pool has.
    """
    name = "selector for a pool without labels"
    recipe = RECIPES[checks.one_of(name, selector, label_free_recipes())]
    checks.number("label budget", count, 1, len(data.pool), integer=True)
    state = RepairState(model, data, recipe, seed)
    target = SelectionTarget(np.arange(len(data.pool)), count)
    return select_from_pool(state, target, generator=seeds.generator(seed, "ask"))


def label_free_recipes() -> list[str]:
    """Return the names of RECIPES that need no label of the pool."""
    return [
        name
        for name, recipe in RECIPES.items()
        if not recipe.targeted and "labels" not in SELECTORS[recipe.selector].needs
    ]


def _random_share(
    state: RepairState, available: np.ndarray, count: int, *, generator: np.random.Generator
) -> np.ndarray:
    """Return the random share of a round; as published, it cannot hold the label of the fault."""
    if state.recipe.defects.no_replay and state.recipe.targeted:
        available = available & (state.data.pool.y != state.fault["label"])
    return generator.permutation(np.flatnonzero(available))[:count]


def _notes(
    state: RepairState, targets: list[SelectionTarget], selected: int, size: int
) -> list[str]:
    """Return notes on labels without inputs, heat maps that are replaced or zero, and inputs
    that are lacking."""
    notes, label = state.labels_without_inputs, state.fault["label"]
    if state.maps is not None:
        fallbacks = [item for item in state.maps.fallbacks if item.label == label]
        notes += [f"{state.label_name(label)} {item.reason}" for item in fallbacks]
    if at_random := sum(min(t.count, len(t.among)) for t in targets if t.map_is_zero):
        zeros = "has a heat map of zeros"
        notes.append(f"{state.label_name(label)} {zeros}: {at_random} inputs for it are random")
    count, _ = shares(size, state.recipe.alpha)
    if selected < count:
        notes.append(f"only {selected} of {count} inputs to select from: the rest is random")
    return notes
