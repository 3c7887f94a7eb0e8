"""Interval analysis of a traced graph: which values can reach an operation.

An interval is (low, high); what is not understood is (-inf, inf), so that silence means safety.
"""

import math
from collections.abc import Callable

import numpy as np

FULL = (-math.inf, math.inf)
SAME = (
    "Identity",
    "Reshape",
    "Squeeze",
    "ExpandDims",
    "Transpose",
    "Cast",
    "StopGradient",
    "BroadcastTo",
    "Mean",
    "Max",
    "Min",
    "StridedSlice",
    "GatherV2",
    "Pack",
    "ConcatV2",
    "Tile",
    "Snapshot",
)
UNIT = ("Sigmoid", "Softmax")


class Intervals:
    """Ranges of the tensors of one graph; `known` gives those of its inputs by name."""

    def __init__(self, known: dict | None = None):
        self.known = dict(known or {})

    def of(self, tensor) -> tuple[float, float]:
        """Return the interval of a symbolic tensor."""
        if tensor.name not in self.known:
            self.known[tensor.name] = FULL  # a loop in the graph meets this and learns nothing
            self.known[tensor.name] = self._work_out(tensor.op)
        return self.known[tensor.name]

    def _work_out(self, op) -> tuple[float, float]:
        if op.type == "Const":
            return _constant(op)
        if op.type in UNIT:
            return 0.0, 1.0
        if op.type == "Tanh":
            return -1.0, 1.0
        inputs = [self.of(t) for t in op.inputs]
        if op.type in SAME and inputs:
            return inputs[0]
        if op.type in ("Mul", "AddV2", "Add", "Sub") and len(op.inputs) == 2:
            return _binary(op, inputs)
        rule = _RULES.get(op.type)
        return rule(*inputs) if rule else FULL


def _constant(op) -> tuple[float, float]:
    import tensorflow as tf  # the caller has it loaded

    value = tf.get_static_value(op.outputs[0])
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
