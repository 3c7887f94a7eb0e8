"""Run benchmarks by name and keep their rows in one table."""

import os
from pathlib import Path

import pandas as pd

from benchmarks import (
    distances,
    estimation_speed,
    kernels,
    repair,
    selectors,
    start,
    study,
    training,
)
from mode import checks
from mode.results import write_rows

COLUMNS = ["benchmark", "case", "ours_seconds", "peer_seconds", "ratio", "peer"]


def measure(name: str, **options) -> pd.DataFrame:
    """Return the rows of the benchmark `name`: COLUMNS first, then its own.

    Raises:
        InputError: for an unknown name.
    """
    rows = BENCHMARKS[checks.one_of("benchmark", name, BENCHMARKS)](**options)
    return _ordered(pd.DataFrame(rows).round(4))


def keep(rows: pd.DataFrame, path: str | os.PathLike) -> Path:
    """Write rows into the table at `path`; it keeps those of benchmarks that are not in `rows`."""
    if Path(path).is_file():
        before = pd.read_csv(path, keep_default_na=False)
        before = before[~before["benchmark"].isin(rows["benchmark"])]
        rows = pd.concat([before, rows.astype(object)], ignore_index=True)
    rows = _ordered(rows).sort_values("benchmark", kind="stable").astype(object)
    return write_rows(rows.where(rows.notna(), ""), path)


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[*COLUMNS, *(name for name in rows if name not in COLUMNS)]]


def shown(rows: pd.DataFrame) -> str:
    """Return rows as text: each measurement on its own line, its further columns behind it."""
    return rows.fillna("").to_string(index=False)


BENCHMARKS = {
    "training": training.rows,
    "repair": repair.rows,
    "distances": distances.rows,
    "selectors": selectors.rows,
    "start": start.rows,
    "script": start.script_rows,
    "study": study.rows,
    "kernels": kernels.rows,
    "estimation": estimation_speed.rows,
}
