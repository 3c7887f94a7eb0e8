"""Preferred-input panel: what excites each class most, and an audit without data."""

from html import escape

import ipywidgets as widgets

from mode.explore.panel import Job, Panel, choice, column, note, number, row, strip
from mode.explore.subject import Subject
from mode.featurevis import Audit, PreferredInputs, audit, load_prior, maximize
from mode.models import clone

PRIORS = ("digits", "fashion")


def preferred_inputs(subject: Subject, preferred: PreferredInputs) -> str:
    """Return the synthesized images as HTML, a row per class."""
    rows = []
    for unit, images, scores in zip(
        preferred.units, preferred.images, preferred.activations, strict=True
    ):
        name = subject.name(unit)
        pictures = [
            (image, f"synthesized for class {name}, activation {score:.3g}", f"{score:.1f}")
            for image, score in zip(images, scores, strict=True)
        ]
        rows.append(f"<div>{strip(f'Class {name}', pictures)}</div>")
    return f'<div class="mode-classes">{"".join(rows)}</div>'


def verdict(result: Audit) -> str:
    """Return the over-fitting score, the verdict and its reasons as HTML."""
    low, high = result.interval
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in result.reasons)
    return (
        f"<p>Over-fitting score <b>{result.overfitting:.2f}</b> (fine classifiers: -0.14 to 0.14). "
        f"Verdict: <b>{result.verdict}</b>; test error estimated without data {result.error:.1%} "
        f"({low:.1%} to {high:.1%}).</p><ul>{reasons}</ul>"
    )


def preferred_panel(subject: Subject) -> Panel:
    """Return the panel of preferred inputs; it does not depend on the label."""
    name, restarts = choice("Prior", PRIORS), number("Images per class", 4, 1, 16)
    images, text = widgets.HTML(), widgets.HTML()

    def work(job: Job) -> str:
        images.value = text.value = ""
        prior, model = load_prior(name.value), clone(subject.model)
        options = {"restarts": restarts.value, "seed": subject.seed, "progress": False}
        job.progress(0, 2, "synthesizing images")
        preferred = maximize(model, prior, range(subject.data.classes), **options)
        images.value = preferred_inputs(subject, preferred)
        if job.cancelled:
            return "Cancelled before the audit; the images stay."
        job.progress(1, 2, "auditing: over-fitting, estimated without data")
        text.value = verdict(audit(model, prior, seed=subject.seed))
        return "Done."

    job = Job("Synthesize and audit", work, allow_unsafe=subject.allow_unsafe)
    words = note(
        "Images that most excite each class, made through a generator of digits or clothing. The "
        "number is the activation. An over-fitting score follows after some seconds."
    )
    box = column(words, row(name, restarts), job.box, text, images)
    return Panel("Preferred inputs", box, lambda label: None)
