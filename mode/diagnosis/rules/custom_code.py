"""Custom losses and layers, traced once: unsafe operations, and probabilities used as logits."""

import importlib
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np

from mode.diagnosis.catalog.fixes import make_fix
from mode.diagnosis.catalog.symptoms import make_finding
from mode.diagnosis.facts.heads import Head, losses_of
from mode.diagnosis.facts.layers import leaf_layers
from mode.diagnosis.facts.model import ModelFacts
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.limits import LIMITS

_UNIT = (0.0, 1.0)
_RANGES = {"sigmoid": _UNIT, "softmax": _UNIT, "tanh": (-1.0, 1.0), "relu": (0.0, math.inf)}


def graph_hooks():
    """Return the module that needs TensorFlow, which is loaded where it is used."""
    return importlib.import_module("mode.diagnosis.recorder.graph_hooks")


def custom_code_findings(model, facts: ModelFacts) -> list[Finding]:
    """Return what custom losses and layers show; [] on a backend that cannot be traced."""
    if keras.backend.backend() != "tensorflow" or not model.built:
        return []
    findings = []
    for trace, look in (*_losses(model, facts), *_layers(model, facts)):
        try:
            findings += look(trace())
        except Exception:  # a function that cannot be traced alone is diagnosed while training
            continue
    return findings


def _losses(model, facts: ModelFacts):
    """Yield how each custom loss is traced and how its graph is looked at."""
    losses = losses_of(model, [head.name for head in facts.heads])
    for head, loss in zip(facts.heads, losses, strict=True):
        if head.family == "custom" and loss is not None:
            yield partial(_loss_graph, loss, head.shape), partial(_look_at_loss, facts, head)


def _look_at_loss(facts: ModelFacts, head: Head, graph) -> list[Finding]:
    target, predicted = graph.inputs[:2]  # captured variables come after them
    ranges = {target.name: FULL, predicted.name: _RANGES.get(head.activation, FULL)}
    unsafe = unsafe_operations(facts, Where("loss", head.name), graph, ranges)
    return [*unsafe, *activated_again(head, graph, predicted)]


def _layers(model, facts: ModelFacts):
    """Yield how each custom layer is traced and how its graph is looked at."""
    for layer in leaf_layers(model):
        custom = not type(layer).__module__.startswith("keras.")
        if layer._inbound_nodes and (custom or type(layer).__name__ == "Lambda"):
            shapes = [tuple(tensor.shape) for tensor in keras.tree.flatten(layer.input)]
            place = Where("layer", layer.name)
            look = partial(unsafe_operations, facts, place, ranges={})
            yield (
                partial(graph_hooks().traced_graph, _called(layer.call, layer.input), shapes),
                look,
            )


def _called(call, structure):
    """Return `call` as a function of as many arguments as its input holds tensors."""
    return lambda *tensors: call(keras.tree.pack_sequence_as(structure, tensors))


def _loss_graph(loss, shape):
    """Trace a loss for rows like the predictions; one that refuses them may take labels."""
    try:
        return graph_hooks().traced_graph(loss, [shape, shape])
    except Exception:
        return graph_hooks().traced_graph(loss, [shape[:-1], shape])


def _crosses_zero(interval) -> bool:
    return interval[0] <= LIMITS.smallest and interval[1] >= -LIMITS.smallest


def _reaches_zero(interval) -> bool:
    return interval[0] <= LIMITS.smallest


