"""Checks of the tables that figures are drawn from, and their columns as numbers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mode import checks


def wanted(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return `table` if it is a table with rows and the `columns`.

    Raises:
        InputError: naming the columns it has.
    """
    if not isinstance(table, pd.DataFrame):
        checks.fail("table must be a DataFrame", type(table).__name__)
    if not set(columns) <= set(table.columns):
        listed = ", ".join(map(repr, columns))
        checks.fail(f"table must have the columns {listed}", ", ".join(map(repr, table.columns)))
    return checks.not_empty("table", table)


def numbers(table: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column as floats (n,); an empty cell, as a CSV file has them, is NaN.

    Raises:
        InputError: for a cell that is neither.
    """
    found = pd.to_numeric(table[column], errors="coerce").astype(float)
    bad = table[column][found.isna() & table[column].notna() & (table[column] != "")]
    if len(bad):
        checks.fail(f"column {column!r} must hold numbers", repr(bad.iloc[0]))
    return found.to_numpy()
