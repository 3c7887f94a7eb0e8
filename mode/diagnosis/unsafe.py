"""Operations that can leave their safe range, in custom losses and layers, by tracing them once."""

import keras

from mode.diagnosis.details import fix
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.intervals import FULL, Intervals
from mode.diagnosis.modelfacts import leaf_layers, model_facts

_TINY = 1e-37
_RANGES = {
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, float("inf")),
}


def _crosses_zero(interval) -> bool:
    return interval[0] <= _TINY and interval[1] >= -_TINY


# operation -> (which input counts, is it unsafe, the limit in words)
UNSAFE = {
    "Exp": (0, lambda i: i[1] >= 87.5, "argument below 87.5"),
    "Log": (0, lambda i: i[0] <= _TINY, "argument above 1e-37"),
    "Log1p": (0, lambda i: i[0] <= -1, "argument above -1"),
    "Sqrt": (0, lambda i: i[0] <= 0, "argument above 0, where its slope is finite"),
    "Rsqrt": (0, lambda i: i[0] <= _TINY, "argument above 1e-37"),
    "Reciprocal": (0, _crosses_zero, "argument away from 0"),
    "RealDiv": (1, _crosses_zero, "denominator away from 0"),
    "Div": (1, _crosses_zero, "denominator away from 0"),
}
# operation -> the line that keeps it in its range
GUARDS = {
    "Exp": "keras.ops.exp(keras.ops.minimum(x, 80.0))",
    "Log": "keras.ops.log(keras.ops.maximum(x, 1e-7))",
    "Log1p": "keras.ops.log1p(keras.ops.maximum(x, -1 + 1e-7))",
    "Sqrt": "keras.ops.sqrt(keras.ops.maximum(x, 1e-7))",
    "Rsqrt": "keras.ops.rsqrt(keras.ops.maximum(x, 1e-7))",
    "Reciprocal": "1 / keras.ops.where(keras.ops.abs(x) < 1e-7, 1e-7, x)",
    "RealDiv": "a / keras.ops.where(keras.ops.abs(b) < 1e-7, 1e-7, b)",
    "Div": "a / keras.ops.where(keras.ops.abs(b) < 1e-7, 1e-7, b)",
}


def unsafe_findings(model) -> list[Finding]:
    """Return a note for each unguarded operation; [] on a backend that cannot be traced."""
    if keras.backend.backend() != "tensorflow" or not model.built:
        return []
    found = []
    for where, function, specs, ranges in _traceable(model):
        try:
            found += _in_graph(model, where, *_graph(function, specs, ranges))
        except Exception:  # a function that cannot be traced alone is judged while training
            continue
    return found


def _traceable(model):
    """Yield place, function, input shapes and input ranges of custom losses and layers."""
    facts = model_facts(model)
    losses = _loss_functions(model, len(facts.heads))
    for head, loss in zip(facts.heads, losses, strict=False):
        if head.family == "custom" and loss is not None:
            interval = _RANGES.get(head.activation, FULL)
            yield Where("loss", head.name), loss, [head.shape, head.shape], [FULL, interval]
    for layer in leaf_layers(model):
        own = not type(layer).__module__.startswith("keras.")
        if layer._inbound_nodes and (own or type(layer).__name__ == "Lambda"):
            inputs = keras.tree.flatten(layer.input)
            call = _called(layer.call, layer.input)
            shapes = [tuple(tensor.shape) for tensor in inputs]
            yield Where("layer", layer.name), call, shapes, [FULL] * len(inputs)


def _called(call, structure):
    """Return `call` as a function of as many arguments as its input holds tensors."""
    return lambda *tensors: call(keras.tree.pack_sequence_as(structure, tensors))


def _loss_functions(model, heads: int) -> list:
    given = getattr(model, "loss", None)
    if isinstance(given, dict):
        given = list(given.values())
    return list(given) if isinstance(given, list | tuple) else [given] * heads


def _graph(function, specs, ranges):
    import tensorflow as tf

    arguments = [tf.TensorSpec([None, *shape[1:]], tf.float32) for shape in specs]
    graph = (
        tf.function(lambda *a: function(*a), autograph=False)
        .get_concrete_function(*arguments)
        .graph
    )
    names = [t.name for t in graph.inputs]
    return graph, Intervals(dict(zip(names, ranges, strict=False)))


def _in_graph(model, where: Where, graph, intervals: Intervals) -> list[Finding]:
    found = {}
    for op in graph.get_operations():
        if op.type not in UNSAFE:
            continue
        index, unsafe, limit = UNSAFE[op.type]
        interval = intervals.of(op.inputs[index])
        if unsafe(interval):
            found[op.type] = (interval, limit)
    return [_finding(model, where, name, *known) for name, known in found.items()]


def _finding(model, where: Where, name: str, interval, limit: str) -> Finding:
    evidence = Evidence(f"{name} of values in", f"[{interval[0]:.3g}, {interval[1]:.3g}]", limit)
    fixes = (fix("guard_operation", model_facts(model), guard=GUARDS[name]),)
    place = Where(where.phase, where.layer, name)
    return Finding("unsafe_operation", "note", place, evidence=(evidence,), fixes=fixes,
                   text=f"{name} is not guarded against values outside its safe range")  # fmt: skip
