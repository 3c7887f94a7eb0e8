"""One traced training step: its tensors, and the variables that carry them out of the graph."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import keras
import tensorflow as tf
from keras import tree

from mode.diagnosis.facts.heads import PROBABILITY, loss_facts
from mode.diagnosis.facts.training import EARLY, Row
from mode.diagnosis.recorder import graph_hooks as hooks
from mode.diagnosis.recorder.running_statistics import Layout, Tensor

EndOfData = tf.errors.OutOfRangeError
# the clock: the step of the last record, those from it to the next, the first that was not finite
LAST, PERIOD, BROKEN = range(3)


@dataclass
class Trace:
    """The tensors of one step in the order they came; only references, no operation is added."""

    data: tuple = (None, None)
    activations: list = field(default_factory=list)  # (layer, activation, tensor)
    gradients: list = field(default_factory=list)  # (variable, gradient, value before, scale)
    output: object = None
    loss: object = None
    again: Callable | None = None  # gives the loss of the mere values of the predictions
    loop: bool = False  # of the user's own loop, which no `train_step` holds together
    guarded: bool = False  # loss scaling meets non-finite gradients on purpose


def tensors(structure) -> list:
    """Return the float and integer tensors of any nesting, in order."""
    flat = [t for t in tree.flatten(structure) if isinstance(t, tf.Tensor)]
    return [t for t in flat if t.dtype.is_floating or t.dtype.is_integer or t.dtype.is_bool]


def current(variable) -> tf.Tensor:
    """Return the value a variable has at this point of the step (not a reference to it)."""
    return tf.convert_to_tensor(variable.value)


def reachable(tensor) -> bool:
    """Tell whether a tensor belongs to the graph being built; one from inside a loop does not."""
    if tf.executing_eagerly():
        return True
    return getattr(tensor, "graph", None) is tf.compat.v1.get_default_graph()


class Store:
    """The variables behind a recording, created at the first trace, and the order in them."""

    def __init__(self, every: int):
        self.every = every
        self.layout: Layout | None = None
        self.variables: dict[str, tf.Variable] = {}

    def variable(self, name: str, initial, shape=None) -> tf.Variable:
        """Return the variable `name`, created eagerly from `initial()` when it is new.

        In a thread of its own: a variable that the trace knows it made costs a second trace.
        """
        if name not in self.variables:
            with ThreadPoolExecutor(1) as apart:
                make = apart.submit(lambda: tf.Variable(initial(), trainable=False, shape=shape))
                self.variables[name] = make.result()
        return self.variables[name]

    def numpy(self, name: str):
        """Return the current values of a variable, or None where it was never made."""
        return self.variables[name].value().numpy() if name in self.variables else None

    def steps(self) -> int:
        """Return how many steps were taken."""
        if "clock" not in self.variables:
            return 0
        clock = self.numpy("clock")
        return int(clock[LAST] + clock[PERIOD] - self.numpy("left"))


def flush(trace: Trace, store: Store) -> None:
    """Add to the end of the step what counts it, watches it and, now and then, copies it out.

    What runs at every step is kept to a few operations: it is the price of watching.
    """
    trace.activations = [a for a in trace.activations if reachable(a[2])]
    trace.gradients = [g for g in trace.gradients if reachable(g[1])]
    layout = _layout(trace)
    if store.layout is None:
        store.layout = layout
    if layout != store.layout or trace.loss is None or not reachable(trace.loss):
        return
    left = store.variable("left", lambda: tf.ones([]))
    losses = store.variable("losses", lambda: tf.zeros([]))
    loss = hooks.scalar(trace.loss)
    totals = [_finite(hooks.gradient_values(entry[1])) for entry in trace.gradients]
    fine = tf.math.is_finite(loss if trace.guarded else tf.add_n([loss, *totals]))
    losses.assign_add(loss)
    _unless(fine & (left.assign_sub(1.0) > 0.0), _writer(trace, store, layout, totals, fine))


def _unless(quiet, act) -> None:
    """Do `act`, which returns a tensor, in the few steps that are not `quiet`.

    `tf.cond` becomes a switch for each tensor that `act` reads, passed at every step. An `If`
    left as it is costs little more than a call.
    """
    if tf.executing_eagerly():
        if not quiet:
            act()
        return
    acting = tf.function(act, autograph=False).get_concrete_function()
    read = [tf.TensorSpec(t.shape, t.dtype) for t in acting.captured_inputs]
    nothing = tf.function(lambda *unread: tf.constant(True), autograph=False)
    tf.raw_ops.If(
        cond=quiet,
        input=acting.captured_inputs,
        Tout=[tf.bool],
        then_branch=nothing.get_concrete_function(*read),
        else_branch=acting,
    )


def _finite(gradient):
    """Return a number that is finite where every entry of a gradient is."""
    return tf.add_n([hooks.total(source) for source in hooks.sources(gradient)])


def _writer(trace: Trace, store: Store, layout: Layout, totals, fine):
    """Return what a recorded step writes; its variables exist before the condition is built."""
    clock = store.variable("clock", lambda: tf.constant([0.0, 1.0, 0.0]))
    broken = store.variable("broken", lambda: tf.zeros([len(layout.rows)]))
    values = store.variable("values", lambda: tf.zeros([0]), [None])
    left, losses = store.variables["left"], store.variables["losses"]
    batch = [t for group in _data(trace) for t in group]

    def write():
        data = [hooks.readable(t) for t in batch]
        passed = clock[PERIOD] - left
        step = clock[LAST] + passed
        first = ~fine & tf.equal(clock[BROKEN], 0.0)
        when = tf.where(first, step, clock[BROKEN])
        samples, bad = _samples(trace), _nonfinite(trace, totals)
        window = tf.stack([step, when, losses / passed, *_pair(trace)])
        peaks = [hooks.peaks(t) for _, t in _rectified(trace)]
        parts = (
            hooks.sizes(samples, data),
            bad,
            *samples,
            *peaks,
            *map(hooks.flat, data),
        )
        values.assign(tf.concat([window, *parts], 0))
        broken.assign(tf.where(first, bad, broken))
        period = _period(step, float(store.every))
        clock.assign(tf.stack([step, period, when]))
        left.assign(period)
        losses.assign(0.0)
        return tf.constant(True)

    return write


def _period(step, every: float):
    """Return how many steps from here the next one is recorded."""
    return tf.where(step < EARLY, 1.0, every - tf.math.floormod(step, every))


def _pair(trace: Trace) -> list:
    """The loss as it was reported, and as its predictions alone give it (NaN: not known)."""
    predicted = trace.again and trace.again(hooks.readable(trace.output))
    again = tf.constant(float("nan")) if predicted is None else predicted
    return [hooks.scalar(value) for value in (trace.loss, again)]


def _layout(trace: Trace) -> Layout:
    inputs, targets, outputs = (tuple(map(described, group)) for group in _data(trace))
    units = tuple((layer, hooks.width(t.shape)) for layer, t in _rectified(trace))
    return Layout(_rows(trace), inputs, targets, outputs, units)


def described(tensor) -> Tensor:
    """Return what is known of a tensor of the data before any value is."""
    shape = tuple(tensor.shape)
    return Tensor(len(shape), hooks.width(tensor.shape), tensor.dtype.name, shape)


def _rows(trace: Trace) -> tuple[Row, ...]:
    inputs = [Row("input", f"input {i}") for i, _ in enumerate(tensors(trace.data[0]))]
    active = [Row("activation", n, "", a, hooks.width(t.shape)) for n, a, t in trace.activations]
    kernels = [
        Row(phase, *_split(entry[0]), "", _size(entry[0]))
        for phase in ("gradient", "weight", "update")
        for entry in trace.gradients
    ]
    return (*inputs, *active, Row("loss", "loss"), *kernels)


def _split(variable) -> tuple[str, str]:
    layer, _, name = variable.path.rpartition("/")
    return layer, name


def _size(variable) -> int:
    return int(tf.TensorShape(variable.shape).num_elements() or 0)


def _data(trace: Trace) -> tuple[list, list, list]:
    """Return the batch's inputs and targets, and the predictions."""
    groups = [tensors(part) for part in (*trace.data, trace.output)]
    inputs, targets, outputs = ([_ranked(t) for t in group if reachable(t)] for group in groups)
    return inputs, targets, outputs


