"""What is copied out of a compiled training step, and how (TensorFlow).

It writes into a few variables and draws no random number, so that the training itself stays bit
for bit the same. Statistics of the copies are `tally`'s.
"""

import tensorflow as tf

from mode.diagnosis.tally import FEATURES

SAMPLE = 2048  # entries of each tensor that enter its statistics; all are checked for NaN


def flat(tensor) -> tf.Tensor:
    """Return the entries of a tensor as one row of floats."""
    row = tensor if tensor.shape.rank == 1 else tf.reshape(tensor, [-1])
    return row if row.dtype == tf.float32 else tf.cast(row, tf.float32)


def sample(tensor) -> tf.Tensor:
    """Return up to about SAMPLE entries of a tensor as one row of floats: leading rows first."""
    row = tensor if tensor.shape.rank == 1 else tf.reshape(tensor, [-1])
    size, rank = tensor.shape.num_elements(), tensor.shape.rank
    if size is not None and size > SAMPLE:
        row = row[:: size // SAMPLE]
    elif size is None and rank and rank > 1 and tensor.shape[1:].num_elements():
        features = tensor.shape[1:].num_elements()
        rows = max(SAMPLE // features, 1)
        row = row[: rows * features : max(features // SAMPLE, 1)]
    elif size is None:
        row = row[:SAMPLE]
    return row if row.dtype == tf.float32 else tf.cast(row, tf.float32)


def scalar(tensor) -> tf.Tensor:
    """Return the mean of a tensor as a float; a scalar as it is."""
    mean = tensor if tensor.shape.rank == 0 else tf.reduce_mean(tensor)
    return mean if mean.dtype == tf.float32 else tf.cast(mean, tf.float32)


def total(tensor) -> tf.Tensor:
    """Return the sum of a tensor, which is finite where every entry is."""
    whole = tensor if tensor.shape.rank == 0 else tf.reduce_sum(tensor)
    return whole if whole.dtype == tf.float32 else tf.cast(whole, tf.float32)


def gradient_values(gradient):
    """Return the dense part of a gradient; an embedding's is sparse."""
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def width(shape) -> int:
    """Return how many features of a tensor are followed one by one."""
    last = shape[-1] if shape.rank and shape.rank > 1 else 1
    return last if last is not None and last <= FEATURES else 1


def peaks(tensor) -> tf.Tensor:
    """Return the largest value of every unit over the batch and all places, shape (units,)."""
    highest = tf.reduce_max(tensor, list(range(tensor.shape.rank - 1)))
    return highest if highest.dtype == tf.float32 else tf.cast(highest, tf.float32)


def sizes(samples: list, data: list) -> tf.Tensor:
    """Return the lengths of the samples and then the shape of each data tensor, in one row."""
    lengths = [tf.stack([tf.size(part) for part in samples])] if samples else []
    return tf.concat([*lengths, *(tf.shape(tensor) for tensor in data)], 0)
