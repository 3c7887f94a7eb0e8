"""Panel 1: how well each label is known; a click on a bar chooses the label of all panels."""

from collections.abc import Callable
from html import escape

import ipywidgets as widgets
import pandas as pd

from mode.explore.panel import column
from mode.explore.subject import Subject
from mode.faults import THETA


def said(subject: Subject, row: pd.Series) -> str:
    """Return what a bar says: accuracy, inputs, and the fault where there is one."""
    if not row["count"]:
        return "no input to judge it by"
    fault = row["kind"] or ("below theta" if row["accuracy"] < THETA else "")
    return f"{row['accuracy']:.0%} of {row['count']}" + (f", {fault}" if fault else "")


def bar(subject: Subject, row: pd.Series) -> str:
    """Return a label's bar as HTML; what is below theta is hatched, too."""
    width = 100 * row["accuracy"] if row["count"] else 0
    kind = "sound" if width >= 100 * THETA else "faulty"
    words = said(subject, row)
    name = f"label {subject.name(row['label'])}: {words}"
    return (
        f'<div class="mode-bar" role="img" aria-label="{escape(name)}">'
        f'<i class="mode-{kind}" style="width:{width:.1f}%"></i>'
        f'<b style="left:{100 * THETA:g}%"></b><span>{escape(words)}</span></div>'
    )


def picker(subject: Subject, chosen: Callable[[int], None]) -> tuple[widgets.Box, Callable]:
    """Return the bars of all labels, and a function (label) that marks one.

    chosen: called with a label when its bar is clicked, or Enter is pressed on it.
    """
    buttons, rows = [], []
    for row in (row for _, row in subject.labels.iterrows()):
        name = subject.name(row["label"])
        button = widgets.Button(description=name, tooltip=f"{name}: {said(subject, row)}")
        button.on_click(lambda _, label=int(row["label"]): chosen(label))
        shown = widgets.Box([widgets.HTML(bar(subject, row)), button])
        shown.add_class("mode-label")
        buttons.append(button)
        rows.append(shown)

    def mark(label: int) -> None:
        for number, each in enumerate(rows):
            (each.add_class if number == label else each.remove_class)("mode-chosen")
            buttons[number].tooltip = buttons[number].tooltip.removesuffix(" (chosen)") + (
                " (chosen)" if number == label else ""
            )

    head = widgets.HTML(
        f"<h3>Labels</h3><p class='mode-note'>Accuracy on the diagnosis part; choose one. "
        f"Orange and hatched: below theta = {THETA:.0%}, the line.</p>"
    )
    box = column(head, *rows)
    box.add_class("mode-picker")
    return box, mark
