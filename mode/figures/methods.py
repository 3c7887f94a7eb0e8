"""Figures of compared methods: their effects, also fault by fault, those of defects, ranks."""

from collections.abc import Iterable, Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mode.figures import style
from mode.figures.names import DATA, DEFECTS, SCENARIOS, method_words
from mode.figures.style import checked_table, numbers
from mode.stats import significant

CELL = ("data", "classes", "batch")
EFFECT = ("mean difference", "low", "high", "holm p")
MARKS = "os^Dv<>P"
RANK_COLUMNS = ("method", "mean rank", "critical difference", "n")
MEAN = "mean over faults"
ACROSS = 4  # panels in a row
BETWEEN = 0.62  # inches between rows of panels
NAME = 46  # letters of a method's name on one line


def methods_against_control(
    table: pd.DataFrame,
    ax: Axes | Figure | None = None,
    *,
    question: str = "Which method repairs better than its control?",
) -> Axes:
    """Draw for each method how far it ends from the control, best first, the accuracies beside it.

    Args:
        table: a row per method and cell: data, classes, batch (the cell), control, method,
            initial and final (mean test accuracies in [0, 1]), mean difference from the
            control with its 95 % interval low, high, holm p (all four empty for the
            control itself, the last three where nothing was tested); also n, the seeds
            compared, where there is such a column.
        question: the title.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    checked_table(table, (*CELL, "control", "method", "initial", "final", *EFFECT))
    is_control = (table["method"] == table["control"]).to_numpy()
    methods = _best_first(table, is_control)
    cells = list(dict.fromkeys(table[list(CELL)].itertuples(index=False, name=None)))
    number = np.array([cells.index(cell) for cell in table[list(CELL)].itertuples(False, None)])
    at = np.array([methods.index(method) for method in table["method"]])
    at = at + (number - (len(cells) - 1) / 2) * 0.8 / len(cells)
    ax = style.axes(ax, 9.5, 2.4 + max(_row(methods, 0.3), 0.17 * len(cells)) * len(methods))
    _frame(ax, [_wrapped(name) for name in methods])
    for n in range(len(cells)):
        mine = (number == n) & ~is_control
        _effects(ax, table[mine], at[mine], _look(n))
    ax.set_ylabel("method, best first")
    _label(ax, table)
    _write_accuracies(ax, table, at)
    names = {_look(n): _named(cell) for n, cell in enumerate(cells)} if len(cells) > 1 else {}
    heading = question if names else f"{question} {_named(cells[0])}"
    _explain(ax, table[~is_control], method_words(table["control"].iloc[0]), heading, names)
    return ax


def defects(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw what switching one defect of the publication off does to its accuracy.

    Args:
        table: a row a defect: defect or method (its name), mean difference of the final test
            accuracy from the protocol with all defects on, its 95 % interval low, high, holm p
            (the last three empty where nothing was tested); measure, if it is the lead over the
            control ("final - control") that is compared.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    name = "defect" if "defect" in getattr(table, "columns", ()) else "method"
    checked_table(table, (name, *EFFECT))
    places = {defect: n for n, defect in enumerate(DEFECTS)}  # the same order in every figure
    table = table.sort_values(name, key=lambda names: names.map(places), kind="stable")
    ax = style.axes(ax, 8, 2.2 + 0.32 * len(table))
    _frame(ax, [DEFECTS.get(each, style.words(each)) for each in table[name]])
    _effects(ax, table, np.arange(len(table)), _look(0))
    measure = table["measure"].iloc[0] if "measure" in table else "final"
    lead = measure == "final - control"
    what = "MODE's lead over random inputs" if lead else "final test accuracy"
    style.toward(ax, f"change of {what} (points)", left="lower", right="higher")
    ax.set_ylabel("defect switched off")
    heading = f"How does {what} change without one defect of the publication?"
    _explain(ax, table, "all defects on", heading, {})
    return ax


def _wrapped(name: str) -> str:
    return fill(method_words(name), NAME)


def _row(methods: Iterable[str], inches: float) -> float:
    """Return the height of a row: `inches`, and more where a name needs a second line."""
    return inches + 0.1 * any("\n" in _wrapped(name) for name in methods)


def _best_first(table: pd.DataFrame, is_control: np.ndarray) -> list[str]:
    """Return the methods by their mean difference, or its mean where there are several cells."""
    gains = pd.Series(np.where(is_control, 0.0, numbers(table, "mean difference")))
    means = gains.groupby(table["method"].to_numpy(), sort=False).mean()
    return list(means.sort_values(ascending=False, kind="stable").index)


def _frame(ax: Axes, names: Sequence[str]) -> None:
    """Name the rows from the top down, and draw the control's line at zero."""
    style.plain(ax, grid="x")
    ax.axvline(0, color=style.COLORS[1], linewidth=1.5)
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.4, -0.6))


