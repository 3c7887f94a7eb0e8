"""Read committed tables and rows, and confirm statements about them."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd

from mode.results import read_rows

Value = TypeVar("Value", bound=Hashable)
SIGNIFICANT = 0.05


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
    significant = table[table["holm p"] <= SIGNIFICANT]["median difference"]
    return {"above": int((significant > 0).sum()), "below": int((significant < 0).sum())}


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
