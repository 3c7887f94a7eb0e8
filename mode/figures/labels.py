"""Figures of labels: which are not learned, and what they are taken for."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
    style.title(ax, "Which labels the model has not learned", pad=30)
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
    style.color_bar(ax, image, "inputs mistaken (gray: inputs classified correctly)")
    style.title(ax, "Which classes are taken for which")
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
    style.color_bar(ax, colors, "-1 (blue): against      +1 (red): for", steps=4)
    style.title(ax, f"Maps of label {label}")
    return ax


FIGURES = {"label_accuracy": label_accuracy, "confusion": confusion, "label_maps": label_maps}
