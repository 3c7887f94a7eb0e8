"""Subject of a page: a classifier with its data, evaluated once and remembered."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
import pandas as pd

from mode import checks, seeds
from mode.data import Data, load_data
from mode.faults import accuracy_by_label
from mode.heatmaps import HeatMaps
from mode.layers import LayerChoice, choose_layer, layer_names
from mode.models import classes_of, predict
from mode.models.classifier import check_inputs
from mode.repair import RECIPES, Recipe
from mode.repair.round import choose
from mode.repair.state import RepairState
from mode.report.files import load_model_and_data
from mode.selection import Candidates
from mode.studies.scenarios import faulty_model

PIXELS = "pixels"
SCENARIO = "under_sampled_5"


@dataclass(frozen=True)
class Subject:
    """A classifier, its data, and what a repair's first round knows of them.

    state: predictions on the diagnosis split, faulty labels and the layers' probes.
    pool_probabilities, test_probabilities: (n, classes).
    file_model: the model as its file has it, where there is one; a repaired one is saved like it.
    allow_unsafe: the model may hold code (Lambda), which its copies run.
    """

    model: keras.Model
    data: Data
    state: RepairState
    pool_probabilities: np.ndarray
    test_probabilities: np.ndarray
    seed: int
    file_model: keras.Model | None = None
    allow_unsafe: bool = False
    _cache: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    def name(self, label: int) -> str:
        """Return the name of a label's class."""
        return self.data.name(int(label))

    @property
    def labels(self) -> pd.DataFrame:
        """One row per label: label, accuracy on the diagnosis split, count, kind of fault or ""."""
        state, classes = self.state, self.data.classes
        table = accuracy_by_label(state.evaluation.y, state.predictions, classes)
        kinds = dict(state.faults[["label", "kind"]].itertuples(index=False))
        return table.assign(kind=[kinds.get(label, "") for label in table["label"]])

    @property
    def worst(self) -> int:
        """The label that a repair starts with: the worst fault, else the least accurate label."""
        return int(self.state.fault["label"])

    @property
    def accuracy(self) -> float:
        """Accuracy on the test split."""
        return float((self.test_probabilities.argmax(axis=1) == self.data.test.y).mean())

    @property
    def layers(self) -> list[str]:
        """Names of all places that have heat maps: the inputs, then each layer."""
        return [PIXELS, *(self.state.probes.heads if self.state.probes else ())]

    def maps(self, layer: str) -> HeatMaps:
        """Return the heat maps of all labels at a layer, or of the inputs.

        Raises:
            InputError: for an unknown layer.
        """
        kind = "pixel" if checks.one_of("layer", layer, self.layers) == PIXELS else "mean"
        recipe = replace(RECIPES["mode"], kind=kind)
        state = self.state.with_recipe(recipe)
        return self._once(("maps", layer), lambda: state.maps_at(layer))

    def pool_features(self, layer: str) -> np.ndarray:
        """Return what metrics compare with the maps at a layer: activations, or the inputs.

        Raises:
            InputError: for an unknown layer.
        """
        x = self.data.pool_in_memory.x
        if checks.one_of("layer", layer, self.layers) == PIXELS:
            return x
        return self._once(("pool", layer), lambda: self.state.activations(x, layer))

    def candidates(self, selector: str, among: np.ndarray) -> Candidates:
        """Return the inputs `among` of the pool with all that a selector without a map reads."""
        recipe = replace(RECIPES["random"], selector=selector)
        pool = self.data.pool_in_memory
        columns = self.state.evidence(recipe.applied_selector, pool, among)
        return Candidates(**{"size": len(among), "labels": self.data.pool.y[among], **columns})

    def first_selection(self, recipe: Recipe) -> tuple[np.ndarray, RepairState, list[str]]:
        """Return what the first round of a repair by `recipe` selects: indices into the pool, the
        state with its fault and layer, and notes."""
        state = self._once(("state", recipe), lambda: self.state.with_recipe(recipe))
        selected, notes = choose(state, np.ones(len(self.data.pool), bool))
        return selected, state, notes

    def layer_choice(self, label: int) -> LayerChoice:
        """Return the selected layer for a label's fault, and the curve behind that choice.

        A label without a fault is treated as under-fitted.
        """
        kind = self.labels["kind"][checks.labels("label", [label], self.data.classes)[0]]
        if self.state.probes is None:
            checks.fail("the model's layers must have been probed", "none")
        parts = (self.state.probes, self.data.train, self.state.evaluation)
        return choose_layer(*parts, label, kind=kind or "under-fitted")

    def _once(self, key: tuple, compute: Callable[[], Any]) -> Any:
        if key not in self._cache:
            self._cache[key] = compute()
        return self._cache[key]


