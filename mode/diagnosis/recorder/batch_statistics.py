"""Statistics of batches that were copied out of training steps (numpy, no opinion)."""

import numpy as np

from mode.diagnosis.facts.training import COLUMNS, HEAD_COLUMNS

HASH_BITS = 20  # rows of the training data seen, as marks in a table of 2**20 bytes
LOWEST = np.float32(-3e38)
ENTRIES = 1 << 20  # of one output at most, in its correlation with the targets


def unpack(values: np.ndarray, shapes: np.ndarray, ranks: list[int]) -> list[np.ndarray]:
    """Return the arrays that lie one after the other in each of n rows of `values`.

    Their shapes lie in `shapes`; those returned are (n, *shape), a scalar's (n, 1).
    """
    arrays, start, at = [], 0, 0
    for rank in ranks:
        shape = shapes[at : at + rank] if rank else [1]
        end = start + int(np.prod(shape))
        arrays.append(values[:, start:end].reshape(len(values), *shape))
        start, at = end, at + rank
    return arrays


def statistics(samples: np.ndarray, lengths: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Return the COLUMNS of every sampled tensor, shape (records, tensors, columns).

    `samples` (records, entries) holds tensors of these `lengths`, `bad` is (records, tensors).
    """
    good = np.isfinite(samples)
    values = samples if good.all() else np.where(good, samples, np.float32(0))
    size = np.abs(values)
    full = lengths > 0
    starts, count = (np.cumsum(lengths) - lengths)[full], lengths[full]

    def mean(of, kind=np.float64):
        return np.add.reduceat(of, starts, axis=1, dtype=kind) / count

    table = np.zeros((*bad.shape, len(COLUMNS)))
    columns = [
        mean(size), np.sqrt(mean(values * values)), np.maximum.reduceat(size, starts, axis=1),
        mean(values == 0, np.int64), mean(size > 0.999, np.int64),
        mean((values < 0.001) | (values > 0.999), np.int64),
    ]  # fmt: skip
    table[:, full, :-1] = np.stack(columns, 2)
    table[:, :, -1] = bad
    return table


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


def head_statistics(output: np.ndarray, target: np.ndarray | None) -> np.ndarray:
    """Return the HEAD_COLUMNS of one output in each record: range, spread, row sums, agreement.

    `output` and `target` are (records, rows, ...), what is returned (records, columns).
    """
    if not output.size:
        return np.full((len(output), len(HEAD_COLUMNS)), np.nan)
    values = _by_record(output)
    sums = _by_record(output.sum(-1)) if output.ndim > 2 else values
    spread = _by_record(output.std(1)).mean(1) if output.ndim > 2 else 0.0
    hits, square, follows, pairs = _agreement(output, target)
    column = {
        "low": values.min(1), "high": values.max(1), "spread": spread,
        "row_sum_low": sums.min(1), "row_sum_high": sums.max(1),
        "hits": hits, "square": square, "follows": follows, "pairs": pairs,
        "common": _commonest(output),
    }  # fmt: skip
    table = np.empty((len(output), len(HEAD_COLUMNS)))
    for i, name in enumerate(HEAD_COLUMNS):
        table[:, i] = column[name]
    return table


def _commonest(output: np.ndarray) -> np.ndarray:
    """Return the share of rows in each record that get the class which most of them get."""
    single = output.ndim == 2 or output.shape[-1] == 1
    classes = _by_record(output > 0.5 if single else output.argmax(-1)).astype(int)
    return np.array([np.bincount(record).max() for record in classes]) / classes.shape[1]


def _by_record(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)


def _agreement(output, target) -> tuple:
    """Return the share of right classes, the mean square error, the correlation; which hold."""
    nothing = (np.nan, np.nan, np.nan, 0.0)
    if target is None:
        return nothing
    if output.ndim == 2 or output.shape[-1] == 1:
        if target.size != output.size:
            return (*nothing[:3], 1.0)
        truth, values = _by_record(target)[..., None], _by_record(output)[..., None]
        hits = (truth > 0.5) == (values > 0.5)
        return _mean(hits), _mean(np.square(truth - values)), _correlation(truth, values), 1.0
    if target.shape == output.shape:
        hits, square = target.argmax(-1) == output.argmax(-1), np.square(target - output)
        return _mean(hits), _mean(square), _correlation(target, output), 1.0
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = target[..., 0]
    if target.shape == output.shape[:-1]:
        return _mean(target == output.argmax(-1)), np.nan, _correlation(target, output), 1.0
    return nothing


def _correlation(target: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Return how the output follows the target in each record, whatever their mean and scale.

    Labels count as one-hot rows. Of large outputs some rows are taken.
    """
    columns, every = output.shape[-1], max(output[0].size // ENTRIES, 1)
    values = output.reshape(len(output), -1, columns)[:, ::every]
    if target.size == output.size:
        truth = target.reshape(len(target), -1, columns)[:, ::every]
    else:
        truth = _by_record(target)[:, ::every, None] == np.arange(columns, dtype=np.float32)
    truth, values = (
        part - part.mean(1, keepdims=True, dtype=np.float32) for part in (truth, values)
    )
    both, one, other = (
        np.einsum("nrc,nrc->n", *pair)
        for pair in ((truth, values), (truth, truth), (values, values))
    )
    size = np.sqrt(one * other)
    return np.divide(both, size, out=np.zeros(len(size)), where=size > 0)


def _mean(values: np.ndarray) -> np.ndarray:
    return _by_record(values).mean(1)


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