def _look(number: int) -> tuple[str, str]:
    """Return the marker and the color of a cell; vermilion is the control's."""
    colors = [style.COLORS[0], *style.COLORS[2:]]
    return MARKS[number % len(MARKS)], colors[number % len(colors)]


def _named(cell: Sequence) -> str:
    data, classes, batch = cell
    size = f"{int(batch):,} inputs per round"
    return f"{DATA.get(data, style.words(data))}, {classes} classes, {size}"


def _effects(ax: Axes, table: pd.DataFrame, at: np.ndarray, marks: tuple[str, str]) -> None:
    """Mark the means and their intervals, in points: filled where significant."""
    mean, low, high, p = (numbers(table, name) for name in EFFECT)
    marker, color = marks
    tested = np.isfinite(low) & np.isfinite(high)
    ax.hlines(at[tested], 100 * low[tested], 100 * high[tested], color=color, linewidth=2)
    for hit, face in _fillings(p, color):
        look = {"markerfacecolor": face, "markeredgecolor": color, "markersize": 6.5}
        if hit.any():
            ax.plot(100 * mean[hit], at[hit], marker, linestyle="none", **look)


def _fillings(p: np.ndarray, color: str) -> list[tuple[np.ndarray, str]]:
    """Return which of the marks are significant, not shown to differ and not tested, each with the
    color that fills it."""
    return [
        (significant(p), color),
        (np.isfinite(p) & ~significant(p), "white"),
        (np.isnan(p), "0.8"),
    ]


def _explain(ax: Axes, table: pd.DataFrame, control: str, heading: str, cells: dict) -> None:
    """Add title and legend: the control, intervals, fillings, and the cells' markers."""
    marker, color = ("o", "0.3") if cells else _look(0)
    p, low = numbers(table, "holm p"), numbers(table, "low")
    entries = [Line2D([], [], color=style.COLORS[1], label=control)]
    if np.isfinite(low).any():
        entries.append(Line2D([], [], color=color, linewidth=2, label="95 % interval"))
    labels = ("mean, significant (Holm)", "mean, not shown to differ", "mean, not tested")
    for label, (hit, face) in zip(labels, _fillings(p, color), strict=True):
        if hit.any():
            look = {"markerfacecolor": face, "markeredgecolor": color, "label": label}
            entries.append(Line2D([], [], linestyle="none", marker=marker, **look))
    for (shape, paint), name in cells.items():
        entries.append(Line2D([], [], linestyle="none", marker=shape, color=paint, label=name))
    style.legend_above(ax, entries, heading, columns=3)


def _label(ax: Axes, table: pd.DataFrame, note: str = "") -> None:
    """Label the x axis: what is measured, toward better, and over how many seeds."""
    text = f"test accuracy above {method_words(table['control'].iloc[0])}, points"
    if "n" in table and np.isfinite(numbers(table, "n")).any():
        seeds = sorted(set(numbers(table, "n")[np.isfinite(numbers(table, "n"))].astype(int)))
        text += f"; {' or '.join(map(str, seeds))} seeds"
    style.toward(ax, text + note)


def _write_accuracies(ax: Axes, table: pd.DataFrame, at: np.ndarray) -> None:
    """Write the mean accuracies, in percent, in columns right of the axes."""
    look = {"transform": ax.get_yaxis_transform(), "ha": "right", "fontsize": style.SMALL}
    for n, name in enumerate(("initial", "final")):
        x = 1.09 + 0.1 * n
        ax.text(x, -0.6, f"{name}\n%", va="bottom", color=style.GRAY, **look)
        for y, value in zip(at, 100 * numbers(table, name), strict=True):
            ax.text(x, y, f"{value:.1f}", va="center", **look)


