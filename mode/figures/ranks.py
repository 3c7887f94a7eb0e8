"""The critical-difference diagram of compared arms (Demšar, JMLR 2006, section 3.2.5)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mode.figures import style
from mode.figures.columns import numbers, wanted

CELL = ["data", "classes", "batch"]
COLUMNS = ("arm", "mean rank", "critical difference", "n")
BAR, HEADING = 0.35, 2.2  # in lines of text: between two bars, and above a cell's axis


def critical_difference(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw the arms' mean ranks, bars joining those that Nemenyi's test does not tell apart.

    Args:
        table: a row an arm: arm, mean rank (1 the best), critical difference, n blocks; where it
            has the columns data, classes and batch, one diagram below the other for each cell.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    wanted(table, COLUMNS)
    named = [name for name in CELL if name in table]
    parts = list(table.groupby(named, sort=False)) if named else [((), table)]
    heights = [_height(part) for _, part in parts]
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
    joined = Line2D([], [], color=style.COLOURS[1], linewidth=4, label="not told apart (Nemenyi)")
    reach = Line2D([], [], color="black", linewidth=1.5, label="critical difference (CD)")
    ax.legend(handles=[joined, reach], loc="upper left", bbox_to_anchor=(0, 0), **style.LEGEND)
    style.title(ax, "Which arms differ in rank?")
    return ax


def cliques(ranks: np.ndarray, apart: float) -> Iterator[tuple[float, float]]:
    """Yield first and last rank of each largest group of arms less than `apart` from each other."""
    ranks, reached = np.sort(ranks), -1
    for first, rank in enumerate(ranks):
        last = int(np.searchsorted(ranks, rank + apart, side="left")) - 1
        if last > max(first, reached):
            yield float(rank), float(ranks[last])
            reached = last


def _bars(part: pd.DataFrame) -> list[tuple[float, float]]:
    return list(cliques(numbers(part, "mean rank"), numbers(part, "critical difference")[0]))


def _height(part: pd.DataFrame) -> float:
    """Lines of text that a cell's diagram takes."""
    return HEADING + 1 + BAR * len(_bars(part)) + -(-len(part) // 2) + 1


def _ticks(arms: int) -> list[int]:
    """Return about ten whole ranks, among them 1 and the last."""
    step = max(1, round(arms / 10))
    return sorted({*range(1, arms + 1, step), arms})


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
        ax.plot(ends, [height] * 2, color=style.COLOURS[1], linewidth=4, solid_capstyle="butt")
    _stems(ax, part, line, line + 1 + BAR * len(bars), worst)


def _stems(ax: Axes, part: pd.DataFrame, line: float, first: float, worst: int) -> None:
    """Lead from each rank to its arm's name: the better half at the right, the others left."""
    half = -(-len(part) // 2)
    room = 0.02 * worst
    for n, (arm, rank) in enumerate(zip(part["arm"], part["mean rank"], strict=True)):
        right = n < half
        edge = 1 - room if right else worst + room
        height = first + (n if right else len(part) - 1 - n)
        ax.plot([rank, rank, edge], [line, height, height], color="0.3", linewidth=0.8)
        ax.plot(rank, line, "o", color=style.COLOURS[0], markersize=4)
        look: dict[str, Any] = {"xytext": (3 if right else -3, 0), "textcoords": "offset points"}
        look |= {"ha": "left" if right else "right", "va": "center", "fontsize": style.SMALL + 1}
        text = f"{style.words(arm)}  {rank:.2f}" if right else f"{rank:.2f}  {style.words(arm)}"
        ax.annotate(text, (edge, height), annotation_clip=False, **look)


FIGURES = {"critical_difference": critical_difference}
