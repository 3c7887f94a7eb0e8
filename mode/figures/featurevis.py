"""Figures of feature visualization: preferred inputs, and the scores of a zoo."""

from itertools import cycle
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from mode import checks
from mode.figures import style
from mode.figures.grid import image_tile, mosaic
from mode.figures.style import checked_table, numbers

MARKS = ("o", "s", "^", "D", "v")
CONDITIONS = {
    "few": "few images",
    "fine": "healthy",
    "homogeneous": "images all alike",
    "noisy": "wrong labels",
    "under": "under-trained",
}


def preferred_inputs(
    images: Any,
    ax: Axes | Figure | None = None,
    *,
    units: Any = None,
    restarts: int = 8,
    title: str = "Preferred inputs of each unit",
    across: str = "restart",
    down: str = "unit",
) -> Axes:
    """Draw the preferred inputs, a row per unit and a column per restart.

    Args:
        images: units x restarts x h x w x c, values in [0, 1], as `PreferredInputs.images`.
        units: names of the rows, by default their numbers.
        title, across, down: words above, for the columns and for the rows.

    Raises:
        InputError: for another number of axes, or values outside [0, 1].
    """
    images = checks.images("images", images)
    if images.ndim != 5:
        checks.fail("images must be units x restarts x h x w x c", f"shape {images.shape}")
    names = range(len(images)) if units is None else units
    selection = images[:, : checks.number("restarts", restarts, 1, integer=True)]
    rows = {str(n): [image_tile(i) for i in row] for n, row in zip(names, selection, strict=True)}
    ax = mosaic(ax, rows, [str(n + 1) for n in range(selection.shape[1])], inches=0.6)
    ax.set(xlabel=across, ylabel=down)
    style.title(ax, title)
    return ax


def preferred_beside_training(
    pairs: Any,
    ax: Axes | Figure | None = None,
    *,
    title: str = "Preferred inputs, and the nearest training image to each",
) -> Axes:
    """Draw preferred inputs, and below each the nearest training image of its class.

    Args:
        pairs: classes x 2 x n x h x w in [0, 1]; first the preferred inputs, then the training
            images.
        title: words above.

    Raises:
        InputError: for another shape, or values outside [0, 1].
    """
    pairs = checks.images("pairs", pairs)
    if pairs.ndim != 5 or pairs.shape[1] != 2:
        checks.fail("pairs must be classes x 2 x n x h x w", f"shape {pairs.shape}")
    rows = {
        f"{label}: {name}": [image_tile(image) for image in pairs[label, row]]
        for label in range(len(pairs))
        for row, name in enumerate(("preferred", "nearest training"))
    }
    ax = mosaic(ax, rows, [""] * pairs.shape[2], inches=0.6)
    ax.set(xlabel="restarts", ylabel="class and kind of image")
    style.title(ax, title)
    return ax


def cross_talk(matrix: Any, ax: Axes | Figure | None = None) -> Axes:
    """Draw the classes (columns) predicted for the preferred inputs of each class (row).

    Args:
        matrix: shares, classes x classes; rows sum to 1.

    Raises:
        InputError: for anything but a square of finite numbers.
    """
    values = checks.numeric("matrix", matrix, ndim=2)
    if len(values) != values.shape[1]:
        checks.fail("matrix must be square", f"shape {values.shape}")
    ax = style.axes(ax, 1.6 + 0.45 * len(values), 1.9 + 0.45 * len(values))
    colors = ScalarMappable(Normalize(0, 100), style.SEQUENTIAL)
    ax.imshow(colors.to_rgba(100 * values, bytes=True), interpolation="none")
    ticks = range(len(values))
    ax.set(
        xticks=ticks,
        yticks=ticks,
        xlabel="class predicted by the reference classifier",
        ylabel="class of the unit",
    )
    style.color_bar(ax, colors, "share of a class's preferred inputs (%)")
    style.title(ax, "Whose features appear?")
    return ax


def score_against_gap(
    table: pd.DataFrame, ax: Axes | Figure | None = None, *, score: str = "overfitting"
) -> Axes:
    """Draw the over-fitting score against the true gap, a mark a classifier.

    Args:
        table: columns condition, gap and `score`, both in [0, 1].

    Raises:
        InputError: for an empty table or missing columns.
    """
    checked_table(table, ("condition", "gap", score))
    ax = style.axes(ax, 6.4, 4.4)
    style.plain(ax, grid="both")
    _scatter(ax, table, "gap", score)
    ax.axvline(10, color=style.GRAY, linewidth=1, linestyle="--")
    ax.set(xlabel="true gap, training minus test accuracy (points)")
    ax.set(ylabel=f"{style.words(score)} score x 100, without data")
    handles, _ = ax.get_legend_handles_labels()
    style.legend_above(ax, handles, "Does the score follow the gap?", columns=3)
    return ax


def estimated_error(
    table: pd.DataFrame,
    ax: Axes | Figure | None = None,
    *,
    title: str = "Is the test error estimated?",
) -> Axes:
    """Draw the estimated test error with its 90 % interval against the true one.

    Args:
        table: columns condition, true_error, error, and low, high of the interval; in [0, 1].
        title: words above.

    Raises:
        InputError: for an empty table or missing columns.
    """
    checked_table(table, ("condition", "true_error", "error", "low", "high"))
    ax = style.axes(ax, 6.4, 4.6)
    style.plain(ax, grid="both")
    true = 100 * numbers(table, "true_error")
    bounds = 100 * numbers(table, "low"), 100 * numbers(table, "high")
    ax.vlines(true, *bounds, color="0.85", linewidth=1, zorder=0, label="90 % interval")
    _scatter(ax, table, "true_error", "error")
    top = max(true.max(), bounds[1].max())
    ax.plot([0, top], [0, top], color=style.GRAY, linewidth=1, label="exact")
    ax.set(xlabel="true test error (%)", ylabel="estimated without data (%)")
    handles, _ = ax.get_legend_handles_labels()
    style.legend_above(ax, handles, title, columns=4)
    return ax


def _scatter(ax: Axes, table: pd.DataFrame, across: str, up: str) -> None:
    looks = zip(cycle(style.COLORS), cycle(MARKS), strict=False)
    # Sorted, so that pictures of tables with the same conditions agree in colors and marks.
    for (condition, rows), (color, mark) in zip(table.groupby("condition"), looks, strict=False):
        look = {"color": color, "marker": mark, "s": 22, "alpha": 0.8, "linewidths": 0}
        values = 100 * numbers(rows, across), 100 * numbers(rows, up)
        ax.scatter(*values, label=CONDITIONS.get(condition, style.words(condition)), **look)


FIGURES = {
    "preferred_inputs": preferred_inputs,
    "preferred_beside_training": preferred_beside_training,
    "cross_talk": cross_talk,
    "score_against_gap": score_against_gap,
    "estimated_error": estimated_error,
}
