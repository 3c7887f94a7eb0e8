"""The stages of one round: view the faults, choose the layer, draw the map, choose, retrain."""

from dataclasses import dataclass, replace

import keras
import numpy as np
import pandas as pd

from mode import seeds
from mode.data import Data, Part
from mode.distances import distance
from mode.faults import faulty_labels
from mode.heatmaps import HeatMaps, differential, heatmaps
from mode.layers import Probes, choose_layer, layer_names, probe_layers, states
from mode.layers.probes import scale_of, zscale
from mode.models import predict, train
from mode.repair.recipe import Recipe
from mode.selection import Candidates, select, shares


@dataclass(frozen=True)
class View:
    """What a round sees of the model: its predictions, faulty labels and, if asked, its probes."""

    judge: Part
    predictions: np.ndarray  # (n, classes) on the judging part
    faults: pd.DataFrame
    probes: Probes | None


@dataclass(frozen=True)
class Aim:
    """`count` inputs of the pool among the indices `among`, near `heatmap` where there is one."""

    among: np.ndarray
    count: int
    heatmap: np.ndarray | None = None


def view(model: keras.Model, data: Data, recipe: Recipe, *, seed: int) -> View:
    """Predict, find the faulty labels, and train the layers' probes where the recipe needs them."""
    judge = data.test if recipe.defects.test_leak else data.diagnosis
    selects_layer = recipe.layer == "chosen" and recipe.selector in ("nearest", "farthest")
    probes = None
    if selects_layer or recipe.kind == "importance":
        probes = probe_layers(model, data, judge=judge, seed=seed)
    if probes and selects_layer and recipe.defects.probe_diagnoses:
        last = list(probes.heads)[-1]
        on_train, on_judge = probes.train[last], probes.diagnosis[last]
    else:
        on_train, on_judge = predict(model, data.train.x), predict(model, judge.x)
    limits = {"theta": recipe.theta, "gamma": recipe.gamma, "classes": data.classes}
    faults = faulty_labels(judge.y, on_judge, data.train.y, on_train, **limits)
    return View(judge, on_judge, faults, probes)


def chosen_layer(
    model: keras.Model, data: Data, seen: View, recipe: Recipe, label: int, kind: str
) -> str | None:
    """Return the name of the layer whose states are compared; None where images are."""
    names = layer_names(model)
    if recipe.layer == "chosen" and seen.probes and not recipe.defects.layer_never_differs:
        limits = {"kind": kind, "eps": recipe.eps}
        return choose_layer(seen.probes, data.train, seen.judge, label, **limits).layer
    return names[max(0, len(names) - 2)] if recipe.layer == "last hidden" else names[-1]


def maps_at(model: keras.Model, data: Data, seen: View, recipe: Recipe, layer: str) -> HeatMaps:
    """Return the heat maps at a layer, or of the images for pixel maps."""
    options = {"classes": data.classes, "swapped": recipe.defects.swapped_hmi_hwi}
    if recipe.maps_are_pixels:
        options |= {"kind": "pixel"}
        return heatmaps(seen.judge.x, seen.judge.y, seen.predictions, **options)
    if recipe.kind == "importance":
        options |= {"weights": seen.probes.heads[layer][:-1]}
    scaled = layer_states(model, data, seen, layer, seen.judge.x)
    return heatmaps(scaled, seen.judge.y, seen.predictions, kind=recipe.kind, **options)


def layer_states(
    model: keras.Model, data: Data, seen: View, layer: str, x: np.ndarray
) -> np.ndarray:
    """Return the states (n, units) of `x`, as z-scores over the training part."""
    known = seen.probes.scales[layer] if seen.probes else None
    scale = known or scale_of(states(model, data.train.x, layer)[layer])
    return zscale(states(model, x, layer)[layer], scale)


def aims(maps: HeatMaps | None, data: Data, recipe: Recipe, fault: pd.Series, available) -> list:
    """Return where the selector's share of the batch is to come from.

    Under-fitting wants inputs of the label near DHCI. Over-fitting wants half of them near DHWI
    (inputs of the label like those it loses), half near DHMI (of others, like those it attracts).
    """
    count, _ = shares(recipe.batch, recipe.alpha)
    free = np.flatnonzero(available)
    if not recipe.targeted:
        return [Aim(free, count)]
    label = int(fault["label"])
    own, others = free[data.pool.y[free] == label], free[data.pool.y[free] != label]
    if maps is None:
        return [Aim(own, count)]
    if recipe.defects.pixel_hci_only:
        return [Aim(own, count, maps.hci[label])]
    if fault["kind"] == "under-fitted":
        return [Aim(own, count, differential(maps, label, "dhci"))]
    lost = count - count // 2
    return [
        Aim(own, lost, differential(maps, label, "dhwi")),
        Aim(others, count - lost, differential(maps, label, "dhmi")),
    ]


def take(
    aim: Aim, model: keras.Model, data: Data, seen: View, recipe: Recipe, layer: str | None, *, rng
) -> np.ndarray:
    """Return the indices into the pool that the recipe's selector chooses for one aim."""
    x = data.pool.x[aim.among]
    known = Candidates(size=len(x), labels=data.pool.y[aim.among])
    if aim.heatmap is not None:
        compared = x if recipe.maps_are_pixels else layer_states(model, data, seen, layer, x)
        known = replace(known, distances=distance(recipe.measured_metric, compared, aim.heatmap))
    elif recipe.selector not in ("random", "quota_random"):
        known = replace(known, probabilities=predict(model, x))
    return aim.among[select(recipe.applied_selector, known, aim.count, generator=rng)]


def notes(
    maps: HeatMaps | None, seen: View, recipe: Recipe, fault: pd.Series, found: int
) -> list[str]:
    """Return what a round must say: labels not judged, maps that fell back, inputs not found."""
    said = [
        f"label {label} has no input to judge it by" for label in seen.faults.attrs["not judged"]
    ]
    if maps is not None:
        said += [line for line in maps.fallbacks if line.startswith(f"label {fault['label']} ")]
    count, _ = shares(recipe.batch, recipe.alpha)
    if found < count:
        said.append(f"only {found} of {count} inputs to select from: the rest is random")
    return said


def random_share(
    data: Data, recipe: Recipe, fault: pd.Series, available: np.ndarray, count: int, *, rng
) -> np.ndarray:
    """Return the random share of a batch; as published, it cannot hold the target label."""
    without_label = recipe.defects.no_replay and recipe.targeted
    allowed = available & (data.pool.y != fault["label"]) if without_label else available
    return rng.permutation(np.flatnonzero(allowed))[:count]


def retrain(
    model: keras.Model, data: Data, batches: list, recipe: Recipe, *, seed: int
) -> keras.Model:
    """Return a copy trained on the batches so far and on replayed old inputs, or as published
    on the last batch alone."""
    if recipe.defects.no_replay:
        part = data.pool.take(batches[-1])
    else:
        count = min(round(recipe.replay * recipe.batch), len(data.train))
        old = data.train.take(seeds.generator(seed, "replay").permutation(len(data.train))[:count])
        new = data.pool.take(np.concatenate(batches))
        part = Part(np.concatenate([new.x, old.x]), np.concatenate([new.y, old.y]))
    return train(model, part.x, part.y, epochs=recipe.epochs, seed=seeds.derive(seed, "retrain"))
