"""A recorded training as plain arrays and names, and what can be read off it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mode.diagnosis.facts.data import Moments
from mode.diagnosis.limits import LIMITS

COLUMNS = ("mean_abs", "rms", "max_abs", "zero", "beyond", "edge", "nonfinite")
EARLY = 5  # the first steps of a training are all recorded
HEAD_COLUMNS = (
    *("low", "high", "spread", "row_sum_low", "row_sum_high"),
    *("hits", "square", "follows", "pairs", "common"),
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
class Record:
    """A training as the rules see it.

    `steps` (t,) are the recorded steps, `values` (t, rows, columns) their statistics;
    `losses` (t,) the mean loss since the record before; `heads` (t, outputs, columns); `pairs`
    (t, 2) the loss of one batch as reported and as its predictions alone give it (or NaN).
    `batch` are the rows of the largest recorded batch (0: not known); `epochs` are the logs of
    each epoch; `units` maps a rectified layer to the largest value of
    each of its units over the last epoch. `broken` (rows,) tells which tensors were not
    finite at `broken_step`, the first step with any (0: never). `weighted` tells whether rows
    or classes had weights. Of the columns, `beyond` is the share of |v| > 0.999 and `edge` of v
    outside 0.001..0.999; of those of the heads, `follows` is the correlation of predictions
    with targets, `common` the share of rows that get the commonest predicted class. `same_rows`
    (2, outputs, columns) are those of the last recorded batch as it was trained and as the model
    evaluates it at the end of training, where batch normalization may tell them apart. `sample`
    are inputs and targets of some different rows, each (rows, values).
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
    same_rows: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, len(HEAD_COLUMNS))))
    sample: tuple[np.ndarray, np.ndarray] = field(
        default_factory=lambda: (np.zeros((0, 0)), np.zeros((0, 0)))
    )
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


def empty_record(**parts) -> Record:
    """Return a record of nothing, with `parts` filled in."""
    blank: dict[str, Any] = {
        "steps": np.zeros(0, int), "losses": np.zeros(0), "rows": (),
        "values": np.zeros((0, 0, len(COLUMNS))), "heads": np.zeros((0, 0, len(HEAD_COLUMNS))),
        "epochs": (), "inputs": (), "targets": (), "outputs": (), "units": {}, "total_steps": 0,
    }  # fmt: skip
    return Record(**(blank | parts))


TINY = 1e-30  # lest a division by a size of 0 fails
UNSEEN = -1e38  # below it, no row of the epoch was recorded for a unit


def loss_curve(record: Record) -> np.ndarray:
    """Return the loss by epoch, or by recorded window while there are few epochs.

    A few epochs that fall one after another are enough: what the windows rise or swing meanwhile
    is the noise of their batches.
    """
    by_epoch = record.log("loss")
    if len(by_epoch) >= LIMITS.patience_epochs or not len(record.losses):
        return by_epoch
    if _steadily_falling(by_epoch):
        return by_epoch
    return np.concatenate([record.losses, by_epoch[-1:]])


def _steadily_falling(losses: np.ndarray) -> bool:
    return len(losses) >= LIMITS.few_epochs and bool((np.diff(losses) < 0).all())


def slope(losses: np.ndarray) -> tuple[float, float]:
    """Return how much of the whole fall came in the last quarter, and the whole fall."""
    whole = float(losses[0] - losses.min())
    quarter = max(len(losses) // 4, 1)
    return float(losses[-quarter - 1] - losses[-1]) / max(whole, 1e-12), whole


def still_falling(record: Record) -> bool:
    """Tell whether a good part of the loss went only lately, so that more steps may help."""
    losses = loss_curve(record)
    if len(losses) < LIMITS.curve_points or not np.isfinite(losses).all():
        return False
    late, whole = slope(losses)
    return late > LIMITS.still_improving and whole > LIMITS.fallen * abs(losses[0])


def starts_slowly(record: Record, planned: int) -> bool:
    """Tell whether the loss falls from epoch to epoch, though hardly, early in the planned epochs.

    A few units at a low rate leave the best constant's loss only after many such epochs.
    """
    falls = np.diff(record.log("loss")[-LIMITS.slow_start_epochs :]) < 0
    early = len(record.epochs) < LIMITS.slow_start_part * planned
    return early and len(falls) > 1 and float(falls.mean()) >= LIMITS.slow_start_falls


def accuracies(record: Record) -> tuple[np.ndarray, np.ndarray] | None:
    """Return an accuracy by epoch, in training and in validation, where both were logged."""
    names = [name for name in (record.epochs[-1] if record.epochs else ()) if "acc" in name]
    both = next((name for name in names if f"val_{name}" in names), None)
    return None if both is None else (record.log(both), record.log(f"val_{both}"))


def ratios(record: Record, phase: str) -> np.ndarray:
    """Return rms(gradient or update) / rms(weight) of each kernel over time, shape (t, kernels)."""
    part, weights = record.indices(phase), record.indices("weight")
    if not part or not len(record.steps):
        return np.zeros((0, 0))
    sizes = record.column("rms")
    return sizes[:, part] / np.maximum(sizes[:, weights], TINY)


def update_ratio(record: Record) -> float:
    """Return the median over time and kernels of |dw| / |w|; NaN where nothing was recorded.

    The first steps are left out: adaptive optimizers begin with full steps from zero.
    """
    sizes = ratios(record, "update")
    sizes = sizes[LIMITS.warm_up :] if len(sizes) > 2 * LIMITS.warm_up else sizes
    sizes = sizes[np.isfinite(sizes).all(axis=1)] if sizes.size else sizes
    return float(np.median(np.median(sizes, axis=1))) if sizes.size else np.nan


def gradient_arrives(record: Record) -> bool:
    """Tell whether the last layer gets a gradient; without one no rate could move a weight."""
    sizes = ratios(record, "gradient")
    recent = sizes[-LIMITS.recent :, -1] if sizes.size else np.zeros(1)
    return float(np.median(recent)) > LIMITS.gradient_low


def first_broken(record: Record) -> int | None:
    """Return the row where the first non-finite value began, or None.

    Ties at one step are broken by input < activations in order < loss < gradients in
    reverse < weights.
    """
    bad = np.flatnonzero(record.broken)
    if not record.broken_step or not len(bad):
        return None
    rank = {"input": 0, "activation": 1, "loss": 2, "gradient": 3, "weight": 4, "update": 5}

    def order(i: int) -> tuple[int, int]:
        phase = record.rows[i].phase
        return rank[phase], -i if phase == "gradient" else i

    return min(map(int, bad), key=order)


def steep(record: Record) -> bool:
    """Tell whether gradients broke first, from moderate values: an operation has no finite slope.

    Gradients that had been growing overflow; those leave the reason open.
    """
    row = first_broken(record)
    if row is None or record.rows[row].phase != "gradient":
        return False
    before = record.column("max_abs")[record.steps < record.broken_step]
    largest = before[-1][record.indices("gradient")].max() if len(before) else 0.0
    return bool(largest < LIMITS.moderate_gradient)
