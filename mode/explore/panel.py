"""What a panel is, and the small parts that all of them are made of."""

import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from textwrap import shorten

import ipywidgets as widgets

from mode.checks import InputError


@dataclass(frozen=True)
class Panel:
    """A title, what is shown, and `draw`, which brings it up to date for a label.

    controls: those that it is drawn anew for.
    """

    title: str
    box: widgets.Box
    draw: Callable[[int], None]
    controls: tuple[widgets.Widget, ...] = ()


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


def sentence(error: Exception) -> str:
    """Return what went wrong in one sentence; what is no bad input goes to the terminal whole."""
    if isinstance(error, InputError):
        return str(error)
    traceback.print_exception(error)
    return shorten(f"it failed: {type(error).__name__}: {error}", 300, placeholder=" ...")


@contextmanager
def told(place: widgets.HTML) -> Iterator[None]:
    """Say in `place` what goes wrong inside: nobody hears of an error in a widget's callback."""
    place.value = ""
    try:
        yield
    except Exception as error:
        place.value = f"<p role='alert' class='mode-error'>{escape(sentence(error))}</p>"
