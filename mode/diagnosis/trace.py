"""One traced training step: its tensors, and the variables that keep their statistics."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import tensorflow as tf
from keras import tree

from mode.diagnosis import taps
from mode.diagnosis.record import COLUMNS, HEAD_COLUMNS, Row

EndOfData = tf.errors.OutOfRangeError
EARLY = 5  # the first steps are all recorded
_CLOCK = 4  # steps, sum of losses since the last record, their count, first broken step


@dataclass
class Trace:
    """The tensors of one step in the order they came; only references, no operation is added."""

    data: tuple = (None, None)
    activations: list = field(default_factory=list)  # (layer, activation, tensor)
    gradients: list = field(default_factory=list)  # (variable, gradient, value before, scale)
    output: object = None
    loss: object = None
    again: object = None  # computes the loss from the mere values of the predictions
    guarded: bool = False  # loss scaling meets non-finite gradients on purpose


def tensors(structure) -> list:
    """Return the float and integer tensors of any nesting, in order."""
    found = [t for t in tree.flatten(structure) if isinstance(t, tf.Tensor)]
    return [t for t in found if t.dtype.is_floating or t.dtype.is_integer or t.dtype.is_bool]


def current(variable) -> tf.Tensor:
    """Return the value a variable has at this point of the step (not a reference to it)."""
    return tf.convert_to_tensor(variable.value)


def reachable(tensor) -> bool:
    """Tell whether a tensor belongs to the graph being built; one from inside a loop does not."""
    if tf.executing_eagerly():
        return True
    return getattr(tensor, "graph", None) is tf.compat.v1.get_default_graph()


class Store:
    """The small variables behind a recording, created at the first trace."""

    def __init__(self, every: int):
        self.every = every
        self.rows: tuple[Row, ...] | None = None
        self.accumulated: dict[str, tf.Variable] = {}
        self.specs: dict[str, tuple] = {}

    def variable(self, name: str, initial, dtype=tf.float32) -> tf.Variable:
        """Return the variable `name`, created eagerly from `initial()` when it is new.

        In a thread of its own: a variable that the trace knows it made costs a second trace.
        """
        if name not in self.accumulated:
            with ThreadPoolExecutor(1) as apart:
                make = apart.submit(lambda: tf.Variable(initial(), trainable=False, dtype=dtype))
                self.accumulated[name] = make.result()
        return self.accumulated[name]

    def reset(self, *prefixes: str) -> None:
        """Set accumulated extremes of the named kinds back to their neutral element."""
        for name, variable in self.accumulated.items():
            if name.startswith(prefixes) and variable.dtype == tf.float32:
                variable.assign(tf.fill(variable.shape, -3e38))

    def numpy(self, name: str):
        """Return the current values of a variable, or None where it was never made."""
        return self.accumulated[name].numpy() if name in self.accumulated else None


def flush(trace: Trace, store: Store) -> None:
    """Add to the end of the step what counts it, watches it and, now and then, records it."""
    trace.activations = [a for a in trace.activations if reachable(a[2])]
    trace.gradients = [g for g in trace.gradients if reachable(g[1])]
    layout = _layout(trace)
    if store.rows is None:
        store.rows = layout
    if layout != store.rows or trace.loss is None or not reachable(trace.loss):
        return
    clock = store.variable("clock", lambda: tf.zeros([_CLOCK]))
    loss = tf.cast(tf.reduce_mean(trace.loss), tf.float32)
    now = clock.assign_add(tf.stack([1.0, loss, 1.0, 0.0]))
    totals = [taps.total(taps.gradient_values(entry[1])) for entry in trace.gradients]
    bad = ~tf.math.is_finite(loss if trace.guarded else tf.add_n([loss, *totals]))
    first = bad & tf.equal(now[3], 0.0)
    due = (now[0] <= EARLY) | tf.equal(tf.math.floormod(now[0], float(store.every)), 0.0)
    write = _writer(trace, store, clock, totals)
    tf.cond(due | first, lambda: write(now, first), lambda: tf.constant(False))


def _writer(trace: Trace, store: Store, clock, totals):
    """Return what a recorded step writes; its variables exist before the condition is built."""
    rows = len(store.rows)
    matrix = store.variable("matrix", lambda: tf.zeros([rows, len(COLUMNS)]))
    broken = store.variable("broken", lambda: tf.zeros([rows]))
    window = store.variable("window", lambda: tf.zeros([4]))
    accumulate = _accumulators(trace, store)

    def write(now, first):
        values = _measure(trace, totals)
        matrix.assign(values)
        broken.assign(tf.where(first, values[:, COLUMNS.index("nonfinite")], broken))
        window.assign(tf.stack([now[0], now[1] / tf.maximum(now[2], 1.0), *_pair(trace)]))
        clock.assign(tf.stack([now[0], 0.0, 0.0, tf.where(first, now[0], now[3])]))
        for update in accumulate:
            update()
        return tf.constant(True)

    return write


def _pair(trace: Trace) -> list:
    """The loss as it was reported, and as its predictions alone give it (NaN: not known)."""
    again = trace.again() if trace.again is not None else float("nan")
    return [tf.cast(tf.reduce_mean(value), tf.float32) for value in (trace.loss, again)]


def _layout(trace: Trace) -> tuple[Row, ...]:
    inputs = [Row("input", f"input {i}") for i, _ in enumerate(tensors(trace.data[0]))]
    active = [Row("activation", n, "", a, taps.width(t.shape)) for n, a, t in trace.activations]
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


def _measure(trace: Trace, totals):
    """Return the matrix of all statistics, in the order of the layout."""
    plain = [*tensors(trace.data[0]), *(t for *_, t in trace.activations), trace.loss]
    new = [current(v) for v, *_ in trace.gradients]
    old = [before for _, _, before, _ in trace.gradients]
    updates = [
        tf.cast(a, tf.float32) - tf.cast(b, tf.float32) for a, b in zip(new, old, strict=True)
    ]
    gradients = [_unscaled(gradient, scale) for _, gradient, _, scale in trace.gradients]
    first = [taps.total(t) if t.dtype.is_floating else tf.constant(0.0) for t in plain]
    after = [taps.total(t) for t in new]
    parts = [taps.sample(t) for t in (*plain, *gradients, *new, *updates)]
    return taps.statistics(parts, [*first, *totals, *after, *after])


def _unscaled(gradient, scale):
    value = taps.gradient_values(gradient)
    return value if scale is None else tf.cast(value, tf.float32) / tf.cast(scale, tf.float32)


def _accumulators(trace: Trace, store: Store):
    """Prepare the running statistics of data, predictions and units; return what updates them."""
    inputs, targets, outputs = (tensors(part) for part in (*trace.data, trace.output))
    outputs = [t for t in outputs if reachable(t)]
    updates = []
    for kind, group in (("input", inputs), ("target", targets), ("output", outputs)):
        for i, tensor in enumerate(group):
            updates.append(_running_moments(store, f"{kind} {i}", tensor))
    paired = len(targets) == len(outputs)
    for i, tensor in enumerate(targets):
        bins = taps.width(outputs[i].shape) if paired else 1
        updates.append(_running_shape(store, f"labels {i}", tensor, max(bins, 64)))
    rectified = [(n, t) for n, a, t in trace.activations if a == "relu" and _by_unit(t)]
    for name, tensor in rectified:
        store.specs[f"units {name}"] = (taps.width(tensor.shape),)
    if rectified:
        updates.append(_running_units(store, [t for _, t in rectified]))
    if outputs:
        pairs = list(zip(outputs, targets if paired else [None] * len(outputs), strict=True))
        heads = store.variable("heads", lambda: tf.zeros([len(pairs), len(HEAD_COLUMNS)]))
        updates.append(lambda: heads.assign(tf.stack([taps.head_statistics(*p) for p in pairs])))
    if inputs:
        marks = store.variable("marks", lambda: tf.zeros([1 << taps.HASH_BITS], tf.int8), tf.int8)
        updates.append(lambda: _mark(marks, inputs))
    return updates


def _by_unit(tensor) -> bool:
    return bool(tensor.shape.rank and tensor.shape.rank > 1 and taps.width(tensor.shape) > 1)


def _running_moments(store: Store, name: str, tensor):
    features = taps.width(tensor.shape)
    store.specs[name] = (tuple(tensor.shape), tensor.dtype.name)
    total = store.variable(name, lambda: taps.fresh_moments(features))
    return lambda: total.assign(taps.merge_moments(total, taps.moments(tensor, features)))


def _running_shape(store: Store, name: str, tensor, bins: int):
    total = store.variable(name, lambda: tf.concat([tf.fill([3], -3e38), tf.zeros([bins + 2])], 0))

    def update():
        new = taps.target_shape_statistics(tensor, bins)
        total.assign(tf.concat([tf.maximum(total[:3], new[:3]), total[3:] + new[3:]], 0))

    return update


def _running_units(store: Store, active: list):
    widths = [taps.width(t.shape) for t in active]
    highest = store.variable("units", lambda: tf.fill([sum(widths)], -3e38))

    def update():
        peaks = [
            tf.reduce_max(tf.reshape(t, [-1, units]), 0)
            for t, units in zip(active, widths, strict=True)
        ]
        new = tf.concat([tf.cast(p, tf.float32) for p in peaks], 0)
        highest.assign(tf.maximum(highest, new))

    return update


def _mark(table, inputs) -> None:
    places = tf.reshape(taps.row_marks(inputs), [-1])
    table.scatter_update(tf.IndexedSlices(tf.ones_like(places, tf.int8), places))


def seek(trace: Trace, store: Store) -> None:
    """Count how many validation rows bear the marks of recorded training rows."""
    inputs = tensors(trace.data[0])
    if "marks" not in store.accumulated or not inputs:
        return
    found = store.variable("found", lambda: tf.zeros([3]))
    marks = taps.row_marks(inputs)
    known = tf.gather(store.accumulated["marks"], marks)
    hits = tf.reduce_sum(tf.cast(tf.reduce_all(known > 0, 0), tf.float32))
    distinct = tf.size(tf.unique(marks[0]).y)
    counts = [hits, tf.cast(tf.shape(known)[1], tf.float32), tf.cast(distinct, tf.float32)]
    found.assign_add(tf.stack(counts))
