"""The arithmetic's public functions show an example, which runs."""

import doctest
import importlib
import inspect
import json
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
RUN = f"""
import contextlib, doctest, importlib, io, json, sys
failures = {{}}
for name in {MODULES!r}:
    with contextlib.redirect_stdout(io.StringIO()) as said:
        options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        found = doctest.testmod(importlib.import_module(name), optionflags=options)
    failures[name] = said.getvalue() if found.failed else ""
heavy = sorted({{"tensorflow", "keras", "torch", "jax", "matplotlib"}} & set(sys.modules))
print(json.dumps([failures, heavy]))
"""


@pytest.fixture(scope="module")
def run() -> tuple[dict[str, str], list[str]]:
    """What the examples of each module got wrong, in a process of their own, and the frameworks
    that it loaded."""
    command = [sys.executable, "-c", RUN]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    failures, heavy = json.loads(done.stdout.splitlines()[-1])
    return failures, heavy


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
def test_examples_give_what_they_show(name, run):
    assert not run[0][name], run[0][name]


def test_examples_load_no_framework(run):
    assert run[1] == []
