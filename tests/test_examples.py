"""The arithmetic's public functions show an example, which runs."""

import doctest
import importlib
import inspect
import pkgutil
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
def test_a_public_function_shows_an_example(name):
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(PUBLIC[name]) or "")
    assert examples


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
