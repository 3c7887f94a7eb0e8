"""From a long table to a wide one, a row a block and a column a method, or a refusal."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mode import checks

# Equal differences of accuracies differ in their last bits; rounded, they are the ties they are.
DECIMALS = 12


def paired(
    table: pd.DataFrame, *, value: str, method: str, block: str | Sequence[str]
) -> pd.DataFrame:
    """Return `value` with a row a block and a column a method, both sorted, methods as text.

    Values are rounded to 12 decimals.

    Example:
        >>> table = pd.DataFrame({"seed": [0, 0, 1, 1], "method": [*"abab"], "score": [1, 2, 3, 4]})
        >>> paired(table, value="score", method="method", block="seed")
        method    a    b
        seed
        0       1.0  2.0
        1       3.0  4.0

    Raises:
        InputError: for an unknown column, a value that is no finite number, an empty identity
            cell, a second row or no row for a method in a block, or fewer than two of them.
    """
    blocks = [block] if isinstance(block, str) else list(block)
    for role, column in [
        ("value", value),
        ("method", method),
        *(("block", name) for name in blocks),
    ]:
        checks.one_of(role, column, map(str, table.columns))
    checks.numeric(value, checks.not_empty("table", table)[value])
    _refuse_empty_cells(table, [method, *blocks])
    table = table.assign(**{method: table[method].astype(str)})
    _refuse_repeats(table, method, blocks)
    wide = table.set_index([*blocks, method])[value].astype(float).unstack(method)
    _refuse_gaps(wide, blocks)
    if min(wide.shape) < 2:
        received = f"{wide.shape[1]} methods, {wide.shape[0]} blocks"
        checks.fail("table must hold at least 2 methods and 2 blocks", received)
    return wide.round(DECIMALS)


def differences(wide: pd.DataFrame, method: str, control: str) -> np.ndarray:
    """Return method - control, (blocks,), rounded so that equal differences are equal."""
    return (wide[method] - wide[control]).round(DECIMALS).to_numpy()


def _refuse_empty_cells(table: pd.DataFrame, columns: list[str]) -> None:
    for column in columns:
        empty = int(table[column].isna().sum())
        if empty:
            checks.fail(f"{column} must be filled in every row", f"{empty} empty")


def _refuse_repeats(table: pd.DataFrame, method: str, blocks: list[str]) -> None:
    repeats = table[table.duplicated([method, *blocks])]
    if len(repeats):
        where = _named(blocks, tuple(repeats.iloc[0][blocks]))
        received = f"a second row for {repeats.iloc[0][method]} at {where}, {len(repeats)} in all"
        checks.fail("table must have one row for each method and block", received)


def _refuse_gaps(wide: pd.DataFrame, blocks: list[str]) -> None:
    gaps = [(wide.columns[j], wide.index[i]) for i, j in np.argwhere(wide.isna().to_numpy())]
    if gaps:
        pairs = ", ".join(f"{method} at {_named(blocks, key)}" for method, key in gaps[:5])
        more = f" and {len(gaps) - 5} more" if len(gaps) > 5 else ""
        checks.fail("every method must have a row in every block", f"none for {pairs}{more}")


def _named(blocks: list[str], key: Any) -> str:
    values = key if isinstance(key, tuple) else (key,)
    return " ".join(f"{name}={value}" for name, value in zip(blocks, values, strict=True))
