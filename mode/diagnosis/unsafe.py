"""Operations of a traced function that can leave their safe range (DEBAR's eight)."""

from mode.diagnosis.details import fix
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.intervals import Intervals
from mode.diagnosis.modelfacts import ModelFacts

_TINY = 1e-37


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


def unsafe_operations(facts: ModelFacts, where: Where, graph, ranges: dict) -> list[Finding]:
    """Return a note for each kind of unguarded operation; `ranges` are of the graph's inputs."""
    intervals, found = Intervals(ranges), {}
    for op in graph.get_operations():
        if op.type not in UNSAFE:
            continue
        index, unsafe, limit = UNSAFE[op.type]
        interval = intervals.of(op.inputs[index])
        if unsafe(interval):
            found[op.type] = (interval, limit)
    return [_finding(facts, where, name, *known) for name, known in found.items()]


def _finding(facts: ModelFacts, where: Where, name: str, interval, limit: str) -> Finding:
    evidence = Evidence(f"{name} of values in", f"[{interval[0]:.3g}, {interval[1]:.3g}]", limit)
    fixes = (fix("guard_operation", facts, guard=GUARDS[name]),)
    place = Where(where.phase, where.layer, name)
    return Finding("unsafe_operation", "note", place, evidence=(evidence,), fixes=fixes,
                   text=f"{name} is not guarded against values outside its safe range")  # fmt: skip
