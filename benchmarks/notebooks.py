"""`python -m benchmarks.notebooks [NAMES]`: seconds that each notebook takes as it stands.

The minutes in notebooks/README.md are these seconds, rounded up.
"""

import os
import tempfile
from pathlib import Path

import click
import pandas as pd

from benchmarks.measurements import clocked
from mode import notebooks
from mode.results import write_rows
from mode.studies.execution import execute_whole


def measured(name: str) -> dict:
    """Return the row of one notebook, executed in a new kernel; its pictures are not kept."""
    with tempfile.TemporaryDirectory() as place:
        return {"notebook": name, "seconds": round(clocked(lambda: execute_whole(name, place))[0])}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1)
@click.option("--out", default="results/tables/notebooks.csv", show_default=True, help="Table.")
def main(names: tuple[str, ...], out: str) -> None:
    """Execute all notebooks, or those with the given NAMES, and write how long each took."""
    for name in names or notebooks.names():
        row = pd.DataFrame([measured(name)])
        stored = pd.read_csv(out) if Path(out).is_file() else row[:0]
        rows = pd.concat([stored[stored["notebook"] != name], row]).sort_values("notebook")
        write_rows(rows, out, keep_volatile=True)
        click.echo(row.to_string(index=False, header=False))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main(prog_name="python -m benchmarks.notebooks")
