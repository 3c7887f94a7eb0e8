"""What one round of a repair knows of its model; each value is computed once, when it is needed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import keras
import numpy as np
import pandas as pd

from mode import seeds
from mode.data import Data, Part
from mode.dense import is_small_and_dense
from mode.faults import accuracy_by_label, faulty_labels, labels_without_inputs
from mode.heatmaps import HeatMaps, heatmaps
from mode.layers import Probes, choose_layer, probe_layers, states
from mode.layers.blocks import LayerBlock, blocks, last_hidden_layer
from mode.layers.probes import fit_memory, scale_of, zscale
from mode.models import predict
from mode.models.classifier import gives_logits, probabilities
from mode.repair.recipe import Recipe
from mode.selection import SELECTORS

UNDER_FITTED, OVER_FITTED = "under-fitted", "over-fitted"


@dataclass(frozen=True)
class RepairState:
    """A model, the data, and what a recipe looks at: faults, the selected layer, heat maps.

    seed: decides the batches of the probes, and which layer is taken where the recipe's is random.
    layer_blocks: the model's layers (`mode.layers.blocks`), where they are known already.
    earlier_layer: the layer that an earlier round selected, where it serves this one too.
    """

    model: keras.Model
    data: Data
    recipe: Recipe
    seed: int
    layer_blocks: Mapping[str, LayerBlock] | None = None
    earlier_layer: str | None = None

    @property
    def evaluation(self) -> Part:
        """The split on which faults are found: the diagnosis split."""
        return self.data.test if self.recipe.defects.test_leak else self.data.diagnosis

    @cached_property
    def blocks(self) -> Mapping[str, LayerBlock]:
        """The layers that count, from input to output."""
        return self.layer_blocks or blocks(self.model, self.data.train.x)

    @cached_property
    def layer_names(self) -> list[str]:
        """The names of the layers that count, from input to output."""
        return list(self.blocks)

    @cached_property
    def probes(self) -> Probes | None:
        """The softmax heads of all layers, where the recipe needs them."""
        if self._selects_layer or self.recipe.kind == "importance":
            options: dict[str, Any] = {"diagnosis": self.evaluation, "layer_blocks": self.blocks}
            if self._one_pass:
                options["activations"] = self._train_pass[1], self._evaluation_pass[1]
            return probe_layers(self.model, self.data, seed=self.seed, **options)
        return None

    @cached_property
    def _one_pass(self) -> bool:
        """Whether probabilities come from the forward pass that gives the probes' activations: of
        a small dense model, where both are the same numbers in one pass or two."""
        rows = len(self.data.train) + len(self.evaluation)
        dense = self._selects_layer and is_small_and_dense(self.model)
        return dense and fit_memory(self.blocks, rows)

    @cached_property
    def _train_pass(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return self._pass(self.data.train.x)

    @cached_property
    def _evaluation_pass(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return self._pass(self.evaluation.x)

    def _pass(self, x: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the probabilities (n, classes) for inputs, and the activations of each layer."""
        outputs: list[np.ndarray] = []
        activations = states(self.model, x, layer_blocks=self.blocks, outputs=outputs)
        scores = np.concatenate(outputs)
        return probabilities(scores, logits=gives_logits(self.model, scores)), activations

    @cached_property
    def predictions(self) -> np.ndarray:
        """Probabilities (n, classes) on the evaluation split."""
        if self._probes_diagnose and self.probes:
            return self.probes.diagnosis[self.layer_names[-1]]
        return (
            self._evaluation_pass[0] if self._one_pass else predict(self.model, self.evaluation.x)
        )

    @cached_property
    def faults(self) -> pd.DataFrame:
        """The faulty labels, least accurate first (`mode.faults.faulty_labels`)."""
        recipe, held_out = self.recipe, (self.evaluation.y, self.predictions)
        # One split as its own reference has no gap, so that no label is over-fitted.
        reference = held_out if recipe.defects.one_split_diagnosis else self._on_train()
        limits = {"theta": recipe.theta, "gamma": recipe.gamma}
        return faulty_labels(*held_out, *reference, classes=self.data.classes, **limits)

    def _on_train(self) -> tuple[np.ndarray, np.ndarray]:
        train = self.data.train
        if self._probes_diagnose and self.probes:
            return train.y, self.probes.train[self.layer_names[-1]]
        return train.y, self._train_pass[0] if self._one_pass else predict(self.model, train.x)

    @cached_property
    def fault(self) -> pd.Series:
        """The fault to repair: `label` and `kind` of the worst one, or of the recipe's label.

        Where no label is faulty, a targeted repair goes on with the least accurate one, as if it
        were under-fitted; any other has none, which is label -1.
        """
        label, faults = self.recipe.label, self.faults
        if label is not None:
            kinds = faults.loc[faults["label"] == label, "kind"]
            return pd.Series({"label": label, "kind": [*kinds, UNDER_FITTED][0]})
        if not faults.empty:
            first = faults[faults["kind"] == self.recipe.fault_order]
            return (faults if first.empty else first).iloc[0]
        if not self.recipe.targeted:
            return pd.Series({"label": -1, "kind": ""})
        table = accuracy_by_label(self.evaluation.y, self.predictions, self.data.classes)
        return pd.Series({"label": int(table["accuracy"].idxmin()), "kind": UNDER_FITTED})

    @cached_property
    def layer(self) -> str | None:
        """The selected layer; None where the recipe compares nothing with a heat map."""
        recipe, names = self.recipe, self.layer_names if self.recipe.compares else []
        if not names or self.earlier_layer:
            return self.earlier_layer if names else None
        if recipe.layer == "random":
            return names[seeds.generator(self.seed, "layer").integers(len(names))]
        if recipe.layer == "chosen" and self.probes and not recipe.defects.layer_never_differs:
            label, kind = int(self.fault["label"]), self.fault["kind"]
            splits = (self.data.train, self.evaluation)
            return choose_layer(self.probes, *splits, label, kind=kind, eps=recipe.eps).layer
        return self.last_hidden_layer if recipe.layer == "last hidden" else names[-1]

    @cached_property
    def maps(self) -> HeatMaps | None:
        """The heat maps at the selected layer; None where the recipe compares with none."""
        return None if self.layer is None else self.maps_at(self.layer)

    def with_recipe(self, recipe: Recipe) -> "RepairState":
        """Return the state as another recipe sees it; what does not depend on the difference is not
        computed again."""
        other = replace(self, recipe=recipe)
        names = ["blocks", "layer_names"]
        if self._looks_at == other._looks_at:
            names += ["probes", "predictions", "faults", "_train_pass", "_evaluation_pass"]
        values = {name: self.__dict__[name] for name in names if name in self.__dict__}
        other.__dict__.update(values)
        return other

    @property
    def _looks_at(self) -> tuple:
        """What predictions, faults and probes depend on beside the model and the data."""
        recipe = self.recipe
        limits = (recipe.theta, recipe.gamma, recipe.defects)
        return (self._selects_layer, recipe.kind == "importance", *limits)

    def maps_at(self, layer: str) -> HeatMaps:
        """Return the heat maps at a layer, or of the inputs for pixel maps."""
        recipe, evaluation = self.recipe, self.evaluation
        options: dict[str, Any] = {"classes": self.data.classes}
        options["swapped"] = recipe.defects.swapped_hmi_hwi
        groups = (evaluation.y, self.predictions)
        if recipe.maps_are_pixels:
            return heatmaps(evaluation.x, *groups, kind="pixel", **options)
        if recipe.kind == "importance" and self.probes:
            options |= {"weights": self.probes.heads[layer][:-1]}
        if self._one_pass:
            activations = zscale(self._evaluation_pass[1][layer], self.scale(layer))
        else:
            activations = self.activations(evaluation.x, layer)
        return heatmaps(activations, *groups, kind=recipe.kind, **options)

    def activations(self, x: np.ndarray, layer: str) -> np.ndarray:
        """Return the activations (n, units) of a layer, as z-scores over the training split."""
        return zscale(self._states(x, layer), self.scale(layer))

    def scale(self, layer: str) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and deviation (units,) of a layer's activations over the training split."""
        if self.probes:
            return self.probes.scales[layer]
        return scale_of(self._states(self.data.train.x, layer))

    def evidence(self, selector: str, pool: Part, rows: np.ndarray) -> dict[str, Any]:
        """Return the columns of `Candidates` that a selector without a heat map needs, for the
        inputs of `pool` at `rows`."""
        needs, columns = SELECTORS[selector].needs, {}
        if "probabilities" in needs:
            columns["probabilities"] = predict(self.model, pool.x)[rows]
        if "features" in needs:
            columns["features"] = self.last_hidden(pool.x)[rows]
        if "train_features" in needs:
            columns["train_features"] = self.last_hidden(self.data.train.x)
            columns["train_labels"] = self.data.train.y
        if "error_features" in needs:
            wrong = self.predictions.argmax(axis=1) != self.evaluation.y
            columns["error_features"] = self.last_hidden(self.evaluation.x[wrong])
        return columns

    def last_hidden(self, x: np.ndarray) -> np.ndarray:
        """Return the activations (n, units) of the last layer before the output."""
        return self._states(x, self.last_hidden_layer)

    @property
    def last_hidden_layer(self) -> str:
        """The name of the last layer before the output, or of the only layer."""
        return last_hidden_layer(self.layer_names)

    def label_name(self, label: int) -> str:
        """Return what notes call a label: its class name, or its number."""
        return f"label {self.data.names[label] if self.data.names else label}"

    @property
    def labels_without_inputs(self) -> list[str]:
        """A note for each label without an input in the evaluation split."""
        labels = labels_without_inputs(self.evaluation.y, self.data.classes)
        return [f"{self.label_name(label)} has no input to diagnose it by" for label in labels]

    @property
    def _selects_layer(self) -> bool:
        selects = self.recipe.layer == "chosen" and self.recipe.compares
        return selects and self.earlier_layer is None

    @property
    def _probes_diagnose(self) -> bool:
        return self._selects_layer and self.recipe.defects.probe_diagnoses

    def _states(self, x: np.ndarray, layer: str) -> np.ndarray:
        return states(self.model, x, layer, layer_blocks=self.blocks)[layer]
