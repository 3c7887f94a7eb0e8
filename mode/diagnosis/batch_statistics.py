"""Statistics of one batch that was copied out of a training step (numpy, no opinion)."""

import numpy as np

from mode.diagnosis.record import COLUMNS, HEAD_COLUMNS

HASH_BITS = 20  # rows of the training data seen, as marks in a table of 2**20 bytes
LOWEST = np.float32(-3e38)


def unpack(values: np.ndarray, shapes: np.ndarray, ranks: list[int]) -> list[np.ndarray]:
    """Return the arrays that lie one after the other in `values`, their shapes in `shapes`."""
    found, start, at = [], 0, 0
    for rank in ranks:
        shape = shapes[at : at + rank]
        size = int(np.prod(shape))
        found.append(np.atleast_1d(values[start : start + size].reshape(shape)))
        start, at = start + size, at + rank
    return found


def statistics(samples: np.ndarray, lengths: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Return the COLUMNS of every sampled tensor at once, shape (tensors, columns)."""
    good = np.isfinite(samples)
    values = samples if good.all() else np.where(good, samples, np.float32(0))
    size = np.abs(values)
    full = lengths > 0
    starts, count = (np.cumsum(lengths) - lengths)[full], lengths[full]

    def share(of):
        return np.add.reduceat(of, starts, dtype=np.int64) / count

    found = np.zeros((len(lengths), len(COLUMNS)))
    found[full, :-1] = np.transpose([
        np.add.reduceat(size, starts, dtype=np.float64) / count,
        np.sqrt(np.add.reduceat(values * values, starts, dtype=np.float64) / count),
        np.maximum.reduceat(size, starts),
        *(share(values == 0), share(size > 0.999), share((values < 0.001) | (values > 0.999))),
    ])  # fmt: skip
    found[:, -1] = bad
    return found


def moments(values: np.ndarray) -> np.ndarray:
    """Return sum, sum of squares, -min, max, count and non-finite, shape (6, features)."""
    features = values.T
    if len(features) < len(values):  # a long row is summed fast where it lies in one piece
        features = np.ascontiguousarray(features)
    good = np.isfinite(features)
    every = bool(good.all())
    clean = features if every else np.where(good, features, np.float32(0))
    chosen = {"initial": LOWEST} if every else {"initial": LOWEST, "where": good}
    count = good.sum(1)
    squares = np.einsum("fn,fn->f", clean, clean, dtype=np.float64)
    low, high = (np.max(part, 1, **chosen) for part in (-clean, clean))
    return np.stack(
        [clean.sum(1, dtype=np.float64), squares, low, high, count, len(values) - count]
    )


def label_statistics(target: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return -min and max of the row sums with the largest fraction, and the labels' counts."""
    values = np.where(np.isfinite(target), target, np.float32(0))
    if not values.size:
        return np.full(3, LOWEST), np.zeros(bins + 2)
    sums = values.sum(-1) if values.ndim > 1 else values
    whole = np.round(values)
    labels = np.clip(whole, -1, bins).astype(np.int64).reshape(-1) + 1
    extremes = -sums.min(), sums.max(), np.abs(values - whole).max()
    return np.array(extremes), np.bincount(labels, minlength=bins + 2)


def head_statistics(output: np.ndarray, target: np.ndarray | None) -> list[float]:
    """Return the HEAD_COLUMNS of one output: range, spread over rows, row sums, agreement."""
    if not output.size:
        return [np.nan] * len(HEAD_COLUMNS)
    sums = output.sum(-1) if output.ndim > 1 else output
    spread = output.std(0).mean() if output.ndim > 1 else 0.0
    hits, square, pairs = _agreement(output, target)
    column = {
        "low": output.min(), "high": output.max(), "spread": spread,
        "row_sum_low": sums.min(), "row_sum_high": sums.max(),
        "hits": hits, "square": square, "pairs": pairs,
    }  # fmt: skip
    return [float(column[name]) for name in HEAD_COLUMNS]


def _agreement(output, target) -> tuple[float, float, float]:
    """Return the share of right classes, the mean square error, and which of them hold."""
    nothing = (np.nan, np.nan, 0.0)
    if target is None:
        return nothing
    if output.ndim == 1 or output.shape[-1] == 1:
        if target.size != output.size:
            return np.nan, np.nan, 1.0
        truth, values = target.reshape(-1), output.reshape(-1)
        return ((truth > 0.5) == (values > 0.5)).mean(), np.square(truth - values).mean(), 1.0
    if target.shape == output.shape:
        hits = target.argmax(-1) == output.argmax(-1)
        return hits.mean(), np.square(target - output).mean(), 1.0
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = target[..., 0]
    if target.shape == output.shape[:-1]:
        return (target == output.argmax(-1)).mean(), np.nan, 1.0
    return nothing


def row_marks(inputs: list[np.ndarray]) -> np.ndarray:
    """Return two table positions for each row of the inputs, shape (2, rows), to know it again.

    Whole-number arithmetic on the bits of the row, so that the order of summation is free.
    """
    rows = np.concatenate([x.reshape(len(x), -1) for x in inputs], 1, dtype=np.float32)
    bits = rows.view(np.uint32)
    odd = np.arange(bits.shape[1], dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return np.stack([_mark(bits ^ odd * np.uint32(k), k) for k in (2654435769, 2246822519)])


def _mark(mixed: np.ndarray, odd: int) -> np.ndarray:
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        mixed = (mixed ^ (mixed >> np.uint32(shift))) * np.uint32(factor)
    total = (mixed ^ (mixed >> np.uint32(16))).sum(1, dtype=np.uint32) * np.uint32(odd)
    return (total >> np.uint32(32 - HASH_BITS)).astype(np.int64)
