"""A finished repair of one's own model, as its report reads it."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mode import checks, results
from mode.data import Data, Part, load
from mode.data.own import Own, own
from mode.diagnosis import check
from mode.faults import accuracy_by_label
from mode.layers import LayerChoice, target_layer
from mode.models import build, classes_of, predict, train
from mode.models.rescaled import of_unit_inputs
from mode.repair.suspects import held_out_probabilities, suspects
from mode.studies import own_model

FEW = 30  # inputs of a class that a pool should have
# Share of suspect labels from which they are worth a look before anything else.
SUSPECT = 0.05
SAMPLE = 10_000  # inputs of a streamed pool whose labels are looked at


@dataclass(frozen=True)
class Case:
    """The models before and after, the data, and what the repair wrote."""

    before: keras.Model
    after: keras.Model
    own: Own
    rows: pd.DataFrame
    chosen: pd.DataFrame
    faults: pd.DataFrame
    record: dict

    @property
    def data(self) -> Data:
        return self.own.data

    @property
    def pictured(self) -> bool:
        """Whether inputs can be drawn as pictures."""
        shape = self.data.shape
        return len(shape) == 3 and shape[-1] in (1, 3) and min(shape[:2]) > 1

    @cached_property
    def predicted(self) -> tuple[np.ndarray, np.ndarray]:
        """Classes predicted on the test part, before and after."""
        x = self.data.test.x
        return tuple(predict(model, x).argmax(axis=1) for model in (self.before, self.after))

    def by_label(self) -> pd.DataFrame:
        """Return one row a class: name, test inputs, accuracy before and after, and the fault."""
        found = [accuracy_by_label(self.data.test.y, p, self.data.classes) for p in self.predicted]
        kinds = self.faults.set_index("label")["kind"] if len(self.faults) else {}
        return pd.DataFrame(
            {
                "class": self.own.names,
                "test inputs": found[0]["count"],
                "before": found[0]["accuracy"],
                "after": found[1]["accuracy"],
                "change": found[1]["accuracy"] - found[0]["accuracy"],
                "fault": [kinds.get(label, "") for label in range(self.data.classes)],
            }
        )

    def worst(self) -> tuple[int, str]:
        """Return the label whose layer and maps are shown, and its kind of fault."""
        wanted = self.record["label"]
        if len(self.faults) and wanted is None:
            return int(self.faults["label"][0]), self.faults["kind"][0]
        return wanted if wanted is not None else int(
            self.by_label()["before"].idxmin()
        ), "under-fitted"

    def layer(self) -> LayerChoice | None:
        """Return the layer to blame, None where layers cannot be reached or judged."""
        label, kind = self.worst()
        try:
            return target_layer(self.before, self.data, label, kind=kind, seed=self.record["seed"])
        except checks.InputError:
            return None

    def moved(self, which: str) -> np.ndarray:
        """Return the indices of the test inputs that were "repaired" or "broken"."""
        before, after = (predicted == self.data.test.y for predicted in self.predicted)
        return np.flatnonzero(after & ~before if which == "repaired" else before & ~after)

    def chosen_first(self, count: int) -> dict[str, np.ndarray]:
        """Return the first inputs that each round chose."""
        places, firsts = self.own.places("pool"), {}
        for number, taken in self.chosen.groupby("round"):
            at = np.searchsorted(places, taken["index"].to_numpy()[:count])
            firsts[f"round {number}"] = self.data.pool.take(at).x
        return firsts

    @cached_property
    def sample(self) -> Part:
        """The pool; of a streamed one SAMPLE inputs at equal distances."""
        pool = self.data.pool
        if isinstance(pool, Part):
            return pool
        return pool.take(np.unique(np.linspace(0, len(pool) - 1, SAMPLE).astype(np.int64)))

    @cached_property
    def suspects(self) -> pd.DataFrame:
        """The inputs of the sample whose labels look wrong; none where layers cannot be reached."""
        try:
            found = held_out_probabilities(
                self.before, self.sample, self.data.classes, seed=self.record["seed"]
            )
        except checks.InputError:
            return pd.DataFrame({"index": [], "label": [], "suggested": []}, dtype=int)
        return suspects(self.sample.y, found)

    def advice(self) -> pd.DataFrame:
        """Return what speaks against choosing data as the cure: sign, what to do."""
        found = []
        if self.faults.empty:
            found.append(("no label is faulty", "data selection has nothing to mend: leave it"))
        share = len(self.suspects) / len(self.sample)
        if share > SUSPECT:
            found.append((f"{share:.1%} of the pool's labels look wrong", "look at them first"))
        counts = np.bincount(self.data.pool.y, minlength=self.data.classes)
        for label in self.faults["label"]:
            if counts[label] < FEW:
                said = (
                    f"the pool has {counts[label]} inputs of faulty class {self.own.names[label]}"
                )
                found.append((said, "collect more of it"))
        part = self.data.train
        for finding in check(self.before, part.x, _targets(self.before, part.y, self.data.classes)):
            if finding.severity != "note":
                fixes = "; ".join(fix.text for fix in finding.fixes[:1])
                found.append((f"training itself: {finding.text}", fixes))
        return pd.DataFrame(found or [("nothing", "go on")], columns=["sign", "what to do"])


def _targets(model: keras.Model, y: np.ndarray, classes: int) -> np.ndarray:
    loss = getattr(model, "loss", None)
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    hot = "categorical" in name.lower() and "sparse" not in name.lower()
    return np.eye(classes, dtype=np.float32)[y] if hot else y


def opened(
    model: str | os.PathLike,
    data: str | os.PathLike,
    out: str | os.PathLike,
    *,
    seed: int,
    pool: str = "",
    pool_labels: str = "",
    allow_unsafe: bool = False,
) -> Case:
    """Return the repair that `own_model.mend` left in `out`.

    Raises:
        InputError: for files that cannot be read.
    """
    out = Path(out)
    before = own_model.load(model, allow_unsafe=allow_unsafe)
    after = own_model.load(out / "repaired.keras", allow_unsafe=allow_unsafe)
    files = {"pool": pool or None, "pool_labels": pool_labels or None}
    mine = own(data, **files, classes=classes_of(before), seed=seed)
    if mine.from_bytes:
        before, after = of_unit_inputs(before), of_unit_inputs(after)
    record = json.loads((out / "record.json").read_text(encoding="utf-8"))
    names = ("rows", "chosen", "faults")
    rows, chosen, faults = (results.read_partial(out / f"{name}.csv") for name in names)
    return Case(before, after, mine, rows, chosen, faults, record)


def example(out: str | os.PathLike, *, seed: int = 0) -> Case:
    """Make a model that lacks inputs of two classes, repair it, and return its case."""
    from mode.data import plant

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    parts = plant("starved", load("digits", seed=seed), seed=seed, labels=(5, 8))
    start = build("published", seed=seed, shape=parts.shape, classes=parts.classes)
    train(start, parts.train.x, parts.train.y, epochs=10, seed=seed).save(out / "model.keras")
    arrays = {f"{a}_{n}": getattr(getattr(parts, n), a) for n in parts.sizes() for a in "xy"}
    np.savez_compressed(out / "data.npz", **arrays)
    files = (out / "model.keras", out / "data.npz")
    own_model.mend(
        *files, out=out, rounds=3, batch=200, max_broken=0.05, seed=seed, report=False, resume=True
    )
    return opened(*files, out, seed=seed)
