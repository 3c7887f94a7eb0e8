"""Figures of compared methods: accuracy by inputs used, by share chosen, and by round."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mode.figures import style
from mode.figures.names import DATA, SCENARIOS, WRONG_LABELS, method_looks, method_words
from mode.figures.style import checked_table, numbers

NAMED = ("targeted_random", "random", "published", "mode", "margin", "recommended")
# Where labels are wrong: chance, MODE, uncertainty, mistakes, and what takes the whole pool.
WHERE_WRONG: tuple[str, ...] = ("random", "mode", "margin", "misclassified_then_margin")
WHERE_WRONG += ("whole pool", "default repair")
COLORED = 6  # methods in a figure
ACROSS = 4  # panels in a row
PANEL = (2.5, 2.1)  # inches
PALE = {"color": "0.75", "linewidth": 0.9}


def accuracy_by_inputs(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw accuracy against the inputs used, a panel a scenario, a line a method.

    At most six methods have a color, those of NAMED first, then the best; the others are gray.

    Args:
        table: columns data, classes, batch, scenario, method, round, inputs (used so far), accuracy
            (mean test accuracy in [0, 1]); also low and high, the ends of its 95 % interval, which
            is drawn as a band where a method has a color.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    columns = ("data", "classes", "batch", "scenario", "method", "round", "inputs", "accuracy")
    checked_table(table, columns)
    table = table.sort_values("round", kind="stable")
    looks = method_looks(_highlighted(table))
    keys = [name for name in columns[:3] if table[name].nunique() > 1] + ["scenario"]
    panels = [(_heading(keys, cell), part) for cell, part in table.groupby(keys, sort=False)]
    ax, places = _panels(ax, [heading for heading, _ in panels])
    for place, (_, part) in zip(places, panels, strict=True):
        for method in sorted(part["method"].unique(), key=lambda method: (method in looks, method)):
            line = part[part["method"] == method]
            look = looks.get(method, PALE)
            place.plot(numbers(line, "inputs"), 100 * numbers(line, "accuracy"), **look)
            if method in looks and {"low", "high"} <= set(line):
                ends = 100 * numbers(line, "low"), 100 * numbers(line, "high")
                band = {"color": look["color"], "alpha": 0.15, "linewidth": 0}
                place.fill_between(numbers(line, "inputs"), *ends, **band)
    handles = [Line2D([], [], label=method_words(method), **look) for method, look in looks.items()]
    if table["method"].nunique() > len(looks):
        handles.append(Line2D([], [], label="other methods", **PALE))
    bands = "; bands: 95 % intervals" if {"low", "high"} <= set(table) else ""
    ax.set(xlabel=f"inputs used{bands}", ylabel="mean test accuracy (%),\neach panel its own range")
    style.legend_above(ax, handles, "How fast do the methods repair?", columns=4)
    return ax


def alpha_by_classes(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw final accuracy against the share of a batch that is chosen, a panel a class count.

    Args:
        table: columns classes, selector, alpha (the share chosen, in [0, 1]), final (mean test
            accuracy in [0, 1]); data where there are several.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    checked_table(table, ("classes", "selector", "alpha", "final"))
    table = table.assign(alpha=numbers(table, "alpha")).sort_values("alpha", kind="stable")
    several = "data" in table and table["data"].nunique() > 1
    keys = ["data", "classes"] if several else ["classes"]
    looks = method_looks(list(dict.fromkeys(table["selector"])))
    panels = [(_heading(keys, cell), part) for cell, part in table.groupby(keys, sort=True)]
    ax, places = _panels(ax, [heading for heading, _ in panels])
    reach = 110 * max(np.ptp(numbers(part, "final")) for _, part in panels) or 1
    for place, (_, part) in zip(places, panels, strict=True):
        for selector, line in part.groupby("selector", sort=False):
            place.plot(line["alpha"], 100 * numbers(line, "final"), **looks[selector])
        place.set_xticks(sorted(set(table["alpha"])))
        low, high = place.get_ylim()
        top = min((low + high + reach) / 2, 100.0)
        place.set_ylim(top - reach, top)
    handles = [Line2D([], [], label=method_words(name), **look) for name, look in looks.items()]
    ax.set(xlabel="share of a batch that is chosen (alpha); the rest is random")
    ax.set(ylabel="mean final accuracy (%),\nas many points in each panel")
    heading = "What share should be chosen, for how many classes?"
    style.legend_above(ax, handles, heading, columns=4)
    return ax


def accuracy_by_wrong_labels(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw final accuracy against the share of wrong labels in the pool, a panel a kind.

    At most six methods have a color, those of WHERE_WRONG first; the others are gray.

    Args:
        table: columns method, kind ("uniform", "systematic"; empty for a pool without any), percent
            (of the pool's labels that are wrong), final (mean test accuracy in [0, 1]).

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    checked_table(table, ("method", "kind", "percent", "final"))
    table = table.sort_values("percent", kind="stable")
    ends = table.assign(accuracy=table["final"], scenario=table["kind"])
    looks = method_looks(_highlighted(ends, WHERE_WRONG))
    clean, kinds = table["percent"] == 0, [kind for kind in WRONG_LABELS if kind in set(table.kind)]
    headings = [f"labels wrong {WRONG_LABELS[kind]}" for kind in kinds]
    ax, places = _panels(ax, headings)
    for place, kind in zip(places, kinds, strict=True):
        part = table[clean | (table["kind"] == kind)]
        for method in sorted(part["method"].unique(), key=lambda method: (method in looks, method)):
            line = part[part["method"] == method]
            values = 100 * numbers(line, "final")
            place.plot(numbers(line, "percent"), values, **looks.get(method, PALE))
        place.set_xticks(sorted(set(part["percent"])))
    handles = [Line2D([], [], label=method_words(method), **look) for method, look in looks.items()]
    if table["method"].nunique() > len(looks):
        handles.append(Line2D([], [], label="other methods", **PALE))
    ax.set(xlabel="wrong labels in the pool (%)")
    ax.set(ylabel="mean final test accuracy (%),\neach panel its own range")
    style.legend_above(ax, handles, "What do wrong labels in the pool do?", columns=4)
    return ax


def repair_and_control(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw accuracy by round of one repair, and of its control where there is one yet.

    Args:
        table: columns method ("repair", "control"), round, accuracy (on the test part, in [0, 1]).

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    checked_table(table, ("method", "round", "accuracy"))
    ax = style.axes(ax, 5.2, 3.4)
    style.plain(ax, grid="y")
    looks = {"repair": "o-", "control": "s--"}
    for (method, look), color in zip(looks.items(), style.COLORS, strict=False):
        line = table[table["method"] == method]
        if len(line):
            name = {"control": "control: random inputs"}.get(method, method)
            values = 100 * numbers(line, "accuracy")
            ax.plot(numbers(line, "round"), values, look, color=color, label=name)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set(xlabel="round", ylabel="test accuracy (%)")
    ax.legend(**style.LEGEND)
    style.title(ax, "Does the repair beat random inputs?")
    return ax


def _highlighted(table: pd.DataFrame, names: Sequence[str] = NAMED) -> list[str]:
    """Return the methods that have a color: the named ones, then the best at the end."""
    methods = set(table["method"])
    ends = table.assign(accuracy=numbers(table, "accuracy"))
    ends = ends.groupby(["scenario", "method"], sort=False)["accuracy"].last()
    best = ends.groupby("method").mean().sort_values(ascending=False, kind="stable").index
    named = [name for name in names if name in methods]
    return [*named, *(method for method in best if method not in named)][:COLORED]


def _heading(keys: Sequence[str], cell: Sequence) -> str:
    words = {"classes": "{} classes", "batch": "batch {}"}
    return ",\n".join(
        words.get(key, "{}").format(SCENARIOS.get(value, DATA.get(value, style.words(value))))
        for key, value in zip(keys, cell, strict=True)
    )


def _panels(ax: Axes | Figure | None, headings: Sequence[str]) -> tuple[Axes, list[Axes]]:
    """Return bare axes that hold title, labels and legend, and a panel in them for each heading."""
    across = min(ACROSS, len(headings))
    down = -(-len(headings) // across)
    ax = style.axes(ax, max(6.5, 1 + PANEL[0] * across), 1.8 + PANEL[1] * down)
    ax.spines[:].set_visible(False)
    ax.set(xticks=[], yticks=[])
    ax.xaxis.labelpad, ax.yaxis.labelpad = 6, 34
    places = []
    for n, heading in enumerate(headings):
        row, column = divmod(n, across)
        wide, high = 1 / across, 1 / down
        corner = ((column + 0.05) * wide, 1 - (row + 0.85) * high)
        place = ax.inset_axes((*corner, 0.78 * wide, 0.7 * high))
        style.plain(place, grid="y")
        place.set_title(heading, fontsize=style.SMALL + 1, loc="left", pad=3)
        place.tick_params(labelsize=style.SMALL - 1)
        place.xaxis.set_major_locator(MaxNLocator(4))
        place.yaxis.set_major_locator(MaxNLocator(5))
        places.append(place)
    return ax, places


FIGURES = {
    "accuracy_by_inputs": accuracy_by_inputs,
    "alpha_by_classes": alpha_by_classes,
    "accuracy_by_wrong_labels": accuracy_by_wrong_labels,
    "repair_and_control": repair_and_control,
}
