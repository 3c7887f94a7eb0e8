"""The floors of the house: imports go down only, and importing is cheap."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAVY = ("tensorflow", "keras", "matplotlib", "sklearn", "dask", "papermill")
ARITHMETIC = ["checks", "seeds", "data", "faults", "heatmaps", "distances", "selection", "stats"]


def loaded_by(*arguments: str) -> set[str]:
    """Return which heavy packages a fresh interpreter has loaded after `arguments`."""
    code = f"import sys; {arguments[0]}; print([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(eval(run.stdout.strip().splitlines()[-1]))


def test_the_contracts_of_the_floors_are_kept():
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_arithmetic_results_and_help_load_nothing_heavy():
    """One after another in one process, so that the first to load something is named."""
    names = ["mode", *(f"mode.{name}" for name in ARITHMETIC), "mode.results", "mode.cli"]
    steps = [f"import {name}" for name in names]
    help_page = "CliRunner().invoke(mode.cli.main, ['--help']).output"
    steps.append(f"from click.testing import CliRunner; assert 'reproduce' in {help_page}")
    told = f"assert not set({(*HEAVY, 'ot')!r}) & set(sys.modules), "
    loaded_by("; ".join(f"{step}; {told}{step!r}" for step in steps))


def test_tables_are_redone_without_tensorflow():
    loaded = loaded_by("from mode.studies import tabulate, draw")
    assert not loaded & {"tensorflow", "keras"}


def test_only_figures_draws():
    users = {
        path.relative_to(ROOT / "mode").parts[0]
        for path in (ROOT / "mode").rglob("*.py")
        if any(
            line.strip().startswith(("import matplotlib", "from matplotlib"))
            for line in path.read_text(encoding="utf-8").splitlines()
        )
    }
    assert users == {"figures"}


def test_only_the_recorder_of_the_diagnosis_imports_tensorflow():
    users = {
        path.relative_to(ROOT / "mode" / "diagnosis").parts[0]
        for path in (ROOT / "mode" / "diagnosis").rglob("*.py")
        if "import tensorflow" in path.read_text(encoding="utf-8")
    }
    assert users == {"recorder"}
