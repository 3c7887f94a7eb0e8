"""What a repair returns: the model, its rounds, and a summary to print."""

from dataclasses import dataclass, field
from html import escape

import keras
import numpy as np
import pandas as pd


def no_suspects() -> pd.DataFrame:
    """Return the table of suspects without any."""
    return pd.DataFrame({"index": [], "label": [], "suggested": []}, dtype=int)


@dataclass(frozen=True)
class Repair:
    """The repaired model and how it came about; `print` gives its accuracy and the faulty labels.

    model: the repaired copy, with the compile settings of the given one.
    rounds: one row per round, round 0 before any; see `measure`.
    faults: the faulty labels found first. chosen: for each round the indices into the pool.
    notes: what did not go as asked. kept: the round whose model this is; 0 for the given one.
    reason: why, in a line. result: the measurements of `model`, in the columns of `rounds`.
    suspects: inputs of the pool that were set aside since their labels look wrong; columns index,
    label and suggested. seconds: what the repair took. margin: where it is above 0, the original
    inside `model` answers unless the retrained one is so much surer (`mode.models.guarded`).
    """

    model: keras.Model
    rounds: pd.DataFrame
    faults: pd.DataFrame
    chosen: tuple[np.ndarray, ...]
    notes: tuple[str, ...]
    kept: int = 0
    reason: str = ""
    result: dict = field(default_factory=dict)
    suspects: pd.DataFrame = field(default_factory=no_suspects)
    seconds: float = 0.0
    names: tuple[str, ...] | None = None
    margin: float = 0.0

    def __repr__(self) -> str:
        before, after = self.rounds["accuracy"].iloc[0], self.result
        kept_round = (
            f"round {self.kept} of {len(self.chosen)} kept" if self.kept else "original kept"
        )
        moved = f"{after['repaired']} repaired, {after['broken']} broken"
        return f"{100 * before:.1f} -> {100 * after['accuracy']:.1f} %, {moved}, {kept_round}"

    def __str__(self) -> str:
        faults = self._faults().to_string(index=False) if len(self.faults) else "no faulty label"
        return f"{self!r}\n{self.reason}\n{faults}"

    def _repr_html_(self) -> str:
        lines = f"<p>{escape(repr(self))}<br>{escape(self.reason)}</p>"
        return lines + self._faults().to_html(index=False)

    def _faults(self) -> pd.DataFrame:
        named = [str(label) if self.names is None else self.names[label] for label in
                 self.faults["label"]]  # fmt: skip
        return self.faults.assign(label=named).round(3)
