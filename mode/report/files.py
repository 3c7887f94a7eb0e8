"""Files of a repair: the saved model and its data, the results, and the report page."""

import json
import math
import os
import re
import tempfile
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mode import notebooks, results
from mode.data import Data, load_data
from mode.models import classes_of, load_model
from mode.models.files import copied_unsafely
from mode.models.guarded import repaired_like
from mode.models.rescaled import of_unit_inputs
from mode.repair import RECIPES, Repair
from mode.report.case import Case

TABLES = ("rows", "chosen", "suspects", "splits", "faults")
NO_SPLITS = pd.DataFrame(columns=["part", "source", "index"])  # of a named data set
SUSPECT_DTYPES = {"index": int, "label": str, "suggested": str}  # names may look like numbers

STYLE = """body{font:16px/1.5 sans-serif;max-width:60em;margin:1em auto;padding:0 1em;color:#222}
img{max-width:100%;height:auto}h1,h2{line-height:1.2;margin-top:1.6em}h1{margin-top:.3em;font-size:1.5em}
table{border-collapse:collapse;font-size:14px;margin:1em 0}td,th{padding:3px 9px;text-align:right}
th{vertical-align:bottom}tr td:first-child,tr th:first-child{text-align:left}
tbody tr:nth-child(odd){background:#f4f4f4}thead th{border-bottom:1px solid #888}
table.dataframe tbody th,table.dataframe thead th:first-child{display:none}td{max-width:36em}
tr.worse td{background:#fbe3d6;font-weight:600}
.output_html,.jp-RenderedHTMLCommon{overflow-x:auto}
pre{font:inherit;white-space:pre-wrap;margin:.6em 0}.anchor-link,.prompt{display:none}"""

# Tags of texts and tables; any other tag is shown as text.
TAGS = "a b blockquote br caption code div em h1 h2 h3 hr i li ol p pre span strong table tbody td "
TAGS += "th thead tr ul"
PANDAS_STYLE = re.compile(r"<style scoped>.*?</style>", re.DOTALL)


def load_model_and_data(
    model: str | os.PathLike, data: Any, *, allow_unsafe: bool = False, **options: Any
) -> tuple[keras.Model, Data, keras.Model]:
    """Load a saved classifier and its data; return the model, the data, and the model for this
    data: a copy that takes inputs in [0, 1] where the file's model scales 8-bit inputs itself.

    Args:
        model: path of a `.keras` file.
        data: what `mode.load_data` takes.
        allow_unsafe: run code that the model's file holds (Lambda). Defaults to False.
        options: of `mode.load_data`, such as `seed`, `pool` and `pool_labels`.

    Raises:
        InputError: for files that cannot be read, or labels beyond the model's classes.
    """
    original = load_model(model, allow_unsafe=allow_unsafe)
    parts = load_data(data, classes=classes_of(original), **options)
    return original, parts, _for_data(original, parts, allow_unsafe)


def _for_data(model: keras.Model, data: Data, allow_unsafe: bool) -> keras.Model:
    with copied_unsafely(allow_unsafe):
        return of_unit_inputs(model) if data.from_bytes else model


def open_case(
    model: str | os.PathLike,
    data: str | os.PathLike,
    out: str | os.PathLike,
    *,
    seed: int,
    pool: str = "",
    pool_labels: str = "",
    allow_unsafe: bool = False,
) -> Case:
    """Return the repair that `repair_files` left in `out`; the arguments are those it had.

    Raises:
        InputError: for files that cannot be read.
    """
    out = Path(out)
    files = {"pool": pool or None, "pool_labels": pool_labels or None}
    _, parts, before = load_model_and_data(
        model, data, allow_unsafe=allow_unsafe, seed=seed, **files
    )
    repaired = load_model(out / "repaired.keras", allow_unsafe=allow_unsafe)
    after = _for_data(repaired, parts, allow_unsafe)
    rows, chosen, faults = (
        results.read_partial(out / f"{name}.csv") for name in ("rows", "chosen", "faults")
    )
    suspects = pd.read_csv(out / "suspects.csv", dtype=SUSPECT_DTYPES, keep_default_na=False)
    record = json.loads((out / "record.json").read_text(encoding="utf-8"))
    return Case(before, after, parts, rows, chosen, faults, suspects, record)


