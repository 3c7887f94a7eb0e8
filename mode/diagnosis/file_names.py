"""Names of files that a Keras 2 program saves to and Keras 3 refuses."""

import ast
import re
from collections.abc import Iterator

WEIGHTS = ".weights.h5"
_ENDING = re.compile(r"(\.weights)?(\.(h5|hdf5|tf|ckpt))?$")


def file_names(tree: ast.AST) -> dict[str, str]:
    """Return, by the old one, the new name of each file that a program saves weights or, as a
    checkpoint, a model to.

    A path is read where it is written out, from each value that a variable gets, or as the part of
    an expression that ends like a file of weights.

    >>> file_names(ast.parse("model.save_weights('best.h5')"))
    {'best.h5': 'best.weights.h5'}
    """
    values, names = _assigned(tree), dict[str, str]()
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        function = getattr(call.func, "attr", getattr(call.func, "id", ""))
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        path = call.args[0] if call.args else keywords.get("filepath")
        if path is None or function not in ("save_weights", "ModelCheckpoint"):
            continue
        only = getattr(keywords.get("save_weights_only"), "value", False)
        for old in _texts(path, values):
            weights = function == "save_weights" or only
            new = _ENDING.sub(WEIGHTS, old, count=1) if weights else re.sub(r"\.hdf5$", ".h5", old)
            if new != old:
                names[old] = new
    return names


def _assigned(tree: ast.AST) -> dict[str, list[ast.expr]]:
    """Return the values that each variable gets."""
    values: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            values.setdefault(node.targets[0].id, []).append(node.value)
    return values


def _texts(path: ast.expr, values: dict[str, list[ast.expr]]) -> Iterator[str]:
    """Yield the texts of a program that end a path."""
    if isinstance(path, ast.Name):
        for assigned in values.get(path.id, ()):
            yield from _texts(assigned, {})
        return
    if isinstance(path, ast.Constant) and isinstance(path.value, str):
        yield path.value
        return
    for node in ast.walk(path):
        value = getattr(node, "value", None)
        if isinstance(value, str) and value.endswith((".h5", ".hdf5")):
            yield value
