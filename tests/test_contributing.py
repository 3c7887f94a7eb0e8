"""CONTRIBUTING's rows "To add X, touch Y" are true: one of each is added to a copy of the code."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# X: the edits that its row names, each a file, the line that the edit follows, and what is added.
ADDED = {
    "metric": [
        (
            "mode/distances/metrics.py",
            "from mode.distances.blocks import blockwise\n",
            """

@blockwise
def lorentzian(x, m):
    return np.log1p(np.abs(x - m)).sum(axis=1)
""",
        ),
        (
            "mode/distances/__init__.py",
            "DISTANCES = {\n",
            '    "lorentzian": metrics.lorentzian,\n',
        ),
        (
            "tests/test_distances.py",
            "ORACLES = {\n",
            '    "lorentzian": by_row(lambda x, m: sum(np.log1p(abs(x.astype(float) - m)))),\n',
        ),
    ],
    "selector": [
        (
            "mode/selection/uncertainty.py",
            "import numpy as np\n",
            """
def least_likely(candidates, generator):
    return required(candidates, "probabilities").min(axis=1)

""",
        ),
        (
            "mode/selection/__init__.py",
            "SELECTORS = {\n",
            '    "least_likely": by_score(uncertainty.least_likely, *_OUTPUTS),\n',
        ),
        (
            "tests/test_selection.py",
            "SCORES = {  # what each ranking selector wants small, one input at a time\n",
            '    "least_likely": lambda i: min(PROBABILITIES[i]),\n',
        ),
    ],
    "symptom": [
        (
            "mode/diagnosis/rules/model.py",
            "from mode.diagnosis.limits import LIMITS\n",
            """

def wide_layer(facts):
    widths = [s.units for s in facts.layers if s.units]
    if max(widths, default=0) <= LIMITS.widest:
        return []
    return [make_finding("wide_layer", Where("layer"), Evidence("units", max(widths)))]
""",
        ),
        ("mode/diagnosis/rules/model.py", "RULES = (\n", "    wide_layer,\n"),
        ("mode/diagnosis/limits.py", "class Limits:\n", "    widest: int = 5000  # units\n"),
        (
            "mode/diagnosis/catalog/symptoms.py",
            "SYMPTOMS = {symptom.code: symptom for symptom in (\n",
            '    Symptom("wide_layer", "a layer is very wide", _MODEL, _weights("capacity 1")),\n',
        ),
        (
            "tests/diagnosis/test_symptoms.py",
            "ROWS = {\n",
            '    "wide_layer": _checked(LAYERS.Dense(6000)),\n',
        ),
    ],
    "study": [
        (
            "mode/studies/registry.py",
            "STUDIES = {\n",
            """    "again": Study(
        question="Does it repair again?",
        notebook="02-run",
        grid=publication_grid,
        tables=publication_tables,
        figures={},
        small={"rounds": 2},
    ),
""",
        ),
    ],
}
COVERED = {
    "metric": ("tests/test_distances.py", "lorentzian and oracle or every_metric"),
    "selector": ("tests/test_selection.py", "least_likely and rankings"),
    "symptom": ("tests/diagnosis/test_symptoms.py", "wide_layer"),
    "study": ("tests/test_method_tables.py", "test_a_grid and again"),
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory) -> str:
    """Add all to a copy; return what the tests that cover them print there."""
    copy = tmp_path_factory.mktemp("copy")
    for folder in ("mode", "tests", "notebooks"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for name, after, added in [edit for edits in ADDED.values() for edit in edits]:
        text = (copy / name).read_text(encoding="utf-8")
        assert text.count(after) == 1, f"{name} has no such line: {after}"
        (copy / name).write_text(text.replace(after, after + added), encoding="utf-8")
    files = [file for file, _ in COVERED.values()]
    which = " or ".join(f"({expression})" for _, expression in COVERED.values())
    # Verdicts alone are read: without plugins, and without pytest's own form of each assertion.
    options = ["-o", "addopts=", "--assert=plain", "-rA", "--tb=short"]
    command = [sys.executable, "-m", "pytest", *options, *files, "-k", which]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTEST_ADDOPTS": ""}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", ADDED)
def test_what_is_added_as_contributing_says_is_covered(name, outcome):
    file = COVERED[name][0]
    verdicts = {line.split(" ")[0] for line in outcome.splitlines() if f" {file}::" in line}
    assert verdicts == {"PASSED"}, outcome


def test_no_more_files_are_touched_than_contributing_names():
    touched = {name: len({file for file, _, _ in edits}) for name, edits in ADDED.items()}
    assert touched == {"metric": 3, "selector": 3, "symptom": 4, "study": 1}
