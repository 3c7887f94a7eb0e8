"""Training panel: a training that is diagnosed while it runs."""

from collections.abc import Callable
from html import escape

import ipywidgets as widgets
import keras
import numpy as np

from mode import checks
from mode.diagnosis import Diagnosis, Report
from mode.diagnosis.gallery import GALLERY, example, rings
from mode.explore.panel import Job, Panel, choice, column, figure, note, number, row, scrolled
from mode.explore.subject import Subject
from mode.models import reinitialize
from mode.models.classifier import targets_of

THIS_MODEL = "this classifier"
TRAININGS = {THIS_MODEL: "The classifier of this page from fresh weights, on its training split."}
TRAININGS |= {name: " ".join((make.__doc__ or "").split()) for name, make in GALLERY.items()}


def reinitialized(subject: Subject) -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """Return the subject's classifier with fresh weights, and its training inputs and targets.

    Raises:
        InputError: for a model that is not compiled, or cannot be rebuilt.
    """
    if not subject.model.compiled:
        checks.fail("the model must be compiled to be trained from fresh weights", "no loss")
    part = subject.data.train
    return reinitialize(subject.model, seed=subject.seed), part.x, targets_of(subject.model, part.y)


def diagnose_training(
    name: str,
    subject: Subject,
    *,
    epochs: int,
    live: Callable[[int, Report], bool] = lambda *_: False,
) -> Report:
    """Train an example of the gallery, or the subject's classifier; return the diagnosis.

    Args:
        name: of TRAININGS.
        subject: its model is not changed.
        epochs: at most so many.
        live: called after each epoch with its number and the report so far; True ends it.

    Raises:
        InputError: for an unknown example, or as `reinitialized`.
    """
    keras.utils.set_random_seed(subject.seed)
    if name == THIS_MODEL:
        model, x, y = reinitialized(subject)
    else:
        model, (x, y) = example(name), rings(seed=subject.seed)
    diagnosis = Diagnosis()

    def after_epoch(epoch: int, logs: dict) -> None:
        if live(epoch + 1, diagnosis.report):
            model.stop_training = True

    callbacks = [diagnosis, keras.callbacks.LambdaCallback(on_epoch_end=after_epoch)]
    model.fit(x, y, epochs=epochs, verbose=0, callbacks=callbacks)
    return diagnosis.report


def pictures(report: Report) -> str:
    """Return the loss and the gradients over the steps, "" where nothing is recorded yet."""
    record = report.record
    if record is None or len(record.steps) < 2:
        return ""
    last = np.asarray(record.losses)[-1]
    words = f"Training loss over {record.steps[-1]} steps, {last:.3g} at the end"
    constant = report.outcome.constant_loss if report.outcome else None
    images = figure("loss_over_steps", record, words, constant=constant)
    if record.indices("gradient"):
        words = "Size of the gradient against the weights of each layer over the steps"
        images += figure("gradient_ratio", record, words)
    return f'<div class="mode-strip">{images}</div>'


def training_panel(subject: Subject) -> Panel:
    """Return the panel of a diagnosed training; it does not depend on the label."""
    name, epochs = choice("Training", TRAININGS, "vanishing"), number("Epochs", 12, 1, 100)
    about, plots, findings = widgets.HTML(), widgets.HTML(), widgets.HTML()

    def draw(label: int) -> None:
        about.value = f"<p>{escape(TRAININGS[name.value])}</p>"

    def show(report: Report) -> None:
        plots.value = pictures(report)
        findings.value = scrolled(report._repr_html_(), "Findings", kind="mode-findings")

    def work(job: Job) -> str:
        total = epochs.value
        plots.value = findings.value = ""

        def live(epoch: int, report: Report) -> bool:
            count = len(report.findings)
            job.progress(epoch, total, f"epoch {epoch} of {total}, {count} findings")
            show(report)
            return job.cancelled

        report = diagnose_training(name.value, subject, epochs=total, live=live)
        show(report)
        ended = "Cancelled; the findings stay. " if job.cancelled else "Done. "
        return f"{ended}{len(report.alarms)} alarms among {len(report.findings)} findings."

    job = Job("Train and diagnose", work, allow_unsafe=subject.allow_unsafe)
    words = note(
        "A training that is recorded while it runs: a small network on points of two rings, with "
        "the fault in its name, or the classifier of this page. Findings appear as it goes on."
    )
    box = column(words, row(name, epochs), about, job.box, plots, findings)
    return Panel("Diagnosis", box, draw, (name,))
