"""The stages of one round before its inputs are taken: faults, layer, maps, aims, evidence."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd

from mode.data import Data, Part
from mode.faults import accuracy_by_label, faulty_labels, labels_without_inputs
from mode.heatmaps import HeatMaps, differential, heatmaps
from mode.layers import Probes, choose_layer, layer_names, probe_layers, states
from mode.layers.probes import scale_of, zscale
from mode.models import predict
from mode.repair.recipe import Recipe
from mode.selection import SELECTORS, shares


@dataclass(frozen=True)
class View:
    """What a round sees of the model: its predictions, faulty labels and, if asked, its probes.

    names: what the labels are called in notes; their numbers where None.
    """

    judge: Part
    predictions: np.ndarray  # (n, classes) on the judging part
    faults: pd.DataFrame
    probes: Probes | None
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Aim:
    """`count` inputs of the pool among the indices `among`, near `heatmap` where there is one."""

    among: np.ndarray
    count: int
    heatmap: np.ndarray | None = None

    @property
    def map_is_zero(self) -> bool:
        """Whether there is a heat map and it tells no input from another.

        So does the difference from HCI of a map that no input is behind, and which HCI replaces.
        """
        return self.heatmap is not None and not self.heatmap.any()


def view(model: keras.Model, data: Data, recipe: Recipe, *, seed: int) -> View:
    """Predict, find the faulty labels, and train the layers' probes where the recipe needs them."""
    judge = data.test if recipe.defects.test_leak else data.diagnosis
    selects_layer = recipe.layer == "chosen" and recipe.compares
    probes = None
    if selects_layer or recipe.kind == "importance":
        probes = probe_layers(model, data, judge=judge, seed=seed)
    if probes and selects_layer and recipe.defects.probe_diagnoses:
        last = list(probes.heads)[-1]
        on_train, on_judge = probes.train[last], probes.diagnosis[last]
    else:
        on_train, on_judge = predict(model, data.train.x), predict(model, judge.x)
    limits: dict[str, Any] = {"theta": recipe.theta, "gamma": recipe.gamma}
    known = (judge.y, on_judge, data.train.y, on_train)
    faults = faulty_labels(*known, classes=data.classes, **limits)
    return View(judge, on_judge, faults, probes, data.names)


def fault_to_mend(seen: View, recipe: Recipe, classes: int) -> pd.Series:
    """Return the worst fault, or the recipe's label: its `label` and `kind`. Where no label is
    faulty a targeted repair goes on with the least accurate one, as if under-fitted; for any other
    there is none, -1."""
    if recipe.label is not None:
        own = seen.faults[seen.faults["label"] == recipe.label]
        return pd.Series({"label": recipe.label, "kind": [*own["kind"], "under-fitted"][0]})
    if not seen.faults.empty:
        return seen.faults.iloc[0]
    if not recipe.targeted:
        return pd.Series({"label": -1, "kind": ""})
    found = accuracy_by_label(seen.judge.y, seen.predictions, classes)["accuracy"]
    return pd.Series({"label": int(found.idxmin()), "kind": "under-fitted"})


def chosen_layer(
    model: keras.Model, data: Data, seen: View, recipe: Recipe, label: int, kind: str, *, rng
) -> str:
    """Return the name of the layer whose states are compared (for pixel maps it is not used)."""
    names = layer_names(model)
    if recipe.layer == "random":
        return names[rng.integers(len(names))]
    if recipe.layer == "chosen" and seen.probes and not recipe.defects.layer_never_differs:
        parts = (data.train, seen.judge)
        return choose_layer(seen.probes, *parts, label, kind=kind, eps=recipe.eps).layer
    return last_hidden_layer(model) if recipe.layer == "last hidden" else names[-1]


def maps_at(model: keras.Model, data: Data, seen: View, recipe: Recipe, layer: str) -> HeatMaps:
    """Return the heat maps at a layer, or of the images for pixel maps."""
    options: dict[str, Any] = {"classes": data.classes, "swapped": recipe.defects.swapped_hmi_hwi}
    if recipe.maps_are_pixels:
        options |= {"kind": "pixel"}
        return heatmaps(seen.judge.x, seen.judge.y, seen.predictions, **options)
    if recipe.kind == "importance" and seen.probes:
        options |= {"weights": seen.probes.heads[layer][:-1]}
    scaled = layer_states(model, data, seen, layer, seen.judge.x)
    return heatmaps(scaled, seen.judge.y, seen.predictions, kind=recipe.kind, **options)


