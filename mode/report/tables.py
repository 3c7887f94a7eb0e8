"""Tables of a repair as people read them: words as heads, percent and points, one decimal."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

ROUND_COLUMNS = {
    "round": "round",
    "inputs": "inputs of the pool",
    "accuracy": "accuracy, %",
    "worst accuracy": "accuracy of the weakest class, %",
    "repaired": "repaired",
    "broken": "broken",
    "diagnosis accuracy": "accuracy on the diagnosis split, %",
}

HEADS = {
    "label": "class",
    "kind": "fault",
    "reference accuracy": "training accuracy",
    "label accuracy": "accuracy of the class",
    "inputs": "inputs of the pool",
    "bhattacharyya": "Bhattacharyya distance",
}


class Table:
    """Rows that a notebook shows as HTML, and a terminal as text.

    Args:
        rows: columns headed in words, cells as they are read.
        marked: which rows stand out. Defaults to none.
    """

    def __init__(self, rows: pd.DataFrame, marked: Sequence[bool] | None = None):
        self.rows = rows
        self.marked = [False] * len(rows) if marked is None else list(map(bool, marked))

    def __repr__(self) -> str:
        return self.rows.map(_text).to_string(index=False)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(str(name))}</th>" for name in self.rows.columns)
        lines = []
        for cells, marked in zip(self.rows.itertuples(index=False), self.marked, strict=True):
            kind = ' class="worse"' if marked else ""
            texts = "".join(f"<td>{escape(_text(cell))}</td>" for cell in cells)
            lines.append(f"<tr{kind}>{texts}</tr>")
        body = "\n".join(lines)
        return (
            f'<table class="plain">\n<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}\n</tbody></table>"
        )


def _text(cell: Any) -> str:
    """Return one cell: blank where a value is missing, a number with three significant digits.

    Example:
        >>> _text(0.01234), _text(1500.0), _text(float("nan"))
        ('0.0123', '1500', '')
    """
    if not isinstance(cell, str) and pd.isna(cell):
        return ""
    if isinstance(cell, bool | np.bool_):
        return "yes" if cell else "no"
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:.0f}" if cell.is_integer() or abs(cell) >= 1000 else f"{cell:.3g}"


def percent(share: float) -> str:
    """Return a share as a percentage with one decimal, blank where it is missing.

    Example:
        >>> percent(0.9154), percent(float("nan"))
        ('91.5', '')
    """
    return "" if pd.isna(share) else f"{100 * share:.1f}"


def points(change: float) -> str:
    """Return a difference of two shares in points, blank where it is missing.

    Example:
        >>> points(-0.0214), points(0.0), points(float("nan"))
        ('-2.1', '0.0', '')
    """
    if pd.isna(change):
        return ""
    return f"{100 * change:+.1f}" if round(100 * change, 1) else "0.0"


def class_table(by_label: pd.DataFrame) -> Table:
    """Return the accuracy of each class before and after, the largest fall first and marked.

    Args:
        by_label: as `Case.by_label`.
    """
    rows = by_label.sort_values("change", kind="stable")
    words = pd.DataFrame(
        {
            "class": rows["class"],
            "test inputs": rows["test inputs"],
            "before, %": rows["before"].map(percent),
            "after, %": rows["after"].map(percent),
            "change, points": rows["change"].map(points),
            "fault before the repair": rows["fault"],
        }
    )
    return Table(words, rows["change"] < 0)


def round_table(rows: pd.DataFrame, kept_round: int) -> Table:
    """Return what each round did; round 0 is the original, and the kept one is said to be it.

    Args:
        rows: as rows.csv. kept_round: the number of the round that was kept.
    """
    columns = {name: head for name, head in ROUND_COLUMNS.items() if name in rows}
    words = rows[[*columns]].copy()
    for name in columns:
        words[name] = (
            words[name].map(percent) if "accuracy" in name else words[name].astype("Int64")
        )
    words = words.rename(columns=columns)
    words["kept"] = ["yes" if number == kept_round else "" for number in rows["round"]]
    return Table(words)


def plain(table: pd.DataFrame, shares: Sequence[str] = ()) -> Table:
    """Return a table whose heads are words and whose numbers have three significant digits.

    The columns `shares` are shown in percent.

    Example:
        >>> plain(pd.DataFrame({"right_fix": [0.528], "kept": [True]}), ["right_fix"])
        right fix, % kept
                52.8  yes
    """
    table = table.assign(**{name: table[name].map(percent) for name in shares})
    heads = {name: f"{name}, %" for name in shares}
    return Table(table.rename(columns=lambda name: str(heads.get(name, name)).replace("_", " ")))


def in_words(table: pd.DataFrame) -> Table:
    """Return a table with heads in words: accuracies in percent, gaps in points, whole seconds."""
    columns = {}
    for name in table.columns:
        head, values = HEADS.get(name, name), table[name]
        if "accuracy" in name:
            columns[f"{head}, %"] = values.map(percent)
        elif name == "gap":
            columns["gap, points"] = values.map(points)
        elif name == "seconds":
            columns[head] = values.map(lambda value: "" if pd.isna(value) else f"{value:.0f}")
        else:
            columns[head] = values
    return Table(pd.DataFrame(columns))
