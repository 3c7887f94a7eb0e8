"""Panel 7: what each class prefers to see, and how over-fitted the classifier is, without data."""

from html import escape

from mode.explore.job import Job
from mode.explore.panel import Panel, choice, column, note, number, row, text
from mode.explore.pictures import strip
from mode.explore.subject import Subject
from mode.featurevis import Audit, PreferredInputs, audit, load_prior, maximize
from mode.models import clone

PRIORS = ("digits", "fashion")


def preferred(subject: Subject, inputs: PreferredInputs) -> str:
    """Return the synthesised images as HTML, a row a class."""
    rows = []
    for unit, images, scores in zip(inputs.units, inputs.images, inputs.activations, strict=True):
        name = subject.name(unit)
        shown = [
            (image, f"synthesised for class {name}, activation {score:.3g}", f"{score:.1f}")
            for image, score in zip(images, scores, strict=True)
        ]
        rows.append(f"<div>{strip(f'Class {name}', shown)}</div>")
    return f'<div class="mode-classes">{"".join(rows)}</div>'


def verdict(found: Audit) -> str:
    """Return the over-fitting score and what else the audit says as HTML."""
    low, high = found.interval
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in found.reasons)
    return (
        f"<p>Over-fitting score <b>{found.overfitting:.2f}</b> (fine classifiers: -0.14 to 0.14). "
        f"Verdict: <b>{found.verdict}</b>; test error estimated without data {found.error:.1%} "
        f"({low:.1%} to {high:.1%}).</p><ul>{reasons}</ul>"
    )


def visual_panel(subject: Subject) -> Panel:
    """Return the panel of synthesised images; it does not depend on the label."""
    prior, restarts = choice("Prior", PRIORS), number("Images a class", 4, 1, 16)
    shown, said = text(), text()

    def work(job: Job) -> str:
        shown.value = said.value = ""
        known, model = load_prior(prior.value), clone(subject.model)
        how = {"restarts": restarts.value, "seed": subject.seed, "progress": False}
        job.tell(0, 2, "synthesising images")
        inputs = maximize(model, known, range(subject.data.classes), **how)
        shown.value = preferred(subject, inputs)
        if job.cancelled:
            return "Cancelled before the audit; the images stay."
        job.tell(1, 2, "judging: how over-fitted, told without data")
        found = audit(model, known, seed=subject.seed)
        said.value = verdict(found)
        return "Done."

    job = Job("Synthesise and judge", work, allow_unsafe=subject.allow_unsafe)
    words = note(
        "Images that most excite each class, made through a generator of digits or clothing; the "
        "number is the activation. Then the over-fitting score. Takes some seconds."
    )
    box = column(words, row(prior, restarts), job.box, said, shown)
    return Panel("Preferred images", box, lambda label: None)
