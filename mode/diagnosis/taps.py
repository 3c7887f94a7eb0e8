"""Statistics of tensors inside a compiled training step (TensorFlow).

Everything here runs under one condition at the end of the step, writes into a few small
variables and draws no random number, so that the training itself stays bit for bit the same.
"""

import tensorflow as tf

from mode.diagnosis.record import HEAD_COLUMNS

FEATURES = 1024  # per-feature statistics up to this width, one summary beyond
HASH_BITS = 20  # rows of the training data seen, as marks in a table of 2**20 bytes
SAMPLE = 2048  # entries of each tensor that enter its statistics; all are checked for NaN


def sample(tensor) -> tf.Tensor:
    """Return up to about SAMPLE entries of a tensor as one row of floats: leading rows first."""
    flat = tf.reshape(tensor, [-1]) if tensor.shape.rank != 1 else tensor
    size, rank = tensor.shape.num_elements(), tensor.shape.rank
    if size is not None and size > SAMPLE:
        flat = flat[:: size // SAMPLE]
    elif size is None and rank and rank > 1 and tensor.shape[1:].num_elements():
        features = tensor.shape[1:].num_elements()
        rows = max(SAMPLE // features, 1)
        flat = flat[: rows * features : max(features // SAMPLE, 1)]
    elif size is None:
        flat = flat[:SAMPLE]
    return flat if flat.dtype == tf.float32 else tf.cast(flat, tf.float32)


def total(tensor) -> tf.Tensor:
    """Return the sum of a tensor, which is finite where every entry is."""
    return tf.cast(tf.reduce_sum(tensor), tf.float32)


def statistics(parts: list, totals: list) -> tf.Tensor:
    """Return the COLUMNS of every sampled tensor at once, shape (tensors, columns)."""
    lengths = tf.stack([tf.size(part) for part in parts])
    values = tf.concat(parts, 0)
    values = tf.where(tf.math.is_finite(values), values, 0.0)
    ids = tf.repeat(tf.range(len(parts)), lengths)
    size = tf.abs(values)
    marks = (values == 0.0, size > 0.999, (values < 0.001) | (values > 0.999))
    columns = tf.stack([size, values * values, *(tf.cast(m, tf.float32) for m in marks)], 1)
    means = tf.math.unsorted_segment_mean(columns, ids, len(parts))
    peak = tf.maximum(tf.math.unsorted_segment_max(size, ids, len(parts)), 0.0)
    bad = tf.cast(~tf.math.is_finite(tf.stack(totals)), tf.float32)
    found = [means[:, 0], tf.sqrt(means[:, 1]), peak, *(means[:, i] for i in (2, 3, 4)), bad]
    return tf.stack(found, 1)


def _spread(tensor):
    """Mean over units of the standard deviation over rows."""
    values = tf.cast(tensor, tf.float32)
    if values.shape.rank is None or values.shape.rank < 2:
        return tf.constant(0.0)
    return tf.reduce_mean(tf.math.reduce_std(values, axis=0))


def gradient_values(gradient):
    """Return the dense part of a gradient; an embedding's is sparse."""
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def width(shape) -> int:
    """Return how many features of a tensor are followed one by one."""
    last = shape[-1] if shape.rank and shape.rank > 1 else 1
    return last if last is not None and last <= FEATURES else 1


def moments(tensor, features: int) -> tf.Tensor:
    """Return sum, sum of squares, -min, max, count and non-finite, shape (6, features)."""
    values = tf.reshape(tf.cast(tensor, tf.float32), [-1, features])
    good = tf.math.is_finite(values)
    clean = tf.where(good, values, 0.0)
    count = tf.reduce_sum(tf.cast(good, tf.float32), 0)
    return tf.stack([
        tf.reduce_sum(clean, 0),
        tf.reduce_sum(tf.square(clean), 0),
        tf.reduce_max(tf.where(good, -values, -3e38), 0),
        tf.reduce_max(tf.where(good, values, -3e38), 0),
        count,
        tf.reduce_sum(tf.cast(~good, tf.float32), 0),
    ])  # fmt: skip


def merge_moments(old, new) -> tf.Tensor:
    """Add the sums and take the larger extremes."""
    return tf.concat([old[:2] + new[:2], tf.maximum(old[2:4], new[2:4]), old[4:] + new[4:]], 0)


def fresh_moments(features: int) -> tf.Tensor:
    """Return the neutral element of `merge_moments`."""
    return tf.concat(
        [tf.zeros([2, features]), tf.fill([2, features], -3e38), tf.zeros([2, features])], 0
    )


def target_shape_statistics(target, bins: int) -> tf.Tensor:
    """Return -min and max of the row sums, the largest fraction, and counts of labels."""
    values = tf.cast(target, tf.float32)
    values = tf.where(tf.math.is_finite(values), values, 0.0)
    sums = tf.reduce_sum(values, -1) if values.shape.rank and values.shape.rank > 1 else values
    fraction = tf.reduce_max(tf.abs(values - tf.round(values)))
    labels = tf.cast(tf.clip_by_value(tf.round(values), -1.0, float(bins)) + 1, tf.int32)
    counts = tf.math.bincount(tf.reshape(labels, [-1]), minlength=bins + 2, maxlength=bins + 2)
    extremes = tf.stack([-tf.reduce_min(sums), tf.reduce_max(sums), fraction])
    return tf.concat([extremes, tf.cast(counts, tf.float32)], 0)


def head_statistics(output, target) -> tf.Tensor:
    """Return the HEAD_COLUMNS of one output: range, spread over rows, row sums, agreement."""
    values = tf.cast(output, tf.float32)
    sums = tf.reduce_sum(values, -1) if values.shape.rank and values.shape.rank > 1 else values
    hits, square, pairs = _agreement(values, target)
    column = {
        "low": tf.reduce_min(values), "high": tf.reduce_max(values), "spread": _spread(values),
        "row_sum_low": tf.reduce_min(sums), "row_sum_high": tf.reduce_max(sums),
        "hits": hits, "square": square, "pairs": pairs,
    }  # fmt: skip
    return tf.stack([column[name] for name in HEAD_COLUMNS])


def _agreement(output, target):
    """Return the share of right classes, the mean square error, and which of them hold."""
    nothing = tf.constant(float("nan"))
    if target is None or output.shape.rank is None or target.shape.rank is None:
        return nothing, nothing, tf.constant(0.0)
    truth = tf.cast(target, tf.float32)
    classes = output.shape[-1] if output.shape.rank > 1 else 1
    same = tf.TensorShape(truth.shape).is_compatible_with(output.shape) and (
        truth.shape.rank == output.shape.rank
    )
    if classes is None:
        return nothing, nothing, tf.constant(0.0)
    if classes == 1:
        truth = tf.reshape(truth, [-1])
        flat = tf.reshape(output, [-1])
        fits = tf.equal(tf.size(truth), tf.size(flat))
        error = tf.cond(fits, lambda: tf.reduce_mean(tf.square(truth - flat)), lambda: nothing)
        hit = tf.cond(
            fits,
            lambda: tf.reduce_mean(tf.cast(tf.equal(truth > 0.5, flat > 0.5), tf.float32)),
            lambda: nothing,
        )
        return hit, error, tf.constant(1.0)
    if same:
        hit = tf.equal(tf.argmax(truth, -1), tf.argmax(output, -1))
        return (
            tf.reduce_mean(tf.cast(hit, tf.float32)),
            tf.reduce_mean(tf.square(truth - output)),
            tf.constant(1.0),
        )
    if truth.shape.rank == output.shape.rank and truth.shape[-1] == 1:
        truth = truth[..., 0]
    if truth.shape.rank == output.shape.rank - 1:
        hit = tf.equal(tf.cast(truth, tf.int64), tf.argmax(output, -1))
        return tf.reduce_mean(tf.cast(hit, tf.float32)), nothing, tf.constant(1.0)
    return nothing, nothing, tf.constant(0.0)


def row_marks(inputs) -> tf.Tensor:
    """Return two table positions for each row of the inputs, shape (2, rows), to know it again.

    Whole-number arithmetic on the bits of the row, so that the order of summation is free.
    """
    parts = [tf.reshape(tf.cast(x, tf.float32), [tf.shape(x)[0], -1]) for x in inputs]
    bits = tf.bitcast(tf.concat(parts, 1), tf.uint32)
    index = tf.cast(tf.range(tf.shape(bits)[1]), tf.uint32)
    marks = []
    for odd in (2654435769, 2246822519):
        mixed = bits ^ (index * 2 + 1) * tf.constant(odd, tf.uint32)
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
            mixed = (mixed ^ tf.bitwise.right_shift(mixed, shift)) * tf.constant(factor, tf.uint32)
        total = tf.reduce_sum(tf.bitcast(mixed ^ tf.bitwise.right_shift(mixed, 16), tf.int32), 1)
        total = tf.bitcast(total, tf.uint32) * tf.constant(odd, tf.uint32)
        marks.append(tf.cast(tf.bitwise.right_shift(total, 32 - HASH_BITS), tf.int32))
    return tf.stack(marks)
