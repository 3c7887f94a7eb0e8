"""Work in the background: a button that starts it, one that cancels it, a bar, and a status."""

import threading
from collections.abc import Callable
from html import escape

import ipywidgets as widgets

from mode.explore.panel import column, row, sentence
from mode.models.files import copied_unsafely

_ONE_AT_A_TIME = threading.Lock()  # two trainings at once only slow each other down


class Job:
    """A piece of work that reports how far it is and asks whether it should stop.

    Args:
        name: what the button says.
        work: called with the job, in a thread of its own; returns the last status. It calls
            `tell` as it goes on, and ends early, keeping what it has, where `cancelled` is true.
        allow_unsafe: the work may copy a model that holds code (Lambda).
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
        """Whether the work was asked to stop."""
        return self._cancel.is_set()

    @property
    def running(self) -> bool:
        """Whether the work is going on."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self) -> None:
        """Start the work, if it is not going on."""
        if self.running:
            return
        self._cancel.clear()
        self.start.disabled, self.stop.disabled = True, False
        self.tell(0, 1, "waiting for other work" if _ONE_AT_A_TIME.locked() else "started")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Ask the work to stop; what it has reached stays."""
        self._cancel.set()
        self.stop.disabled = True
        self.say("stopping after this step; what is done stays")

    def wait(self, seconds: float | None = None) -> None:
        """Return once the work has ended, or after some seconds."""
        if self._thread is not None:
            self._thread.join(seconds)

    def tell(self, done: int, total: int, words: str) -> None:
        """Show that `done` of `total` steps are done, and what goes on."""
        self.bar.max, self.bar.value = total, done
        self.say(words)

    def say(self, words: str) -> None:
        """Show what goes on; screen readers read it out."""
        self.status.value = f"<p role='status' class='mode-note'>{escape(words)}</p>"

    def _run(self) -> None:
        try:
            with _ONE_AT_A_TIME, copied_unsafely(self.allow_unsafe):
                words = "cancelled before it began" if self.cancelled else self.work(self)
            self.bar.value = self.bar.value if self.cancelled else self.bar.max
        except Exception as error:  # a thread's own errors are seen by nobody
            words = sentence(error)
        self.start.disabled, self.stop.disabled = False, True
        self.say(words)