def effects_by_fault(
    table: pd.DataFrame,
    ax: Axes | Figure | None = None,
    *,
    question: str = "Which method repairs which fault?",
) -> Axes:
    """Draw for each fault, and their mean, how far every method ends from the control.

    Args:
        table: as of `methods_against_control`, and scenario, one of which is MEAN; of several
            sizes or class counts the first is drawn.
        question: the title.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    checked_table(table, (*CELL, "scenario", "control", "method", *EFFECT))
    cell = tuple(table[list(CELL)].iloc[0])
    table = table[(table[list(CELL)] == cell).all(axis=1) & (table["method"] != table["control"])]
    overall = table[table["scenario"] == MEAN]
    order = np.argsort(-numbers(overall, "mean difference"), kind="stable")
    methods = list(overall["method"].iloc[order])
    scenarios = [MEAN, *(name for name in table["scenario"].unique() if name != MEAN)]
    down = -(-len(scenarios) // ACROSS)
    high = _row(methods, 0.2) * len(methods)
    ax = style.axes(ax, 11, 1.6 + down * (BETWEEN + high))
    ax.spines[:].set_visible(False)
    ax.set(xticks=[], yticks=[])
    ax.xaxis.labelpad = 6
    for n, scenario in enumerate(scenarios):
        part = table[table["scenario"] == scenario]
        column, row = n % ACROSS, n // ACROSS
        share = high / (high + BETWEEN)
        bottom = 1 - (row + 0.5 + share / 2) / down
        place = ax.inset_axes((column / ACROSS, bottom, 0.92 / ACROSS, share / down))
        _frame(place, [_wrapped(name) if not column else "" for name in methods])
        _effects(place, part, np.array([methods.index(m) for m in part["method"]]), _look(0))
        place.tick_params(labelsize=style.SMALL)
        place.set_title(
            SCENARIOS.get(scenario, style.words(scenario)),
            fontsize=style.SMALL + 1,
            loc="left",
            pad=3,
        )
    control = table["control"].iloc[0]
    _label(ax, table, "; each panel has its own range")
    _explain(ax, table, method_words(control), f"{question} {_named(cell)}", {})
    return ax


def critical_difference(table: pd.DataFrame, ax: Axes | Figure | None = None) -> Axes:
    """Draw the methods' mean ranks with bars of half the critical difference to either side.

    Nemenyi's test (Demšar, JMLR 2006, section 3.2.2) shows a difference between two methods
    whose bars do not overlap; it shows none between the others.

    Args:
        table: a row per method: method, mean rank (1 the best), critical difference, n seeds;
            where it has the columns data, classes, batch and question, one list below the other
            for each.

    Raises:
        InputError: for an empty table, missing columns, or cells that are not numbers.
    """
    checked_table(table, RANK_COLUMNS)
    named = [name for name in (*CELL, "question") if name in table]
    groups = table.groupby(named, sort=False) if named else [((), table)]
    parts: list[tuple[tuple, pd.DataFrame]] = list(groups)
    rows = len(table) + 1.6 * len(parts)
    ax = style.axes(ax, 8, 1.5 + _row(table["method"], 0.22) * rows)
    style.plain(ax, grid="x")
    names: dict[float, str] = {}
    top = 0.0
    for cell, part in parts:
        ranks, reach = numbers(part, "mean rank"), numbers(part, "critical difference") / 2
        order = np.argsort(ranks, kind="stable")
        at = top + np.arange(len(part))
        names |= dict(zip(at, map(_wrapped, part["method"].iloc[order]), strict=True))
        ax.hlines(at, (ranks - reach)[order], (ranks + reach)[order], color="0.6", linewidth=2.5)
        ax.plot(ranks[order], at, "o", color=style.COLORS[0], markersize=5)
        heading = f"{_named(cell[:3])}; " if cell else ""
        heading += f"{method_words(cell[3])}; " if len(cell) > 3 and cell[3] != "methods" else ""
        text = f"{heading}{int(numbers(part, 'n')[0])} seeds"
        beside = {"transform": ax.get_yaxis_transform(), "fontsize": style.SMALL + 1}
        ax.text(0.01, top - 0.75, text, **beside)
        top += len(part) + 1.6
    ax.set_yticks(list(names), list(names.values()))
    ax.set_ylim(top - 1.8, -1.6)
    text = "mean rank of the final test accuracy (1 is the best)"
    style.toward(ax, text, left="better", right="worse")
    bar = Line2D([], [], color="0.6", linewidth=2.5)
    bar.set_label("bars that overlap: no difference is shown (Nemenyi)")
    style.legend_above(ax, [bar], "Which methods differ in rank?", columns=1)
    return ax


FIGURES = {
    "methods_against_control": methods_against_control,
    "effects_by_fault": effects_by_fault,
    "defects": defects,
    "critical_difference": critical_difference,
}
