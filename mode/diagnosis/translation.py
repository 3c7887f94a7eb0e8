"""Translate a Keras 2 program to Keras 3 where its meaning is certain (standard library only).

A program is changed as a syntax tree, so that every line keeps its number. `translate` returns the
changed tree with what to change for good; `hints` names what no program can translate.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from mode.diagnosis.keras2 import (
    CLASSES,
    GONE,
    KEYWORDS,
    LOSSES,
    METHODS,
    MODULES,
    MOVED,
    NAMES,
    OPTIMIZERS,
    PREFIXES,
    REMOVED,
    SAME,
    SHAPE,
)


@dataclass(frozen=True)
class Change:
    """One thing to change in a program: the line, what stands there, what should."""

    line: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.old} -> {self.new or 'leave out'}"


@dataclass
class Translation(ast.NodeTransformer):
    """A translated program: `tree` for `compile`, and what was changed in it, in order."""

    tree: ast.Module
    changes: list[Change] = field(default_factory=list)
    accuracy: str = ""

    def _note(self, node, old: str, new: str) -> None:
        change = Change(node.lineno, old, new)
        if change not in self.changes:
            self.changes.append(change)

    def visit_ImportFrom(self, node: ast.ImportFrom):
        """Rename a module and its names; a name that lies elsewhere gets an import of its own."""
        module, apart = node.module or "", []
        new = new_module(module)
        if new != module and not node.level:
            self._note(node, f"from {module}", f"from {new}")
            node.module = new
        for alias in list(node.names):
            place, name = self._place_of(alias.name, module, new)
            if (place, name) == (new, alias.name):
                continue
            old = alias.name
            alias.name, alias.asname = name, alias.asname or (old if old != name else None)
            if place != new:
                node.names.remove(alias)
                moved = ast.ImportFrom(place, [alias], node.level)
                self._note(node, f"import {old}", f"from {place} import {name}")
                apart.append(ast.copy_location(moved, node))
            else:
                self._note(node, old, name)
        return [*([node] if node.names else []), *apart]

    def _place_of(self, name: str, module: str, new: str) -> tuple[str, str]:
        """Return the module and the name under which Keras 3 has what a program imports."""
        whole = new_module(f"{module}.{name}")
        if whole in ("keras.utils", "keras.layers") and name not in ("utils", "layers"):
            return "keras", whole.rsplit(".", 1)[1]
        if f"{new}.{name}" in MOVED:
            place, _, moved = MOVED[f"{new}.{name}"].rpartition(".")
            return place, moved
        return new, NAMES.get(name, name) if new.startswith("keras") else name

    def visit_Import(self, node: ast.Import):
        """Rename a module that is imported under a name of the user's."""
        for alias in node.names:
            new = new_module(alias.name)
            if new != alias.name and alias.asname:
                self._note(node, f"import {alias.name}", f"import {new}")
                alias.name = new
        return node

    def visit_Attribute(self, node: ast.Attribute):
        """Rename a dotted module, a method, a type, and read a layer's shape off its tensors."""
        name = dotted(node)
        new = SAME.get(name) or new_module(name)
        if new != name and "." in name and isinstance(node.ctx, ast.Load):
            self._note(node, name, new)
            return ast.copy_location(ast.parse(new, mode="eval").body, node)
        self.generic_visit(node)
        ends = {"input_shape": "input", "output_shape": "output"}
        if node.attr in ends and isinstance(node.ctx, ast.Load):
            read = f"lambda a: a.{node.attr} if hasattr(a, '{node.attr}') else "
            read += f"tuple(a.{ends[node.attr]}.shape)"
            self._note(node, f"layer.{node.attr}", f"layer.{ends[node.attr]}.shape")
            return _called(read, node.value, node)
        return node

    def visit_Call(self, node: ast.Call):
        """Rename a method and the keyword arguments of a call."""
        self.generic_visit(node)
        called = dotted(node.func).rsplit(".", 1)[-1]
        if called == "predict_classes" and isinstance(node.func, ast.Attribute):
            self._note(node, "model.predict_classes(x)", "model.predict(x) and argmax, or > 0.5")
            node.func.attr = "predict"
            return _called(CLASSES, node, node)
        if isinstance(node.func, ast.Attribute) and called in METHODS:
            self._note(node, called, METHODS[called])
            node.func.attr = METHODS[called]
        if called in OPTIMIZERS:
            self._decay(node, called)
        self._rename_keywords(node, called)
        return node

    def _rename_keywords(self, node: ast.Call, called: str) -> None:
        names = KEYWORDS.get(called, {})
        if called[:1].isupper() and called not in ("Input", "InputLayer"):
            names = {**names, **SHAPE}
        if called in ("fit", "fit_generator", "evaluate_generator", "predict_generator"):
            names = {**names, **dict.fromkeys(GONE, "")}
        for keyword in list(node.keywords):
            old = keyword.arg or ""
            if old == "batch_input_shape":
                self._batch_shape(node, keyword)
            elif old in names:
                self._note(node, f"{called}({old}=)", names[old] and f"{called}({names[old]}=)")
                keyword.arg = names[old]
            elif called == "compile" and old == "loss" and isinstance(keyword.value, ast.Constant):
                self._loss(keyword.value)
        node.keywords = [keyword for keyword in node.keywords if keyword.arg != ""]

    def _loss(self, value: ast.Constant) -> None:
        if isinstance(value.value, str) and value.value in LOSSES:
            self._note(value, repr(value.value), repr(LOSSES[value.value]))
            value.value = LOSSES[value.value]

    def _batch_shape(self, node: ast.Call, keyword: ast.keyword) -> None:
        """Put an Input of a fixed batch before a layer that named its shape itself.

        Only in `model.add(Layer(batch_input_shape=...))` and in a list of layers is there a place
        for it; `visit_Expr` and `visit_List` find it by this mark.
        """
        self._note(node, "batch_input_shape=", "keras.Input(batch_shape=...) before the layer")
        node.keywords.remove(keyword)
        node.batch_shape = keyword.value  # type: ignore[attr-defined]

    def visit_Expr(self, node: ast.Expr):
        """Add the input that a layer named itself before the layer."""
        self.generic_visit(node)
        call = node.value
        if not (isinstance(call, ast.Call) and len(call.args) == 1):
            return node
        shape = getattr(call.args[0], "batch_shape", None)
        if shape is None or not isinstance(call.func, ast.Attribute):
            return node
        before = ast.Expr(ast.Call(call.func, [_input(shape)], []))
        return [ast.fix_missing_locations(ast.copy_location(before, node)), node]

    def visit_List(self, node: ast.List):
        """Add the input that a layer of a list named itself."""
        self.generic_visit(node)
        shape = getattr(node.elts[0], "batch_shape", None) if node.elts else None
        if shape is not None:
            node.elts.insert(0, ast.fix_missing_locations(ast.copy_location(_input(shape), node)))
        return node

    def _decay(self, node: ast.Call, called: str) -> None:
        """Write `decay=` as the schedule that Keras 2 followed: rate / (1 + decay x step)."""
        decay = next((k for k in node.keywords if k.arg == "decay"), None)
        if decay is None:
            return
        node.keywords.remove(decay)
        if isinstance(decay.value, ast.Constant) and not decay.value.value:
            self._note(node, f"{called}(decay=0)", "")
            return
        rates = [k for k in node.keywords if k.arg in ("lr", "learning_rate")]
        rate = node.args[0] if node.args else ast.Constant(OPTIMIZERS[called])
        rate = rates[0].value if rates else rate
        text = "__import__('keras').optimizers.schedules.InverseTimeDecay(0, 1, 0)"
        schedule = ast.parse(text, mode="eval").body
        assert isinstance(schedule, ast.Call)
        schedule.args[0], schedule.args[2] = rate, decay.value
        node.args = node.args[1:]
        node.keywords = [k for k in node.keywords if k not in rates]
        node.keywords.append(ast.keyword("learning_rate", schedule))
        ast.fix_missing_locations(node)
        new = "learning_rate=keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay)"
        self._note(node, f"{called}(decay=)", new)

    def visit_Constant(self, node: ast.Constant):
        """Write the short name of a logged accuracy out where `compile` was given the long one."""
        if self.accuracy and node.value in ("acc", "val_acc"):
            new = str(node.value).replace("acc", self.accuracy)
            self._note(node, repr(node.value), repr(new))
            return ast.copy_location(ast.Constant(new), node)
        return node


