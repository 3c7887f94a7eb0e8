"""Panel 6: a training that is watched while it runs, and what the diagnosis says of it."""

from collections.abc import Callable
from html import escape

import keras
import numpy as np

from mode import checks
from mode.diagnosis import Diagnosis, Report
from mode.diagnosis.gallery import GALLERY, example, rings
from mode.explore.job import Job
from mode.explore.panel import Panel, choice, column, note, number, row, text
from mode.explore.pictures import figure, scrolled
from mode.explore.subject import Subject
from mode.models import reinitialize
from mode.models.training import targets_of

_DRAWN = ("loss_over_steps", "gradient_ratio")
OWN = "this classifier"
ASKED = {OWN: "The classifier of this page from fresh weights, on its training part."}
ASKED |= {name: " ".join((make.__doc__ or "").split()) for name, make in GALLERY.items()}


class Told(keras.callbacks.Callback):
    """Calls `tell` with the number of each finished epoch; ends the training where it says True."""

    def __init__(self, tell: Callable[[int], bool]):
        super().__init__()
        self.tell = tell

    def on_epoch_end(self, epoch, logs=None) -> None:
        """Ask, and stop where wanted."""
        if self.tell(epoch + 1):
            self.model.stop_training = True


def anew(subject: Subject) -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """Return the subject's classifier with fresh weights, and what it is trained on.

    Raises:
        InputError: for a model that is not compiled, or cannot be built anew.
    """
    if not subject.model.compiled:
        checks.fail("the model must be compiled to be trained anew", "no loss")
    part = subject.data.train
    return reinitialize(subject.model, seed=subject.seed), part.x, targets_of(subject.model, part.y)


def watched(
    name: str,
    subject: Subject,
    *,
    epochs: int,
    live: Callable[[int, Report], bool] = lambda *_: False,
) -> Report:
    """Train an example of the gallery, or the subject's own classifier; return what was found.

    Args:
        name: of GALLERY, or OWN.
        live: called after each epoch with its number and the report so far; True ends it.

    Raises:
        InputError: for an unknown example, or as `anew`.
    """
    keras.utils.set_random_seed(subject.seed)
    model, x, y = anew(subject) if name == OWN else (example(name), *rings(seed=subject.seed))
    watch = Diagnosis()
    told = Told(lambda epoch: live(epoch, watch.report))
    model.fit(x, y, epochs=epochs, verbose=0, callbacks=[watch, told])
    return watch.report


def findings(report: Report) -> str:
    """Return a report's findings as HTML; on a narrow screen one stands below the other."""
    return scrolled(report._repr_html_(), "Findings", kind="mode-findings")


def pictures(report: Report) -> str:
    """Return the loss and the gradients over the steps, "" where nothing is recorded yet."""
    record = report.record
    if record is None or len(record.steps) < 2:
        return ""
    last = np.asarray(record.losses)[-1]
    loss = f"Training loss over {record.steps[-1]} steps, {last:.3g} at the end"
    constant = report.outcome.constant_loss if report.outcome else None
    shown = figure(_DRAWN[0], record, loss, constant=constant)
    if record.indices("gradient"):
        words = "Size of the gradient against the weights of each layer over the steps"
        shown += figure(_DRAWN[1], record, words)
    return f'<div class="mode-strip">{shown}</div>'


def training_panel(subject: Subject) -> Panel:
    """Return the panel of a watched training; it does not depend on the label."""
    which, epochs = choice("Training", ASKED, "vanishing"), number("Epochs", 12, 1, 100)
    about, shown, found = text(), text(), text()

    def draw(label: int) -> None:
        about.value = f"<p>{escape(ASKED[which.value])}</p>"

    def work(job: Job) -> str:
        name, total = which.value, epochs.value
        found.value = shown.value = ""

        def live(epoch: int, report: Report) -> bool:
            job.tell(epoch, total, f"epoch {epoch} of {total}, {len(report.findings)} findings")
            shown.value, found.value = pictures(report), findings(report)
            return job.cancelled

        report = watched(name, subject, epochs=total, live=live)
        shown.value, found.value = pictures(report), findings(report)
        ended = "Cancelled; what was found stays. " if job.cancelled else "Done. "
        return f"{ended}{len(report.alarms)} alarms among {len(report.findings)} findings."

    job = Job("Train and watch", work, allow_unsafe=subject.allow_unsafe)
    said = note(
        "A training that is recorded while it runs: a small network on points of two rings, with "
        "a fault that its name tells, or the classifier of this page. Findings come as it goes on."
    )
    box = column(said, row(which, epochs), about, job.box, shown, found)
    return Panel("Diagnosis", box, draw, (which,))
