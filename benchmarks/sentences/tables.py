"""Read committed tables and rows, and confirm statements about them."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd

from mode.results import read_rows
from mode.stats import significant

Value = TypeVar("Value", bound=Hashable)
HOLDS, NOT, OPEN = "holds", "does not hold", "not shown"


class StatementError(ValueError):
    """A statement that the committed tables do not support."""


@dataclass(frozen=True)
class Results:
    """A results folder: `tables`, `runs` and `benchmarks.csv`."""

    folder: Path

    def table(self, name: str) -> pd.DataFrame:
        """Return a table by its path in `tables`, without ".csv"."""
        return pd.read_csv(self.folder / "tables" / f"{name}.csv")

    def by(self, column: str, name: str) -> dict[str, dict]:
        """Return the rows of a table as dicts, by their values in one column."""
        return self.table(name).set_index(column).astype(object).to_dict("index")

    def rows(self, name: str) -> pd.DataFrame:
        """Return the rows of a study, or of one file in `runs` where the name ends in ".csv"."""
        place = self.folder / "runs" / name
        if place.suffix == ".csv":
            return pd.read_csv(place, keep_default_na=False)
        return read_rows(place)

    def timings(self, benchmark: str) -> pd.DataFrame:
        """Return the timings of one benchmark, by case."""
        timings = pd.read_csv(self.folder / "benchmarks.csv").set_index("case")
        return timings[timings["benchmark"] == benchmark]


def confirm(condition: bool, statement: str) -> None:
    """Refuse a statement that is not true.

    Raises:
        StatementError: if the condition is false.
    """
    if not condition:
        raise StatementError(
            f"the tables must support the statement {statement!r}. Received: tables that do not. "
            "Change the sentence in benchmarks/sentences."
        )


def only(values: Iterable[Value]) -> Value:
    """Return the one value that all of these are.

    Raises:
        StatementError: if they differ.
    """
    different = sorted(set(values))
    confirm(len(different) == 1, f"one value, not {different}")
    return different[0]


def directions(table: pd.DataFrame) -> dict[str, int]:
    """Return how many methods are significantly above and below the control (Holm)."""
    moved = table[significant(table["holm p"])]["mean difference"]
    return {"above": int((moved > 0).sum()), "below": int((moved < 0).sum())}


def verdict(rows: Iterable[Mapping], *, least: float = 0.0) -> str:
    """Return whether all differences are shown to be above `least`.

    It holds where each is significant and its interval is above; it does not hold where
    one is significantly below zero or has its whole interval below `least`.

    Example:
        >>> row = {"mean difference": 0.02, "low": 0.01, "high": 0.03, "holm p": 0.01}
        >>> verdict([row]), verdict([row], least=0.015), verdict([row], least=0.04)
        ('holds', 'not shown', 'does not hold')
    """
    rows = list(rows)
    if all(significant(row["holm p"]) and row["low"] > least for row in rows):
        return HOLDS
    worse = [(significant(r["holm p"]) and r["high"] < 0) or r["high"] < least for r in rows]
    return NOT if any(worse) else OPEN


def verdict_of_any(table: pd.DataFrame, *, margin: float) -> str:
    """Return whether any method is shown to be better: it does not hold where every interval ends
    below `margin`."""
    if directions(table)["above"]:
        return HOLDS
    return NOT if (table["high"] < margin).all() else OPEN


def markdown(header: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; the columns after the first are aligned to the right.

    Example:
        >>> print(markdown(["method", "points"], [["margin", "+1.4"]]))
        | method | points |
        |---|--:|
        | margin | +1.4 |
    """
    rows = ["| " + " | ".join(map(str, line)) + " |" for line in (header, *lines)]
    return "\n".join([rows[0], "|---" + "|--:" * (len(header) - 1) + "|", *rows[1:]])
