"""The report of one audit: a page that needs nothing beside it, pictures and a table."""

from html import escape
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mode import checks
from mode.featurevis import nearby, pictures
from mode.featurevis.auditing import Audit, audit
from mode.featurevis.maximisation import Stimuli
from mode.featurevis.prior import Prior, load_prior
from mode.models import load_model
from mode.models.files import copied_unsafely

STYLE = (
    "body{font:16px sans-serif;max-width:50em;margin:2em auto}"
    "td,th{padding:2px 8px;text-align:right}"
)


def visualise(
    model_path, prior, out, *, images=None, seed: int = 0, allow_unsafe: bool = False
) -> Audit:
    """Audit a saved classifier; write report.html, scores.csv and a picture a class into `out`.

    Args:
        model_path: a `.keras` file or a Keras model.
        prior: what `load_prior` takes, or a Prior.
        out: folder, made where it lacks.
        images: training images to show beside the preferred pictures, where there are any: an
            `.npz` with x_train, or an array as `audit` takes it.
        seed: seed of the audit. Defaults to 0.
        allow_unsafe: run code that the files of the model and the prior hold (Lambda). Defaults
            to False.

    Raises:
        InputError: for a file that is missing or no Keras model, what `nearby.training_images`
            refuses, and whatever `audit` refuses.
    """
    classifier = model_path
    if not isinstance(model_path, keras.Model):
        classifier = load_model(model_path, allow_unsafe=allow_unsafe, compiled=False)
    if not isinstance(prior, Prior):
        prior = load_prior(prior, allow_unsafe=allow_unsafe)
    if images is not None and not isinstance(images, np.ndarray):
        images = nearby.training_images(images)
    folder = _folder(out)
    with copied_unsafely(allow_unsafe):
        result = audit(classifier, prior, images, seed=seed)
    result.scores.to_csv(folder / "scores.csv", index=False)
    if result.stimuli is not None:
        for unit, row in zip(result.stimuli.units, result.stimuli.images, strict=True):
            (folder / f"class_{unit}.png").write_bytes(pictures.png(pictures.strip(row)))
    (folder / "report.html").write_text(
        page(result, classifier.name, prior, images), encoding="utf-8"
    )
    return result


def _folder(out) -> Path:
    try:
        Path(out).mkdir(parents=True, exist_ok=True)
    except OSError as error:  # told before the audit, not after it
        checks.fail("out must be a folder that can be written", f"{str(out)!r}: {error.strerror}")
    return Path(out)


def page(result: Audit, name: str, prior: Prior, images: np.ndarray | None = None) -> str:
    """Return the whole report as HTML; every picture is inside it."""
    used = (
        "no image of the classifier's own data was used"
        if images is None
        else (f"of the {len(images)} training images none changed the verdict")
    )
    parts = [
        f"<!doctype html><meta charset=utf-8><title>{escape(name)}</title><style>{STYLE}</style>",
        f"<h1>{escape(name)}: {result.verdict}</h1>{result._repr_html_()}",
        f"<p>Seen through the prior {escape(str(prior.card.get('name')))}, which stands in for "
        f"data; {used}.</p>",
    ]
    if result.stimuli is not None:
        parts.append("<h2>What each class prefers</h2>" + result.stimuli._repr_html_())
    if result.stimuli is not None and images is not None:
        parts.append("<h2>Are training images reproduced?</h2>")
        parts.append(_nearest(result.scores, result.stimuli, images))
    if result.cross_talk is not None:
        parts.append("<h2>What the judge calls them</h2>" + _matrix(result.cross_talk))
    table = result.scores.to_html(index=False, float_format="{:.3f}".format, na_rep="", border=0)
    return "".join([*parts, "<h2>Scores, with the healthy twin's beside</h2>", table])


def _nearest(scores: pd.DataFrame, stimuli: Stimuli, images: np.ndarray) -> str:
    row = scores.set_index("score").loc["nearest_image"]
    said = (
        f"<p>The preferred pictures are {row.value:.2f} ({row.low:.2f} to {row.high:.2f}) times as "
        "far from the nearest training image as the prior's own pictures are; well under 1 means "
        "that the classifier asks for what it was shown.</p>"
    )
    names = [str(unit) for unit in stimuli.units]
    return said + nearby.table(stimuli.images, images, names)


def _matrix(talk: np.ndarray) -> str:
    head = "".join(f"<th>{k}</th>" for k in range(len(talk)))
    rows = [
        f"<tr><th>{k}</th>" + "".join(f"<td>{v:.0%}</td>" if v else "<td></td>" for v in row)
        for k, row in enumerate(talk)
    ]
    return f"<table><tr><th>class</th>{head}</tr>{''.join(f'{r}</tr>' for r in rows)}</table>"
