"""The report of one audit: an HTML page with its images inside, and a table."""

import base64
import re
from collections.abc import Sequence
from html import escape
from io import BytesIO
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from PIL import Image

from mode import checks
from mode.data.archives import read
from mode.featurevis import scores, targets
from mode.featurevis.audits import Audit, audit
from mode.featurevis.class_feedback import Feedback, check_units, feedback, unit_feedback
from mode.featurevis.maximization import PreferredInputs
from mode.featurevis.prior import Prior, load_prior
from mode.models import load_model
from mode.models.files import copied_unsafely

STYLE = (
    "body{font:16px sans-serif;max-width:50em;margin:2em auto}"
    "td,th{padding:2px 8px;text-align:right}"
)
RESTARTS = 8  # images per unit in a table
KEY = "x_train"


def visualize(
    model, prior, out, *, images=None, units=(), seed: int = 0, allow_unsafe: bool = False
) -> Audit:
    """Audit a classifier; write report.html, scores.csv, classes.csv and images into `out`.

    Args:
        model: a `.keras` file or a Keras model.
        prior: a Prior, or what `load_prior` takes.
        out: folder, created if it does not exist.
        images: training images to show beside the preferred inputs: an `.npz` with x_train, or an
            array as `audit` takes it. Defaults to None.
        units: units ("layer:3") and groups ("layer:1,4,9", "layer:1=2,4=0.5") to show what they
            prefer. Defaults to none.
        seed: seed of the audit. Defaults to 0.
        allow_unsafe: run code that the files of the model and the prior hold (Lambda). Defaults
            to False.

    Raises:
        InputError: as `load_model`, `load_prior`, `training_images` and `audit`.
    """
    if not isinstance(model, keras.Model):
        model = load_model(model, allow_unsafe=allow_unsafe, compiled=False)
    if not isinstance(prior, Prior):
        prior = load_prior(prior, allow_unsafe=allow_unsafe)
    if images is not None and not isinstance(images, np.ndarray):
        images = training_images(images)
    targets.check_model(model)
    targets.check_input_shape(model, prior.shape)
    parsed = check_units(model, prior, tuple(units))
    folder = _created(out)
    with copied_unsafely(allow_unsafe):
        result = audit(model, prior, images, seed=seed)
        by_class = feedback(model, prior, result, seed=seed)
    by_unit = [unit_feedback(model, prior, layer, unit, seed=seed) for layer, unit in parsed]
    result.scores.to_csv(folder / "scores.csv", index=False)
    preferred = result.preferred_inputs
    if preferred is not None and result.cross_talk is not None:
        for unit, row in zip(preferred.units, preferred.images, strict=True):
            (folder / f"class_{unit}.png").write_bytes(png(side_by_side(row)))
    for text, (chosen, _) in zip(units, by_unit, strict=True):
        name = re.sub(r"[^A-Za-z0-9=.,-]", "_", text)
        (folder / f"unit_{name}.png").write_bytes(png(side_by_side(chosen.images[0])))
    if by_class is not None:
        by_class.table.to_csv(folder / "classes.csv", index=False)
    page = report_page(result, model.name, prior, images, by_class, by_unit)
    (folder / "report.html").write_text(page, encoding="utf-8")
    return result


def training_images(path) -> np.ndarray:
    """Return the training images in an `.npz`, (n, h, w, c) in [0, 1]; uint8 is divided by 255.

    Raises:
        InputError: for a file that is missing or no `.npz`, one without x_train, or values that
            are no images.
    """
    arrays, other = read(path, [KEY])
    if KEY not in arrays:
        checks.fail(f"images must hold {KEY}", f"keys {', '.join(other) or 'none'}")
    x = checks.numeric(KEY, arrays[KEY])
    x = checks.images(KEY, x / np.float32(255) if x.dtype == np.uint8 else x)
    return x[..., None] if x.ndim == 3 else x


def _created(out) -> Path:
    try:
        Path(out).mkdir(parents=True, exist_ok=True)
    except OSError as error:  # before the audit, not after it
        checks.fail("out must be a folder that can be written", f"{str(out)!r}: {error.strerror}")
    return Path(out)


