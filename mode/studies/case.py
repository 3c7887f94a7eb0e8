"""A finished repair of one's own model, as its report reads it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import pandas as pd

from mode import checks
from mode.data import Data
from mode.faults import accuracy_by_label, confusion
from mode.heatmaps import HeatMaps, differential, heatmaps
from mode.layers import LayerChoice, states, target_layer
from mode.layers.probes import scale_of, zscale
from mode.models import predict
from mode.repair import RECIPES
from mode.studies import features
from mode.studies.pool_labels import PoolLabels

MOST = 16  # classes in a figure
GROUPS = {"hci": "correct", "hmi": "falsely taken for the class", "hwi": "taken for another class"}


@dataclass(frozen=True)
class Case:
    """The models before and after, the data, and what the repair wrote.

    suspects: inputs of the pool that the repair set aside, as suspects.csv lists them.
    """

    before: keras.Model
    after: keras.Model
    data: Data
    rows: pd.DataFrame
    chosen: pd.DataFrame
    faults: pd.DataFrame
    suspects: pd.DataFrame
    record: dict

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of all classes: their numbers where they have no names."""
        return tuple(map(self.data.name, range(self.data.classes)))

    def sizes(self) -> str:
        """Return how many inputs each part has, in words."""
        return ", ".join(f"{count} {name}" for name, count in self.data.sizes().items())

    def measured_on(self) -> str:
        """Return whether the test part was held out, and the warnings about the data."""
        held_out = ["Measured on the test part, which chose nothing."] * self.data.held_out
        return "\n".join([*held_out, *(f"Warning: {note}" for note in self.data.notes)])

    @property
    def pictured(self) -> bool:
        """Whether inputs can be drawn as pictures."""
        return features.pictured(self.data.shape)

    @cached_property
    def predicted(self) -> tuple[np.ndarray, np.ndarray]:
        """Classes predicted on the test part, before and after."""
        x = self.data.test.x
        return tuple(predict(model, x).argmax(axis=1) for model in (self.before, self.after))

    @cached_property
    def by_label(self) -> pd.DataFrame:
        """One row a class: name, test inputs, accuracy before and after, and the fault."""
        found = [accuracy_by_label(self.data.test.y, p, self.data.classes) for p in self.predicted]
        kinds = dict(zip(self.faults["label"], self.faults["kind"], strict=True))
        return pd.DataFrame(
            {
                "class": self.class_names,
                "test inputs": found[0]["count"],
                "before": found[0]["accuracy"],
                "after": found[1]["accuracy"],
                "change": found[1]["accuracy"] - found[0]["accuracy"],
                "fault": [kinds.get(label, "") for label in range(self.data.classes)],
            }
        )

    @cached_property
    def shown(self) -> list[int]:
        """The labels that figures show, ascending: all, or the faulty and least accurate ones."""
        least = self.by_label["before"].sort_values(kind="stable").index
        order = dict.fromkeys([*self.faults["label"].astype(int), *least.tolist()])
        return sorted([*order][:MOST])

    def named(self, labels: Iterable[int]) -> list[str]:
        """Return what labels are called."""
        return [self.data.name(int(label)) for label in labels]

    def accuracies(self, when: str) -> pd.DataFrame:
        """Return the table of `label_accuracy` "before" or "after" the repair."""
        columns = {"class": "label", "test inputs": "count", when: "accuracy"}
        return self.by_label.iloc[self.shown][[*columns]].rename(columns=columns)

    def confusions(self) -> list[np.ndarray]:
        """Return the counts before and after, of the labels shown alone."""
        both = [confusion(self.data.test.y, p, self.data.classes) for p in self.predicted]
        return [counts[np.ix_(self.shown, self.shown)] for counts in both]

    def faulty(self) -> pd.DataFrame:
        """Return the faulty classes, worst first, by name."""
        columns = ["kind", "accuracy", "reference accuracy", "gap"]
        named = {"accuracy": "diagnosis accuracy", "reference accuracy": "training accuracy"}
        found = self.faults.assign(**{"class": self.named(self.faults["label"])})
        return found[["class", *columns]].rename(columns=named)

    def worst(self) -> tuple[int, str]:
        """Return the label whose layer and maps are shown, and its kind of fault."""
        label = self.record["label"]
        if label is None:
            first = [*self.faults["label"], self.by_label["before"].idxmin()]
            label = int(first[0])
        kinds = dict(zip(self.faults["label"], self.faults["kind"], strict=True))
        return label, kinds.get(label, "under-fitted")

    @property
    def compares(self) -> bool:
        """Whether the recipe compares inputs with heat maps."""
        return RECIPES[self.record["recipe"]].compares

    def layer(self) -> LayerChoice | None:
        """Return the layer to blame, None where layers cannot be reached or judged."""
        label, kind = self.worst()
        try:
            return target_layer(self.before, self.data, label, kind=kind, seed=self.record["seed"])
        except checks.InputError:
            return None

    def maps(self, layer: str | None = None) -> HeatMaps | None:
        """Return heat maps of the labels shown: of inputs, or of a layer's states as z-scores;
        None where the model gets nothing right that could be mapped."""
        judge = self.data.diagnosis
        values = judge.x if self.pictured else self._features[0]
        if layer is not None:
            scale = scale_of(states(self.before, self.data.train.x, layer)[layer])
            values = zscale(states(self.before, judge.x, layer)[layer], scale)
        predictions = predict(self.before, judge.x).argmax(axis=1)
        if not (predictions == judge.y).any():
            return None
        kind = "pixel" if layer is None and self.pictured else "mean"
        whole = heatmaps(values, judge.y, predictions, classes=self.data.classes, kind=kind)
        groups = {name: getattr(whole, name)[self.shown] for name in GROUPS}
        counts = {name: found[self.shown] for name, found in whole.counts.items()}
        return HeatMaps(**groups, counts=counts, fallbacks=whole.fallbacks)

    def groups(self, maps: HeatMaps) -> dict[str, str]:
        """Return the groups of maps that have any input, and what they are, in words."""
        return {name: what for name, what in GROUPS.items() if maps.counts[name].any()}

    def units(self, maps: HeatMaps) -> list[str]:
        """Return what the units of a layer's maps are called."""
        return [f"unit {n}" for n in range(maps.hci.shape[1])]

    @property
    def features(self) -> list[str]:
        """What the features of inputs that are no pictures are called."""
        return self._features[1]

    @cached_property
    def _features(self) -> tuple[np.ndarray, list[str]]:
        x = self.data.diagnosis.x
        return features.shown_features(self.before, self.data, x, self.data.feature_names)

    def differences(self, maps: HeatMaps) -> list[list[np.ndarray]]:
        """Return DHMI and DHWI of each map."""
        each = range(len(maps.hci))
        return [[differential(maps, k, kind) for k in each] for kind in ("dhmi", "dhwi")]

    def moved(self, which: str) -> np.ndarray:
        """Return the indices of the test inputs that were "repaired" or "broken"."""
        before, after = (predicted == self.data.test.y for predicted in self.predicted)
        return np.flatnonzero(after & ~before if which == "repaired" else before & ~after)

    def moved_classes(self, which: str) -> pd.DataFrame:
        """Return how many test inputs of which class were "repaired" or "broken", most first:
        what they were taken for before, or are now."""
        at = self.moved(which)
        taken = self.predicted[0 if which == "repaired" else 1][at]
        when = "was taken for" if which == "repaired" else "is taken for"
        pairs = {"class": self.named(self.data.test.y[at]), when: self.named(taken)}
        return pd.DataFrame(pairs).value_counts().rename(f"inputs {which}").reset_index()

    def chosen_first(self, count: int) -> dict[str, np.ndarray]:
        """Return the first inputs that each round chose."""
        places, firsts = self.data.places("pool"), {}
        for number, taken in self.chosen.groupby("round"):
            at = np.searchsorted(places, taken["index"].to_numpy()[:count])
            firsts[f"round {number}"] = self.data.pool.take(at).x
        return firsts

    def chosen_classes(self) -> pd.DataFrame:
        """Return how many inputs of each class each round chose."""
        rounds = "round " + self.chosen["round"].astype(str)
        counts = pd.crosstab(self.chosen["label"], rounds)
        counts.insert(0, "class", self.named(counts.index))
        return counts.rename_axis(None, axis=0).rename_axis(None, axis=1)

    @cached_property
    def pool_labels(self) -> PoolLabels:
        """Which labels of the pool look wrong."""
        return PoolLabels(self.before, self.data, self.record["seed"], self.suspects)