def translate(tree: ast.Module) -> Translation:
    """Return a program's syntax tree translated to Keras 3, with the changes in order of lines.

    >>> done = translate(ast.parse("from keras.layers.core import Dense\\nSGD(lr=0.1)"))
    >>> for change in done.changes: print(change)
    line 1: from keras.layers.core -> from keras.layers
    line 2: SGD(lr=) -> SGD(learning_rate=)
    """
    words = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    metrics = [k.value for n in ast.walk(tree) if isinstance(n, ast.Call) for k in n.keywords
               if k.arg == "metrics"]  # fmt: skip
    given = {getattr(n, "value", None) for m in metrics for n in ast.walk(m)}
    long = "acc" not in given and "accuracy" in given and {"acc", "val_acc"} & {*map(str, words)}
    translation = Translation(tree, accuracy="accuracy" if long else "")
    translation.tree = ast.fix_missing_locations(translation.visit(tree))
    translation.changes.sort(key=lambda change: change.line)
    return translation


def hints(tree: ast.AST) -> Iterator[Change]:
    """Yield the names of a program that Keras 3 lacks and that have no certain translation."""
    for node in ast.walk(tree):
        for name in _names(node):
            for gone, new in REMOVED.items():
                if _canonical(name) == gone or _canonical(name).startswith(f"{gone}."):
                    yield Change(getattr(node, "lineno", 0), name, new)


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [dotted(node)] if isinstance(node, ast.Attribute) else []


def _canonical(name: str) -> str:
    for prefix, new in (("tensorflow.keras", "keras"), ("tf.keras", "keras"),
                        ("K.", "keras.backend."), ("numpy.", "np.")):  # fmt: skip
        if name.startswith(prefix):
            return new + name[len(prefix) :]
    return name


def new_module(name: str) -> str:
    """Return the name that a module or a dotted name has in Keras 3, itself where it has none.

    >>> new_module("tensorflow.keras.layers.core.Dense")
    'keras.layers.Dense'
    """
    plain = name
    for prefix, new in PREFIXES:
        if plain.startswith(prefix):
            plain = new + plain[len(prefix) :]
    for old, new in MODULES.items():
        if plain == old or plain.startswith(f"{old}."):
            return new + plain[len(old) :]
    return plain if name.startswith("tensorflow.python.keras") else name


def dotted(node: ast.AST) -> str:
    """Return a dotted name as text, "" for what is none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else f".{node.attr}"
    return ""


def _called(function: str, argument: ast.expr, at: ast.AST) -> ast.Call:
    call = ast.Call(ast.parse(function, mode="eval").body, [argument], [])
    return ast.fix_missing_locations(ast.copy_location(call, at))


def _input(shape: ast.expr) -> ast.expr:
    call = ast.parse("__import__('keras').Input(batch_shape=0)", mode="eval").body
    assert isinstance(call, ast.Call)
    call.keywords[0].value = shape
    return call
