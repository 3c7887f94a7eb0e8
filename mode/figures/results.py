"""Figures of results: repairs against their controls, and the layers they chose."""

from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mode import checks
from mode.figures import style
from mode.figures.names import method_words
from mode.figures.style import checked_table, numbers
from mode.stats import significant

MEASURES = {"accuracy": "test accuracy (%)", "worst accuracy": "accuracy of the worst class (%)"}
METHODS = {"mode": ("MODE", "o-"), "control": ("random inputs", "s--")}
HATCHES = ("", "//", "..", "xx")
BESIDE = ("initial", "final", "control")


def table_against_control(
    table: pd.DataFrame,
    ax: Axes | Figure | None = None,
    *,
    question: str = "Does MODE repair better than random inputs?",
) -> Axes:
    """Draw for each metric how far MODE ends from its random control, the accuracies beside it.

    Args:
        table: a row a metric, as the study's tables 1 and 2: metric, initial, final, control
            (mean test accuracies in [0, 1]), final - control (mean paired difference) with its
            95 % interval low, high (empty without one); also holm p, seeds, finished_early and
            note where there are such columns.
        question: the title.

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
    _mark_means(ax, table, at)
    ax.set_yticks(at, [method_words(name) for name in table["metric"]])
    ax.set(ylim=(len(table) - 0.5, -0.5), ylabel="metric")
    _label_difference(ax, table)
    _write_beside(ax, table, at)
    handles, _ = ax.get_legend_handles_labels()
    style.legend_above(ax, handles, question, columns=2)
    return ax


def published_against_repeated(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw each published accuracy as a dot beside the repetition: median, interval and extent.

    Args:
        table: a row a table ("table_1", "table_2"), metric and measure: published (the one run),
            median of the repetition with its 95 % interval low, high, least and most of its
            runs, seeds. Other measures than initial, final and control are not drawn.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    columns = ("published", "median", "low", "high", "least", "most", "seeds")
    checked_table(table, ("table", "metric", "measure", *columns))
    metrics, tables = (list(dict.fromkeys(table[name])) for name in ("metric", "table"))
    ax = style.axes(ax, 10, 1.4 + len(tables) * (0.8 + 0.24 * len(metrics)))
    ax.spines[:].set_visible(False)
    ax.set(xticks=[], yticks=[])
    ax.xaxis.labelpad = 6
    interval = {"color": style.COLORS[0], "linewidth": 4, "solid_capstyle": "butt"}
    runs = {"color": "0.7", "linewidth": 1.2}
    once = {"color": style.COLORS[1], "marker": "D", "markersize": 5, "linestyle": "none"}
    for row, number in enumerate(tables):
        for column, measure in enumerate(BESIDE):
            part = table[(table["table"] == number) & (table["measure"] == measure)]
            box = (column / 3, 1 - (row + 0.9) / len(tables), 0.31, 0.8 / len(tables))
            place = ax.inset_axes(box)
            style.plain(place, grid="x")
            at = np.array([metrics.index(metric) for metric in part["metric"]])
            values = {name: 100 * numbers(part, name) for name in columns}
            for y, low, high, least, most in zip(
                at, *(values[name] for name in ("low", "high", "least", "most")), strict=True
            ):
                place.plot([least, most], [y, y], **runs)
                place.plot([low, high], [y, y], **interval)
            place.plot(values["median"], at, "|", color="white", markersize=6)
            place.plot(values["published"], at, **once)
            names = [method_words(metric) for metric in metrics] if not column else []
            place.set_yticks(range(len(metrics)), names or [""] * len(metrics))
            place.set(ylim=(len(metrics) - 0.5, -0.5))
            place.tick_params(labelsize=style.SMALL)
            place.xaxis.set_major_locator(MaxNLocator(4))
            heading = f"Table {number[-1]}: {measure}"
            place.set_title(heading, fontsize=style.SMALL + 1, loc="left", pad=3)
    ax.set_xlabel("test accuracy (%); each panel has its own range")
    seeds = sorted(set(numbers(table, "seeds").astype(int)))
    handles = [
        Line2D([], [], label="published, one run", **once),
        Line2D([], [], label="repeated: 95 % interval of the median", **interval),
        Line2D([], [], label=f"all runs of {' or '.join(map(str, seeds))} seeds", **runs),
    ]
    heading = "Does the repetition give the published accuracies?"
    style.legend_above(ax, handles, heading, columns=3)
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
    several, drawn = table["protocol"].nunique() > 1, set()
    controls = table[table["method"] == "control"].groupby(["protocol", "layer_selection"])
    controls = controls[measure].apply(tuple)
    one_control = controls.nunique() == 1
    shared = controls.groupby("protocol").agg(["size", "nunique"]).eq([2, 1]).all(axis=1)
    for n, ((protocol, selected), cell) in enumerate(cells):
        # Later lines are thinner, so that one which covers another lets it be seen.
        width = max(1, 3.4 - 0.7 * n)
        look = {"color": style.COLORS[n % len(style.COLORS)], "linewidth": width}
        look["markersize"] = 4 + width
        way = f"{'with' if str(selected) == 'True' else 'without'} layer selection"
        for method, line in cell.groupby("method", sort=False):
            name, mark = METHODS[checks.one_of("method", method, METHODS)]
            values = 100 * numbers(line, measure)
            if method == "control" and tuple(values) in drawn:  # of both ways the same
                continue
            drawn |= {tuple(values)} if method == "control" else set()
            text = f"{protocol}, {way}: {name}" if several else f"{way}: {name}"
            if method == "control" and (one_control or shared[protocol]):
                text = name if one_control else f"{protocol}: {name}"
            ax.plot(numbers(line, "round"), values, mark, label=text, **look)
    ax.set(xlabel="round of repair (0: before any)", ylabel=label)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), **style.LEGEND)
    style.title(ax, "Does MODE (solid) repair better than random inputs (dashed)?")
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
    style.title(ax, "Which layer does MODE select?", pad=30)
    return ax


def _mark_means(ax: Axes, table: pd.DataFrame, at: np.ndarray) -> None:
    """Mark the mean differences: filled where significant."""
    means, color = 100 * numbers(table, "final - control"), style.COLORS[0]
    p = numbers(table, "holm p") if "holm p" in table else np.full(len(table), np.nan)
    looks = {
        "mean, significant (Holm)": (significant(p), color),
        "mean, not shown to differ": (np.isfinite(p) & ~significant(p), "white"),
        "not tested": (np.isnan(p), "0.8"),
    }
    for name, (hit, face) in looks.items():
        if hit.any():
            look = {"markerfacecolor": face, "markeredgecolor": color, "markersize": 7}
            ax.plot(means[hit], at[hit], "o", label=name, linestyle="none", **look)


def _label_difference(ax: Axes, table: pd.DataFrame) -> None:
    """Label the x axis: what is measured, toward better, and what the table notes."""
    text = "test accuracy of MODE above its control, points"
    notes = sorted({str(note) for note in table.get("note", []) if note and note == note})
    if len(notes) == 1:
        text += f"; {notes[0]}"
    elif "seeds" in table:
        seeds = sorted(set(numbers(table, "seeds").astype(int)))
        text += f"; {' or '.join(map(str, seeds))} seeds"
    style.toward(ax, text)


def _write_beside(ax: Axes, table: pd.DataFrame, at: np.ndarray) -> None:
    """Write the accuracies, in percent, in columns right of the axes."""
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
    "published_against_repeated": published_against_repeated,
    "accuracy_by_round": accuracy_by_round,
    "layers_chosen": layers_chosen,
}
