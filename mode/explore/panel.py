"""What a panel is, and the small parts that all of them are made of."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

import ipywidgets as widgets


@dataclass(frozen=True)
class Panel:
    """A title, what is shown, and `draw`, which brings it up to date for a label."""

    title: str
    box: widgets.Box
    draw: Callable[[int], None]


def choice(name: str, options: Iterable, value=None) -> widgets.Dropdown:
    """Return a labelled list to choose from; the first option where `value` is None."""
    options = list(options)
    found = widgets.Dropdown(
        options=options,
        value=options[0] if value is None else value,
        description=name,
        style={"description_width": "auto"},
    )
    found.add_class("mode-choice")
    return found


def number(name: str, value: int, low: int, high: int) -> widgets.BoundedIntText:
    """Return a labelled field for a whole number from `low` to `high`."""
    style = {"description_width": "auto"}
    found = widgets.BoundedIntText(value, min=low, max=high, description=name, style=style)
    found.add_class("mode-choice")
    return found


def row(*parts: widgets.Widget) -> widgets.Box:
    """Return parts side by side, which wrap where the screen is narrow."""
    found = widgets.Box(parts)
    found.add_class("mode-row")
    return found


def column(*parts: widgets.Widget) -> widgets.VBox:
    """Return parts one below the other, as wide as there is room."""
    found = widgets.VBox(parts)
    found.add_class("mode-column")
    return found


def text() -> widgets.HTML:
    """Return an empty place for HTML."""
    return widgets.HTML()


def note(words: str) -> widgets.HTML:
    """Return a line that says what a panel shows."""
    return widgets.HTML(f"<p class='mode-note'>{escape(words)}</p>")


def follow(controls: Sequence[widgets.Widget], draw: Callable[[], None]) -> None:
    """Call `draw` whenever one of the controls gets another value."""
    for control in controls:
        control.observe(lambda change: draw(), names="value")
