"""The figure of accuracy estimated on inputs without labels."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mode.figures import style
from mode.figures.style import checked_table, numbers

MARKS = {"no shift": "o", "class shares": "s", "corruption": "^", "sub-populations": "D"}


def estimated_accuracy(
    table: pd.DataFrame,
    ax: Axes | Figure | None = None,
    *,
    title: str = "Is the accuracy on inputs without labels estimated?",
) -> Axes:
    """Draw the estimated accuracy against the true one; faint where it abstained.

    Args:
        table: columns family, truth, calibrated, abstained; accuracies in [0, 1].
        title: words above.

    Raises:
        InputError: for an empty table or missing columns.
    """
    checked_table(table, ("family", "truth", "calibrated", "abstained"))
    ax = style.axes(ax, 6.4, 4.6)
    style.plain(ax, grid="both")
    for number, (family, rows) in enumerate(table.groupby("family")):
        for abstained, some in rows.groupby(rows["abstained"].astype(bool)):
            words = f"{family}, cannot tell" if abstained else str(family)
            values = 100 * numbers(some, "truth"), 100 * numbers(some, "calibrated")
            look = {"color": style.COLORS[number], "marker": MARKS.get(str(family), "v"), "s": 22}
            ax.scatter(*values, label=words, alpha=0.2 if abstained else 0.9, linewidths=0, **look)
    ax.plot([0, 100], [0, 100], color=style.GRAY, linewidth=1, label="exact")
    ax.set(xlabel="true accuracy (%)", ylabel="estimated without labels (%)")
    handles, _ = ax.get_legend_handles_labels()
    style.legend_above(ax, handles, title, columns=3)
    return ax


FIGURES = {"estimated_accuracy": estimated_accuracy}
