"""Figures on disk, where the same data give the same bytes, and figures for a screen."""

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.figure import Figure

DPI = 110
SCREEN = 88  # of a picture that is to be there within the blink of an eye
_LOCK = Lock()  # matplotlib's caches of fonts and mathematics are not made for threads
# Identifiers in an svg are hashes; without a salt of their own they are random.
SETTINGS = {"svg.hashsalt": "mode", "svg.fonttype": "path"}
# What names the day or the version of the program would change the bytes, not the picture.
FORMATS: dict[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "png": {"metadata": {"Software": None}, "dpi": DPI, "pil_kwargs": {"optimize": True}},
}


def save(
    function: Callable[..., Axes], data: Any, stem: str | os.PathLike, **options: Any
) -> list[Path]:
    """Draw a figure and write it as stem.svg and stem.png; return the two paths.

    The reader's own matplotlib settings have no influence, and pyplot is not used.

    Args:
        function: a value of FIGURES; data and options are handed to it.
        stem: path without an ending; its folders are made where they lack.

    Raises:
        InputError: as the function, before anything is written.
    """
    stem = Path(stem)
    parameters = {
        name: value for name, value in rcParamsDefault.items() if not name.startswith("back")
    }
    with rc_context({**parameters, **SETTINGS}):
        figure = Figure()
        function(data, figure, **options)
        drawn = {ending: _bytes(figure, ending) for ending in FORMATS}
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = [stem.with_name(f"{stem.name}.{ending}") for ending in FORMATS]
    for path, content in zip(paths, drawn.values(), strict=True):
        path.write_bytes(content)
    return paths


def screen(function: Callable[..., Axes], data: Any, **options: Any) -> bytes:
    """Return a figure as a png for the screen; callable from any thread.

    What lies outside the axes is measured once, where `save` lays out the figure twice, so that
    this takes a third of the time.

    Raises:
        InputError: as the function.
    """
    buffer = BytesIO()
    with _LOCK:
        figure = Figure()
        function(data, figure, **options)
        figure.set_layout_engine("none")
        figure.savefig(buffer, format="png", dpi=SCREEN, bbox_inches="tight", pad_inches=0.05)
    return buffer.getvalue()


def _bytes(figure: Figure, ending: str) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=ending, **FORMATS[ending])
    return buffer.getvalue()