def write(repaired: Repair, model: keras.Model, data: Data, out: Path, options: dict) -> list[Path]:
    """Write the model, the tables and record.json, and return their paths.

    What is saved is a copy of `model`, the user's, with its names, dtypes and compile settings.
    """
    saved_model = repaired_like(model, repaired.model, repaired.margin, data.train.x)
    saved = results.write_whole(saved_model.save, out / "repaired.keras")
    rows = repaired.rounds
    if not RECIPES[options["recipe"]].compares:
        rows = rows.drop(columns="layer", errors="ignore")  # it selects none
    tables = {
        "rows": rows,
        "chosen": with_class_names(chosen_inputs(repaired, data), data),
        "suspects": suspect_inputs(repaired, data),
        "splits": NO_SPLITS if data.origin is None else data.origin,
        "faults": with_class_names(repaired.faults, data),
    }
    paths = [results.write_rows(tables[name], out / f"{name}.csv") for name in TABLES]
    record = {
        **options,
        "kept": repaired.kept,
        "reason": repaired.reason,
        "result": {name: repaired.result[name] for name in repaired.result if name != "seconds"},
        "seconds": repaired.seconds,
        "held_out": data.held_out,
        "data_notes": data.notes,
        "notes": repaired.notes,
    }
    return [saved, *paths, results.write_text(json_text(record) + "\n", out / "record.json")]


def chosen_inputs(repaired: Repair, data: Data) -> pd.DataFrame:
    """Return round, index and label of each chosen input; the index is into the user's pool."""
    places = data.places("pool")
    rounds = [
        pd.DataFrame({"round": number, "index": places[indices], "label": data.pool.y[indices]})
        for number, indices in enumerate(repaired.chosen, start=1)
    ]
    return pd.concat(rounds) if rounds else pd.DataFrame(columns=["round", "index", "label"])


def suspect_inputs(repaired: Repair, data: Data) -> pd.DataFrame:
    """Return the inputs of the pool that the repair set aside: index into the user's pool, label
    and suggested label by name."""
    table = repaired.suspects
    indices = data.places("pool")[table["index"].to_numpy(np.int64)]
    names = {name: [data.name(int(k)) for k in table[name]] for name in ("label", "suggested")}
    return pd.DataFrame({"index": indices, **names})


def with_class_names(table: pd.DataFrame, data: Data) -> pd.DataFrame:
    """Return a table that has the column "label" with the names in a column "class"."""
    return table.assign(**{"class": [data.name(int(label)) for label in table["label"]]})


def json_text(values: Any) -> str:
    """Return plain values as JSON, numpy's numbers as Python's, and null for NaN."""
    return json.dumps(_plain(values), indent=1, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_page(notebook: str, parameters: Mapping, path: str | os.PathLike, *, title: str) -> Path:
    """Execute a notebook and write its texts, tables and pictures, without its code, as HTML.

    The page holds no script and loads nothing; the output of every cell is sanitized.

    Raises:
        InputError: for an unknown notebook.
        PapermillExecutionError: when a cell fails.
        OSError: where the page cannot be written.
    """
    import nbformat

    with tempfile.TemporaryDirectory() as folder:
        copy, log = Path(folder) / "executed.ipynb", Path(folder) / "log"
        notebooks.execute(notebooks.path(notebook), copy, parameters, log=log)
        executed = nbformat.read(copy, as_version=4)
    return results.write_text(page(executed, title), path)


def page(executed: Any, title: str) -> str:
    """Return an executed notebook as a page, without the cells for the notebook alone."""
    from nbconvert import HTMLExporter

    executed.cells = notebooks.of_a_page(executed.cells)
    for cell in executed.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
            for output in cell.outputs:
                if "text/html" in output.get("data", {}):
                    table = output["data"]["text/html"]
                    # The filter would show the style as text.
                    output["data"]["text/html"] = PANDAS_STYLE.sub("", table)
    basic = {"template_name": "basic", "exclude_input": True, "sanitize_html": True}
    exporter = HTMLExporter(filters={"clean_html": _clean}, **basic)
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    body, _ = exporter.from_notebook_node(executed)
    narrow = "<meta name=viewport content='width=device-width,initial-scale=1'>"
    head = f"<meta charset=utf-8>{narrow}<title>{escape(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html>{head}<body>{body}</body>"


def _clean(html: Any) -> str:
    """Return HTML with TAGS alone; nbconvert's own filter allows no headings and table heads."""
    from bleach import clean

    return clean(str(html), tags=TAGS.split(), attributes={"*": ["id", "class"]})
