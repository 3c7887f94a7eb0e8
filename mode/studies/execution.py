"""Execute the notebooks themselves: small, to see that they run, or whole, to be looked at."""

import base64
import io
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from mode import notebooks, results

# Parameters with which each notebook runs in half a minute.
SMALL: dict[str, dict[str, Any]] = {
    "01-walkthrough": {"rounds": 2, "batch": 50, "metrics": ["cosine", "earth_mover"]},
    "02-run": {"metrics": ["dot", "earth_mover"], "rounds": 2, "batch": 50, "epochs": 1},
    "03-tables-and-figures": {},
    "04-why-does-it-not-learn": {"epochs": 3},
    "05-is-it-over-fitted": {"epochs": 3, "restarts": 4},
    "06-which-metric": {},
    "07-does-the-layer-matter": {},
    "08-which-inputs-repair": {},
    "09-explore": {},
    "10-which-method-repairs": {"scenarios": ["over_fitted_500"], "rounds": 2, "batch": 50},
    "11-is-my-model-repaired": {},
    "12-how-good-on-my-new-data": {"epochs": 3},
    "13-is-the-comparison-fair": {},
}
# Notebooks whose `out` is a file of rows, not a folder.
OF_ROWS = ("02-run", "10-which-method-repairs")
# A widget is nothing without its kernel; what it shows in its stead is kept.
WIDGET = "application/vnd.jupyter.widget-view+json"
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def execute_small(name: str, out: str | os.PathLike) -> Path:
    """Execute a notebook at its small parameters; the executed notebook is kept in `out`.

    Raises:
        InputError: for an unknown notebook.
        PapermillExecutionError: when a cell fails; the notebook is kept, marked.
    """
    source, out = notebooks.path(name), Path(out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    place = out / name / "rows.csv" if name in OF_ROWS else out / name
    parameters = {**SMALL.get(name, {}), "out": str(place)}
    return notebooks.execute(source, out / f"{name}.ipynb", parameters)


def execute_whole(name: str, out: str | os.PathLike) -> Path:
    """Execute a notebook as it stands; keep it in `out` without what changes from run to run.

    Raises:
        InputError: for an unknown notebook.
        CellExecutionError: when a cell fails.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(notebooks.path(name), as_version=4)
    with tempfile.TemporaryDirectory() as place:
        client = NotebookClient(notebook, timeout=None, resources={"metadata": {"path": place}})
        client.execute()
    _clean(notebook)
    return results.write_text(nbformat.writes(notebook) + "\n", Path(out) / f"{name}.ipynb")


def _clean(notebook) -> None:
    """Remove times, machine names, addresses, live widgets, and what went to standard error."""
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
            for output in cell.outputs:
                output.get("data", {}).pop(WIDGET, None)
                for kind, text in output.get("data", {}).items():
                    if kind.startswith("text/"):
                        output["data"][kind] = _ADDRESS.sub("", text)
                    if kind == "image/png":
                        output["data"][kind] = lighter(text)


def lighter(picture: str) -> str:
    """Return a PNG (base64) with at most 256 colors: a third of the size, and to the eye the same.

    A notebook of many pictures would not stay below a megabyte otherwise.
    """
    from PIL import Image

    full = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    buffer = io.BytesIO()
    full.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()
