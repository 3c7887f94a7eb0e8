"""Figures of compared methods: their effects, those of single defects, and their ranks.

The critical-difference diagram is that of Demšar, JMLR 2006, section 3.2.5.
"""

from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mode.figures import style
from mode.figures.style import checked_table, numbers

CELL = ("data", "classes", "batch")
EFFECT = ("median difference", "low", "high", "holm p")
LEVEL = 0.05
MARKS = "os^Dv<>P"
RANK_COLUMNS = ("method", "mean rank", "critical difference", "n")
BAR, HEADING = 0.35, 2.2  # in lines of text: between two bars, and above a cell's axis


def methods_against_control(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw for each method how far it ends from the control, best first, the accuracies beside it.

    Args:
        table: a row per method and cell: data, classes, batch (the cell), control, method,
            initial and final (mean test accuracies in [0, 1]), median difference from the
            control with its 95 % interval low, high, holm p (all four empty for the
            control itself, the last three where nothing was tested); also n, the blocks
            compared, where there is such a column.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    checked_table(table, (*CELL, "control", "method", "initial", "final", *EFFECT))
    is_control = (table["method"] == table["control"]).to_numpy()
    methods = _best_first(table, is_control)
    cells = list(dict.fromkeys(table[list(CELL)].itertuples(index=False, name=None)))
    number = np.array([cells.index(cell) for cell in table[list(CELL)].itertuples(False, None)])
    at = np.array([methods.index(method) for method in table["method"]])
    at = at + (number - (len(cells) - 1) / 2) * 0.8 / len(cells)
    ax = style.axes(ax, 9.5, 2.4 + max(0.3, 0.17 * len(cells)) * len(methods))
    _frame(ax, [style.words(name) for name in methods])
    for n in range(len(cells)):
        mine = (number == n) & ~is_control
        _effects(ax, table[mine], at[mine], _look(n))
    ax.set(ylabel="method, best first", xlabel=_label(table))
    _write_accuracies(ax, table, at)
    names = {_look(n): _named(cell) for n, cell in enumerate(cells)} if len(cells) > 1 else {}
    heading = "Which method repairs better than its control?"
    heading += "" if names else f" {_named(cells[0])}"
    _explain(ax, table[~is_control], style.words(table["control"].iloc[0]), heading, names)
    return ax


def defects(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw what switching one defect of the publication off does to its accuracy, best first.

    Args:
        table: a row a defect: defect or method (its name), median difference of the final test
            accuracy from the protocol with all defects on, its 95 % interval low, high, holm p
            (the last three empty where nothing was tested); measure, if it is the lead over the
            control ("final - control") that is compared.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    name = "defect" if "defect" in getattr(table, "columns", ()) else "method"
    checked_table(table, (name, *EFFECT))
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
    """Return the methods by their median difference, or its mean where there are several cells."""
    gains = pd.Series(np.where(is_control, 0.0, numbers(table, "median difference")))
    means = gains.groupby(table["method"].to_numpy(), sort=False).mean()
    return list(means.sort_values(ascending=False, kind="stable").index)


def _frame(ax: Axes, names: Sequence[str]) -> None:
    """Name the rows from the top down, and draw the control's line at zero."""
    style.plain(ax, grid="x")
    ax.axvline(0, color=style.COLORS[1], linewidth=1.5)
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.4, -0.6))


def _look(number: int) -> tuple[str, str]:
    """Return the marker and the color of a cell; vermilion is the control's."""
    colors = [style.COLORS[0], *style.COLORS[2:]]
    return MARKS[number % len(MARKS)], colors[number % len(colors)]


def _named(cell: Sequence) -> str:
    data, classes, batch = cell
    return f"{style.words(data)}, {classes} classes, {batch} inputs a round"


