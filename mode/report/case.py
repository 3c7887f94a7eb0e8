"""A finished repair of the user's model, as its report shows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from html import escape

import keras
import numpy as np
import pandas as pd

from mode import checks
from mode.data import Data, Part, Streamed
from mode.faults import accuracy_by_label, confusion
from mode.heatmaps import HeatMaps, differential, heatmaps
from mode.layers import LayerChoice, states, target_layer
from mode.layers.probes import scale_of, zscale
from mode.models import predict
from mode.repair import RECIPES
from mode.report.features import pictured, scaled_features
from mode.report.output import headline

MAX_CLASSES = 16  # in a figure
SAMPLE = 10_000  # inputs of a streamed pool whose labels are examined
GROUPS = {"hci": "correct", "hmi": "false positives", "hwi": "false negatives"}


@dataclass(frozen=True)
class Case:
    """The models before and after the repair, the data, and the tables that the repair wrote.

    suspects: inputs of the pool that the repair set aside, as suspects.csv lists them.
    record: the content of record.json.
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
    def class_names(self) -> list[str]:
        """Names of all classes: their numbers where they have no names."""
        return self.names_of(range(self.data.classes))

    def names_of(self, labels: Iterable[int]) -> list[str]:
        """Return the names of the classes with these labels."""
        return [self.data.name(int(label)) for label in labels]

    def sizes(self) -> str:
        """Return how many inputs each part has, in words."""
        return ", ".join(f"{count} {name}" for name, count in self.data.sizes().items())

    def measured_on(self) -> str:
        """Return whether the test split was held out, and the warnings about the data."""
        held_out = ["Measured on the test split, which chose nothing."] * self.data.held_out
        return "\n".join([*held_out, *(f"Warning: {note}" for note in self.data.notes)])

    @property
    def headline_html(self) -> str:
        """The headline as HTML; below it what it was measured on, and the classes that got worse
        or that no input is right of."""
        worse = self.by_label[self.by_label["change"] < 0].sort_values("change", kind="stable")
        names = ", ".join(
            f"{row['class']} ({100 * row['change']:+.1f} points)" for _, row in worse.iterrows()
        )
        zero = ", ".join(self.by_label.loc[self.by_label["after"] == 0, "class"])
        below = [
            f"Classes at 0 %: {zero}." * bool(zero),
            f"Less accurate than before: {names}." if names else "No class got worse.",
            *self.measured_on().splitlines(),
            f"Model {self.before.name}; inputs: {self.sizes()}.",
        ]
        lines = "<br>".join(escape(line) for line in below if line)
        return f"<h1>{escape(self.headline)}</h1><p>{lines}</p>"

    @property
    def remarks(self) -> list[str]:
        """Why the kept round was kept, and the notes of the repair."""
        return [self.record["reason"], *self.record["notes"]]

    @property
    def headline(self) -> str:
        """What the repair came to, in one sentence."""
        result = self.record["result"]
        return headline(
            {
                "accuracy": {
                    "before": self.rows["accuracy"].iloc[0],
                    "after": result["accuracy"],
                },
                "repaired": result["repaired"],
                "broken": result["broken"],
                "kept_round": self.record["kept"],
                "rounds": len(self.rows) - 1,
                "reason": self.record["reason"],
                "held_out": self.data.held_out,
            }
        )

    @property
    def pictured(self) -> bool:
        """Whether inputs can be drawn as pictures."""
        return pictured(self.data.shape)

    @cached_property
    def predictions(self) -> tuple[np.ndarray, np.ndarray]:
        """Classes predicted on the test part, before and after."""
        x = self.data.test.x
        return tuple(predict(model, x).argmax(axis=1) for model in (self.before, self.after))

    @cached_property
    def by_label(self) -> pd.DataFrame:
        """One row per class: name, test inputs, accuracy before and after, and the fault."""
        y, classes = self.data.test.y, self.data.classes
        before, after = (accuracy_by_label(y, p, classes) for p in self.predictions)
        return pd.DataFrame(
            {
                "class": self.class_names,
                "test inputs": before["count"],
                "before": before["accuracy"],
                "after": after["accuracy"],
                "change": after["accuracy"] - before["accuracy"],
                "fault": [self._kinds.get(label, "") for label in range(classes)],
            }
        )

    @property
    def _kinds(self) -> dict[int, str]:
        return dict(zip(self.faults["label"], self.faults["kind"], strict=True))

    @cached_property
    def figure_labels(self) -> list[int]:
        """Labels in the figures, ascending: all, or the faulty and least accurate ones."""
        least = self.by_label["before"].sort_values(kind="stable").index
        order = dict.fromkeys([*self.faults["label"].astype(int), *least.tolist()])
        return sorted([*order][:MAX_CLASSES])

    def accuracies(self) -> pd.DataFrame:
        """Return the data of the figure `accuracy_change`, of the labels in the figures."""
        columns = {"class": "label", "before": "before", "after": "after"}
        return self.by_label.iloc[self.figure_labels][[*columns]].rename(columns=columns)

    def confusions(self) -> list[np.ndarray]:
        """Return the confusion matrices before and after, of the labels in the figures."""
        both = [confusion(self.data.test.y, p, self.data.classes) for p in self.predictions]
        return [counts[np.ix_(self.figure_labels, self.figure_labels)] for counts in both]

    def faulty_classes(self) -> pd.DataFrame:
        """Return the faulty classes, worst first, by name."""
        columns = ["kind", "accuracy", "reference accuracy", "gap"]
        renamed = {"accuracy": "diagnosis accuracy", "reference accuracy": "training accuracy"}
        table = self.faults.assign(**{"class": self.names_of(self.faults["label"])})
        return table[["class", *columns]].rename(columns=renamed)

    def worst(self) -> tuple[int, str]:
        """Return the label whose layer and maps the report shows, and its kind of fault."""
        label = self.record["label"]
        if label is None:
            label = int([*self.faults["label"], self.by_label["before"].idxmin()][0])
        return label, self._kinds.get(label, "under-fitted")

    @property
    def compares(self) -> bool:
        """Whether the recipe compares inputs with heat maps."""
        return RECIPES[self.record["recipe"]].compares

    def layer(self) -> LayerChoice | None:
        """Return the selected layer, None where layers cannot be reached or measured."""
        label, kind = self.worst()
        try:
            return target_layer(self.before, self.data, label, kind=kind, seed=self.record["seed"])
        except checks.InputError:
            return None

    def maps(self, layer: str | None = None) -> HeatMaps | None:
        """Return heat maps of the labels in the figures: of inputs, or of z-scored activations of
        a layer; None where the model classifies no input correctly."""
        part = self.data.diagnosis
        values = part.x if self.pictured else self._features[0]
        if layer is not None:
            scale = scale_of(states(self.before, self.data.train.x, layer)[layer])
            values = zscale(states(self.before, part.x, layer)[layer], scale)
        predictions = predict(self.before, part.x).argmax(axis=1)
        if not (predictions == part.y).any():
            return None
        kind = "pixel" if layer is None and self.pictured else "mean"
        whole = heatmaps(values, part.y, predictions, classes=self.data.classes, kind=kind)
        groups = {name: getattr(whole, name)[self.figure_labels] for name in GROUPS}
        counts = {name: count[self.figure_labels] for name, count in whole.counts.items()}
        return HeatMaps(**groups, counts=counts, fallbacks=whole.fallbacks)

    def groups(self, maps: HeatMaps) -> dict[str, str]:
        """Return the groups of maps that have any input, and what they are, in words."""
        return {name: what for name, what in GROUPS.items() if maps.counts[name].any()}

    def units(self, maps: HeatMaps) -> list[str]:
        """Return the names of the units of a layer's maps."""
        return [f"unit {n}" for n in range(maps.hci.shape[1])]

    @property
    def features(self) -> list[str]:
        """Names of the features of inputs that are no pictures."""
        return self._features[1]

    @cached_property
    def _features(self) -> tuple[np.ndarray, list[str]]:
        x = self.data.diagnosis.x
        return scaled_features(self.before, self.data, x, self.data.feature_names)

    def differences(self, maps: HeatMaps) -> list[list[np.ndarray]]:
        """Return DHMI and DHWI of each map."""
        each = range(len(maps.hci))
        return [[differential(maps, k, kind) for k in each] for kind in ("dhmi", "dhwi")]

    def changed(self, which: str) -> np.ndarray:
        """Return the indices of the test inputs that were "repaired" or "broken"."""
        before, after = (predictions == self.data.test.y for predictions in self.predictions)
        return np.flatnonzero(after & ~before if which == "repaired" else before & ~after)

    def changed_classes(self, which: str) -> pd.DataFrame:
        """Return the number of "repaired" or "broken" test inputs per class and wrong prediction,
        which is the one before the repair or the one after it; the largest first."""
        at = self.changed(which)
        wrong = self.predictions[0 if which == "repaired" else 1][at]
        when = "predicted before" if which == "repaired" else "predicted now"
        pairs = {"class": self.names_of(self.data.test.y[at]), when: self.names_of(wrong)}
        return pd.DataFrame(pairs).value_counts().rename(f"inputs {which}").reset_index()

    def first_chosen(self, count: int) -> dict[str, np.ndarray]:
        """Return the first inputs that each round chose."""
        places, firsts = self.data.places("pool"), {}
        for number, rows in self.chosen.groupby("round"):
            at = np.searchsorted(places, rows["index"].to_numpy()[:count])
            firsts[f"round {number}"] = self.data.pool.take(at).x
        return firsts

    def chosen_classes(self) -> pd.DataFrame:
        """Return how many inputs of each class each round chose."""
        rounds = "round " + self.chosen["round"].astype(str)
        counts = pd.crosstab(self.chosen["label"], rounds)
        counts.insert(0, "class", self.names_of(counts.index))
        return counts.rename_axis(None, axis=0).rename_axis(None, axis=1)

    @cached_property
    def pool_sample(self) -> Part:
        """The pool; of a streamed one SAMPLE inputs at equal distances, and the suspects."""
        pool = self.data.pool
        return pool if isinstance(pool, Part) else pool.take(self._sampled)

    def suspect_labels(self) -> pd.DataFrame:
        """Return the inputs that the repair set aside: index into `pool_sample`, label and
        suggested label."""
        columns = ("label", "suggested")
        labels = {name: [self.data.label(each) for each in self.suspects[name]] for name in columns}
        return pd.DataFrame({"index": np.searchsorted(self._sampled, self._suspects), **labels})

    @property
    def _suspects(self) -> np.ndarray:
        """Indices into `data.pool` of the inputs that the repair set aside."""
        places = pd.Index(self.data.places("pool"))
        return places.get_indexer(pd.Index(self.suspects["index"].to_numpy(np.int64)))

    @cached_property
    def _sampled(self) -> np.ndarray:
        pool = self.data.pool
        if not isinstance(pool, Streamed) or len(pool) <= SAMPLE:
            return np.arange(len(pool))
        spread = np.linspace(0, len(pool) - 1, SAMPLE).astype(np.int64)
        return np.union1d(spread, self._suspects)
