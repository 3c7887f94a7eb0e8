"""`python -m benchmarks.explorer`: milliseconds that each choice on the explorer's page takes.

A choice is timed as the page's own code carries it out, from the changed control to the new HTML;
the browser's part is not in it. "first" is the first time a choice is made, "again" the median of
the later ones. Nothing is kept: the numbers are of the machine they are printed on.
"""

from collections.abc import Callable
from statistics import median

import pandas as pd

from benchmarks.measurements import clocked
from mode.explore.page import Page
from mode.explore.panel import Panel
from mode.explore.subject import open_subject
from mode.explore.views import CRITERIA, MAPS
from mode.repair import RECIPES

LIMIT = 300  # milliseconds
REPEATS = 3


def choices(page: Page) -> dict[str, list[Callable[[], object]]]:
    """Return kind of choice -> the single choices of that kind, each to be made in turn."""
    labels = [lambda label=label: page.choose(label) for label in range(page.subject.data.classes)]
    made: dict[str, list] = {"open a panel": [lambda t=t: open_panel(page, t) for t in page.panels]}
    for title in ("Heat maps", "Inputs", "Layers", "Repair"):
        made[f"{title}: label"] = labels
    made["Heat maps: layer"] = settings(page, "Heat maps", "Layer", page.subject.layers)
    made["Inputs: metric or selector"] = settings(page, "Inputs", "Left", CRITERIA)
    made["Inputs: map"] = settings(page, "Inputs", "Map", MAPS)
    made["Inputs: layer"] = settings(page, "Inputs", "Layer", page.subject.layers)
    made["Repair: recipe"] = settings(page, "Repair", "Recipe", RECIPES)
    return made


def settings(page: Page, title: str, control: str, values) -> list[Callable[[], object]]:
    """Return one call for each value that a panel's control can have."""
    widget = control_of(page.panels[title], control)
    return [lambda value=value: widget.set_trait("value", value) for value in values]


def control_of(panel: Panel, name: str):
    """Return a panel's control by the name beside it."""
    waiting = [panel.box]
    while waiting:
        widget = waiting.pop()
        if getattr(widget, "description", None) == name:
            return widget
        waiting += getattr(widget, "children", ())
    raise LookupError(name)


def open_panel(page: Page, title: str) -> None:
    """Show a panel."""
    page.menu.value = title


def measured(page: Page) -> pd.DataFrame:
    """Return one row a kind of choice: how many there are, and the milliseconds they take."""
    rows = []
    for kind, calls in choices(page).items():
        title = kind.partition(":")[0]
        if title in page.panels:
            open_panel(page, title)
        rounds = [[1000 * clocked(call)[0] for call in calls] for _ in range(1 + REPEATS)]
        again = [median(times) for times in zip(*rounds[1:], strict=True)]
        row = {"choice": kind, "choices": len(calls), "first, worst": max(rounds[0])}
        row |= {"again, median": median(again), "again, worst": max(again)}
        rows.append({**row, f"under {LIMIT} ms": max(*rounds[0], *again) < LIMIT})
    return pd.DataFrame(rows)


def main() -> None:
    """Print the table."""
    seconds, subject = clocked(open_subject)
    built, page = clocked(lambda: Page(subject))
    print(f"faulty model made and asked in {seconds:.1f} s, page built in {1000 * built:.0f} ms")
    print(measured(page).round(0).to_string(index=False))


if __name__ == "__main__":
    main()
