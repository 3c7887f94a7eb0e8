"""The arithmetic's public functions tell shapes and errors and show an example, which runs."""

import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

import mode
from tests.test_floors import ROOT

FLOORS = (
    "checks",
    "seeds",
    "data",
    "faults",
    "heatmaps",
    "distances",
    "selection",
    "stats",
    "results",
)
MODULES = [
    module.name
    for module in pkgutil.walk_packages(mode.__path__, "mode.")
    if module.name.split(".")[1] in FLOORS
]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SHAPE = re.compile(r"\((n|m|classes|blocks|units)\b[^)]*\)|\bn x |indices|of any shape")


def public() -> Iterator[tuple[str, Callable]]:
    for floor in FLOORS:
        module = importlib.import_module(f"mode.{floor}")
        own = [n for n, v in vars(module).items() if inspect.getmodule(v) is module]
        for name in getattr(module, "__all__", own):
            found = getattr(module, name)
            if inspect.isfunction(found) and not name.startswith("_"):
                yield f"{floor}.{name}", found


PUBLIC = dict(public())


def test_all_floors_have_public_functions():
    assert {name.split(".")[0] for name in PUBLIC} == set(FLOORS)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_function_tells_shapes_and_errors_and_shows_an_example(name):
    text, code = inspect.getdoc(PUBLIC[name]) or "", inspect.getsource(PUBLIC[name])
    assert ">>> " in text
    if re.search(r"\b(fail|checks\.\w+|paired|_with_control)\(|raise ", code):
        assert "Raises:" in text
    if "ndarray" in str(inspect.signature(PUBLIC[name])):
        assert SHAPE.search(text.split("Example:")[0])


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name, capsys):
    found = doctest.testmod(importlib.import_module(name), optionflags=OPTIONS)
    assert found.failed == 0, capsys.readouterr().out


def test_examples_load_no_framework():
    code = f"""
import doctest, importlib, sys
for name in {MODULES!r}:
    doctest.testmod(importlib.import_module(name), optionflags={OPTIONS})
print(sorted({{"tensorflow", "keras", "torch", "jax", "matplotlib"}} & set(sys.modules)))
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "[]"
