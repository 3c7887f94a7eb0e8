"""What a page looks at: a classifier with its data, asked once and remembered."""

import os
from dataclasses import dataclass, field, replace

import keras
import numpy as np
import pandas as pd

from mode import checks, seeds
from mode.data import Data, load_data
from mode.faults import accuracy_by_label
from mode.heatmaps import HeatMaps
from mode.layers import LayerChoice, choose_layer, layer_names
from mode.models import classes_of, load_model, predict
from mode.models.files import copied_unsafely
from mode.models.predicting import check_inputs
from mode.models.rescaled import of_unit_inputs
from mode.repair import RECIPES, Recipe
from mode.repair.state import RepairState
from mode.studies.scenarios import faulty_model

PIXELS = "pixels"
SCENARIO = "starved_5"


@dataclass(frozen=True)
class Subject:
    """A classifier, its data, and what a repair's first look sees of them.

    seen: predictions on the diagnosis part, faulty labels and the layers' probes.
    pooled, tested: probabilities on the pool and on the test part.
    given: the classifier as its file has it, where there is one: a repaired one is saved like it.
    allow_unsafe: the classifier may hold code (Lambda), which its copies run.
    """

    model: keras.Model
    data: Data
    seen: RepairState
    pooled: np.ndarray
    tested: np.ndarray
    seed: int
    given: keras.Model | None = None
    allow_unsafe: bool = False
    kept: dict = field(default_factory=dict, repr=False, compare=False)

    def name(self, label: int) -> str:
        """Return what a label is called."""
        return self.data.name(int(label))

    @property
    def labels(self) -> pd.DataFrame:
        """One row a label: label, accuracy on the diagnosis part, count, kind of fault or ""."""
        table = accuracy_by_label(self.seen.evaluation.y, self.seen.predictions, self.data.classes)
        kinds = dict(self.seen.faults[["label", "kind"]].itertuples(index=False))
        return table.assign(kind=[kinds.get(label, "") for label in table["label"]])

    @property
    def worst(self) -> int:
        """The label a repair would mend first: the worst fault, else the least accurate label."""
        return int(self.seen.fault["label"])

    @property
    def accuracy(self) -> float:
        """Accuracy on the test part."""
        return float((self.tested.argmax(axis=1) == self.data.test.y).mean())

    @property
    def layers(self) -> list[str]:
        """What maps can be drawn of: the inputs themselves, then each layer that counts."""
        return [PIXELS, *(self.seen.probes.heads if self.seen.probes else ())]

    def maps(self, layer: str) -> HeatMaps:
        """Return the heat maps of all labels at a layer, or of the inputs.

        Raises:
            InputError: for an unknown layer.
        """
        checks.one_of("layer", layer, self.layers)
        kind = "pixel" if layer == PIXELS else "mean"
        recipe = replace(RECIPES["mode"], kind=kind)
        return self._once(("maps", layer), self.state(recipe).maps_at, layer)

    def compared(self, layer: str) -> np.ndarray:
        """Return what of the pool is compared with the maps at a layer: states, or the inputs.

        Raises:
            InputError: for an unknown layer.
        """
        if checks.one_of("layer", layer, self.layers) == PIXELS:
            return self.data.pool_in_memory.x
        x = self.data.pool_in_memory.x
        return self._once(("pool", layer), self.seen.activations, x, layer)

    def state(self, recipe: Recipe) -> RepairState:
        """Return what a repair by `recipe` knows of the model in its first round."""
        return self._once(("state", recipe), self.seen.with_recipe, recipe)

    def layer_choice(self, label: int) -> LayerChoice:
        """Return the layer to blame for a label's fault, and the curve that speaks for it.

        A label without a fault is looked at as if it were under-fitted.
        """
        kind = self.labels["kind"][checks.labels("label", [label], self.data.classes)[0]]
        if self.seen.probes is None:
            checks.fail("the model's layers must have been probed", "none")
        parts = (self.seen.probes, self.data.train, self.seen.evaluation)
        return choose_layer(*parts, label, kind=kind or "under-fitted")

    def _once(self, key: tuple, function, *arguments, **options):
        if key not in self.kept:
            self.kept[key] = function(*arguments, **options)
        return self.kept[key]


def first_round(seed: int) -> int:
    """Return the seed of a repair's first round, so that a page shows what it would do."""
    return seeds.derive(seed, "round", 1)


def look(model: keras.Model, data: Data, *, seed: int = 0) -> Subject:
    """Ask a classifier about its data, once.

    Args:
        model: a built Keras classifier; not changed.
        seed: of the repairs that are looked ahead to.

    Raises:
        InputError: for a model whose layers cannot be reached, or data that does not fit it.
    """
    if classes_of(model) != data.classes:
        checks.fail(f"the model must tell {data.classes} classes apart", classes_of(model))
    layer_names(model)
    seen = RepairState(model, data, RECIPES["mode"], first_round(seed))
    pooled, tested = (predict(model, part.x) for part in (data.pool_in_memory, data.test))
    return Subject(model, data, seen, pooled, tested, seed)


def opened(
    model: str | os.PathLike = "",
    data: str | os.PathLike = "",
    *,
    scenario: str = SCENARIO,
    seed: int = 0,
    allow_unsafe: bool = False,
) -> Subject:
    """Return the subject of two files, or of a faulty model made on the embedded digits.

    Args:
        model, data, allow_unsafe: as `loaded`; both files or neither.
        scenario: a name of SCENARIOS: the fault of the model that is made.

    Raises:
        InputError: as `loaded`, or for an unknown scenario.
    """
    if model or data:
        given, mine, asked = loaded(model, data, seed=seed, allow_unsafe=allow_unsafe)
        seen = look(asked, mine, seed=seed)
        return replace(seen, given=given, allow_unsafe=allow_unsafe)
    return look(*faulty_model(scenario, load_data("digits", seed=seed), model="demo", seed=seed))


def loaded(
    model: str | os.PathLike,
    data: str | os.PathLike,
    *,
    seed: int = 0,
    allow_unsafe: bool = False,
) -> tuple[keras.Model, Data, keras.Model]:
    """Return the classifier and the data of two files, once they are known to fit each other, and
    the classifier of these data: another where the file's scales 8-bit inputs itself.

    Args:
        model, data: a `.keras` file and an `.npz` as the command `repair` takes them.
        seed: decides the parts that the data lack.
        allow_unsafe: run code that the model file holds (Lambda).

    Raises:
        InputError: for one file without the other, files that cannot be read, inputs that the
            model does not take, labels of one class alone, or predictions that are not finite.
    """
    if not (model and data):
        checks.fail("model and data must be given together", f"'{model}' and '{data}'")
    found = load_model(model, allow_unsafe=allow_unsafe)
    parts = load_data(data, classes=classes_of(found), seed=seed)
    if not parts.labeled:
        checks.fail(f"{data} must hold y_pool beside x_pool", "a pool without labels")
    with copied_unsafely(allow_unsafe):
        asked = of_unit_inputs(found) if parts.from_bytes else found
    check_inputs(found, parts.train.x)
    layer_names(found)
    for name in ("train", "diagnosis"):
        held = np.unique(getattr(parts, name).y)
        if len(held) < 2:
            wanted = f"the {name} part of {data} must hold two labels or more"
            checks.fail(wanted, f"label {parts.name(held[0])} alone")
    checks.numeric("the model's probabilities", predict(asked, parts.diagnosis.x))
    return found, parts, asked
