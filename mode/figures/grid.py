"""A mosaic: rows and columns of small pictures, with their labels, in one axes.

A tile is an array of colors: an image (h, w, 4), or a strip (units, 1, 4) for states that have
no place in an image, one cell a unit from the top down. None leaves a tile out.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mode import checks
from mode.figures import style

GAP, CAPTION, BREAK, STRIP = 0.08, 0.26, 0.3, 1.8  # in tile widths
MARGINS = (1.4, 0.9)  # inches for the labels, and for labels and title
BAR = 0.7  # inches for a color bar

Tiles = Sequence[np.ndarray | None]


def mosaic(
    ax: Axes | Figure | None,
    rows: Mapping[str, Tiles],
    columns: Sequence[str],
    *,
    captions: Mapping[str, Sequence[str]] | None = None,
    breaks: Sequence[int] = (),
    bar: bool = False,
    inches: float = 0.8,
) -> Axes:
    """Draw `rows`, label -> tiles, under the labels `columns`; return the axes.

    Args:
        captions: row's label -> a line or more above each of its tiles.
        breaks: columns that a wider gap comes before.
        bar: leave room for a color bar.
        inches: width of a tile, where the figure may be sized.
    """
    lefts = [n * (1 + GAP) + BREAK * sum(at <= n for at in breaks) for n in range(len(columns))]
    heights = [_height(tiles) for tiles in rows.values()]
    lines = [1 + text.count("\n") for row in (captions or {}).values() for text in row]
    above = CAPTION * max(lines) if lines else GAP
    tops = np.cumsum([above] + [height + above for height in heights])
    wide, high = lefts[-1] + 1, tops[-1] - above + GAP
    size = (MARGINS[0] + inches * wide, MARGINS[1] + BAR * bar + inches * high)
    ax = style.axes(ax, *size)
    for (label, tiles), top, height in zip(rows.items(), tops, heights, strict=False):
        written = captions[label] if captions else [""] * len(tiles)
        for tile, left, text in zip(tiles, lefts, written, strict=False):
            if tile is not None:
                _place(ax, tile, left, top, height, text)
    ax.set(xlim=(-GAP, wide + GAP), ylim=(high, 0), aspect="equal")
    _label_columns(ax, lefts, columns, inches)
    _label_rows(ax, rows, tops, heights)
    return ax


def image_tile(image: np.ndarray) -> np.ndarray:
    """Return an input, values in [0, 1], as a tile: gray, or in its own three colors."""
    if image.ndim == 3 and image.shape[-1] == 3:
        return image
    gray = ScalarMappable(Normalize(0, 1), "gray")
    return map_tile(image, gray)


def map_tile(values: np.ndarray, colors: ScalarMappable) -> np.ndarray:
    """Return a map as a tile: (h, w) or (h, w, c), channels averaged, or a strip for (units,)."""
    values = values.mean(axis=-1) if values.ndim == 3 else values
    painted = colors.to_rgba(values, bytes=True)
    return painted[:, None] if values.ndim == 1 else painted


def stack(name: str, values: np.ndarray, *, images: bool = False) -> np.ndarray:
    """Return n pictures or state vectors, n x ..., checked.

    Raises:
        InputError: for none, values that are not finite numbers, or a shape that is no picture;
            with `images`, for values outside [0, 1] too.
    """
    array = checks.images(name, values) if images else checks.numeric(name, values)
    if array.ndim not in (2, 3, 4):
        shapes = "(n, units), (n, h, w) or (n, h, w, channels)"
        checks.fail(f"{name} must have the shape {shapes}", f"shape {array.shape}")
    return checks.not_empty(name, array)


def _height(tiles: Tiles) -> float:
    pictures = [tile for tile in tiles if tile is not None and tile.shape[1] > 1]
    return max((tile.shape[0] / tile.shape[1] for tile in pictures), default=STRIP)


def _place(ax: Axes, tile: np.ndarray, left: float, top: float, height: float, text: str) -> None:
    # "none" keeps each cell one pixel in an svg, where "nearest" would resample it.
    ax.imshow(tile, extent=(left, left + 1, top + height, top), interpolation="none")
    ax.add_patch(Rectangle((left, top), 1, height, fill=False, edgecolor="0.6", linewidth=0.4))
    middle = left + 0.5
    ax.text(middle, top - 0.03, text, ha="center", va="bottom", fontsize=style.SMALL - 1)


def _label_columns(ax: Axes, lefts: Sequence[float], columns: Sequence[str], inches: float) -> None:
    ax.spines[:].set_visible(False)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    long = max(map(len, columns)) > 72 * inches / (0.55 * (style.SMALL + 1))
    slant = {"rotation": 40, "ha": "left", "rotation_mode": "anchor"} if long else {}
    ax.set_xticks([left + 0.5 for left in lefts], columns, **slant)
    ax.tick_params(axis="x", length=0, labelsize=style.SMALL + 1, pad=2)


def _label_rows(ax: Axes, rows: Mapping[str, Tiles], tops: np.ndarray, heights: list) -> None:
    """Name the rows, and number the units of those that begin with a strip."""
    ax.set_yticks([top + h / 2 for top, h in zip(tops, heights, strict=False)], list(rows))
    units = {}
    for tiles, top, height in zip(rows.values(), tops, heights, strict=False):
        if tiles[0] is not None and tiles[0].shape[1] == 1:
            count = len(tiles[0])
            for unit in range(0, count, max(1, -(-count // 40) * 10)):
                units[float(top + (unit + 0.5) * height / count)] = str(unit)
    ax.tick_params(axis="y", length=0, labelsize=style.SMALL + 1, pad=22 if units else 4)
    if units:
        ax.yaxis.remove_overlapping_locs = False
        ax.set_yticks(list(units), list(units.values()), minor=True)
        ax.tick_params(axis="y", which="minor", length=2, labelsize=style.SMALL - 1)
        ax.set_ylabel("unit of the layer", fontsize=style.SMALL + 1)