def report_page(
    result: Audit,
    name: str,
    prior: Prior,
    images: np.ndarray | None = None,
    by_class: Feedback | None = None,
    by_unit: Sequence[tuple[PreferredInputs, str]] = (),
) -> str:
    """Return the whole report as HTML, with every image inside."""
    data = "no training image was used"
    if images is not None:
        data = f"the {len(images)} training images did not change the verdict"
    preferred = result.preferred_inputs
    parts = [
        f"<!doctype html><meta charset=utf-8><title>{escape(name)}</title><style>{STYLE}</style>",
        f"<h1>{escape(name)}: {result.verdict}</h1>{result._repr_html_()}",
        f"<p>Prior used in place of data: {escape(str(prior.card.get('name')))}; {data}.</p>",
    ]
    if by_class is not None:
        parts.append(f"<h2>Strengths and weaknesses by class</h2>{by_class._repr_html_()}")
    if by_unit:
        parts.append("<h2>The preferred inputs of units</h2>")
    for chosen, sentence in by_unit:
        parts.append(f"<p>{escape(sentence)}</p>{inline_image(side_by_side(chosen.images[0]))}")
    if preferred is not None and result.cross_talk is not None:
        parts += ["<h2>The preferred inputs of each class</h2>", preferred._repr_html_()]
        if images is not None:
            parts.append("<h2>Does the model reproduce training images?</h2>")
            parts.append(_nearest(result.scores, preferred, images))
        heading = "<h2>Classes that the reference classifier predicts for them</h2>"
        parts.append(heading + _matrix(result.cross_talk))
    table = result.scores.to_html(index=False, float_format="{:.3g}".format, na_rep="", border=0)
    return "".join([*parts, "<h2>Scores of the model and of its reference model</h2>", table])


def _nearest(table: pd.DataFrame, preferred: PreferredInputs, images: np.ndarray) -> str:
    row = table.set_index("score").loc["nearest_image"]
    text = (
        f"<p>The distance from the preferred inputs to the nearest training image is "
        f"{row.value:.2f} ({row.low:.2f} to {row.high:.2f}) times that of the prior's images; well "
        "below 1 means that the model prefers inputs like its training images.</p>"
    )
    pairs = above_nearest(preferred.images, images)
    heading = "preferred inputs, and below each the nearest training image"
    return text + _table(pairs, [str(unit) for unit in preferred.units], heading)


def above_nearest(preferred: np.ndarray, images: np.ndarray) -> list[np.ndarray]:
    """Return one image per unit: its preferred inputs above the nearest of `images` to each.

    preferred (units, restarts, h, w, c), images (n, h, w, c), by Euclidean distance of pixels.
    """
    some = preferred[:, :RESTARTS]
    index, _ = scores.nearest(some.reshape(-1, *some.shape[2:]), images)
    pairs = zip(some, images[index].reshape(some.shape), strict=True)
    gap = [(0, 0), (0, 2), (0, 0), (0, 0)]
    return [
        np.concatenate([side_by_side(np.pad(a, gap, constant_values=1.0)), side_by_side(b)])
        for a, b in pairs
    ]


def _matrix(talk: np.ndarray) -> str:
    head = "".join(f"<th>{k}</th>" for k in range(len(talk)))
    rows = [
        f"<tr><th>{k}</th>" + "".join(f"<td>{v:.0%}</td>" if v else "<td></td>" for v in row)
        for k, row in enumerate(talk)
    ]
    return f"<table><tr><th>class</th>{head}</tr>{''.join(f'{r}</tr>' for r in rows)}</table>"


def image_table(images: np.ndarray, names: list[str]) -> str:
    """Return an HTML table, a row per unit; images (units, restarts, h, w, c)."""
    return _table([side_by_side(row[:RESTARTS]) for row in images], names, "preferred inputs")


def _table(images: list[np.ndarray], names: list[str], heading: str) -> str:
    rows = [
        f"<tr><td>{name}</td><td>{inline_image(image)}</td></tr>"
        for name, image in zip(names, images, strict=True)
    ]
    return f"<table><tr><th>unit</th><th>{heading}</th></tr>{''.join(rows)}</table>"


def side_by_side(images: np.ndarray, gap: int = 2) -> np.ndarray:
    """Return images (n, h, w, c) in a row as one image, `gap` white pixels between them."""
    padded = np.pad(images, ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=1.0)
    return np.concatenate(list(padded), axis=1)[:, : -gap or None]


def inline_image(image: np.ndarray, zoom: int = 2) -> str:
    """Return an HTML image with its data inside, `zoom` screen pixels per pixel."""
    data = base64.b64encode(png(image)).decode()
    look = f'width="{image.shape[1] * zoom}" style="image-rendering:pixelated"'
    return f'<img {look} src="data:image/png;base64,{data}">'


def png(image: np.ndarray) -> bytes:
    """Return `image` (h, w), (h, w, 1) or (h, w, 3) in [0, 1] as the bytes of a PNG file."""
    pixels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    pixels = pixels[..., 0] if pixels.shape[2:] == (1,) else pixels
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
