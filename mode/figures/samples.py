"""Figures of inputs: which are misclassified, and which are near to or far from a map."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mode import checks
from mode.figures import style
from mode.figures.grid import image_tile, map_tile, mosaic, stack
from mode.figures.names import method_words
from mode.heatmaps import scaled

FIT = 13  # letters of a caption above a picture


def misclassified(
    images: Any,
    ax: Axes | Figure | None = None,
    *,
    labels: Any,
    predictions: Any,
    names: Sequence[str] | None = None,
    count: int = 32,
    columns: int = 8,
) -> Axes:
    """Draw the first `count` inputs whose prediction is wrong, each under "true -> predicted".

    Args:
        images: n x ..., values in [0, 1]; those classified correctly are left out.
        labels, predictions: classes, (n,).
        names: what the classes are called; their numbers where None.

    Raises:
        InputError: for lengths that differ, a class without a name, or no wrong prediction.
    """
    images = stack("images", images, images=True)
    true, predicted = checks.labels("labels", labels), checks.labels("predictions", predictions)
    checks.same_length(images=images, labels=true, predictions=predicted)
    if names is not None:
        checks.labels("labels", np.concatenate([true, predicted]), len(names))
    wrong = np.flatnonzero(true != predicted)
    if not wrong.size:
        checks.fail("predictions must be wrong for some input", f"{len(true)} correct ones")
    first_wrong = wrong[: checks.number("count", count, 1, integer=True)]
    columns = min(checks.number("columns", columns, 1, integer=True), len(first_wrong))
    lines = [first_wrong[start : start + columns] for start in range(0, len(first_wrong), columns)]
    numbers = [f"{n * columns + 1} to {n * columns + len(at)}" for n, at in enumerate(lines)]
    rows = {
        name: [image_tile(images[i]) for i in at] for name, at in zip(numbers, lines, strict=True)
    }
    captions = {
        label: [_mistake(true[i], predicted[i], names) for i in at]
        for label, at in zip(rows, lines, strict=True)
    }
    ax = mosaic(ax, rows, [""] * columns, captions=captions)
    ax.set_xlabel("true class → predicted class")
    style.title(ax, f"{len(first_wrong)} of {len(wrong)} misclassified inputs")
    return ax


def _mistake(true: int, predicted: int, names: Sequence[str] | None) -> str:
    """Return "true → predicted", on two lines where one is too narrow for the names."""
    if names is None:
        return f"{true} → {predicted}"
    before, after = (style.short(names[label], FIT) for label in (true, predicted))
    return f"{before}{chr(10) if len(before + after) > FIT - 3 else ' '}→ {after}"


def most_similar(
    inputs: Mapping[str, Any],
    ax: Axes | Figure | None = None,
    *,
    columns: Sequence[str] | None = None,
) -> Axes:
    """Draw the inputs nearest to a map (Fig. 2): row (metric or class) -> inputs, nearest first.

    Args:
        inputs: row's name -> k x ..., values in [0, 1]; rows may differ in length.
        columns: labels of the columns; ranks from 1 where None.

    Raises:
        InputError: for no row, or inputs outside [0, 1].
    """
    rows = {
        style.words(name): [image_tile(image) for image in stack(repr(name), each, images=True)]
        for name, each in _named("inputs", inputs).items()
    }
    longest = max(map(len, rows.values()))
    names = list(columns or [str(n + 1) for n in range(longest)])
    if len(names) < longest:
        checks.fail(f"columns must be {longest} labels", len(names))
    ax = mosaic(ax, rows, names)
    ax.set_xlabel("class" if columns else "rank (1 is most similar)")
    style.title(ax, "Inputs most similar to the heat map")
    return ax


def compared_with_map(
    inputs: Mapping[str, Any], ax: Axes | Figure | None = None, *, target: Any, label: Any
) -> Axes:
    """Draw inputs above their activations, and left of these the map they were compared with.

    Args:
        inputs: row's name -> (inputs k x ..., in [0, 1]; their activations (k, units)).
        target: the map (units,). label: the class, for the title.

    Raises:
        InputError: for no row, or inputs outside [0, 1].
    """
    target = stack("target", np.asarray(target)[None])[0]
    colors = style.colors_of([target], least=1)
    rows: dict[str, list] = {}
    for name, (images, activations) in _named("inputs", inputs).items():
        rows[name] = [None, *map(image_tile, stack(repr(name), images, images=True))]
        strips = [map_tile(scaled(each), colors) for each in activations]
        rows[f"activations,\n{name}"] = [map_tile(target, colors), *strips]
    longest = max(map(len, rows.values()))
    columns = ["map", *map(str, range(1, longest))]
    ax = mosaic(ax, rows, columns, breaks=(1,), bar=True, inches=0.55)
    ax.set_xlabel("the map, then inputs in the order chosen")
    style.color_bar(ax, colors, "-1 (blue): below average      +1 (red): above average")
    style.title(ax, f"Are the inputs chosen for class {label} more like its map than random ones?")
    return ax


def best_and_worst(
    ranked: Mapping[str, tuple[Any, Any, Any]],
    ax: Axes | Figure | None = None,
    *,
    label: int,
    symmetric: bool = True,
) -> Axes:
    """Draw for each metric (row) the map of `label`, its k nearest and its k farthest inputs.

    Args:
        ranked: metric -> (map, nearest, farthest): a map ..., and inputs k x ... in [0, 1],
            nearest first, and farthest first.

    Raises:
        InputError: for no metric, or a metric without the three arrays.
    """
    ranked = {name: _three(name, arrays) for name, arrays in _named("ranked", ranked).items()}
    near, far = (max(len(arrays[part]) for arrays in ranked.values()) for part in (1, 2))
    colors = style.colors_of(
        [arrays[0] for arrays in ranked.values()], symmetric=symmetric, least=1
    )
    rows = {
        method_words(name): [map_tile(m, colors), *_padded(nearest, near), *_padded(farthest, far)]
        for name, (m, nearest, farthest) in ranked.items()
    }
    names = [f"{word} {n + 1}" for word, k in (("near", near), ("far", far)) for n in range(k)]
    ax = mosaic(ax, rows, ["map", *names], breaks=(1, 1 + near), bar=True)
    ax.set_xlabel(f"map of class {label}, its {near} nearest inputs, its {far} farthest inputs")
    style.color_bar(ax, colors, "map: -1 (blue) below average, +1 (red) above average")
    style.title(ax, f"Inputs nearest to and farthest from the map of class {label}, by metric")
    return ax


def _named(name: str, rows: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(rows, Mapping):
        checks.fail(f"{name} must be a mapping from a row's name", type(rows).__name__)
    return checks.not_empty(name, rows)


def _three(name: str, arrays: Sequence[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if len(arrays) != 3:
        checks.fail(
            f"{name!r} must have a map, nearest and farthest inputs", f"{len(arrays)} arrays"
        )
    heatmap, nearest, farthest = arrays
    return (
        stack(f"map of {name!r}", np.asarray(heatmap)[None])[0],
        stack(f"nearest of {name!r}", nearest, images=True),
        stack(f"farthest of {name!r}", farthest, images=True),
    )


def _padded(images: np.ndarray, length: int) -> list:
    return [image_tile(image) for image in images] + [None] * (length - len(images))


FIGURES = {
    "misclassified": misclassified,
    "best_and_worst": best_and_worst,
    "most_similar": most_similar,
    "compared_with_map": compared_with_map,
}
