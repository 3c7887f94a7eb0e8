"""The lines of a script that findings are about, as an editor reads them: `file:line: message`."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mode.diagnosis.findings import Finding
from mode.diagnosis.report import Report, short_line

_LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp, ast.AsyncFor)
_COMPILED = ("optimizer", "loss", "output")
_FITTED = ("data", "input", "fit")


@dataclass(frozen=True)
class Call:
    """One call in a script: the name of what is called, its line, the `name=` it gives, and the
    function it stands in; `looped` where it may run more than once in there."""

    function: str
    line: int
    name: str = ""
    scope: str = ""
    looped: bool = False
    node: ast.Call | None = field(default=None, repr=False, compare=False)


def read_calls(source: str) -> list[Call]:
    """Return the calls of a script in the order of their lines; none of one that is no Python.

    Example:
        >>> [call.function for call in read_calls("model = Sequential()\\nmodel.fit(x, y)")]
        ['Sequential', 'fit']
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    calls: list[Call] = []
    _visit(tree, Call("", 0), calls)
    return sorted(calls, key=lambda call: call.line)


def _visit(node: ast.AST, around: Call, calls: list[Call]) -> None:
    if isinstance(node, _LOOPS):
        around = replace(around, looped=True)
    elif isinstance(node, ast.FunctionDef | ast.ClassDef):
        around = replace(around, scope=f"{around.scope}.{node.name}")
    elif isinstance(node, ast.Call):
        function = getattr(node.func, "attr", getattr(node.func, "id", ""))
        names = [k.value.value for k in node.keywords
                 if k.arg == "name" and isinstance(k.value, ast.Constant)]  # fmt: skip
        calls.append(replace(around, function=function, line=node.lineno, node=node,
                             name=str(names[0]) if names else ""))  # fmt: skip
    for child in ast.iter_child_nodes(node):
        _visit(child, around, calls)


def line_of(finding: Finding, calls: Sequence[Call], fit: int = 0, fits: int = 1) -> int | None:
    """Return the line of a script that a finding is about, None where that is not certain.

    Args:
        fit: which of the script's `fits` the finding is of.

    A layer has the line that gives it its name, or the call that its automatic name counts.
    """
    for part in reversed(finding.where.layer.split("/")):
        call = layer_call(part, calls) if part else None
        if call is not None:
            return call.line
    trained = fit_call(calls, fit, fits)
    if trained is None:
        return None
    if finding.where.phase in _FITTED:
        return trained.line
    compiled = compile_call(calls, trained) if finding.where.phase in _COMPILED else None
    return compiled.line if compiled else None


def fit_call(calls: Sequence[Call], fit: int = 0, fits: int = 1) -> Call | None:
    """Return the call of one of a script's `fits`, None where that is not certain."""
    trained = [call for call in calls if call.function == "fit"]
    return trained[fit] if len(trained) == fits and not trained[fit].looped else None


def compile_call(calls: Sequence[Call], trained: Call) -> Call | None:
    """Return the last call of `compile` before a call of `fit`, None where there is none."""
    compiled = [c for c in calls if c.function == "compile" and c.scope == trained.scope]
    return next((c for c in reversed(compiled) if c.line <= trained.line), None)


def layer_call(name: str, calls: Sequence[Call]) -> Call | None:
    """Return the call that made the layer of this name, None where that is not certain."""
    named = [call for call in calls if call.name == name]
    if named:
        return named[0] if len(named) == 1 else None
    kind, _, number = name.rpartition("_") if re.search(r"_\d+$", name) else (name, "", "0")
    alike = [c for c in calls if _snake_case(c.function) == kind and not c.name]
    certain = len({call.scope for call in alike}) == 1 and not any(call.looped for call in alike)
    return alike[int(number)] if certain and int(number) < len(alike) else None


def _snake_case(name: str) -> str:
    """Return the name that Keras makes of a class, as of `Conv2D` "conv2d"."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def place_lines(script: str, reports: Sequence[Report]) -> list[str]:
    """Return `file:line: severity: symptom: text` for each finding above a note with a place."""
    calls = read_calls(Path(script).read_text(encoding="utf-8", errors="replace"))
    lines = []
    for number, report in enumerate(reports):
        for finding in report.alarms:
            line = line_of(finding, calls, number, len(reports))
            if line is not None:
                lines.append(f"{script}:{line}: {short_line(finding)}")
    return list(dict.fromkeys(lines))
