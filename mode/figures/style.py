"""The look of every figure: its colors, their limits, its axes, and the table it is drawn from.

All colors hold for color-blind readers: DIVERGING is ColorBrewer's blue - white - red,
SEQUENTIAL is cividis (Nunez et al. 2018), and COLORS are those of Okabe and Ito (2008). No
figure tells lines apart by color alone.
"""

from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mode import checks

DIVERGING = "RdBu_r"
SEQUENTIAL = "cividis"
DEFECT = "seismic"  # of the publication; drawn on demand
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GRAY = "0.45"
PAD = 0.08  # inches around the axes
SMALL = 8  # points: captions and unit ticks
LEGEND = {"frameon": False, "fontsize": SMALL, "columnspacing": 1.2, "handletextpad": 0.5}
ABOVE = {"loc": "lower left", "bbox_to_anchor": (0, 1), **LEGEND}  # with a title at pad 30


def axes(ax: Axes | Figure | None, width: float, height: float) -> Axes:
    """Return where to draw: `ax` itself, or the only axes of a figure of width x height inches.

    An empty `Figure` is sized and filled; None makes one through pyplot, which a notebook shows.

    Raises:
        InputError: for anything else, or a figure that is not empty.
    """
    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.figure()
    if isinstance(ax, Axes):
        return ax
    if not isinstance(ax, Figure) or ax.axes:
        checks.fail("ax must be axes, an empty Figure or None", type(ax).__name__)
    ax.set_size_inches(width, height)
    ax.set_layout_engine("constrained", w_pad=PAD, h_pad=PAD)
    return ax.subplots()


def colors_of(
    arrays: Iterable[np.ndarray], *, symmetric: bool = True, least: float = 0.0
) -> ScalarMappable:
    """Return the colors of values around zero, the same for all `arrays`.

    The limits are -m and m, m the largest absolute value or `least` if that is more: white is
    zero, and equal strength has equal depth. With symmetric=False they are the smallest and the
    largest value, in DEFECT, as in the publication: white is then any value at all.
    """
    arrays = list(arrays)
    low = min(float(array.min()) for array in arrays)
    high = max(float(array.max()) for array in arrays)
    if not symmetric:
        return ScalarMappable(Normalize(low, high), DEFECT)
    reach = max(-low, high, least) or 1.0
    return ScalarMappable(Normalize(-reach, reach), DIVERGING)


def color_bar(ax: Axes, colors: ScalarMappable, meaning: str, *, steps: int | None = None) -> None:
    """Put a color bar under the axes that says what the colors mean, in at most `steps`."""
    if colors.cmap.name == DEFECT:
        meaning = "as published: the limits are those of the data, so white need not be zero"
    bar = ax.figure.colorbar(colors, ax=ax, location="bottom", shrink=0.6, aspect=35, pad=0.03)
    bar.set_label(meaning, fontsize=SMALL + 1)
    if steps:
        bar.locator = MaxNLocator(steps)
        bar.update_ticks()
    bar.ax.tick_params(labelsize=SMALL)
    bar.outline.set_visible(False)


def title(ax: Axes, text: str, *, pad: float = 10) -> None:
    """Set the title, broken into lines that fit beside the labels; `pad` points above the axes."""
    letters = max(20, int(12 * _beside_labels(ax)))  # about twelve of this size to an inch
    ax.set_title(fill(text, letters), fontsize=11, loc="left", pad=pad)


def _beside_labels(ax: Axes) -> float:
    """Return about how many inches the labels of the rows leave to the right edge."""
    every = [place.get_yticklabels() for place in (ax, *ax.child_axes)]
    lines = [line for labels in every for label in labels for line in label.get_text().split("\n")]
    spec = ax.get_subplotspec()
    columns = spec.get_gridspec().ncols if spec else 1
    wide = ax.figure.get_figure(root=True).get_figwidth() / columns
    return wide - 0.08 * max(map(len, lines), default=0) - (1 if columns == 1 else 0.6)


def legend_above(ax: Axes, handles: list, heading: str, *, columns: int) -> None:
    """Put a legend above the axes, filled column by column, and the title above its rows.

    It has at most so many columns, and fewer where they would be cut off at the right.
    """
    widest = 0.45 + 0.06 * max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, min(columns, int(_beside_labels(ax) / widest)))
    ax.legend(handles=handles, ncols=columns, **ABOVE)
    rows = -(-len(handles) // columns)
    title(ax, heading, pad=16 + 13 * rows)


def plain(ax: Axes, *, grid: str) -> None:
    """Leave only the frame's left and lower side, and a pale grid along the axis `grid`."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis=grid, color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)


def called(what: str, names: Sequence[Any] | None, count: int) -> list[str]:
    """Return `names` as they are drawn, shortened, or the numbers from 0 where there are none.

    Raises:
        InputError: for another number of names than `count`.
    """
    labels = [short(name) for name in (range(count) if names is None else names)]
    if len(labels) != count:
        checks.fail(f"{what} must be {count}", len(labels))
    return labels


def short(name: Any, letters: int = 24) -> str:
    """Return a name of at most so many letters; what is cut off becomes an ellipsis."""
    return str(name) if len(str(name)) <= letters else f"{str(name)[: letters - 1]}…"


def name_ticks(ax: Axes, places: Iterable[float], names: Sequence[str], *, inches: float) -> None:
    """Write names below the axes at `places`; slanted where one is wider than `inches`."""
    room = 72 * inches / (0.6 * SMALL)  # letters are about 0.6 times as wide as high
    long = max((len(line) for name in names for line in name.split("\n")), default=0) > room
    slant = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if long else {}
    ax.set_xticks(list(places), names, fontsize=SMALL, **slant)


def toward(ax: Axes, text: str, *, left: str = "worse", right: str = "better") -> None:
    """Label the x axis with `text`, and with what lies to either side."""
    ax.set_xlabel(f"{left} \N{LEFTWARDS ARROW}   {text}   \N{RIGHTWARDS ARROW} {right}")


def words(name: Any) -> str:
    """Return a name as it is read: without underscores."""
    return str(name).replace("_", " ")


def checked_table(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return `table` if it is a table with rows and the `columns`.

    Raises:
        InputError: for anything else, with the columns it has.
    """
    if not isinstance(table, pd.DataFrame):
        checks.fail("table must be a DataFrame", type(table).__name__)
    if not set(columns) <= set(table.columns):
        listed = ", ".join(map(repr, columns))
        checks.fail(f"table must have the columns {listed}", ", ".join(map(repr, table.columns)))
    return checks.not_empty("table", table)


def numbers(table: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column as floats (n,); an empty cell, as in CSV files, is NaN.

    Raises:
        InputError: for a cell that is neither.
    """
    values = pd.to_numeric(table[column], errors="coerce").astype(float)
    bad = table[column][values.isna() & table[column].notna() & (table[column] != "")]
    if len(bad):
        checks.fail(f"column {column!r} must hold numbers", repr(bad.iloc[0]))
    return values.to_numpy()
