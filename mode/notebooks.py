"""The numbered notebooks: find, read and execute them."""

import ast
import json
import os
from collections.abc import Mapping
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mode import checks
from mode.stderr import errors_to

PACKAGE = "mode_notebooks"
NOTEBOOK_ONLY = "notebook-only"  # tag of a cell that reports and served pages leave out


def folder() -> Path:
    """Return the folder of the notebooks: the checkout's, else the installed package's.

    Raises:
        InputError: when there is neither.
    """
    checkout = Path(__file__).parents[1] / "notebooks"
    if checkout.is_dir():
        return checkout
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        checks.fail(f"the notebooks must be in {checkout} or installed as {PACKAGE}", "neither")
    return Path(next(iter(spec.submodule_search_locations)))


def names() -> list[str]:
    """Return the names of all notebooks, without their ending, in order."""
    return sorted(path.stem for path in folder().glob("[0-9][0-9]-*.ipynb"))


def path(name: str) -> Path:
    """Return the file of the notebook `name`.

    Raises:
        InputError: for an unknown notebook.
    """
    return folder() / f"{checks.one_of('notebook', name, names())}.ipynb"


def read(name: str) -> dict:
    """Return the notebook `name` as a dictionary (nbformat 4)."""
    return json.loads(path(name).read_text(encoding="utf-8"))


def of_a_page(cells: list) -> list:
    """Return the cells that a report or a served page shows: all but those NOTEBOOK_ONLY."""
    return [cell for cell in cells if NOTEBOOK_ONLY not in cell["metadata"].get("tags", [])]


def parameters(name: str) -> dict[str, object]:
    """Return parameter -> default value, from the cell with the tag `parameters`.

    papermill itself only warns of an unknown parameter, and loses some; so the cell is read here.

    Raises:
        InputError: for an unknown notebook, or one without a parameter cell.
    """
    for cell in read(name)["cells"]:
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            lines: list[Any] = ast.parse("".join(cell["source"])).body  # each `name: type = value`
            return {line.target.id: ast.literal_eval(line.value) for line in lines}
    return checks.fail(f"notebook {name} must have a cell tagged 'parameters'", "none")


def title(name: str) -> str:
    """Return the first line of the notebook's title cell, without its marks."""
    return "".join(read(name)["cells"][0]["source"]).splitlines()[0].lstrip("# ").strip()


def execute(
    source: Path,
    copy: Path,
    parameters: Mapping[str, Any],
    *,
    log: Path | None = None,
    engine: str | None = None,
) -> Path:
    """Execute a notebook with parameters and write the executed copy.

    Args:
        source: the notebook's file, as `path` returns it.
        copy: file of the executed notebook; where a cell fails, it is written too, and marked.
        parameters: name -> value; the others keep their defaults.
        log: file for the kernel's standard error. Defaults to None: the terminal.
        engine: name of a papermill engine. Defaults to None: a new kernel executes the notebook.

    Returns:
        `copy`.

    Raises:
        PapermillExecutionError: when a cell fails.
    """
    import papermill

    options = {"engine_name": engine, "progress_bar": False}
    with errors_to(log) if log else nullcontext():
        papermill.execute_notebook(os.fspath(source), os.fspath(copy), dict(parameters), **options)
    return copy
