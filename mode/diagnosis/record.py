"""What was recorded of a training: plain arrays and names, without Keras and without opinion."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

COLUMNS = ("mean_abs", "rms", "max_abs", "zero", "beyond", "edge", "nonfinite")
EARLY = 5  # the first steps of a training are all recorded
HEAD_COLUMNS = (
    *("low", "high", "spread", "row_sum_low", "row_sum_high"),
    *("hits", "square", "follows", "pairs"),
)


@dataclass(frozen=True)
class Row:
    """One watched tensor. `phase` is input, activation, loss, gradient, weight or update."""

    phase: str
    layer: str
    variable: str = ""
    activation: str = ""
    size: int = 0


@dataclass(frozen=True)
class Moments:
    """Running per-feature statistics of one input, target or output, each of shape (features,).

    `row_sum` holds the smallest and largest sum over the features of a row, `fractions` the
    largest distance from a whole number, `counts` the occurrences of each label (or empty).
    """

    name: str
    shape: tuple
    dtype: str
    rows: int
    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray
    nonfinite: float = 0.0
    row_sum: tuple[float, float] = (np.nan, np.nan)
    fractions: float = np.nan
    counts: np.ndarray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Record:
    """A training as the judges see it.

    `steps` (t,) are the recorded steps, `values` (t, rows, columns) their statistics,
    `losses` (t,) the mean loss since the record before, `heads` (t, outputs, columns), `pairs`
    (t, 2) the loss of one batch as reported and as its predictions alone give it (or NaN).
    `batch` are the rows of the largest recorded batch (0: not known), `epochs` are the logs of
    each epoch, `units` maps a rectified layer to the largest value of
    each of its units over the last epoch. `broken` (rows,) tells which tensors were not
    finite at `broken_step`, the first step with any (0: never). `weighted` tells whether rows
    or classes had weights. Of the columns, `beyond` is the share of |v| > 0.999 and `edge` of v
    outside 0.001..0.999; of those of the heads, `follows` is the correlation of predictions
    with targets.
    """

    steps: np.ndarray
    losses: np.ndarray
    rows: tuple[Row, ...]
    values: np.ndarray
    heads: np.ndarray
    epochs: tuple[dict, ...]
    inputs: tuple[Moments, ...]
    targets: tuple[Moments, ...]
    outputs: tuple[Moments, ...]
    units: dict[str, np.ndarray]
    total_steps: int
    batch: int = 0
    pairs: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    broken_step: int = 0
    broken: np.ndarray = field(default_factory=lambda: np.zeros(0))
    overlap: float = 0.0
    weighted: bool = False
    missing: tuple[str, ...] = ()
    finished: bool = False

    def column(self, name: str) -> np.ndarray:
        """Return one statistic of every row over time, shape (t, rows)."""
        return self.values[:, :, COLUMNS.index(name)]

    def head(self, name: str) -> np.ndarray:
        """Return one statistic of every output over time, shape (t, outputs)."""
        return self.heads[:, :, HEAD_COLUMNS.index(name)]

    def indices(self, phase: str) -> list[int]:
        """Return the positions of the rows of one phase, in forward order."""
        return [i for i, row in enumerate(self.rows) if row.phase == phase]

    def log(self, name: str) -> np.ndarray:
        """Return one logged quantity by epoch, shape (epochs,); NaN where it is missing."""
        return np.array([logs.get(name, np.nan) for logs in self.epochs], dtype=float)


def empty_record(**known) -> Record:
    """Return a record of nothing, with what is `known` filled in."""
    blank: dict[str, Any] = {
        "steps": np.zeros(0, int), "losses": np.zeros(0), "rows": (),
        "values": np.zeros((0, 0, len(COLUMNS))), "heads": np.zeros((0, 0, len(HEAD_COLUMNS))),
        "epochs": (), "inputs": (), "targets": (), "outputs": (), "units": {}, "total_steps": 0,
    }  # fmt: skip
    return Record(**(blank | known))
