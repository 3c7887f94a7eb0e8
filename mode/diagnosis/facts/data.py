"""Inputs, targets and outputs as plain facts: their moments, and what kind of targets they are."""

from dataclasses import dataclass, field

import numpy as np

from mode.diagnosis.facts.heads import PROBABILITY, Head
from mode.diagnosis.limits import LIMITS


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


_ROWS = 20_000  # rows that enter the moments; more change no verdict
_BINS = 1024


def arrays_of(data) -> list[np.ndarray]:
    """Return the arrays of one input, several inputs or a dictionary of them."""
    if data is None:
        return []
    if isinstance(data, dict):
        return [np.asarray(part) for part in data.values()]
    if isinstance(data, list | tuple) and len(data) and np.ndim(data[0]) > 0:
        return [np.asarray(part) for part in data]
    return [np.asarray(data)]


def array_moments(name: str, array: np.ndarray) -> Moments | None:
    """Return the moments of an array n x ..., by feature of its last axis; None if not numbers."""
    if array.dtype.kind not in "biuf" or array.ndim == 0 or not len(array):
        return None
    rows = array[:: max(1, len(array) // _ROWS)]
    features = rows.shape[-1] if rows.ndim > 1 and rows.shape[-1] <= _BINS else 1
    values = rows.reshape(-1, features).astype(np.float64)
    bad = ~np.isfinite(values)
    clean = np.where(bad, np.nan, values)
    clean[:, bad.all(axis=0)] = 0.0
    flat = np.where(bad, 0.0, values).reshape(rows.shape)
    sums = flat.sum(axis=-1) if flat.ndim > 1 else flat
    return Moments(
        name, tuple(array.shape[1:]), str(array.dtype), len(values),
        np.nanmean(clean, axis=0), np.nanstd(clean, axis=0),
        np.nanmin(clean, axis=0), np.nanmax(clean, axis=0),
        float(bad.mean()), (float(sums.min()), float(sums.max())),
        float(np.abs(flat - np.round(flat)).max()), _label_counts(flat),
    )  # fmt: skip


def _label_counts(flat: np.ndarray) -> np.ndarray:
    """Count labels: first those below 0, then 0, 1, ..., last those beyond the table."""
    labels = np.clip(np.round(flat), -1, _BINS).astype(np.int64) + 1
    return np.bincount(labels.reshape(-1), minlength=_BINS + 2).astype(np.float64)


def target_kind(target: Moments | None, output_rank: int = 2) -> str:
    """Name the kind of targets: what their values are, not what they mean.

    One of "unknown", "binary" (0 and 1), "signed" (-1 and 1), "labels" (whole numbers from 0),
    "one_hot", "multi_label", "distribution" (rows sum to 1), "unit" (reals in [0, 1]),
    "signed_unit" (reals in [-1, 1]), "positive" (reals from 0) and "real".
    """
    if target is None or not target.rows:
        return "unknown"
    low, high = float(target.low.min()), float(target.high.max())
    whole = target.fractions < LIMITS.whole_number
    several = len(target.shape) and target.shape[-1] not in (1, None)
    if several and len(target.shape) + 1 >= output_rank:
        return _rows_kind(target, low, high, whole)
    if whole and low >= 0:
        return "binary" if high <= 1 else "labels"
    if whole and low == -1 and high == 1 and target.counts[1] == 0:
        return "signed"
    return _real_kind(low, high)


def _rows_kind(target: Moments, low: float, high: float, whole: bool) -> str:
    one = all(abs(total - 1) < LIMITS.row_sum for total in target.row_sum)
    if low >= 0 and high <= 1 and whole:
        return "one_hot" if one else "multi_label"
    if low >= 0 and one:
        return "distribution"
    return _real_kind(low, high)


def _real_kind(low: float, high: float) -> str:
    if low >= 0 and high <= 1:
        return "unit"
    if low >= 0:
        return "positive"
    return "signed_unit" if low >= -1 and high <= 1 else "real"


def class_shares(target: Moments | None, kind: str) -> np.ndarray:
    """Return the share of each class, shape (classes,); empty where there are no classes."""
    if target is None or kind not in ("binary", "labels", "one_hot", "signed"):
        return np.zeros(0)
    if kind == "one_hot":
        counts = target.mean
    elif kind == "signed":
        counts = np.array([target.counts[0], target.counts[2]])
    else:
        counts = target.counts[1:-1]
    top = np.flatnonzero(counts)
    return counts[: top[-1] + 1] / counts.sum() if len(top) else np.zeros(0)


def head_kind(head: Head, target: Moments | None) -> str:
    """Return the kind of targets an output has; whole numbers of a regression stay real."""
    if target is None:
        return "unknown"
    if not target.rows:  # only the shape is known
        single = target.shape in ((), (1,)) and "int" in target.dtype
        if rows_for_labels(head, target):
            return "one_hot"
        return "labels" if single and head.units != 1 else "unknown"
    rank = len(head.shape)
    if head.family == "sparse" and len(target.shape) + 2 == rank:
        rank += 1  # a label for each position, not a row of numbers
    kind = target_kind(target, rank)
    if kind == "labels" and head.family not in PROBABILITY and head.units == 1:
        return "positive"
    return kind


def rows_for_labels(head: Head, target: Moments) -> bool:
    """The sparse loss gets a row of numbers where it expects one label."""
    return head.family == "sparse" and target.shape == head.shape[1:] and head.units != 1
