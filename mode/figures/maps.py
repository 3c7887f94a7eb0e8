"""Figures of heat maps: of the correct inputs of a class, and of its mistakes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mode import checks
from mode.figures import style
from mode.figures.grid import map_tile, mosaic, stack
from mode.heatmaps import HeatMaps

MEANING = "-1 (blue): below average      +1 (red): above average"
DIFFERENCE = "blue: less than in the inputs classified correctly      red: more"
FEW = 10  # inputs; a map of fewer is unreliable, and drawn pale
PALE = 110  # opacity, of 255
GROUPS = {
    "hci": "HCI\ncorrect",
    "hmi": "HMI\nfalse\npositives",
    "hwi": "HWI\nfalse\nnegatives",
}


def heatmaps(
    maps: HeatMaps,
    ax: Axes | Figure | None = None,
    *,
    names: Sequence[str] | None = None,
    of: str = "",
    symmetric: bool = True,
) -> Axes:
    """Draw HCI, HMI and HWI (rows) of every class (columns), with the inputs behind each map.

    A map of fewer than FEW inputs is pale.

    Args:
        maps: of inputs or of states.
        names: what the classes are called; their numbers where None.
        of: what the maps are of, for the title.
        symmetric: the same colors for as much for and against; see `style.colors_of`.

    Raises:
        InputError: for anything but `HeatMaps`, or names that are too few.
    """
    if not isinstance(maps, HeatMaps):
        checks.fail("maps must be HeatMaps, as heatmaps() returns", type(maps).__name__)
    rows = {label: getattr(maps, group) for group, label in GROUPS.items()}
    captions = {
        label: [f"n = {n}" if n else "n = 0: HCI" for n in maps.counts[group]]
        for group, label in GROUPS.items()
    }
    pale = {label: maps.counts[group] < FEW for group, label in GROUPS.items()}
    unreliable = sum(row.sum() for row in pale.values())
    meaning = f"{MEANING}\n{unreliable} pale maps: of fewer than {FEW} inputs, unreliable"
    ax = _classes(ax, rows, symmetric, meaning if unreliable else MEANING, names, captions, pale)
    style.title(ax, f"What does the model see of each class{of and ', in '}{of}?")
    return ax


def heatmap_bars(
    maps: HeatMaps,
    ax: Axes | Figure | None = None,
    *,
    group: str = "hci",
    names: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    count: int = 20,
) -> Axes:
    """Draw the maps of inputs that are no images as bars: a row a feature, a column a class.

    Of a sequence with several numbers a step, the mean of each step is drawn. Where there are more
    than `count` features, those in which the classes differ most are drawn, in their order.

    Args:
        maps: of vectors (classes, features) or sequences (classes, steps, ...).
        group: "hci", "hmi" or "hwi".
        names, features: what classes and features are called; their numbers where None.

    Raises:
        InputError: for anything but `HeatMaps`, an unknown group, or names that are too few.
    """
    if not isinstance(maps, HeatMaps):
        checks.fail("maps must be HeatMaps, as heatmaps() returns", type(maps).__name__)
    values = getattr(maps, checks.one_of("group", group, GROUPS))
    values = values.reshape(*values.shape[:2], -1).mean(axis=-1)
    classes, units = values.shape
    names = style.called("names", names, classes)
    features = style.called("features", features, units)
    spread = np.ptp(values, axis=0)
    chosen_units = np.sort(np.argsort(-spread, kind="stable")[: checks.number("count", count, 1)])
    ax = style.axes(ax, 2 + 1.1 * classes, 1.4 + 0.2 * len(chosen_units))
    colors = style.colors_of([values], least=1)
    for label in range(classes):
        middle, lengths = 2.4 * label, values[label, chosen_units]
        ax.axvline(middle, color="0.8", linewidth=0.8, zorder=0)
        shades = colors.to_rgba(lengths)
        ax.barh(
            range(len(chosen_units)), lengths, left=middle, color=shades, edgecolor="0.4", lw=0.4
        )
    ax.set(xlim=(-1.2, 2.4 * classes - 1.2), ylim=(len(chosen_units) - 0.4, -0.6))
    behind = [f"n = {n}" if n else "n = 0: HCI" for n in maps.counts[group]]
    ticks = [f"{name}\n{n}" for name, n in zip(names, behind, strict=True)]
    style.name_ticks(ax, [2.4 * label for label in range(classes)], ticks, inches=1.1)
    ax.set_yticks(
        range(len(chosen_units)), [features[unit] for unit in chosen_units], fontsize=style.SMALL
    )
    ax.set(xlabel="class, its inputs; a bar to the right is above average", ylabel="feature")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    style.title(ax, f"Heat map of each class: {GROUPS[group].replace(chr(10), ' ')}")
    return ax


def differentials(
    maps: Sequence[Any],
    ax: Axes | Figure | None = None,
    *,
    names: Sequence[str] | None = None,
    symmetric: bool = True,
) -> Axes:
    """Draw (DHMI, DHWI), each classes x ..., one row each; `names` are what classes are called.

    Raises:
        InputError: when there are not two stacks of as many maps, or too few names.
    """
    dhmi, dhwi = _several(maps, ("DHMI", "DHWI"))
    rows = {"DHMI\nHMI - HCI": dhmi, "DHWI\nHWI - HCI": dhwi}
    ax = _classes(ax, rows, symmetric, DIFFERENCE, names)
    style.title(ax, "What sets the mistakes of each class apart from its correct inputs")
    return ax


def first_layer(
    maps: Sequence[Any], ax: Axes | Figure | None = None, *, symmetric: bool = True
) -> Axes:
    """Draw the mean pixels of each class, its map of the first layer, and weights as images.

    The weights are those of the unit that the class's map has highest, and of the one lowest.

    Args:
        maps: (mean pixels, classes x ...; maps of the layer, (classes, units); weights of the
            units, units x ...).

    Raises:
        InputError: for another number of arrays, or one that is no picture.
    """
    pixels, layer, weights = _several(maps, ("mean pixels", "maps of the layer", "weights"), 2)
    weights = weights / (np.abs(weights).max() or 1)
    rows = {"mean\npixels": pixels, "map of the\nfirst layer": layer}
    captions = {label: [""] * len(pixels) for label in rows}
    for word, units in (("highest", layer.argmax(axis=1)), ("lowest", layer.argmin(axis=1))):
        label = f"weights of\nthe {word}\nunit"
        rows[label], captions[label] = weights[units], [f"unit {unit}" for unit in units]
    meaning = "blue: negative      red: positive; each row by its largest value"
    ax = _classes(ax, rows, symmetric, meaning, None, captions)
    style.title(ax, "Do the weights of the first layer look like the classes?")
    return ax


def differential_pair(
    maps: Sequence[Any],
    ax: Axes | Figure | None = None,
    *,
    labels: tuple[int, int] = (1, 2),
    symmetric: bool = True,
) -> Axes:
    """Draw (HCI_a, HCI_b, DHCI_ab) of the two `labels` side by side.

    Raises:
        InputError: when there are not three maps, or not two labels.
    """
    named_maps = _several(maps, ("HCI of one label", "HCI of another", "DHCI"), lone=True)
    if len(labels) != 2:
        checks.fail("labels must be two", labels)
    a, b = checks.labels("labels", labels)
    colors = style.colors_of(named_maps, symmetric=symmetric, least=1)
    names = [f"HCI$_{{{a}}}$", f"HCI$_{{{b}}}$", f"DHCI$_{{{a},{b}}}$: {a} against {b}"]
    row = {"": [map_tile(m, colors) for m in named_maps]}
    ax = mosaic(ax, row, names, bar=True, inches=1.9)
    ax.set_xlabel("heat map")
    style.color_bar(ax, colors, MEANING)
    style.title(ax, f"Heat maps of class {a} and class {b}, and their difference")
    return ax


def _several(
    maps: Sequence[Any], parts: Sequence[str], equal: int | None = None, *, lone: bool = False
) -> list[np.ndarray]:
    """Return the checked stacks named `parts`, or the single maps where each is a `lone` one.

    The first `equal` have the same length; all of them where None.
    """
    if isinstance(maps, HeatMaps) or len(maps) != len(parts):
        received = type(maps).__name__ if isinstance(maps, HeatMaps) else f"{len(maps)} arrays"
        checks.fail(f"maps must be ({', '.join(parts)})", received)
    if lone:
        return [stack(part, np.asarray(m)[None])[0] for part, m in zip(parts, maps, strict=True)]
    stacked = [stack(part, each) for part, each in zip(parts, maps, strict=True)]
    checks.same_length(**dict(list(zip(parts, stacked, strict=True))[:equal]))
    return stacked


def _classes(
    ax: Axes | Figure | None,
    rows: dict,
    symmetric: bool,
    meaning: str,
    names: Sequence[str] | None = None,
    captions: dict | None = None,
    pale: dict | None = None,
) -> Axes:
    """Draw rows of one map per class, all in the same colors; those marked in `pale` are faint."""
    colors = style.colors_of(rows.values(), symmetric=symmetric, least=1)
    tiles = {label: [map_tile(m, colors) for m in maps] for label, maps in rows.items()}
    for label, faint in (pale or {}).items():
        for n in np.flatnonzero(faint):
            tiles[label][n][..., 3] = PALE
    columns = [
        style.short(n, 16) for n in style.called("names", names, len(next(iter(rows.values()))))
    ]
    ax = mosaic(ax, tiles, columns, captions=captions, bar=True)
    ax.set_xlabel("class")
    style.color_bar(ax, colors, meaning)
    return ax


FIGURES = {
    "heatmaps": heatmaps,
    "heatmap_bars": heatmap_bars,
    "differential_pair": differential_pair,
    "differentials": differentials,
    "first_layer": first_layer,
}
