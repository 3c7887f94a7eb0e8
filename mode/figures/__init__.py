"""Figures: `FIGURES` maps each name to a function (table or arrays, ax, options) -> ax.

Nothing is computed here beyond arranging, and nothing else in the project draws.
"""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mode import checks
from mode.figures import (
    curves,
    diagnosis,
    estimation,
    featurevis,
    labels,
    layers,
    maps,
    methods,
    results,
    samples,
)
from mode.figures.files import save, screen

# A new module of figures ends with a FIGURES of its own, and is listed here.
_MODULES = (
    layers,
    maps,
    samples,
    labels,
    results,
    methods,
    curves,
    diagnosis,
    estimation,
    featurevis,
)
FIGURES = {name: function for module in _MODULES for name, function in module.FIGURES.items()}


def draw(name: str, data: Any, ax: Axes | Figure | None = None, **options: Any) -> Axes:
    """Draw the figure `name` of FIGURES and return its axes.

    Args:
        data: the table or arrays that the figure's function takes.
        ax: axes, an empty Figure, or None for a new figure, which a notebook shows.
        options: keyword-only options of that function.

    Raises:
        InputError: for an unknown figure, or data it cannot show.
    """
    return FIGURES[checks.one_of("figure", name, FIGURES)](data, ax, **options)


__all__ = ["FIGURES", "draw", "save", "screen"]
