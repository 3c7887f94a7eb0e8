"""Figures of results: repairs against their controls, and the layers they chose."""

from itertools import cycle
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mode import checks
from mode.figures import style
from mode.figures.style import checked_table, numbers

MEASURES = {"accuracy": "test accuracy (%)", "worst accuracy": "accuracy of the worst class (%)"}
METHODS = {"mode": ("MODE", "o-"), "control": ("control", "s--")}
LEVEL = 0.05
HATCHES = ("", "//", "..", "xx")


def table_against_control(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw for each metric how far MODE ends from its random control, the accuracies beside it.

    Args:
        table: a row a metric, as the study's tables 1 and 2: metric, initial, final, control
            (mean test accuracies in [0, 1]), final - control (median paired difference) with its
            95 % interval low, high (empty without one); also holm p, seeds, finished_early and
            note where there are such columns.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    checked_table(
        table, ("metric", "initial", "final", "control", "final - control", "low", "high")
    )
    low, high = 100 * numbers(table, "low"), 100 * numbers(table, "high")
    at = np.arange(len(table))
    ax = style.axes(ax, 9, 2.2 + 0.34 * len(table))
    style.plain(ax, grid="x")
    ax.axvline(0, color=style.COLORS[1], linewidth=1.5, label="random control")
    if np.isfinite(low).any():
        ax.hlines(at, low, high, color=style.COLORS[0], linewidth=2, label="95 % interval")
    _mark_medians(ax, table, at)
    ax.set_yticks(at, [style.words(name) for name in table["metric"]])
    ax.set(ylim=(len(table) - 0.5, -0.5), ylabel="metric", xlabel=_difference_label(table))
    _write_beside(ax, table, at)
    ax.legend(ncols=4, **style.ABOVE)
    style.title(ax, "Does MODE repair better than random inputs?", pad=30)
    return ax


def accuracy_by_round(
    table: pd.DataFrame, ax: Axes | Figure | None = None, *, measure: str = "accuracy"
) -> Axes:
    """Draw accuracy against the rounds of repair, MODE's and its control's.

    Args:
        table: columns protocol, layer_selection, method ("mode" or "control"), round, and the
            measures, in [0, 1].
        measure: "accuracy" or "worst accuracy".

    Raises:
        InputError: for an unknown measure or method, an empty table or missing columns.
    """
    label = MEASURES[checks.one_of("measure", measure, MEASURES)]
    checked_table(table, ("protocol", "layer_selection", "method", "round", measure))
    ax = style.axes(ax, 8, 4.2)
    style.plain(ax, grid="y")
    cells = table.groupby(["protocol", "layer_selection"], sort=False)
    for n, ((protocol, selected), cell) in enumerate(cells):
        # Later lines are thinner, so that one which covers another lets it be seen.
        width = max(1, 3.4 - 0.7 * n)
        look = {"color": style.COLORS[n % len(style.COLORS)], "linewidth": width}
        look["markersize"] = 4 + width
        way = "with" if str(selected) == "True" else "without"
        for method, line in cell.groupby("method", sort=False):
            name, mark = METHODS[checks.one_of("method", method, METHODS)]
            text = f"{protocol}, {way} layer selection: {name}"
            values = 100 * numbers(line, measure)
            ax.plot(numbers(line, "round"), values, mark, label=text, **look)
    ax.set(xlabel="round of repair (0: before any)", ylabel=label)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), **style.LEGEND)
    style.title(ax, "Repair by MODE (solid) and by random inputs (dashed)")
    return ax


def layers_chosen(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw how often each layer was chosen: columns protocol, layer, rounds, share in [0, 1].

    Raises:
        InputError: for an empty table or missing columns.
    """
    checked_table(table, ("protocol", "layer", "rounds", "share"))
    layers, protocols = (list(dict.fromkeys(table[name])) for name in ("layer", "protocol"))
    ax = style.axes(ax, 7, 1.6 + 0.32 * len(layers) * len(protocols))
    style.plain(ax, grid="x")
    thick = 0.8 / len(protocols)
    for n, (protocol, color) in enumerate(zip(protocols, cycle(style.COLORS))):
        part = table[table["protocol"] == protocol]
        at = [
            layers.index(layer) + (n - (len(protocols) - 1) / 2) * thick for layer in part["layer"]
        ]
        look = {"color": color, "hatch": HATCHES[n % len(HATCHES)], "edgecolor": "white"}
        bars = ax.barh(
            at, 100 * numbers(part, "share"), thick, label=f"{protocol} protocol", **look
        )
        rounds = [f"{int(count)} rounds" for count in numbers(part, "rounds")]
        ax.bar_label(bars, rounds, padding=3, fontsize=style.SMALL)
    ax.set_yticks(range(len(layers)), [layer or "(none)" for layer in layers])
    ax.set(ylim=(len(layers) - 0.5, -0.5), xlim=(0, 118), xticks=range(0, 101, 20))
    ax.set(xlabel="share of the protocol's rounds (%)", ylabel="layer, from input to output")
    ax.legend(ncols=4, **style.ABOVE)
    style.title(ax, "Which layer the selection chose", pad=30)
    return ax


def _mark_medians(ax: Axes, table: pd.DataFrame, at: np.ndarray) -> None:
    """Mark the median differences: filled where the corrected p is at most LEVEL."""
    medians, color = 100 * numbers(table, "final - control"), style.COLORS[0]
    p = numbers(table, "holm p") if "holm p" in table else np.full(len(table), np.nan)
    looks = {
        f"median, p ≤ {LEVEL}": (p <= LEVEL, color),
        f"median, p > {LEVEL}": (p > LEVEL, "white"),
        "not tested": (np.isnan(p), "0.8"),
    }
    for name, (hit, face) in looks.items():
        if hit.any():
            look = {"markerfacecolor": face, "markeredgecolor": color, "markersize": 7}
            ax.plot(medians[hit], at[hit], "o", label=name, linestyle="none", **look)


def _difference_label(table: pd.DataFrame) -> str:
    text = "final test accuracy, MODE - control (percentage points)"
    if "seeds" in table:
        seeds = sorted(set(numbers(table, "seeds").astype(int)))
        text += f", seeds: {' or '.join(map(str, seeds))}"
    if "holm p" in table and np.isfinite(numbers(table, "holm p")).any():
        text += ", p after Holm"
    notes = sorted({str(note) for note in table.get("note", []) if note and note == note})
    if notes:
        text += "\n" + fill(notes[0] if len(notes) == 1 else "see the notes in the table", 90)
    return text


def _write_beside(ax: Axes, table: pd.DataFrame, at: np.ndarray) -> None:
    """Write the accuracies, in per cent, in columns right of the axes."""
    columns = {
        name: [f"{100 * value:.1f}" for value in numbers(table, name)]
        for name in ("initial", "final", "control")
    }
    if "finished_early" in table:
        columns["early\nstops"] = [f"{n:g}" for n in numbers(table, "finished_early")]
    for n, (name, cells) in enumerate(columns.items()):
        look = {"transform": ax.get_yaxis_transform(), "ha": "right", "fontsize": style.SMALL + 1}
        x = 1.09 + 0.1 * n
        heading = name if name.startswith("early") else f"{name}\n%"
        ax.text(x, -0.6, heading, va="bottom", color=style.GRAY, **look)
        for y, cell in zip(at, cells, strict=True):
            ax.text(x, y, cell, va="center", **look)


FIGURES = {
    "table_against_control": table_against_control,
    "accuracy_by_round": accuracy_by_round,
    "layers_chosen": layers_chosen,
}
