"""A notebook run with parameters, as one page that needs nothing beside it."""

import os
import re
import tempfile
from collections.abc import Mapping
from html import escape
from pathlib import Path

from mode import results
from mode.studies import notebooks
from mode.studies.quiet import errors_to

STYLE = """body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}
img{max-width:100%;height:auto}h1,h2{line-height:1.2;margin-top:1.6em}
table{border-collapse:collapse;font-size:14px;margin:1em 0}td,th{padding:3px 9px;text-align:right}
tbody tr:nth-child(odd){background:#f4f4f4}thead th{border-bottom:1px solid #888}
tbody th,thead th:first-child{display:none}td{max-width:36em}
pre{background:#f4f4f4;padding:.6em;overflow:auto}.anchor-link,.prompt{display:none}"""

# What texts and tables are made of; any other tag is shown as text.
TAGS = "a b blockquote br caption code div em h1 h2 h3 hr i li ol p pre span strong table tbody td "
TAGS += "th thead tr ul"

# The sanitiser would show it as text.
PANDAS_STYLE = re.compile(r"<style scoped>.*?</style>", re.DOTALL)


def write_page(notebook: str, parameters: Mapping, path: str | os.PathLike, *, title: str) -> Path:
    """Execute a notebook and write its texts, tables and pictures, without its code, as HTML.

    The page holds no script and loads nothing; whatever a cell shows is sanitised.

    Raises:
        InputError: for an unknown notebook.
        PapermillExecutionError: when a cell fails.
        OSError: where the page cannot be written.
    """
    import nbformat
    import papermill

    source, path = notebooks.path(notebook), Path(path)
    with tempfile.TemporaryDirectory() as place:
        kept = Path(place) / "executed.ipynb"
        with errors_to(Path(place) / "log"):
            papermill.execute_notebook(str(source), str(kept), dict(parameters), progress_bar=False)
        executed = nbformat.read(kept, as_version=4)
    return results.write_text(page(executed, title), path)


def page(executed, title: str) -> str:
    """Return an executed notebook as a page."""
    from nbconvert import HTMLExporter

    for cell in executed.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
            for output in cell.outputs:
                if "text/html" in output.get("data", {}):
                    table = output["data"]["text/html"]
                    output["data"]["text/html"] = PANDAS_STYLE.sub("", table)
    basic = {"template_name": "basic", "exclude_input": True, "sanitize_html": True}
    exporter = HTMLExporter(filters={"clean_html": _clean}, **basic)
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    body, _ = exporter.from_notebook_node(executed)
    head = f"<meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html>{head}<body>{body}</body>"


def _clean(html) -> str:
    """Return HTML with TAGS alone; nbconvert's own filter knows no headings and no table heads."""
    from bleach import clean

    return clean(str(html), tags=TAGS.split(), attributes={"*": ["id", "class"]})
