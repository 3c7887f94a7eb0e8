"""Long tables on disk: one row a measurement, identity in columns, whole files or none."""

import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from mode import checks
from mode.results.files import write_text

# Columns that differ from one run to the next; they belong into the run's record.
VOLATILE = ("seconds",)
PARTIAL = ".partial.csv"
MISSING = "nan"  # such as the accuracy of a label without test inputs


def write_rows(rows: pd.DataFrame, path: str | os.PathLike, *, keep_volatile: bool = False) -> Path:
    """Write rows as CSV, without their volatile columns; a reader never sees half a file.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     rows = pd.DataFrame({"seed": [0], "seconds": [1.2]})
        ...     write_rows(rows, f"{folder}/rows.csv").read_text()
        'seed\\n0\\n'
    """
    dropped = [] if keep_volatile else [name for name in VOLATILE if name in rows]
    stable_rows = rows.drop(columns=dropped)
    return write_text(stable_rows.to_csv(index=False, lineterminator="\n", na_rep=MISSING), path)


def read_rows(place: str | os.PathLike, runs: Iterable[str] | None = None) -> pd.DataFrame:
    """Return the rows of all finished runs of a folder (or of `runs` alone), in name order.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     for seed in (0, 1):
        ...         _ = write_rows(pd.DataFrame({"seed": [seed]}), f"{folder}/run-{seed}.csv")
        ...     read_rows(folder)
           seed
        0     0
        1     1

    Raises:
        InputError: when there are none.
    """
    run_names = None if runs is None else set(runs)
    files = [path for path in sorted(Path(place).glob("*.csv")) if not path.match(f"*{PARTIAL}")]
    files = [path for path in files if run_names is None or path.stem in run_names]
    if not files:
        checks.fail("there must be rows of finished runs (.csv)", f"none in {place}")
    return pd.concat(map(read_partial, files), ignore_index=True)


def read_partial(path: str | os.PathLike) -> pd.DataFrame:
    """Return the rows of one file, finished or not.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     rows = pd.DataFrame({"label": ["", "3"], "accuracy": [None, 0.9]})
        ...     read_partial(write_rows(rows, f"{folder}/rows.csv")).to_dict("list")
        {'label': ['', '3'], 'accuracy': [nan, 0.9]}
    """
    # "" is a value (no label was faulty), never a missing number.
    return pd.read_csv(path, keep_default_na=False, na_values=[MISSING])
