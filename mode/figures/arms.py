"""Figures of effects: each arm against the control, and each defect switched off alone."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mode.figures import style
from mode.figures.columns import numbers, wanted

CELL = ("data", "classes", "batch")
EFFECT = ("median difference", "low", "high", "holm p")
LEVEL = 0.05
MARKS = "os^Dv<>P"


def arms_against_control(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw for each arm how far it ends from the control, best first, the accuracies beside it.

    Args:
        table: a row an arm and cell: data, classes, batch (the cell), control, arm, initial and
            final (mean test accuracies in [0, 1]), median difference from the control with its
            95 % interval low, high, holm p (all four empty for the control itself, the last three
            where nothing was tested); also n, the blocks compared, where there is such a column.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    wanted(table, (*CELL, "control", "arm", "initial", "final", *EFFECT))
    is_control = (table["arm"] == table["control"]).to_numpy()
    arms = _best_first(table, is_control)
    cells = list(dict.fromkeys(table[list(CELL)].itertuples(index=False, name=None)))
    number = np.array([cells.index(cell) for cell in table[list(CELL)].itertuples(False, None)])
    at = np.array([arms.index(arm) for arm in table["arm"]])
    at = at + (number - (len(cells) - 1) / 2) * 0.8 / len(cells)
    ax = style.axes(ax, 9.5, 2.4 + max(0.3, 0.17 * len(cells)) * len(arms))
    _frame(ax, [style.words(name) for name in arms])
    for n in range(len(cells)):
        mine = (number == n) & ~is_control
        _effects(ax, table[mine], at[mine], _look(n))
    ax.set(ylabel="arm, best first", xlabel=_label(table))
    _write_accuracies(ax, table, at)
    names = {_look(n): _named(cell) for n, cell in enumerate(cells)} if len(cells) > 1 else {}
    heading = "Which arm repairs better than its control?"
    heading += "" if names else f" {_named(cells[0])}"
    _explain(ax, table[~is_control], style.words(table["control"].iloc[0]), heading, names)
    return ax


def defects(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw what switching one defect of the publication off does to its accuracy, best first.

    Args:
        table: a row a defect: defect or arm (its name), median difference of the final test
            accuracy from the protocol with all defects on, its 95 % interval low, high, holm p
            (the last three empty where nothing was tested); measure, if it is the lead over the
            control ("final - control") that is compared.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    name = "defect" if "defect" in getattr(table, "columns", ()) else "arm"
    wanted(table, (name, *EFFECT))
    order = np.argsort(-numbers(table, "median difference"), kind="stable")
    table = table.iloc[order]
    ax = style.axes(ax, 8, 2.2 + 0.32 * len(table))
    _frame(ax, [style.words(each) for each in table[name]])
    _effects(ax, table, np.arange(len(table)), _look(0))
    measure = table["measure"].iloc[0] if "measure" in table else "final"
    what = "lead over the control" if measure == "final - control" else "final test accuracy"
    ax.set(xlabel=f"{what}, without the defect - with all (percentage points)")
    ax.set(ylabel="defect switched off")
    _explain(ax, table, "all defects on", "What does each defect of the publication do?", {})
    return ax


def _best_first(table: pd.DataFrame, is_control: np.ndarray) -> list[str]:
    """Return the arms by their median difference, the mean of it where there are several cells."""
    gains = pd.Series(np.where(is_control, 0.0, numbers(table, "median difference")))
    means = gains.groupby(table["arm"].to_numpy(), sort=False).mean()
    return list(means.sort_values(ascending=False, kind="stable").index)


def _frame(ax: Axes, names: Sequence[str]) -> None:
    """Name the rows from the top down, and draw the control's line at zero."""
    style.plain(ax, grid="x")
    ax.axvline(0, color=style.COLOURS[1], linewidth=1.5)
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.4, -0.6))


def _look(number: int) -> tuple[str, str]:
    """Return the marker and the colour of a cell; vermilion is the control's."""
    colours = [style.COLOURS[0], *style.COLOURS[2:]]
    return MARKS[number % len(MARKS)], colours[number % len(colours)]


def _named(cell: Sequence) -> str:
    data, classes, batch = cell
    return f"{style.words(data)}, {classes} classes, {batch} inputs a round"


def _effects(ax: Axes, table: pd.DataFrame, at: np.ndarray, marks: tuple[str, str]) -> None:
    """Mark the medians and their intervals, in points: filled where holm p is at most LEVEL."""
    median, low, high, p = (numbers(table, name) for name in EFFECT)
    marker, colour = marks
    tested = np.isfinite(low) & np.isfinite(high)
    ax.hlines(at[tested], 100 * low[tested], 100 * high[tested], color=colour, linewidth=2)
    for hit, face in ((p <= LEVEL, colour), (p > LEVEL, "white"), (np.isnan(p), "0.8")):
        look = {"markerfacecolor": face, "markeredgecolor": colour, "markersize": 6.5}
        if hit.any():
            ax.plot(100 * median[hit], at[hit], marker, linestyle="none", **look)


def _explain(ax: Axes, table: pd.DataFrame, control: str, heading: str, cells: dict) -> None:
    """Add title and legend: the control, intervals, fillings, and the cells' markers."""
    marker, colour = ("o", "0.3") if cells else _look(0)
    p, low = numbers(table, "holm p"), numbers(table, "low")
    entries = [Line2D([], [], color=style.COLOURS[1], label=control)]
    if np.isfinite(low).any():
        entries.append(Line2D([], [], color=colour, linewidth=2, label="95 % interval"))
    fillings = {
        f"median, p ≤ {LEVEL} after Holm": (p <= LEVEL, colour),
        f"median, p > {LEVEL}": (p > LEVEL, "white"),
        "median, not tested": (np.isnan(p), "0.8"),
    }
    for label, (hit, face) in fillings.items():
        if hit.any():
            look = {"markerfacecolor": face, "markeredgecolor": colour, "label": label}
            entries.append(Line2D([], [], linestyle="none", marker=marker, **look))
    for (shape, paint), name in cells.items():
        entries.append(Line2D([], [], linestyle="none", marker=shape, color=paint, label=name))
    style.legend_above(ax, entries, heading, columns=3)


def _label(table: pd.DataFrame) -> str:
    text = f"final test accuracy, arm - {style.words(table['control'].iloc[0])} (percentage points)"
    if "n" in table and np.isfinite(numbers(table, "n")).any():
        blocks = sorted(set(numbers(table, "n")[np.isfinite(numbers(table, "n"))].astype(int)))
        text += f", pairs: {' or '.join(map(str, blocks))}"
    compared = table[table["arm"] != table["control"]]
    notes = {"" if note != note else str(note) for note in compared.get("note", [])}
    if notes - {""}:  # one arm's note must not be read as every arm's
        text += "\n" + fill(notes.pop() if len(notes) == 1 else "see the notes in the table", 90)
    return text


def _write_accuracies(ax: Axes, table: pd.DataFrame, at: np.ndarray) -> None:
    """Write the mean accuracies, in per cent, in columns right of the axes."""
    look = {"transform": ax.get_yaxis_transform(), "ha": "right", "fontsize": style.SMALL}
    for n, name in enumerate(("initial", "final")):
        x = 1.09 + 0.1 * n
        ax.text(x, -0.6, f"{name}\n%", va="bottom", color=style.GREY, **look)
        for y, value in zip(at, 100 * numbers(table, name), strict=True):
            ax.text(x, y, f"{value:.1f}", va="center", **look)


FIGURES = {"arms_against_control": arms_against_control, "defects": defects}