def _ranked(tensor) -> tf.Tensor:
    return tensor if tensor.shape.rank is not None else tf.reshape(tensor, [-1])


def _rectified(trace: Trace) -> list:
    """Return name and values of the layers whose units may die."""
    relu = [(layer, t) for layer, active, t in trace.activations if active == "relu"]
    return [(n, t) for n, t in relu if (t.shape.rank or 0) > 1 and hooks.width(t.shape) > 1]


def _plain(trace: Trace) -> list:
    activations = (hooks.readable(t) for *_, t in trace.activations)
    return [*tensors(trace.data[0]), *activations, trace.loss]


def _samples(trace: Trace) -> list:
    """Return the sampled values of every row of the layout."""
    gradients = [
        _unscaled(hooks.sample(hooks.readable(hooks.gradient_values(gradient))), scale)
        for _, gradient, _, scale in trace.gradients
    ]
    new = [hooks.sample(current(variable)) for variable, *_ in trace.gradients]
    old = [hooks.sample(before) for _, _, before, _ in trace.gradients]
    updates = [a - b for a, b in zip(new, old, strict=True)]
    return [*map(hooks.sample, _plain(trace)), *gradients, *new, *updates]


def _unscaled(gradient, scale):
    return gradient if scale is None else gradient / tf.cast(scale, tf.float32)


