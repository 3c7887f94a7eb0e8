"""A repaired plan as changed lines of the script that made the model: a unified diff."""

import ast
import difflib
import inspect

import keras

from mode.diagnosis.facts.layers import leaf_layers
from mode.diagnosis.findings import Plan
from mode.diagnosis.places import compile_call, fit_call, layer_call, read_calls
from mode.diagnosis.repair.autorepair import option_of, shown
from mode.diagnosis.repair.source import Source, called

_UNENDED = "\\ No newline at end of file\n"


def script_diff(
    path: str, text: str, model: keras.Model, before: Plan, after: Plan, *, fit: int = 0,
    fits: int = 1,
) -> tuple[str, list[str]]:  # fmt: skip
    """Return the changes of a plan to a script as a unified diff, and what has no place in it.

    Args:
        path: the script's, as the diff names it.
        model: the model of one of the script's `fits`, as it was before the repair.
        before: the plan that the script stands for.
        after: the plan to write.
    """
    source, calls = Source(text.encode()), read_calls(text)
    trained = fit_call(calls, fit, fits)
    compiled = compile_call(calls, trained) if trained else None
    # nodes of the tree that the edits look around in
    nodes = {source.span(n): n for n in ast.walk(source.tree) if isinstance(n, ast.Call)}
    node_of = lambda call: nodes[source.span(call.node)] if call else None  # noqa: E731
    _edit_layers(source, model, after, lambda name: node_of(layer_call(name, calls)))
    _edit_compile(source, model, after, node_of(compiled))
    _edit_fit(source, before, after, node_of(trained))
    new = source.changed()
    ast.parse(new)
    before_after = text.splitlines(keepends=True), new.splitlines(keepends=True)
    lines = difflib.unified_diff(*before_after, f"a/{path}", f"b/{path}")
    ended = (line if line.endswith("\n") else f"{line}\n{_UNENDED}" for line in lines)
    return "".join(ended), source.unplaced


def _positions(function) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def _edit_layers(source: Source, model, plan: Plan, find) -> None:
    layers = {layer.name: layer for layer in leaf_layers(model)}
    for name, options in plan.edits.items():
        layer, call = layers.get(name), find(name)
        for option, value in options.items():
            if shown(option_of(layer, option)) == shown(value):
                continue
            if call is None:
                source.unplaced.append(f"{name} {option}={value!r}")
            elif option == "class_name":
                source.replace(call.func, f"keras.layers.{value}")
            else:
                names = _positions(type(layer))
                source.set_keyword(call, option, shown_code(value), names)
    for name, added in plan.inserts.items():
        for kind, options in added:
            arguments = ", ".join(f"{key}={value!r}" for key, value in options.items())
            if not _insert(source, find(name), f"keras.layers.{kind}({arguments})"):
                source.unplaced.append(f"{kind} after {name}")
    for name in plan.dropped:
        if not _drop(source, find(name)):
            source.unplaced.append(f"{name} left out")


def shown_code(value) -> str:
    """Return a value of an option as one writes it in a script."""
    return repr(value) if isinstance(value, str | int | float | bool | None) else repr(shown(value))


def _stands(source: Source, call) -> tuple[str, ast.AST | None]:
    """Return how a layer's call stands in a script: "add", "list", "called" or "", and in what."""
    parent = source.parents.get(call)
    if isinstance(parent, ast.List | ast.Tuple):
        return "list", parent
    above = source.parents.get(parent) if parent is not None else None
    if isinstance(parent, ast.Call) and parent.func is call and isinstance(above, ast.Assign):
        named = len(above.targets) == 1 and isinstance(above.targets[0], ast.Name)
        return ("called", above) if named else ("", None)
    added = isinstance(parent, ast.Call) and called(parent) == "add"
    return ("add", above) if added and isinstance(above, ast.Expr) else ("", None)


def _insert(source: Source, call, layer: str) -> bool:
    """Add a layer behind another one; False where a program cannot tell how."""
    kind, around = _stands(source, call) if call is not None else ("", None)
    if kind == "list":
        end = source.span(call)[1]
        source.edits.append((end, end, f", {layer}"))
    elif isinstance(around, ast.Expr) and isinstance(around.value, ast.Call):
        line = f"{source.code(around.value.func)}({layer})"
        source.add_lines(around, [line], before=False)
    elif isinstance(around, ast.Assign):
        name = source.code(around.targets[0])
        source.add_lines(around, [f"{name} = {layer}({name})"], before=False)
    return bool(kind)


def _drop(source: Source, call) -> bool:
    """Leave a layer out; False where a program cannot tell how."""
    kind, around = _stands(source, call) if call is not None else ("", None)
    if isinstance(around, ast.List | ast.Tuple):
        at = around.elts.index(call)
        if at + 1 < len(around.elts):
            begin, end = source.span(call)[0], source.span(around.elts[at + 1])[0]
        elif at:
            begin, end = source.span(around.elts[at - 1])[1], source.span(call)[1]
        else:
            return False
        source.edits.append((begin, end, ""))
    elif isinstance(around, ast.Expr):
        begin, end = source.starts[around.lineno - 1], source.starts[around.end_lineno or 0]
        source.edits.append((begin, end, ""))
    elif isinstance(around, ast.Assign) and isinstance(around.value, ast.Call):
        source.replace(around.value, source.code(around.value.args[0]))
    return bool(kind)


