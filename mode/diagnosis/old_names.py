"""What the installed Keras, TensorFlow and NumPy call what an old program names."""

import ast
import warnings
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from mode.diagnosis.keras2 import MODULES, MOVED, PREFIXES, REMOVED, WORDS

_LONGEST_FIRST = sorted(MODULES, key=len, reverse=True)


def imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield for each thing that a statement imports the program's name and the full one."""
    if isinstance(node, ast.ImportFrom) and not node.level:
        yield from ((a.asname or a.name, f"{node.module}.{a.name}") for a in node.names)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.split(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (top, top)


def dotted(node: ast.AST) -> str:
    """Return a dotted name as text, "" for what is none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else f".{node.attr}"
    return ""


def full_name(name: str, roots: dict[str, str]) -> str:
    """Return a dotted name with its first part written out as it was imported, "" where not.

    >>> full_name("K.sum", {"K": "keras.backend"})
    'keras.backend.sum'
    """
    first, dot, rest = name.partition(".")
    return f"{roots[first]}{dot}{rest}" if first in roots else ""


def plain(name: str) -> str:
    """Return a full name as Keras's own, whichever copy of Keras it is from."""
    for prefix, new in PREFIXES:
        if name == prefix or name.startswith(f"{prefix}."):
            return new + name[len(prefix) :]
    return name


def present(name: str) -> str:
    """Return what means the same today, the name itself where nothing is certain.

    It is a full name or, where only an expression means the same, that.

    >>> present("tensorflow.keras.layers.core.Dense")
    'keras.layers.Dense'
    >>> present("keras.losses.mse")
    'tensorflow.keras.losses.mse'
    """
    new = plain(name)
    for old in _LONGEST_FIRST:
        if new == old or new.startswith(f"{old}."):
            new = MODULES[old] + new[len(old) :]
            break
    else:
        new = new if name.startswith(("tensorflow.python", "tensorflow.contrib")) else name
    in_scope = new.split(".")[0] in ("keras", "tensorflow", "numpy") or new in MOVED
    if not in_scope or exists(new):
        return new
    if plain(new) in MOVED:
        return MOVED[plain(new)]
    if any(new == gone or new.startswith(f"{gone}.") for gone in REMOVED):
        return new
    older = new.replace("tensorflow.", "tensorflow.compat.v1.", 1)
    elsewhere = f"tensorflow.{new}", plain(new), older
    return next((other for other in elsewhere if exists(other)), new)


def idle_imports(tree: ast.AST) -> list[tuple[ast.ImportFrom, ast.alias]]:
    """Return the imports of names that Keras and TensorFlow lost and that a program never uses."""
    used = {"*", *(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))}
    return [
        (node, alias)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias, (name, full) in zip(node.names, imported(node), strict=False)
        if name not in used
        and plain(full).split(".")[0] in ("keras", "tensorflow")
        and not (present(full) in WORDS or exists(present(full)))
    ]


@cache
def exists(name: str) -> bool:
    """Tell whether the installed libraries have a full name."""
    whole, *parts = name.split(".")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = import_module(whole)
            for part in parts:
                whole = f"{whole}.{part}"
                value = getattr(value, part) if hasattr(value, part) else import_module(whole)
        except Exception:  # whatever a library answers for a name that it lacks
            return False
    return True


def spelled(new: str, name: str, roots: dict[str, str]) -> str:
    """Return an expression for a full name, by the root that a program's own name begins with."""
    first, (top, _, rest) = name.split(".")[0], new.partition(".")
    base = roots[first]
    if not rest or new in WORDS:
        return new
    return first + new[len(base) :] if new.startswith(f"{base}.") else f"__import__({top!r}).{rest}"
