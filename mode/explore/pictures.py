"""Pictures as HTML, each with a text of what it shows."""

import base64
from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np

from mode.featurevis.report import png
from mode.figures import FIGURES, screen
from mode.studies.features import pictured


def figure(name: str, data: Any, alt: str, **options: Any) -> str:
    """Return the figure `name` of FIGURES as an HTML image with the text `alt`.

    Raises:
        InputError: as the figure.
    """
    return image(screen(FIGURES[name], data, **options), alt, kind="figure")


def image(content: bytes, alt: str, *, kind: str) -> str:
    """Return the bytes of a png as an HTML image of the style `kind` with the text `alt`."""
    held = base64.b64encode(content).decode()
    return f'<img class="mode-{kind}" alt="{escape(alt)}" src="data:image/png;base64,{held}">'


def thumbnail(x: np.ndarray, alt: str) -> str:
    """Return one input as a small image; what is no picture becomes a line of grey cells."""
    return image(png(x if pictured(x.shape) else _cells(x)), alt, kind="input")


def _cells(x: np.ndarray) -> np.ndarray:
    flat = np.asarray(x, np.float64).reshape(1, -1)
    span = np.ptp(flat)
    return np.tile((flat - flat.min()) / (span or 1), (8, 1))


def strip(title: str, pictures: Iterable[tuple[np.ndarray, str, str]]) -> str:
    """Return inputs side by side under a title, each (input, text of what it shows, caption)."""
    shown = "".join(
        f"<figure>{thumbnail(x, alt)}<figcaption>{escape(caption)}</figcaption></figure>"
        for x, alt, caption in pictures
    )
    return f'<h4>{escape(title)}</h4><div class="mode-strip">{shown}</div>'


def table(frame: Any, name: str) -> str:
    """Return a table as HTML, as `scrolled`."""
    return scrolled(frame.to_html(index=False, border=0), name)


def scrolled(html: str, name: str, *, kind: str = "") -> str:
    """Return HTML that may be scrolled sideways on a narrow screen, by the keyboard too.

    name: what it is, for those who do not see it. kind: a style of its own.
    """
    style = f"mode-scroll {kind}".strip()
    return (
        f'<div class="{style}" role="region" aria-label="{escape(name)}" tabindex="0">{html}</div>'
    )
