"""Building blocks of panels: controls, background jobs, and pictures as HTML."""

import base64
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from textwrap import shorten
from typing import Any

import ipywidgets as widgets
import numpy as np

from mode.checks import InputError
from mode.featurevis.report import png
from mode.figures import FIGURES, screen
from mode.figures.style import words as spelled
from mode.models.files import copied_unsafely
from mode.report.features import pictured

_ONE_AT_A_TIME = threading.Lock()  # two trainings at once only slow each other down


@dataclass(frozen=True)
class Panel:
    """A title, the widgets below it, and `draw`, which updates them for a label.

    controls: those whose change calls for `draw`.
    """

    title: str
    box: widgets.Box
    draw: Callable[[int], None]
    controls: tuple[widgets.Widget, ...] = ()


def _styled(widget: Any, name: str) -> Any:
    widget.add_class(f"mode-{name}")
    return widget


def choice(
    name: str, options: Iterable, value: Any = None, *, spell: bool = True
) -> widgets.Dropdown:
    """Return a labeled list to choose from.

    Args:
        value: what is chosen first. Defaults to None: the first option.
        spell: show the options in words; layers keep their names.
    """
    values, style = list(options), {"description_width": "auto"}
    options = [(spelled(each) if spell else each, each) for each in values]
    value = values[0] if value is None else value
    return _styled(
        widgets.Dropdown(options=options, value=value, description=name, style=style), "choice"
    )


def number(name: str, value: int, low: int, high: int) -> widgets.BoundedIntText:
    """Return a labeled field for a whole number from `low` to `high`."""
    options = {"description": name, "style": {"description_width": "auto"}}
    return _styled(widgets.BoundedIntText(value, min=low, max=high, **options), "choice")


def row(*parts: widgets.Widget) -> widgets.Box:
    """Return parts side by side, which wrap where the screen is narrow."""
    return _styled(widgets.Box(parts), "row")


def column(*parts: widgets.Widget) -> widgets.VBox:
    """Return parts one below the other, as wide as there is space."""
    return _styled(widgets.VBox(parts), "column")


def note(words: str) -> widgets.HTML:
    """Return a line that explains a panel."""
    return widgets.HTML(f"<p class='mode-note'>{escape(words)}</p>")


def message(error: Exception) -> str:
    """Return an error as one sentence; print the traceback of an unexpected one."""
    if isinstance(error, InputError):
        return str(error)
    traceback.print_exception(error)
    return shorten(f"it failed: {type(error).__name__}: {error}", 300, placeholder=" ...")


@contextmanager
def errors_in(place: widgets.HTML) -> Iterator[None]:
    """Show an error from inside in `place`; Jupyter drops the errors of a widget's callback."""
    place.value = ""
    try:
        yield
    except Exception as error:
        place.value = f"<p role='alert' class='mode-error'>{escape(message(error))}</p>"


class Job:
    """Work in a background thread: a button to start it, one to cancel it, a bar and a status.

    Args:
        name: text of the button.
        work: called with the job; returns the last status. It calls `progress` as it goes on, and
            where `cancelled` is true it ends early and keeps its results so far.
        allow_unsafe: the work may copy a model that holds code (Lambda). Defaults to False.
    """

    def __init__(self, name: str, work: Callable[["Job"], str], *, allow_unsafe: bool = False):
        self.work, self.allow_unsafe, self._cancel = work, allow_unsafe, threading.Event()
        self._thread: threading.Thread | None = None
        self.start = widgets.Button(description=name, button_style="primary")
        self.stop = widgets.Button(description="Cancel", disabled=True)
        self.bar = widgets.IntProgress(0, 0, 1, layout={"width": "12em"})
        self.status = widgets.HTML()
        self.start.on_click(lambda button: self.begin())
        self.stop.on_click(lambda button: self.cancel())
        self.box = column(row(self.start, self.stop, self.bar), self.status)

    @property
    def cancelled(self) -> bool:
        """Whether the work shall stop."""
        return self._cancel.is_set()

    @property
    def running(self) -> bool:
        """Whether the work goes on."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self) -> None:
        """Start the work, unless it goes on already."""
        if self.running:
            return
        self._cancel.clear()
        self.start.disabled, self.stop.disabled = True, False
        self.progress(0, 1, "waiting for other work" if _ONE_AT_A_TIME.locked() else "started")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Make the work stop after its present step; its results so far stay."""
        self._cancel.set()
        self.stop.disabled = True
        self.show("stopping after this step; finished steps stay")

    def wait(self, seconds: float | None = None) -> None:
        """Return once the work has ended, or after some seconds."""
        if self._thread is not None:
            self._thread.join(seconds)

    def progress(self, done: int, total: int, words: str) -> None:
        """Show that `done` of `total` steps are done, and a status."""
        self.bar.max, self.bar.value = total, done
        self.show(words)

    def show(self, words: str) -> None:
        """Show a status; screen readers read it out."""
        self.status.value = f"<p role='status' class='mode-note'>{escape(words)}</p>"

    def _run(self) -> None:
        try:
            with _ONE_AT_A_TIME, copied_unsafely(self.allow_unsafe):
                words = "cancelled before it began" if self.cancelled else self.work(self)
            self.bar.value = self.bar.value if self.cancelled else self.bar.max
        except Exception as error:  # nothing else reports the errors of a thread
            words = message(error)
        self.start.disabled, self.stop.disabled = False, True
        self.show(words)


def figure(name: str, data: Any, alt: str, **options: Any) -> str:
    """Return the figure `name` of FIGURES as an HTML image with the text `alt`.

    Raises:
        InputError: as the figure.
    """
    return image(screen(FIGURES[name], data, **options), alt, kind="figure")


def image(content: bytes, alt: str, *, kind: str) -> str:
    """Return the bytes of a PNG as an HTML image of the style `kind` with the text `alt`."""
    text = base64.b64encode(content).decode()
    return f'<img class="mode-{kind}" alt="{escape(alt)}" src="data:image/png;base64,{text}">'


def thumbnail(x: np.ndarray, alt: str) -> str:
    """Return one input as a small image; an input that is no picture becomes a line of cells."""
    return image(png(x if pictured(x.shape) else _cells(x)), alt, kind="input")


def _cells(x: np.ndarray) -> np.ndarray:
    flat = np.asarray(x, np.float64).reshape(1, -1)
    span = np.ptp(flat)
    return np.tile((flat - flat.min()) / (span or 1), (8, 1))


def strip(title: str, pictures: Iterable[tuple[np.ndarray, str, str]]) -> str:
    """Return inputs side by side under a title, each (input, alternative text, caption)."""
    figures = "".join(
        f"<figure>{thumbnail(x, alt)}<figcaption>{escape(caption)}</figcaption></figure>"
        for x, alt, caption in pictures
    )
    return f'<h4>{escape(title)}</h4><div class="mode-strip">{figures}</div>'


def scrolled(html: str, name: str, *, kind: str = "") -> str:
    """Return HTML that can be scrolled sideways on a narrow screen, by the keyboard too.

    name: for screen readers. kind: a style of its own.
    """
    style = f"mode-scroll {kind}".strip()
    return (
        f'<div class="{style}" role="region" aria-label="{escape(name)}" tabindex="0">{html}</div>'
    )
