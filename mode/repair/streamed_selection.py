"""Select inputs from a pool that is streamed from disk, block by block."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mode import checks
from mode.data import Streamed
from mode.data.schema import prepared
from mode.distances import distance
from mode.layers import states
from mode.layers.probes import zscale
from mode.models import predict
from mode.repair.state import RepairState
from mode.selection import SELECTORS, Candidates, select
from mode.streaming import Block, DistanceScorer, best

# Selectors that compare inputs with each other see so many times the number of inputs that are
# asked for, and at least so many.
SHORTLIST, LEAST = 10, 5_000
STREAMED = {name for name, selector in SELECTORS.items() if selector.streamed}


def select_streamed(
    state: RepairState,
    pool: Streamed,
    among: np.ndarray,
    count: int,
    *,
    heatmap: np.ndarray | None = None,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return the indices of `count` inputs that the recipe's selector takes from a streamed pool.

    Args:
        among: ascending indices of the inputs that may be taken.
        heatmap: what inputs are compared with, for "nearest" and "farthest".

    Raises:
        InputError: for a selector that cannot stream (STREAMED).
    """
    selector = state.recipe.applied_selector
    checks.one_of("selector of a streamed pool", selector, STREAMED)
    scorer = _scorer(state, len(among), heatmap, generator)
    if scorer is not None:
        return _best(pool, among, scorer, count)
    rows = _shortlist(state, pool, among, count, generator)
    part = pool.take(rows)  # the only inputs that are loaded
    evidence = state.evidence(selector, part, np.arange(len(rows)))
    candidates = Candidates(size=len(rows), labels=part.y, **evidence)
    return rows[select(selector, candidates, count, generator=generator)]


@dataclass(frozen=True)
class UncertaintyScorer:
    """Scores inputs of a block by the score of a selector on a model's probabilities."""

    model: keras.Model
    selector: str
    shape: tuple[int, ...]
    generator: np.random.Generator
    whole = True

    def __call__(self, block: Block, limit: float) -> np.ndarray:
        x = prepared("pool inputs", block.x, self.shape)
        probabilities = predict(self.model, x)[block.rows]
        generator = deepcopy(self.generator)
        stream: Any = generator.bit_generator  # of a kind that can be advanced
        stream.advance(block.start)  # one number for each input before
        candidates = Candidates(probabilities=probabilities, labels=block.y)
        score = SELECTORS[self.selector].score
        assert score is not None, "a selector that sorts"
        return score(candidates, generator)


@dataclass(frozen=True)
class MisclassifiedScorer:
    """Scores inputs so that misclassified ones come first, both kinds in the shuffled order `place`
    (n,): the order of `selection.uncertainty.misclassified_then_random`."""

    model: keras.Model
    shape: tuple[int, ...]
    place: np.ndarray
    selector = "misclassified_then_random"
    whole = True

    def __call__(self, block: Block, limit: float) -> np.ndarray:
        x = prepared("pool inputs", block.x, self.shape)
        labels = predict(self.model, x)[block.rows].argmax(axis=1)
        place = self.place[block.start : block.start + len(labels)]
        return np.where(labels == block.y, place, place - len(self.place))


@dataclass(frozen=True)
class ActivationDistanceScorer:
    """Scores inputs by the distance of a layer's activations, as z-scores, from a heat map, or by
    minus that distance."""

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
        activations = zscale(states(self.model, x, self.layer)[self.layer], self.scale)
        distances = distance(self.metric, activations, self.heatmap)
        return -distances if self.farthest else distances


def _scorer(
    state: RepairState, rows: int, heatmap: np.ndarray | None, generator: np.random.Generator
) -> Any:
    """Return what scores the inputs of a block one by one; None for a selector that compares them
    with each other."""
    model, selector, shape = state.model, state.recipe.applied_selector, state.data.shape
    if heatmap is not None:
        options: dict[str, Any] = {"metric": state.recipe.measured_metric, "heatmap": heatmap}
        options["farthest"] = selector == "farthest"
        if state.recipe.maps_are_pixels or state.layer is None:
            return DistanceScorer(**options)
        options |= {"layer": state.layer, "scale": state.scale(state.layer), "shape": shape}
        return ActivationDistanceScorer(model, **options)
    streamed = SELECTORS[selector].streamed
    if streamed == "score":
        return UncertaintyScorer(model, selector, shape, generator)
    if streamed == "shuffled":
        return MisclassifiedScorer(model, shape, np.argsort(generator.permutation(rows)))
    return None


def _shortlist(
    state: RepairState, pool: Streamed, among: np.ndarray, count: int, generator
) -> np.ndarray:
    """Return the ascending indices of the inputs that a selector which compares them with each
    other sees: all, where there are no more than it may see."""
    most = max(LEAST, SHORTLIST * count)
    if len(among) <= most:
        return among
    if SELECTORS[state.recipe.applied_selector].streamed == "random":
        return np.sort(generator.permutation(among)[:most])
    scorer = UncertaintyScorer(state.model, "margin", state.data.shape, generator)
    return np.sort(_best(pool, among, scorer, most))


def _best(pool: Streamed, among: np.ndarray, scorer, count: int) -> np.ndarray:
    """Return the `count` best inputs. Workers get indices and labels only where they need them."""
    reads_labels = isinstance(scorer, UncertaintyScorer | MisclassifiedScorer)
    every = len(among) == len(pool)
    labels = None
    if reads_labels and "labels" in SELECTORS[scorer.selector].needs:
        labels = pool.y if every else pool.y[among]
    options = {"among": None if every else among, "labels": labels, "client": pool.client}
    return best(pool.pool, scorer, count, **options)