def layer_states(
    model: keras.Model, data: Data, seen: View, layer: str, x: np.ndarray
) -> np.ndarray:
    """Return the states (n, units) of `x`, as z-scores over the training part."""
    return zscale(states(model, x, layer)[layer], scale_at(model, data, seen, layer))


def scale_at(model: keras.Model, data: Data, seen: View, layer: str) -> tuple:
    """Return the mean and deviation of a layer's states over the training part."""
    known = seen.probes.scales[layer] if seen.probes else None
    return known or scale_of(states(model, data.train.x, layer)[layer])


def aims(
    maps: HeatMaps | None, data: Data, recipe: Recipe, fault: pd.Series, available: np.ndarray
) -> list[Aim]:
    """Return where the selector's share of the batch is to come from.

    Under-fitting wants inputs of the label near DHCI. Over-fitting wants half of them near DHWI
    (inputs of the label like those it loses), half near DHMI (of others, like those it attracts).
    A recipe may name one map for both.
    """
    count, _ = shares(recipe.batch, recipe.alpha)
    free = np.flatnonzero(available)
    if not recipe.targeted:
        return [Aim(free, count)]
    label = int(fault["label"])
    own, others = free[data.pool.y[free] == label], free[data.pool.y[free] != label]
    if maps is None:
        return [Aim(own, count)]
    kind = "hci" if recipe.defects.pixel_hci_only else recipe.map
    if kind == "hci":
        return [Aim(own, count, maps.hci[label])]
    if kind == "by fault" and fault["kind"] == "over-fitted":
        lost = count - count // 2
        return [
            Aim(own, lost, differential(maps, label, "dhwi")),
            Aim(others, count - lost, differential(maps, label, "dhmi")),
        ]
    kind = "dhci" if kind == "by fault" else kind
    return [Aim(others if kind == "dhmi" else own, count, differential(maps, label, kind))]


def evidence(
    model: keras.Model, data: Data, seen: View, selector: str, among: np.ndarray
) -> dict[str, Any]:
    """Return the columns of Candidates that a selector without a map reads, for inputs `among`."""
    needs, found = SELECTORS[selector].needs, {}
    if "probabilities" in needs:
        found["probabilities"] = predict(model, data.pool_in_memory.x)[among]
    if "features" in needs:
        found["features"] = last_hidden(model, data.pool_in_memory.x)[among]
    if "train_features" in needs:
        found["train_features"] = last_hidden(model, data.train.x)
        found["train_labels"] = data.train.y
    if "error_features" in needs:
        wrong = seen.predictions.argmax(axis=1) != seen.judge.y
        found["error_features"] = last_hidden(model, seen.judge.x[wrong])
    return found


def last_hidden(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Return the states (n, units) of the last layer before the output."""
    layer = last_hidden_layer(model)
    return states(model, x, layer)[layer]


def last_hidden_layer(model: keras.Model) -> str:
    """Return the name of the last layer before the output, or of the only one."""
    names = layer_names(model)
    return names[max(0, len(names) - 2)]


def notes(
    maps: HeatMaps | None,
    seen: View,
    recipe: Recipe,
    fault: pd.Series,
    targets: list[Aim],
    found: int,
) -> list[str]:
    """Return what a round must say: labels not judged, maps that fell back or are zero, inputs not
    found."""

    said = unjudged(seen)
    if maps is not None:
        fallbacks = [item for item in maps.fallbacks if item.label == fault["label"]]
        said += [f"{_called(seen, item.label)} {item.reason}" for item in fallbacks]
    if at_random := sum(min(aim.count, len(aim.among)) for aim in targets if aim.map_is_zero):
        zeros = "has a heat map of zeros"
        named = _called(seen, fault["label"])
        said.append(f"{named} {zeros}: {at_random} inputs for it are random")
    count, _ = shares(recipe.batch, recipe.alpha)
    if found < count:
        said.append(f"only {found} of {count} inputs to select from: the rest is random")
    return said


def unjudged(seen: View) -> list[str]:
    """Return a note for each label without an input that the model could be judged by."""
    labels = labels_without_inputs(seen.judge.y, seen.predictions.shape[1])
    return [f"{_called(seen, label)} has no input to judge it by" for label in labels]


def _called(seen: View, label: int) -> str:
    return f"label {seen.names[label] if seen.names else label}"


def random_share(
    data: Data, recipe: Recipe, fault: pd.Series, available: np.ndarray, count: int, *, rng
) -> np.ndarray:
    """Return the random share of a batch; as published, it cannot hold the target label."""
    without_label = recipe.defects.no_replay and recipe.targeted
    allowed = available & (data.pool.y != fault["label"]) if without_label else available
    return rng.permutation(np.flatnonzero(allowed))[:count]
