"""Take from the pool what a recipe's selector chooses for one aim: from memory, or streamed."""

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np

from mode import checks
from mode.data import Data, Streamed
from mode.data.schema import prepared
from mode.distances import distance
from mode.layers import states
from mode.layers.probes import zscale
from mode.models import predict
from mode.repair import stages
from mode.repair.recipe import Recipe
from mode.selection import SELECTORS, Candidates, select
from mode.streaming import Block, DistanceScorer, best

# Selectors that compare inputs with each other see so many times the wanted number of inputs,
# and at least so many.
SHORTLIST, LEAST = 10, 5_000
STREAMED = {name for name, selector in SELECTORS.items() if selector.streamed}


@dataclass(frozen=True)
class Doubt:
    """Scores inputs by the score of a selector of SELECTORS on a model's probabilities."""

    model: keras.Model
    selector: str
    shape: tuple[int, ...]
    generator: np.random.Generator
    whole = True

    def __call__(self, block: Block, limit: float) -> np.ndarray:
        found = predict(self.model, prepared("pool inputs", block.x, self.shape))[block.rows]
        generator = deepcopy(self.generator)
        stream: Any = generator.bit_generator  # of a kind that can be advanced
        stream.advance(block.start)  # one number for each input before
        known = Candidates(probabilities=found, labels=block.y)
        return SELECTORS[self.selector].score(known, generator)


@dataclass(frozen=True)
class Mistaken:
    """What a model gets wrong, then the rest, each in the order `place` (n,) of all that may be
    chosen: those of `selection.uncertainty.misclassified`, which shuffles them."""

    model: keras.Model
    shape: tuple[int, ...]
    place: np.ndarray
    selector = "misclassified"
    whole = True

    def __call__(self, block: Block, limit: float) -> np.ndarray:
        found = predict(self.model, prepared("pool inputs", block.x, self.shape))[block.rows]
        place = self.place[block.start : block.start + len(found)]
        return np.where(found.argmax(axis=1) == block.y, place, place - len(self.place))


@dataclass(frozen=True)
class NearStates:
    """Distances of states, as z-scores by `scale`, to a heat map of a layer, or minus them."""

    model: keras.Model
    layer: str
    scale: tuple
    metric: str
    heatmap: np.ndarray
    shape: tuple[int, ...]
    farthest: bool = False
    whole = False

    def __call__(self, block: Block, limit: float) -> np.ndarray:
        x = prepared("pool inputs", block.x[block.rows], self.shape)
        found = zscale(states(self.model, x, self.layer)[self.layer], self.scale)
        found = distance(self.metric, found, self.heatmap)
        return -found if self.farthest else found


def take(
    aim: stages.Aim,
    model: keras.Model,
    data: Data,
    seen: stages.View,
    recipe: Recipe,
    layer: str | None,
    *,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the indices into the pool that the recipe's selector chooses for one aim, by
    streaming where the pool is streamed; random ones where the aim's heat map is zero.

    Raises:
        InputError: for a selector that is not of STREAMED.
    """
    if aim.map_is_zero:  # by some metrics all inputs are equally near it, by others dark ones win
        return rng.permutation(aim.among)[: aim.count]
    selector = recipe.applied_selector
    if not isinstance(data.pool, Streamed) or selector == "random":
        return _from_memory(aim, model, data, seen, recipe, layer, rng=rng)
    checks.one_of("selector of a streamed pool", selector, STREAMED)
    chosen = partial(_best, data.pool, aim.among)
    if aim.heatmap is not None:
        options: dict[str, Any] = {"metric": recipe.measured_metric, "heatmap": aim.heatmap}
        options["farthest"] = selector == "farthest"
        if recipe.maps_are_pixels or layer is None:
            return chosen(DistanceScorer(**options), aim.count)
        scale = stages.scale_at(model, data, seen, layer)
        options |= {"model": model, "layer": layer, "scale": scale, "shape": data.shape}
        return chosen(NearStates(**options), aim.count)
    way = SELECTORS[selector].streamed
    if way == "score":
        return chosen(Doubt(model, selector, data.shape, rng), aim.count)
    if way == "shuffled":
        place = np.argsort(rng.permutation(len(aim.among)))
        return chosen(Mistaken(model, data.shape, place), aim.count)
    few = shortlist(aim, model, data, way, rng)
    known = _of_few(model, data, seen, selector, few)
    return few[select(selector, known, aim.count, generator=rng)]


def _from_memory(
    aim: stages.Aim,
    model: keras.Model,
    data: Data,
    seen: stages.View,
    recipe: Recipe,
    layer: str | None,
    *,
    rng: np.random.Generator,
) -> np.ndarray:
    selector = recipe.applied_selector
    known = Candidates(size=len(aim.among), labels=data.pool.y[aim.among])
    if aim.heatmap is not None:
        x = data.pool_in_memory.x[aim.among]
        if layer is not None and not recipe.maps_are_pixels:
            x = stages.layer_states(model, data, seen, layer, x)
        known = replace(known, distances=distance(recipe.measured_metric, x, aim.heatmap))
    else:
        known = replace(known, **stages.evidence(model, data, seen, selector, aim.among))
    return aim.among[select(selector, known, aim.count, generator=rng)]


def shortlist(
    aim: stages.Aim, model: keras.Model, data: Data, by: str, rng: np.random.Generator
) -> np.ndarray:
    """Return the ascending indices of the inputs that a selector which compares them with each
    other is shown: all, where there are no more than it may see."""
    most = max(LEAST, SHORTLIST * aim.count)
    if len(aim.among) <= most:
        return aim.among
    if by == "random":
        return np.sort(rng.permutation(aim.among)[:most])
    assert isinstance(data.pool, Streamed), "a pool in memory needs no shortlist"
    return np.sort(_best(data.pool, aim.among, Doubt(model, by, data.shape, rng), most))


def _of_few(
    model: keras.Model, data: Data, seen: stages.View, selector: str, few: np.ndarray
) -> Candidates:
    """Return what a selector reads of the inputs `few`, the only ones that are loaded."""
    loaded = data.with_part("pool", data.pool.take(few))
    everything = np.arange(len(few))
    evidence = stages.evidence(model, loaded, seen, selector, everything)
    return replace(Candidates(size=len(few), labels=loaded.pool.y), **evidence)


def _best(pool: Streamed, among: np.ndarray, measure, count: int) -> np.ndarray:
    """What is not needed is not sent to workers: indices of all inputs, and labels."""
    needs = isinstance(measure, Doubt | Mistaken) and "labels" in SELECTORS[measure.selector].needs
    every = len(among) == len(pool)
    labels = (pool.y if every else pool.y[among]) if needs else None
    options = {"among": None if every else among, "labels": labels, "client": pool.client}
    return best(pool.pool, measure, count, **options)