def _nonfinite(trace: Trace, totals):
    """Return 1 for every row of the layout with an entry that is not finite, else 0."""
    plain = [hooks.total(t) if t.dtype.is_floating else 0.0 for t in _plain(trace)]
    after = [hooks.total(current(variable)) for variable, *_ in trace.gradients]
    return tf.cast(~tf.math.is_finite(tf.stack([*plain, *totals, *after, *after])), tf.float32)


def seek(trace: Trace, store: Store) -> None:
    """Copy the inputs of a validation batch out, to be looked for among those of training."""
    inputs = tensors(trace.data[0])
    if inputs:
        values = store.variable("sought", lambda: tf.zeros([0]), [None])
        values.assign(tf.concat([hooks.sizes([], inputs), *map(hooks.flat, inputs)], 0))


def evaluate(model, inputs, arrays: list) -> list:
    """Return a model's predictions in evaluation, of arrays that were the inputs of a step."""
    like = tensors(inputs)
    values = [tf.cast(array, tensor.dtype) for array, tensor in zip(arrays, like, strict=True)]
    predicted = model(tree.pack_sequence_as(inputs, values), training=False)
    return [tensor.numpy() for tensor in tensors(predicted)]


def recompute_loss(model, arguments: dict):
    """Return a function of the mere values of the predictions that gives their loss, or None.

    Keras hangs the logits on the predictions of a sigmoid or softmax and takes the loss from
    those. So the loss can fall while the predictions stay what they are. Only where the
    loss is one of Keras's and nothing is added to it or weighted.
    """
    loss, predicted = model.loss, arguments.get("y_pred")
    family = loss_facts(loss)[1] if isinstance(loss, str | keras.losses.Loss) else ""
    weighted = arguments.get("sample_weight") is not None or bool(model.losses)
    nested = keras.tree.is_nested(predicted) or keras.tree.is_nested(arguments.get("y"))
    if family not in PROBABILITY or weighted or nested:
        return None
    function = keras.losses.get(loss)

    def again(predictions):
        values, truth = keras.ops.copy(predictions), arguments["y"]
        return function(truth if family == "sparse" else _aligned(truth, values), values)

    return again


def _aligned(truth, values):
    """Return targets of the predictions' rank: a row (n,) as a column (n, 1), or the reverse."""
    more = len(values.shape) - len(truth.shape)
    if more == 1 and values.shape[-1] == 1:
        return keras.ops.expand_dims(truth, -1)
    return keras.ops.squeeze(truth, -1) if more == -1 and truth.shape[-1] == 1 else truth