def _effects(ax: Axes, table: pd.DataFrame, at: np.ndarray, marks: tuple[str, str]) -> None:
    """Mark the medians and their intervals, in points: filled where holm p is at most LEVEL."""
    median, low, high, p = (numbers(table, name) for name in EFFECT)
    marker, color = marks
    tested = np.isfinite(low) & np.isfinite(high)
    ax.hlines(at[tested], 100 * low[tested], 100 * high[tested], color=color, linewidth=2)
    for hit, face in ((p <= LEVEL, color), (p > LEVEL, "white"), (np.isnan(p), "0.8")):
        look = {"markerfacecolor": face, "markeredgecolor": color, "markersize": 6.5}
        if hit.any():
            ax.plot(100 * median[hit], at[hit], marker, linestyle="none", **look)


def _explain(ax: Axes, table: pd.DataFrame, control: str, heading: str, cells: dict) -> None:
    """Add title and legend: the control, intervals, fillings, and the cells' markers."""
    marker, color = ("o", "0.3") if cells else _look(0)
    p, low = numbers(table, "holm p"), numbers(table, "low")
    entries = [Line2D([], [], color=style.COLORS[1], label=control)]
    if np.isfinite(low).any():
        entries.append(Line2D([], [], color=color, linewidth=2, label="95 % interval"))
    fillings = {
        f"median, p ≤ {LEVEL} after Holm": (p <= LEVEL, color),
        f"median, p > {LEVEL}": (p > LEVEL, "white"),
        "median, not tested": (np.isnan(p), "0.8"),
    }
    for label, (hit, face) in fillings.items():
        if hit.any():
            look = {"markerfacecolor": face, "markeredgecolor": color, "label": label}
            entries.append(Line2D([], [], linestyle="none", marker=marker, **look))
    for (shape, paint), name in cells.items():
        entries.append(Line2D([], [], linestyle="none", marker=shape, color=paint, label=name))
    style.legend_above(ax, entries, heading, columns=3)


def _label(table: pd.DataFrame) -> str:
    text = (
        f"final test accuracy, method - {style.words(table['control'].iloc[0])} (percentage points)"
    )
    if "n" in table and np.isfinite(numbers(table, "n")).any():
        blocks = sorted(set(numbers(table, "n")[np.isfinite(numbers(table, "n"))].astype(int)))
        text += f", pairs: {' or '.join(map(str, blocks))}"
    compared = table[table["method"] != table["control"]]
    notes = {"" if note != note else str(note) for note in compared.get("note", [])}
    if notes - {""}:  # one method's note must not be read as every method's
        text += "\n" + fill(notes.pop() if len(notes) == 1 else "see the notes in the table", 90)
    return text


def _write_accuracies(ax: Axes, table: pd.DataFrame, at: np.ndarray) -> None:
    """Write the mean accuracies, in per cent, in columns right of the axes."""
    look = {"transform": ax.get_yaxis_transform(), "ha": "right", "fontsize": style.SMALL}
    for n, name in enumerate(("initial", "final")):
        x = 1.09 + 0.1 * n
        ax.text(x, -0.6, f"{name}\n%", va="bottom", color=style.GRAY, **look)
        for y, value in zip(at, 100 * numbers(table, name), strict=True):
            ax.text(x, y, f"{value:.1f}", va="center", **look)


