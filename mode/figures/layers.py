"""Figures of layers: what each of them knows, and what its weights look like."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mode import checks
from mode.figures import style
from mode.figures.style import checked_table, numbers


def layer_accuracy(
    curve: pd.DataFrame,
    ax: Axes | Figure | None = None,
    *,
    chosen: str | None = None,
    label: Any = None,
) -> Axes:
    """Draw each layer's sub-model accuracy, overall and of the label.

    Args:
        curve: as `LayerChoice.curve`: columns layer, accuracy and label accuracy, in [0, 1].
        chosen: the layer to mark; label: its number or name, for the legend.

    Raises:
        InputError: for an empty table, missing columns, or an unknown layer.
    """
    checked_table(curve, ("layer", "accuracy", "label accuracy"))
    ax = _by_layer(curve, ax, chosen)
    subject = "the label" if label is None else f"label {style.short(label)}"
    lines = {"accuracy": ("all labels", "o-"), "label accuracy": (subject, "s--")}
    for (column, (name, line)), color in zip(lines.items(), style.COLORS, strict=False):
        ax.plot(range(len(curve)), 100 * numbers(curve, column), line, color=color, label=name)
    ax.set_ylabel("accuracy of the head (%)")
    ax.legend(**style.LEGEND)
    style.title(ax, "How accurate is a softmax head on each layer?")
    return ax


def layer_bhattacharyya(
    curve: pd.DataFrame, ax: Axes | Figure | None = None, *, chosen: str | None = None
) -> Axes:
    """Draw how far each layer's sub-model predicts from the one before.

    Args:
        curve: as `LayerChoice.curve`: columns layer and bhattacharyya (empty for the first).
        chosen: the layer to mark.

    Raises:
        InputError: for an empty table, missing columns, or an unknown layer.
    """
    checked_table(curve, ("layer", "bhattacharyya"))
    ax = _by_layer(curve, ax, chosen)
    values = numbers(curve, "bhattacharyya")
    ax.plot(range(len(curve)), values, "o-", color=style.COLORS[0], label="distance")
    ax.set_ylim(0, 1.15 * max(np.nanmax(values, initial=0), 1e-3))
    ax.legend(**style.LEGEND)
    ax.set_ylabel("Bhattacharyya distance (nats)\nfrom the layer before")
    style.title(ax, "How far does each layer move the predictions?")
    return ax


def layer_weights(
    weights: Any,
    ax: Axes | Figure | None = None,
    *,
    layer: str | None = None,
    symmetric: bool = True,
) -> Axes:
    """Draw a weight matrix (units in, units out) as an image, the longer side across.

    Raises:
        InputError: for an empty matrix, or one without two axes.
    """
    weights = checks.not_empty("weights", checks.numeric("weights", weights, ndim=2))
    sides = ["unit of the layer before", "unit of the layer"]
    if len(weights) >= weights.shape[1]:
        weights, sides = weights.T, sides[::-1]
    high, wide = weights.shape
    colors = style.colors_of([weights], symmetric=symmetric)
    ax = style.axes(ax, min(9, max(4.5, 0.2 * wide)), 1.8 + min(6, max(2, 0.12 * high)))
    image = ax.imshow(weights, colors.cmap, colors.norm, aspect="auto", interpolation="none")
    ax.set(xlabel=sides[1], ylabel=sides[0])
    style.color_bar(ax, image, "weight (blue: negative, red: positive)")
    style.title(ax, f"Weights of {layer or 'the layer'}")
    return ax


def _by_layer(curve: pd.DataFrame, ax: Axes | Figure | None, chosen: str | None) -> Axes:
    """Return axes with the layers from input to output along x, the chosen one marked."""
    names = [str(name) for name in curve["layer"]]
    position = None if chosen is None else names.index(checks.one_of("chosen", chosen, names))
    ax = style.axes(ax, max(5.5, 1.6 + 0.8 * len(names)), 3.8)
    style.plain(ax, grid="y")
    long = len(names) > 8 or max(map(len, names)) > 12
    turned = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if long else {}
    ax.set_xticks(range(len(names)), names, **turned)
    ax.set_xlim(-0.3, len(names) - 0.7)
    ax.set_xlabel("layer, from input to output")
    if position is not None:
        ax.axvspan(position - 0.12, position + 0.12, color="0.88", label="selected layer", zorder=0)
    return ax


FIGURES = {
    "layer_accuracy": layer_accuracy,
    "layer_bhattacharyya": layer_bhattacharyya,
    "layer_weights": layer_weights,
}