_TINY = f"argument above {LIMITS.smallest}"
# operation -> which input counts, whether it is unsafe, the limit in words, the line that guards it
UNSAFE = {
    "Exp": (0, lambda i: i[1] >= LIMITS.exp_argument, f"argument below {LIMITS.exp_argument}",
            "keras.ops.exp(keras.ops.minimum(x, 80.0))"),
    "Log": (0, _reaches_zero, _TINY, "keras.ops.log(keras.ops.maximum(x, 1e-7))"),
    "Log1p": (0, lambda i: i[0] <= -1, "argument above -1",
              "keras.ops.log1p(keras.ops.maximum(x, -1 + 1e-7))"),
    "Sqrt": (0, lambda i: i[0] <= 0, "argument above 0, where its slope is finite",
             "keras.ops.sqrt(keras.ops.maximum(x, 1e-7))"),
    "Rsqrt": (0, _reaches_zero, _TINY, "keras.ops.rsqrt(keras.ops.maximum(x, 1e-7))"),
    "Reciprocal": (0, _crosses_zero, "argument away from 0",
                   "1 / keras.ops.where(keras.ops.abs(x) < 1e-7, 1e-7, x)"),
    **dict.fromkeys(("RealDiv", "Div"), (
        1, _crosses_zero, "denominator away from 0",
        "a / keras.ops.where(keras.ops.abs(b) < 1e-7, 1e-7, b)")),
}  # fmt: skip


def unsafe_operations(facts: ModelFacts, where: Where, graph, ranges: dict) -> list[Finding]:
    """Return a note for each kind of unguarded operation; `ranges` are of the graph's inputs."""
    intervals, unsafe = Intervals(ranges), {}
    for op in graph.get_operations():
        if op.type in UNSAFE:
            index, is_unsafe, *_ = UNSAFE[op.type]
            interval = intervals.of(op.inputs[index])
            if is_unsafe(interval):
                unsafe[op.type] = interval
    return [_unsafe(facts, where, name, interval) for name, interval in unsafe.items()]


def _unsafe(facts: ModelFacts, where: Where, name: str, interval) -> Finding:
    _, _, limit, guard = UNSAFE[name]
    evidence = Evidence(f"{name} of values in", f"[{interval[0]:.3g}, {interval[1]:.3g}]", limit)
    text = f"{name} is not guarded against values outside its safe range"
    fixes = [make_fix("guard_operation", facts, guard=guard)]
    place = Where(where.phase, where.layer, name)
    return make_finding("unsafe_operation", place, evidence, text=text, fixes=fixes)


# operation -> the activations that must not come before it
_SOFTMAX, _SIGMOID = ("softmax", "sigmoid"), ("sigmoid",)
_TAKES_LOGITS = {
    "Softmax": _SOFTMAX,
    "LogSoftmax": _SOFTMAX,
    "SoftmaxCrossEntropyWithLogits": _SOFTMAX,
    "SparseSoftmaxCrossEntropyWithLogits": _SOFTMAX,
    "Sigmoid": _SIGMOID,
    "Softplus": _SIGMOID,
    "Log1p": _SIGMOID,  # of an exponential: how a binary cross entropy takes logits
}
_SAME = ("Identity", "Reshape", "Squeeze", "ExpandDims", "Transpose", "Cast", "StopGradient")
_SAME_SIZE = (*_SAME, "Neg", "Abs", "SelectV2", "Select")


def activated_again(head: Head, graph, predicted) -> list[Finding]:
    """Return a finding where a traced loss activates predictions that are probabilities.

    Only the predictions themselves count: their logarithm, or a multiple of them, may well be
    meant as logits.
    """
    for op in graph.get_operations():
        if head.activation in _TAKES_LOGITS.get(op.type, ()) and _takes(op, predicted):
            return [_activated_again(head, op.type)]
    return []


def _takes(op, predicted) -> bool:
    argument = op.inputs[0]
    if op.type == "Log1p":
        return argument.op.type == "Exp" and _is(argument.op.inputs[0], predicted)
    return _is(argument, predicted)


def _is(tensor, source) -> bool:
    """Tell whether a tensor holds the values of another, whatever their shape and sign."""
    if tensor is source:
        return True
    return tensor.op.type in _SAME_SIZE and any(_is(part, source) for part in tensor.op.inputs)