def _edit_compile(source: Source, model, plan: Plan, call: ast.Call | None) -> None:
    names = _positions(keras.Model.compile)
    if plan.losses and (call is None or len(plan.losses) > 1 or len(model.outputs) > 1):
        source.unplaced += [f"loss of {head}: {loss}" for head, loss in plan.losses.items()]
    elif plan.losses and call is not None:
        source.set_keyword(call, "loss", _loss_code(*plan.losses.values()), names)
    if plan.optimizer and call is None:
        source.unplaced.append(f"optimizer: {plan.optimizer}")
    elif plan.optimizer and call is not None:
        _edit_optimizer(source, model, plan.optimizer, call, names)


def _loss_code(loss) -> str:
    if not isinstance(loss, dict):
        return repr(loss)
    kinds = {"binary": "BinaryCrossentropy", "sparse": "SparseCategoricalCrossentropy"}
    kind = kinds.get(loss["family"], "CategoricalCrossentropy")
    return f"keras.losses.{kind}(from_logits={loss['from_logits']})"


def _edit_optimizer(source: Source, model, changes: dict, call: ast.Call, names) -> None:
    inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    expressions = [k.value for k in call.keywords if k.arg == "optimizer"] or call.args[:1]
    made = _made(source, expressions[0]) if expressions else None
    options = {name: value for name, value in changes.items() if name != "name"}
    if "name" in changes or made is None:
        kind = changes.get("name", type(inner).__name__)
        arguments = ", ".join(f"{k}={_number(v)}" for k, v in options.items())
        source.set_keyword(call, "optimizer", f"keras.optimizers.{kind}({arguments})", names)
        return
    for name, value in options.items():
        source.set_keyword(made, name, _number(value), _positions(type(inner)))


def _made(source: Source, node: ast.expr) -> ast.Call | None:
    """Return the call that makes an optimizer, itself or the one assigned to its name."""
    if isinstance(node, ast.Name):
        assigned = [n.value for n in ast.walk(source.tree) if isinstance(n, ast.Assign)
                    for t in n.targets if isinstance(t, ast.Name) and t.id == node.id]  # fmt: skip
        node = assigned[0] if len(assigned) == 1 else node
    return node if isinstance(node, ast.Call) else None


def _number(value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def _edit_fit(source: Source, before: Plan, after: Plan, call: ast.Call | None) -> None:
    names, changes = _positions(keras.Model.fit), _fit_changes(before, after)
    if call is None:
        source.unplaced += [*changes.values()]
        return
    for option in ("batch_size", "epochs"):
        if option in changes:
            source.set_keyword(call, option, str(getattr(after, option)), names)
    if "early_stopping" in changes and not _stop_early(source, call, names):
        source.unplaced.append(changes["early_stopping"])
    x, y = ([k.value for k in call.keywords if k.arg == name] or call.args[i : i + 1]
            for i, name in enumerate("xy"))  # fmt: skip
    named = [source.code(part[0]) for part in (x, y) if part and isinstance(part[0], ast.Name)]
    prepared = [
        option for option in ("clean", "scale_inputs", "scale_targets") if option in changes
    ]
    if len(named) == 2 and prepared:
        held = [source.code(n) for k in call.keywords if k.arg == "validation_data"
                and isinstance(k.value, ast.Tuple) for n in k.value.elts]  # fmt: skip
        lines = [
            line for option in prepared for line in _preparation(option, named[0], named[1], held)
        ]
        source.add_lines(source.statement(call), lines, before=True)
    else:
        source.unplaced += [changes[option] for option in prepared]
    source.unplaced += [changes["relabel"]] if "relabel" in changes else []


def _fit_changes(before: Plan, after: Plan) -> dict[str, str]:
    """Return what a plan changes about data and fit: option -> how it is named if unplaced."""
    words = {"batch_size": f"batch_size={after.batch_size}", "epochs": f"epochs={after.epochs}",
             "early_stopping": "early stopping", "clean": "rows that are not finite left out",
             "scale_inputs": "inputs scaled", "scale_targets": "targets scaled",
             "relabel": "labels renumbered"}  # fmt: skip
    return {name: text for name, text in words.items()
            if getattr(before, name) != getattr(after, name)}  # fmt: skip


def _preparation(option: str, x: str, y: str, held: list[str]) -> list[str]:
    """Return the lines that prepare the data before `fit`, validation data named `held` too."""
    if option == "clean":
        return [f"keep = np.isfinite({x}).reshape(len({x}), -1).all(axis=1)",
                f"keep &= np.isfinite({y}).reshape(len({y}), -1).all(axis=1)",
                f"{x}, {y} = {x}[keep], {y}[keep]"]  # fmt: skip
    inputs = option == "scale_inputs"
    name, others = (x, held[:1]) if inputs else (y, held[1:2])
    remark = ("scale whatever else the model is given alike" if inputs
              else f"predictions * {y}_std + {y}_mean are in the units of the targets")  # fmt: skip
    return [f"{name}_mean, {name}_std = {name}.mean(axis=0), {name}.std(axis=0) + 1e-7",
            *(f"{other} = ({other} - {name}_mean) / {name}_std" for other in others),
            f"{name} = ({name} - {name}_mean) / {name}_std  # {remark}"]  # fmt: skip


def _stop_early(source: Source, call: ast.Call, names) -> bool:
    stop = "keras.callbacks.EarlyStopping(patience=10, restore_best_weights=True)"
    callbacks = next((k.value for k in call.keywords if k.arg == "callbacks"), None)
    if callbacks is None:
        source.set_keyword(call, "callbacks", f"[{stop}]", names)
    elif isinstance(callbacks, ast.List):
        end = source.span(callbacks)[1] - 1
        source.edits.append((end, end, f", {stop}" if callbacks.elts else stop))
    else:
        return False
    return True
