"""Translate a Keras 2 program to Keras 3 where its meaning is certain.

A program is changed as a syntax tree, so that every line keeps its number. `translate` returns the
changed tree with what to change for good; `hints` names what no program can translate.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from mode.diagnosis import keras2
from mode.diagnosis.file_names import file_names
from mode.diagnosis.old_names import (
    dotted,
    full_name,
    idle_imports,
    imported,
    plain,
    present,
    spelled,
)
from mode.diagnosis.syntax import call_of, ends_in, expression

_LIBRARIES = ("keras", "tensorflow")


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
    own_steps: bool = False
    roots: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def _note(self, node, old: str, new: str) -> None:
        change = Change(node.lineno, old, new)
        if change not in self.changes:
            self.changes.append(change)

    def visit_ImportFrom(self, node: ast.ImportFrom):
        """Rename a module and its names; a name that lies elsewhere gets an import of its own."""
        if node.level:
            return node
        module, apart = node.module or "", []
        node.module = present(module)
        if node.module != module:
            self._note(node, f"from {module}", f"from {node.module}")
        for alias in list(node.names):
            old, new = alias.name, present(f"{module}.{alias.name}")
            place, _, name = new.rpartition(".")
            if old == "*" or (place, name) == (node.module, old):
                continue
            alias.name, alias.asname = name, alias.asname or (old if old != name else None)
            if place == node.module:
                self._note(node, old, name)
                continue
            node.names.remove(alias)
            moved: ast.stmt = ast.ImportFrom(place, [alias], 0)
            if not place or new in keras2.WORDS:  # no module has it
                moved = ast.parse(f"{alias.asname or old} = {new}").body[0]
            self._note(node, f"import {old}", f"from {place} import {name}" if place else new)
            apart.append(ast.copy_location(moved, node))
        for part in (node, *apart):
            self.roots |= imported(part)
        return [*([node] if node.names else []), *apart]

    def visit_Import(self, node: ast.Import):
        """Rename a module, under a name of the user's or under the same first name."""
        for alias in node.names:
            new = present(alias.name)
            tops = {name.split(".")[0] for name in (new, alias.name)}
            if new != alias.name and (alias.asname or len(tops) == 1):
                self._note(node, f"import {alias.name}", f"import {new}")
                alias.name = new
        self.roots |= imported(node)
        return node

    def visit_Attribute(self, node: ast.Attribute):
        """Rename a dotted module, a method, a type, and read a layer's shape off its tensors."""
        name = dotted(node)
        full = full_name(name, self.roots)
        new = present(full)
        if new != full and isinstance(node.ctx, ast.Load):
            self._note(node, name, keras2.WORDS.get(new, new))
            return expression(spelled(new, name, self.roots), node)
        self.generic_visit(node)
        ends = {"input_shape": "input", "output_shape": "output"}
        if node.attr in ends and isinstance(node.ctx, ast.Load):
            read = f"lambda a: a.{node.attr} if hasattr(a, '{node.attr}') else "
            read += f"tuple(a.{ends[node.attr]}.shape)"
            self._note(node, f"layer.{node.attr}", f"layer.{ends[node.attr]}.shape")
            return call_of(read, node, node.value)
        if node.attr == "name" and getattr(node.value, "attr", "") == "dtype":
            self._note(node, "x.dtype.name", "x.dtype")
            return call_of("lambda dtype: getattr(dtype, 'name', dtype)", node, node.value)
        return node

    def visit_Call(self, node: ast.Call):
        """Rename a method and the keyword arguments of a call."""
        full = present(full_name(dotted(node.func), self.roots))
        called = (full or dotted(node.func)).rsplit(".", 1)[-1]
        tf1 = full.startswith("tensorflow.") and not self.own_steps
        if tf1 and called in keras2.TF1_OPTIMIZERS:
            self._optimizer(node, called)
        self.generic_visit(node)
        if called[:1].isupper() and full and full.split(".")[0] not in _LIBRARIES:
            return node  # another library's
        if called == "predict_classes" and isinstance(node.func, ast.Attribute):
            self._note(node, "model.predict_classes(x)", "model.predict(x) and argmax, or > 0.5")
            node.func.attr = "predict"
            return call_of(keras2.CLASSES, node, node)
        if called == "reset_states" and isinstance(node.func, ast.Attribute):
            self._note(node, "model.reset_states()", "layer.reset_state() of each layer")
            return call_of(keras2.RESET, node, node.func.value)
        if isinstance(node.func, ast.Attribute) and called in keras2.METHODS:
            self._note(node, called, keras2.METHODS[called])
            node.func.attr = keras2.METHODS[called]
        units = node.args[0] if node.args else None
        if called == "Dense" and isinstance(units, ast.Call) and ends_in(units, *keras2.NUMBERS):
            self._note(node, "Dense(units)", "Dense(int(units))")
            node.args[0] = call_of("int", units, units)
        if called in keras2.OPTIMIZERS:
            self._decay(node, called)
        self._rename_keywords(node, called)
        return node

    def _optimizer(self, node: ast.Call, called: str) -> None:
        """Put Keras's optimizer in the place of one of TensorFlow 1 that Keras 3 refuses."""
        name, epsilon = keras2.TF1_OPTIMIZERS[called]
        self._note(node, called, f"keras.optimizers.{name}")
        node.func = expression(f"__import__('keras').optimizers.{name}", node)
        for keyword in node.keywords:
            keyword.arg = keras2.TF1_KEYWORDS.get(keyword.arg or "", keyword.arg)
        node.keywords = [keyword for keyword in node.keywords if keyword.arg != ""]
        if epsilon and not any(keyword.arg == "epsilon" for keyword in node.keywords):
            node.keywords.append(ast.keyword("epsilon", ast.Constant(epsilon)))

    def _rename_keywords(self, node: ast.Call, called: str) -> None:
        names = keras2.KEYWORDS.get(called, {})
        if called[:1].isupper() and called not in ("Input", "InputLayer"):
            names = {**names, **keras2.SHAPE}
        if called in ("fit", "fit_generator", "evaluate_generator", "predict_generator"):
            names = {**names, **dict.fromkeys(keras2.GONE, "")}
        keywords = {keyword.arg: keyword for keyword in node.keywords}
        if names.get("batch_input_shape") and {"input_shape", "batch_size"} <= keywords.keys():
            shape = keywords["input_shape"]
            whole = [keywords["batch_size"].value, ast.Starred(shape.value, ast.Load())]
            shape.arg, shape.value = "batch_input_shape", ast.Tuple(whole, ast.Load())
            node.keywords.remove(keywords["batch_size"])
        for keyword in list(node.keywords):
            old = keyword.arg or ""
            if old == "batch_input_shape":
                self._batch_shape(node, keyword)
            elif old in names:
                self._note(node, f"{called}({old}=)", names[old] and f"{called}({names[old]}=)")
                keyword.arg = names[old]
        losses = [k.value for k in node.keywords if k.arg == "loss"] + node.args[1:2]
        for part in losses if called == "compile" else ():
            for value in ast.walk(part):
                if isinstance(value, ast.Constant):
                    self._loss(value)
        node.keywords = [keyword for keyword in node.keywords if keyword.arg != ""]

    def _loss(self, value: ast.Constant) -> None:
        if isinstance(value.value, str) and value.value in keras2.LOSSES:
            self._note(value, repr(value.value), repr(keras2.LOSSES[value.value]))
            value.value = keras2.LOSSES[value.value]

    def _batch_shape(self, node: ast.Call, keyword: ast.keyword) -> None:
        """Put an Input of a fixed batch before a layer that named its shape itself.

        Only in `model.add(Layer(batch_input_shape=...))` and in a list of layers is there a place
        for it; `visit_Expr` and `visit_List` find it by this mark.
        """
        self._note(node, "batch_input_shape=", "keras.Input(batch_shape=...) before the layer")
        node.keywords.remove(keyword)
        layer_input = call_of("__import__('keras').Input", node, batch_shape=keyword.value)
        node.layer_input = layer_input  # type: ignore[attr-defined]

    def visit_Expr(self, node: ast.Expr):
        """Add the input that a layer named itself before the layer."""
        self.generic_visit(node)
        call = node.value
        if not (isinstance(call, ast.Call) and len(call.args) == 1):
            return node
        layer_input = getattr(call.args[0], "layer_input", None)
        if layer_input is None or not isinstance(call.func, ast.Attribute):
            return node
        before = ast.Expr(ast.Call(call.func, [layer_input], []))
        return [ast.copy_location(before, node), node]

    def visit_List(self, node: ast.List):
        """Add the input that a layer of a list named itself."""
        self.generic_visit(node)
        layer_input = getattr(node.elts[0], "layer_input", None) if node.elts else None
        if layer_input is not None:
            node.elts.insert(0, layer_input)
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
        rate = node.args[0] if node.args else ast.Constant(keras2.OPTIMIZERS[called])
        rate = rates[0].value if rates else rate
        schedule = "__import__('keras').optimizers.schedules.InverseTimeDecay"
        decayed = call_of(schedule, node, rate, ast.Constant(1), decay.value)
        node.args = node.args[1:]
        node.keywords = [k for k in node.keywords if k not in rates]
        node.keywords.append(ast.keyword("learning_rate", decayed))
        new = "learning_rate=keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay)"
        self._note(node, f"{called}(decay=)", new)

    def visit_Constant(self, node: ast.Constant):
        """Write the short name of a logged accuracy out where `compile` was given the long one,
        and a file's name as Keras wants it."""
        if isinstance(node.value, str) and node.value in self.files:
            self._note(node, repr(node.value), repr(self.files[node.value]))
            return ast.copy_location(ast.Constant(self.files[node.value]), node)
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
    names = {getattr(n, "value", None) for m in metrics for n in ast.walk(m)}
    long = "acc" not in names and "accuracy" in names and {"acc", "val_acc"} & {*map(str, words)}
    attributes = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    own_steps = bool(attributes & {"minimize", "compute_gradients"})
    accuracy, files = "accuracy" if long else "", file_names(tree)
    translation = Translation(tree, accuracy=accuracy, own_steps=own_steps, files=files)
    for node, alias in idle_imports(tree):  # only the import would fail
        node.names.remove(alias)
        translation.changes.append(Change(node.lineno, f"import {alias.name}", ""))
    translation.tree = ast.fix_missing_locations(translation.visit(tree))
    translation.changes.sort(key=lambda change: change.line)
    return translation


def hints(tree: ast.AST) -> Iterator[Change]:
    """Yield the names of a program that Keras 3 lacks and that have no certain translation."""
    roots = dict(pair for node in ast.walk(tree) for pair in imported(node))
    changes = [
        Change(getattr(node, "lineno", 0), name, new)
        for node in ast.walk(tree)
        for name in _names(node, roots)
        for gone, new in keras2.REMOVED.items()
        if f"{plain(present(name))}.".startswith(f"{gone}.")
    ]
    yield from dict.fromkeys(changes)


def _names(node: ast.AST, roots: dict[str, str]) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [full_name(dotted(node), roots)] if isinstance(node, ast.Attribute) else []
