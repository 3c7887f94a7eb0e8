"""Figures of labels: which are not learned, and which are confused."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mode import checks
from mode.faults import THETA
from mode.figures import style
from mode.figures.grid import map_tile, mosaic, stack
from mode.figures.style import checked_table, numbers


def label_accuracy(
    table: pd.DataFrame, ax: Axes | Figure | None = None, *, theta: float = THETA
) -> Axes:
    """Draw the accuracy of each label, and the threshold `theta` below which it is faulty.

    Args:
        table: as `mode.faults.accuracy_by_label`: label (a number or a name), accuracy in
            [0, 1] (NaN without inputs) and count.

    Raises:
        InputError: for an empty table, missing columns, or theta outside [0, 1].
    """
    checked_table(table, ("label", "accuracy", "count"))
    checks.number("theta", theta, 0, 1)
    accuracy, at = numbers(table, "accuracy"), np.arange(len(table))
    ax = style.axes(ax, max(5.5, 1.5 + 0.55 * len(table)), 4)
    style.plain(ax, grid="y")
    looks = {
        "at least theta": (accuracy >= theta, style.COLORS[0], ""),
        "below theta": (accuracy < theta, style.COLORS[1], "//"),
    }
    for name, (hit, color, hatch) in looks.items():
        ax.bar(
            at[hit], 100 * accuracy[hit], color=color, hatch=hatch, edgecolor="white", label=name
        )
    ax.axhline(100 * theta, color="black", linestyle="--", label=f"theta = {100 * theta:g} %")
    counts = [
        f"{style.short(label)}\nn = {int(n)}"
        for label, n in zip(table["label"], numbers(table, "count"), strict=True)
    ]
    style.name_ticks(ax, at, counts, inches=max(0.55, 4 / len(table)))
    ax.set(ylim=(0, 100), xlim=(-0.6, len(table) - 0.4), ylabel="accuracy (%)")
    ax.set_xlabel("label, and its inputs")
    ax.legend(ncols=3, **style.ABOVE)
    style.title(ax, "Which labels has the model not learned?", pad=30)
    return ax


def accuracy_change(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw the accuracy of each label before and after a repair, the largest fall at the top.

    Args:
        table: one row per label: label (a number or a name), before and after, accuracies in
            [0, 1]. Labels without inputs (NaN) are left out.

    Raises:
        InputError: for an empty table, missing columns, or no label with inputs.
    """
    checked_table(table, ("label", "before", "after"))
    table = checks.not_empty("labels with inputs", table.dropna(subset=["before", "after"]))
    before, after = (100 * numbers(table, name) for name in ("before", "after"))
    order = np.argsort(after - before, kind="stable")[::-1]  # the last one is drawn at the top
    ax = style.axes(ax, 7, 1.4 + 0.32 * len(table))
    style.plain(ax, grid="x")
    looks = {
        "more accurate": (style.COLORS[0], "-"),
        "unchanged": (style.GRAY, "-"),
        "less accurate": (style.COLORS[1], ":"),
    }
    for at, row in enumerate(order):
        change = np.sign(after[row] - before[row])
        color, line = list(looks.values())[int(1 - change)]
        ax.plot([before[row], after[row]], [at, at], line, color=color, linewidth=2.5)
        ax.plot(before[row], at, "o", color=color, markerfacecolor="white", markersize=7)
        ax.plot(after[row], at, "o", color=color, markersize=7)
        points = f"{after[row] - before[row]:+.1f}" if change else "0"
        ax.text(1.01, at, points, transform=ax.get_yaxis_transform(), va="center", fontsize=9,
                color=color, weight="bold" if change < 0 else "normal")  # fmt: skip
    handles = [
        Line2D([], [], color=color, linestyle=line, linewidth=2.5, label=name)
        for name, (color, line) in looks.items()
    ]
    dots = {"before": "white", "after": "black"}
    handles += [
        Line2D([], [], marker="o", linestyle="", color="black", markerfacecolor=face, label=name)
        for name, face in dots.items()
    ]
    names = [style.short(label) for label in table["label"].iloc[order]]
    ax.set_yticks(range(len(order)), names, fontsize=9)
    ax.set(ylim=(-0.7, len(order) - 0.3), xlabel="accuracy, %; at the right the change in points")
    ax.set_xlim(max(-3, min(before.min(), after.min()) - 5), 102)
    style.legend_above(ax, handles, "Which classes got better, and which got worse?", columns=5)
    return ax