def first_round_seed(seed: int) -> int:
    """Return the seed of a repair's first round, so that a page shows what it would select."""
    return seeds.derive(seed, "round", 1)


def evaluate(model: keras.Model, data: Data, *, seed: int = 0, **fields: Any) -> Subject:
    """Evaluate a classifier on its data, once.

    Args:
        model: a built Keras classifier; not changed.
        data: its four parts.
        seed: of the repairs that the page previews. Defaults to 0.
        fields: `file_model` and `allow_unsafe` of the Subject.

    Raises:
        InputError: for a model whose layers cannot be reached, or data that does not fit it.
    """
    if classes_of(model) != data.classes:
        checks.fail(f"the model must tell {data.classes} classes apart", classes_of(model))
    layer_names(model)
    state = RepairState(model, data, RECIPES["mode"], first_round_seed(seed))
    pool, test = (predict(model, part.x) for part in (data.pool_in_memory, data.test))
    return Subject(model, data, state, pool, test, seed, **fields)


def open_subject(
    model: str | os.PathLike = "",
    data: str | os.PathLike = "",
    *,
    scenario: str = SCENARIO,
    seed: int = 0,
    allow_unsafe: bool = False,
) -> Subject:
    """Return the subject of two files, or of a faulty model made on the embedded digits.

    Args:
        model, data, allow_unsafe: as `load_files` takes them; both files or neither.
        scenario: a name of SCENARIOS: the fault of the model that is made.
        seed: decides the made model, the splits that the data lack, and the repairs.

    Raises:
        InputError: as `load_files`, or for an unknown scenario.
    """
    if model or data:
        original, parts, scaled = load_files(model, data, seed=seed, allow_unsafe=allow_unsafe)
        return evaluate(scaled, parts, seed=seed, file_model=original, allow_unsafe=allow_unsafe)
    digits = load_data("digits", seed=seed)
    return evaluate(*faulty_model(scenario, digits, model="demo", seed=seed), seed=seed)


def load_files(
    model: str | os.PathLike, data: str | os.PathLike, *, seed: int = 0, allow_unsafe: bool = False
) -> tuple[keras.Model, Data, keras.Model]:
    """Load the classifier and the data of two files, and check that they fit each other.

    Args:
        model, data: a `.keras` file, and the data as the command `repair` takes them.
        seed: decides the splits that the data lack.
        allow_unsafe: run code that the model file holds (Lambda).

    Returns:
        As `load_model_and_data`.

    Raises:
        InputError: for one file without the other, files that cannot be read, inputs that the
            model does not take, labels of one class alone, or predictions that are not finite.
    """
    if not (model and data):
        checks.fail("model and data must be given together", f"'{model}' and '{data}'")
    original, parts, scaled = load_model_and_data(model, data, seed=seed, allow_unsafe=allow_unsafe)
    if not parts.labeled:
        checks.fail(f"{data} must hold y_pool beside x_pool", "a pool without labels")
    check_inputs(original, parts.train.x)
    layer_names(original)
    for name in ("train", "diagnosis"):
        present = np.unique(getattr(parts, name).y)
        if len(present) < 2:
            expected = f"the {name} part of {data} must hold two labels or more"
            checks.fail(expected, f"label {parts.name(present[0])} alone")
    checks.numeric("the model's probabilities", predict(scaled, parts.diagnosis.x))
    return original, parts, scaled
