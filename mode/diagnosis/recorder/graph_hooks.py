"""What is copied out of a compiled training step, and how (TensorFlow).

It writes into a few variables and draws no random number, so that the training itself stays bit
for bit the same. `running_statistics` works off the copies.
"""

import tensorflow as tf

from mode.diagnosis.recorder.running_statistics import FEATURES

SAMPLE = 2048  # entries of each tensor that enter its statistics; all are checked for NaN
_ARITHMETIC = {"AddV2": tf.add, "Sub": tf.subtract, "Mul": tf.multiply, "RealDiv": tf.realdiv}
# predictions that nothing reads are not computed, for Keras takes the loss from their logits
_UNREAD = {"Softmax": tf.nn.softmax, "Sigmoid": tf.sigmoid}
_SHAPES = ("Shape", "ShapeN", "Size", "Rank")
_UNCHANGED = ("Identity", "IdentityN", "StopGradient")


def readable(tensor) -> tf.Tensor:
    """Return the values of a tensor such that reading them changes nothing of the step.

    Predictions that nothing else reads are not computed, and TensorFlow merges the constants of
    two arithmetic operations where nothing else reads what is between them. A reader would stop
    both. So such an operation is repeated for the reader, which must be in a branch of its own:
    beside the first, the two would be merged into one.
    """
    inputs = _merged(tensor)
    if not inputs:
        return tensor
    again = (_ARITHMETIC | _UNREAD).get(tensor.op.type, tf.identity)
    return again(*map(readable, inputs))


def sources(tensor) -> list:
    """Return what a tensor is computed from by operations that may be merged, else itself.

    They are finite where the tensor is, except for constants that overflow.
    """
    inputs = _merged(tensor)
    return [source for part in inputs for source in sources(part)] or [tensor]


def _merged(tensor) -> tuple:
    """Return the inputs of an operation that is merged with its only reader or not run, or ()."""
    if tf.executing_eagerly() or (readers := _readers(tensor)) > 1:
        return ()
    if tensor.op.type in _UNCHANGED:
        return (tensor.op.inputs[tensor.value_index],)
    repeated = tensor.op.type in (_ARITHMETIC if readers else _ARITHMETIC | _UNREAD)
    return tuple(tensor.op.inputs) if repeated else ()


def _readers(tensor) -> int:
    """Return how many operations read values of a tensor, not only its shape.

    Gradients leave copies behind that none does.
    """
    count = 0
    for operation in {id(reader): reader for reader in tensor.consumers()}.values():
        if operation.type in _SHAPES:
            continue
        if operation.type in _UNCHANGED:
            copies = zip(operation.inputs, operation.outputs, strict=True)
            count += sum(_readers(copy) for original, copy in copies if original is tensor)
        else:
            count += not operation.outputs or any(o.consumers() for o in operation.outputs)
    return count


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
    """Return the lengths of the samples and then the shape of each data tensor, as floats."""
    lengths = [tf.stack([tf.size(part) for part in samples])] if samples else []
    return tf.cast(tf.concat([*lengths, *(tf.shape(tensor) for tensor in data)], 0), tf.float32)


def traced_graph(function, shapes):
    """Return the graph of a function of float tensors of these shapes, any number of rows."""
    arguments = [tf.TensorSpec([None, *shape[1:]], tf.float32) for shape in shapes]
    traced = tf.function(lambda *a: function(*a), autograph=False)
    return traced.get_concrete_function(*arguments).graph


def constant_value(operation):
    """Return the value of an operation's output where it is a constant, else None."""
    return tf.get_static_value(operation.outputs[0])