def confusion(
    matrix: Any, ax: Axes | Figure | None = None, *, names: Sequence[str] | None = None
) -> Axes:
    """Draw counts (classes, classes), row the true class, column the predicted one.

    The colors show mistakes alone: beside the diagonal's counts none of them could be seen.

    Args:
        matrix: the counts.
        names: what the classes are called; their numbers where None.

    Raises:
        InputError: when the matrix is empty, negative or not square, or names are too few.
    """
    counts = checks.not_empty("matrix", checks.numeric("matrix", matrix, ndim=2))
    if counts.shape[0] != counts.shape[1]:
        checks.fail("matrix must be square, (classes, classes)", f"shape {counts.shape}")
    if counts.min() < 0:
        checks.fail("matrix must hold counts of at least 0", counts.min())
    names = style.called("names", names, len(counts))
    right = np.eye(len(counts), dtype=bool)
    mistakes = np.ma.masked_array(counts, right)
    side = max(4.0, 1.5 + 0.42 * len(counts))
    ax = style.axes(ax, side, side + 0.9)
    ax.set_facecolor("0.85")
    most = max(1, counts[~right].max(initial=0))
    image = ax.imshow(mistakes, style.SEQUENTIAL, vmin=0, vmax=most, interpolation="none")
    for (row, column), count in np.ndenumerate(counts):
        dark = row != column and count < most / 2
        ink = {"color": "white" if dark else "black", "fontsize": style.SMALL}
        ax.text(column, row, f"{count:g}" if count else "", ha="center", va="center", **ink)
    style.name_ticks(ax, range(len(counts)), names, inches=max(0.42, 2.4 / len(counts)))
    ax.set_yticks(range(len(counts)), names, fontsize=style.SMALL)
    ax.set(xlabel="predicted class", ylabel="true class")
    style.color_bar(ax, image, "wrong predictions (gray: inputs classified correctly)")
    style.title(ax, "Which classes are confused?")
    return ax


def label_maps(
    rows: Mapping[str, Mapping[str, Any]], ax: Axes | Figure | None = None, *, label: Any
) -> Axes:
    """Draw the maps of one label: row's name -> map's name -> map, each row as many.

    All have the same colors, symmetric around zero. Maps are (h, w), (h, w, c), or vectors
    (units,), which become strips.

    Raises:
        InputError: for no row, or a map that is no picture and no vector.
    """
    checks.not_empty("rows", rows)
    panels = {
        row: {name: stack(name, np.asarray(each)[None])[0] for name, each in maps.items()}
        for row, maps in rows.items()
    }
    colors = style.colors_of([m for maps in panels.values() for m in maps.values()], least=1)
    tiles = {row: [map_tile(m, colors) for m in maps.values()] for row, maps in panels.items()}
    captions = {row: list(maps) for row, maps in panels.items()}
    columns: Sequence[str] = [""] * max(map(len, tiles.values()))
    ax = mosaic(ax, tiles, columns, captions=captions, bar=True, inches=1.5)
    ax.set_xlabel("heat map, and the inputs behind it")
    style.color_bar(ax, colors, "-1 (blue): below average      +1 (red): above average", steps=4)
    style.title(ax, f"Maps of label {label}")
    return ax


FIGURES = {
    "label_accuracy": label_accuracy,
    "accuracy_change": accuracy_change,
    "confusion": confusion,
    "label_maps": label_maps,
}