def _activated_again(head: Head, operation: str) -> Finding:
    place: dict[str, Any] = {"head": head.name, "layer": head.layer, "carrier": head.carrier}
    fixes = [make_fix("change_output_activation", activation="linear", **place)]
    evidence = (
        Evidence("activation", head.activation),
        Evidence(f"the loss {head.loss} applies", operation),
    )
    text = "the loss takes logits, the output is activated before it"
    return make_finding("activation_mismatch", head.place, *evidence, text=text, fixes=fixes,
                        severity="warning")  # fmt: skip


# an interval is (low, high); what is not understood is unbounded, so that silence means safety
FULL = (-math.inf, math.inf)
_KEEPING = (
    *_SAME, "BroadcastTo", "Mean", "Max", "Min", "StridedSlice", "GatherV2", "Pack", "ConcatV2",
    "Tile", "Snapshot",
)  # fmt: skip


class Intervals:
    """Ranges of the tensors of one graph; `ranges` gives those of its inputs by name."""

    def __init__(self, ranges: dict | None = None):
        self.ranges = dict(ranges or {})

    def of(self, tensor) -> tuple[float, float]:
        """Return the interval of a symbolic tensor."""
        if tensor.name not in self.ranges:
            self.ranges[tensor.name] = FULL  # a loop in the graph meets this and learns nothing
            self.ranges[tensor.name] = self._work_out(tensor.op)
        return self.ranges[tensor.name]

    def _work_out(self, op) -> tuple[float, float]:
        if op.type == "Const":
            return _constant(op)
        if op.type in ("Sigmoid", "Softmax"):
            return 0.0, 1.0
        if op.type == "Tanh":
            return -1.0, 1.0
        inputs = [self.of(t) for t in op.inputs]
        if op.type in _KEEPING and inputs:
            return inputs[0]
        if op.type in ("Mul", "AddV2", "Add", "Sub") and len(op.inputs) == 2:
            return _binary(op, inputs)
        rule = _RULES.get(op.type)
        return rule(*inputs) if rule else FULL


def _constant(op) -> tuple[float, float]:
    value = graph_hooks().constant_value(op)
    if value is None or np.asarray(value).dtype.kind not in "iufb" or not np.size(value):
        return FULL
    return float(np.min(value)), float(np.max(value))


def _binary(op, inputs) -> tuple[float, float]:
    (a, b), (c, d) = inputs
    if op.type == "Mul":
        if op.inputs[0] is op.inputs[1]:
            return 0.0, math.inf
        products = [_times(p, q) for p in (a, b) for q in (c, d)]
        return min(products), max(products)
    if op.type == "Sub":
        c, d = -d, -c
    low, high = a + c, b + d
    return -math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high


def _times(p: float, q: float) -> float:
    return 0.0 if p == 0 or q == 0 else p * q


def _exp(a) -> tuple[float, float]:
    return math.exp(min(a[0], 700)), math.exp(a[1]) if a[1] < 700 else math.inf


def _absolute(a) -> tuple[float, float]:
    nearest = 0.0 if a[0] <= 0 <= a[1] else min(abs(a[0]), abs(a[1]))
    return nearest, max(abs(a[0]), abs(a[1]))


def _square(a) -> tuple[float, float]:
    low, high = _absolute(a)
    return low * low, high * high


_RULES: dict[str, Callable[..., tuple[float, float]]] = {
    "Maximum": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "Minimum": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "ClipByValue": lambda a, low, high: (max(a[0], low[0]), min(a[1], high[1])),
    "Relu": lambda a: (max(a[0], 0.0), max(a[1], 0.0)),
    "Relu6": lambda a: (0.0, 6.0),
    "Softplus": lambda a: (0.0, math.inf),
    "Exp": _exp,
    "Square": _square,
    "Abs": _absolute,
    "Neg": lambda a: (-a[1], -a[0]),
    "Sqrt": lambda a: (
        math.sqrt(max(a[0], 0)),
        math.sqrt(a[1]) if 0 < a[1] < math.inf else math.inf,
    ),
    "Sum": lambda a, *rest: (
        0.0 if a[0] == 0 else a[0] if a[0] > 0 else -math.inf,
        0.0 if a[1] == 0 else math.inf,
    ),
}