def critical_difference(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw the methods' mean ranks, bars joining those that Nemenyi's test does not tell apart.

    Args:
        table: a row per method: method, mean rank (1 the best), critical difference, n blocks;
            where it has the columns data, classes and batch, one diagram below the other
            for each cell.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    checked_table(table, RANK_COLUMNS)
    named = [name for name in CELL if name in table]
    parts = list(table.groupby(named, sort=False)) if named else [((), table)]
    heights = [_diagram_height(part) for _, part in parts]
    worst = max(table.groupby(named, sort=False).size()) if named else len(table)
    ax = style.axes(ax, 9, 1.5 + 0.2 * sum(heights))
    for top, (cell, part) in zip(np.cumsum([0, *heights]), parts, strict=False):
        _diagram(ax, part.assign(**{"mean rank": numbers(part, "mean rank")}), cell, top, worst)
    ax.spines[:].set_visible(False)
    ax.spines["top"].set_visible(True)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set(xlim=(worst + 0.1, 0.9), ylim=(sum(heights), 0), yticks=[])
    ax.set_xticks(_ticks(worst))
    ax.set(xlabel="mean rank of final test accuracy (1: best, at the right)")
    joined = Line2D([], [], color=style.COLORS[1], linewidth=4, label="not told apart (Nemenyi)")
    reach = Line2D([], [], color="black", linewidth=1.5, label="critical difference (CD)")
    ax.legend(handles=[joined, reach], loc="upper left", bbox_to_anchor=(0, 0), **style.LEGEND)
    style.title(ax, "Which methods differ in rank?")
    return ax


def cliques(ranks: np.ndarray, apart: float) -> Iterator[tuple[float, float]]:
    """Yield first and last rank of each largest group of methods closer than `apart`."""
    ranks, reached = np.sort(ranks), -1
    for first, rank in enumerate(ranks):
        last = int(np.searchsorted(ranks, rank + apart, side="left")) - 1
        if last > max(first, reached):
            yield float(rank), float(ranks[last])
            reached = last


def _bars(part: pd.DataFrame) -> list[tuple[float, float]]:
    return list(cliques(numbers(part, "mean rank"), numbers(part, "critical difference")[0]))


def _diagram_height(part: pd.DataFrame) -> float:
    """Lines of text that a cell's diagram takes."""
    return HEADING + 1 + BAR * len(_bars(part)) + -(-len(part) // 2) + 1


def _ticks(methods: int) -> list[int]:
    """Return about ten whole ranks, among them 1 and the last."""
    step = max(1, round(methods / 10))
    return sorted({*range(1, methods + 1, step), methods})


def _diagram(ax: Axes, part: pd.DataFrame, cell: tuple, top: float, worst: int) -> None:
    """Draw one cell below the line `top`: a line of ranks, its bars, and stems to the names."""
    part = part.sort_values("mean rank", kind="stable")
    apart, blocks = numbers(part, "critical difference")[0], int(numbers(part, "n")[0])
    line = top + HEADING
    named = f"{style.words(cell[0])}, {cell[1]} classes, {cell[2]} inputs a round; " if cell else ""
    look = {"fontsize": style.SMALL + 1, "va": "center"}
    ax.text(1, top + 0.6, f"{named}{blocks} blocks", ha="right", **look)
    ax.plot([worst, max(worst - apart, 1)], [top + 1.3] * 2, "|-", color="black", linewidth=1.5)
    ax.text(worst, top + 0.6, f"CD = {apart:.2f}", ha="left", **look)
    ax.plot([1, worst], [line, line], color="0.3", linewidth=1)
    bars = _bars(part)
    for n, (first, last) in enumerate(bars):
        ends, height = [first - 0.03, last + 0.03], line + 0.5 + BAR * n
        ax.plot(ends, [height] * 2, color=style.COLORS[1], linewidth=4, solid_capstyle="butt")
    _stems(ax, part, line, line + 1 + BAR * len(bars), worst)


def _stems(ax: Axes, part: pd.DataFrame, line: float, first: float, worst: int) -> None:
    """Lead from each rank to its method's name: the better half at the right, the others left."""
    half = -(-len(part) // 2)
    room = 0.02 * worst
    for n, (method, rank) in enumerate(zip(part["method"], part["mean rank"], strict=True)):
        right = n < half
        edge = 1 - room if right else worst + room
        height = first + (n if right else len(part) - 1 - n)
        ax.plot([rank, rank, edge], [line, height, height], color="0.3", linewidth=0.8)
        ax.plot(rank, line, "o", color=style.COLORS[0], markersize=4)
        look: dict[str, Any] = {"xytext": (3 if right else -3, 0), "textcoords": "offset points"}
        look |= {"ha": "left" if right else "right", "va": "center", "fontsize": style.SMALL + 1}
        text = (
            f"{style.words(method)}  {rank:.2f}" if right else f"{rank:.2f}  {style.words(method)}"
        )
        ax.annotate(text, (edge, height), annotation_clip=False, **look)


FIGURES = {
    "methods_against_control": methods_against_control,
    "defects": defects,
    "critical_difference": critical_difference,
}
