"""One cell of the published experiment: nine metrics against their controls, as rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import keras
import pandas as pd

from mode import checks, seeds
from mode.data import Data
from mode.distances import DISTANCES
from mode.models import build, train
from mode.repair.loop import Repair, control, run
from mode.repair.recipe import PROTOCOLS, Recipe

# The nine metrics of the publication's tables, in their order.
METRICS = (
    "dot",
    "cosine",
    "manhattan",
    "euclidean",
    "minkowski",
    "chebyshev",
    "earth_mover",
    "canberra",
    "bray_curtis",
)


def protocol_recipe(protocol: str, *, layer_selection: bool, **options) -> Recipe:
    """Return the recipe of a protocol: "published" (all defects on), "corrected" (all off), or
    "without NAME" (all on but one).

    Without layer selection the corrected protocol compares states of the last hidden layer.
    """
    defects = PROTOCOLS[checks.one_of("protocol", protocol, PROTOCOLS)]
    fixed: dict[str, Any] = {"kind": "pixel" if defects.pixel_hci_only else "mean"}
    if defects.no_replay:
        fixed["replay"] = 0
    layer = "chosen" if layer_selection else "last hidden"
    return Recipe(layer=layer, defects=defects, **{**fixed, **options})


def compare_metrics(
    data: Data,
    recipe: Recipe,
    *,
    metrics: Sequence[str] = METRICS,
    model: str = "published",
    epochs: int = 3,
    seed: int = 0,
) -> Iterator[pd.DataFrame]:
    """Yield, metric by metric, the rows of its repair and of its control.

    All metrics start from one model of the seed and share its random streams, so that they are
    paired; as published (`fresh_init`), each has a model and streams of its own.

    Raises:
        InputError: for an unknown metric or model, before anything is trained.
    """
    for metric in metrics:
        checks.one_of("metric", metric, DISTANCES)
    start: dict[str, keras.Model] = {}
    controls: dict[tuple, Repair] = {}
    for metric in metrics:
        own = metric if recipe.defects.fresh_init else "shared"
        stream = seeds.derive(seed, "metric", own)
        if own not in start:
            start[own] = initial_model(data, model, epochs=epochs, seed=stream)
        repaired = run(start[own], data, replace(recipe, metric=metric), seed=stream)
        # A control depends on nothing but its model and its number of rounds, unless it draws from
        # the pool that its metric's repair has left.
        left = metric if recipe.defects.extra_control_batch else ""
        key = (own, left, len(repaired.chosen))
        if key not in controls:
            controls[key] = control(start[own], data, recipe, repaired, seed=stream)
        yield _rows(metric, repaired, controls[key])


def initial_model(data: Data, name: str, *, epochs: int, seed: int) -> keras.Model:
    """Return the model to be repaired: `name`, trained on `data.train`."""
    fresh = build(name, seed=seed, shape=data.shape, classes=data.classes)
    return train(fresh, data.train.x, data.train.y, epochs=epochs, seed=seed)


def _rows(metric: str, repaired: Repair, controlled: Repair) -> pd.DataFrame:
    parts = {"mode": repaired, "control": controlled}
    return pd.concat(
        [part.rounds.assign(metric=metric, arm=arm) for arm, part in parts.items()],
        ignore_index=True,
    )
