"""Facts of arrays: the same moments the recorder keeps, and what kind of targets they are."""

import numpy as np

from mode.diagnosis.record import Moments

_ROWS = 20_000  # rows that enter the moments; more change no verdict
_BINS = 1024


def listed(data) -> list[np.ndarray]:
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
    whole = target.fractions < 1e-6
    several = len(target.shape) and target.shape[-1] not in (1, None)
    if several and len(target.shape) + 1 >= output_rank:
        return _rows_kind(target, low, high, whole)
    if whole and low >= 0:
        return "binary" if high <= 1 else "labels"
    if whole and low == -1 and high == 1 and target.counts[1] == 0:
        return "signed"
    return _real_kind(low, high)


def _rows_kind(target: Moments, low: float, high: float, whole: bool) -> str:
    one = abs(target.row_sum[0] - 1) < 1e-3 and abs(target.row_sum[1] - 1) < 1e-3
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
