"""Tables as people read them in a notebook: words, units, few digits."""

from typing import Any

import numpy as np
import pandas as pd

from mode.figures.names import SCENARIOS, method_words
from mode.figures.style import words

IN_PER_CENT = {"initial", "final", "control", "worst accuracy", "share", "accuracy", "power", "sd"}
IN_PER_CENT |= {"mean", "min", "max", "effect"}
DIFFERENCES = ("mean difference", "final - control", "difference")
# Whatever a caption says, or what the interval says already.
HIDDEN = {"data", "classes", "batch", "area", "overlap", "margin", "note", "p", "low", "high"}
HIDDEN |= {"df", "statistic"}
NAMES = {"n": "seeds", "holm p": "p (Holm)", "repaired": "inputs repaired", "broken": "broken"}


def readable(table: pd.DataFrame, caption: str) -> Any:
    """Return a table of a study with words and units, to be displayed.

    Accuracies and shares are in percent, differences in percentage points with their 95 %
    interval. Columns that are the same everywhere, or that the interval says, are left out.

    Example:
        >>> table = pd.DataFrame({"method": ["mode"], "mean difference": [-0.002]})
        >>> table = table.assign(low=-0.003, high=-0.001, significant=True)
        >>> readable(table, "MODE").data.iloc[0].tolist()
        ['MODE in feature space', '-0.2 (-0.3 to -0.1)', 'yes']
    """
    columns: dict[str, list[str]] = {}
    several = {"classes"} if "classes" in table and table["classes"].nunique() > 1 else set()
    left_out = HIDDEN - several - (set() if "holm p" in table else {"p"})
    for name in ("control", "question", "goal"):
        if name in table and table[name].astype(str).nunique() == 1:
            left_out |= {name}
    for name in table.columns:
        values = table[name]
        if name in left_out:
            continue
        if name in DIFFERENCES and {"low", "high"} <= set(table):
            unit = 1 if name == "difference" else 100
            ends = table[[name, "low", "high"]].to_numpy(float) * unit
            columns["difference, points (95 % interval)"] = [_interval(*row) for row in ends]
        elif name in IN_PER_CENT and pd.api.types.is_numeric_dtype(values):
            columns[f"{NAMES.get(name, name)}, %"] = [_number(100 * value, 1) for value in values]
        else:
            columns[NAMES.get(name, words(name))] = [_cell(name, value) for value in values]
    frame = pd.DataFrame(columns)
    return frame.style.hide(axis="index").set_caption(caption)


def _interval(middle: float, low: float, high: float) -> str:
    if np.isnan(middle):
        return "control"
    middle, low, high = (round(value, 1) + 0.0 for value in (middle, low, high))  # no -0.0
    return f"{middle:+.1f}" + ("" if np.isnan(low) else f" ({low:+.1f} to {high:+.1f})")


def _number(value: float, digits: int) -> str:
    return "" if pd.isna(value) else f"{value:.{digits}f}"


def _cell(name: str, value: Any) -> str:
    """Return one cell: yes or no, a p with its bound, a count, a name in words."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if name in ("p", "holm p"):
        return "< 0.001" if value < 0.001 else f"{value:.3f}"
    if isinstance(value, str):
        return SCENARIOS.get(value, method_words(value))
    return f"{value:.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:.2f}"
