"""Figures of a diagnosis: what a record holds, drawn over the steps of the training."""

from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mode.figures.style import COLORS, GRAY, axes, legend_above, title

NAMED = 3  # layers whose lines have a name each; of more, the first and the last have
_STYLES = ("-", "--", "-.", ":")


def loss_over_steps(
    record: Any,
    ax: Axes | None = None,
    *,
    constant: float | None = None,
    heading: str = "Does the loss fall below a constant answer?",
    legend: bool = True,
) -> Axes:
    """Draw the mean loss between two records, and the loss of the best constant prediction.

    Args:
        record: a `mode.diagnosis` record (steps (t,), losses (t,), broken_step).
        constant: loss of the best constant prediction; None leaves the line out.
        heading: the title.
        legend: name the lines; of several panels one is enough.
    """
    ax = axes(ax, 4, 3)
    ax.plot(record.steps, record.losses, color=COLORS[0], label="training loss")
    if constant is not None and np.isfinite(constant):
        ax.axhline(constant, color=GRAY, linestyle="--", label="best constant")
    _mark_broken(record, ax)
    ax.set_xlabel("step")
    ax.set_ylabel("loss")
    if legend:
        _legend(ax, heading, columns=2)
    else:
        title(ax, heading)
    return ax


def gradient_ratio(
    record: Any, ax: Axes | None = None, *, heading: str = "Does a gradient reach every layer?"
) -> Axes:
    """Draw |gradient| / |weight| of each kernel over the steps, first layer to last.

    A gradient of exactly 0 has no place on the logarithmic axis: a cross at its foot marks it.
    Where a gradient is not finite nothing is drawn. The title is `heading`.
    """
    ax = axes(ax, 4, 3)
    gradients, weights = record.indices("gradient"), record.indices("weight")
    last = len(gradients) - 1
    zeros, anything = 0, False
    for k, (g, w) in enumerate(zip(gradients, weights, strict=True)):
        name = record.rows[g].layer.rsplit("/", 1)[-1]
        look = {"color": COLORS[k % len(COLORS)]}
        ratio = _ratio(record, g, w)
        positive = np.where(ratio > 0, ratio, np.nan)
        dashes = _STYLES[k // len(COLORS) % len(_STYLES)]
        label = name if last < NAMED or k in (0, last) else "_unnamed"
        ax.plot(record.steps, positive, dashes, label=label, **look)
        at = record.steps[ratio == 0]
        foot = {"transform": ax.get_xaxis_transform(), "markersize": 4, **look}
        ax.plot(at, np.full(len(at), 0.04 + 0.06 * k), "x", **foot)
        zeros, anything = zeros + len(at), anything or bool(np.isfinite(positive).any())
    ax.set_yscale("log")
    ax.set_xlabel("step")
    ax.set_ylabel("|gradient| / |weight|")
    if zeros:
        ax.plot([], [], "x", color=GRAY, label="gradient is 0")
    if not anything:
        ax.set_yticks([])
        ax.set_yticks([], minor=True)
    _mark_broken(record, ax)
    _legend(ax, heading, columns=3)
    return ax


def _ratio(record: Any, gradient: int, weight: int) -> np.ndarray:
    sizes, lost = record.column("rms"), record.column("nonfinite")
    ratio = sizes[:, gradient] / np.maximum(sizes[:, weight], 1e-30)
    return np.where((lost[:, gradient] < 1) & (lost[:, weight] < 1), ratio, np.nan)


def activation_histograms(
    activations: dict,
    ax: Axes | None = None,
    *,
    bins: int = 40,
    heading: str = "Where do the activations lie?",
) -> Axes:
    """Draw for each layer, one above the other, how its activations are distributed.

    Args:
        activations: name of a layer -> its values on some inputs (any shape), in forward order.
        bins: of each histogram; all share one axis, cut at the 1st and 99th percentile.
        heading: the title.
    """
    ax = axes(ax, 4, 3)
    finite = {n: v[np.isfinite(v)] for n, v in ((n, np.ravel(v)) for n, v in activations.items())}
    everything = np.concatenate([*finite.values(), np.zeros(1)])
    low, high = np.percentile(everything, (1, 99))
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    for place, (name, values) in enumerate(finite.items()):
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        heights = 0.9 * counts / max(counts.max(), 1)
        ax.stairs(place + heights, edges, baseline=place, fill=True, color=COLORS[0])
        lost = 1 - len(values) / max(np.size(activations[name]), 1)
        if lost:
            ax.annotate(f"{100 * lost:.0f} % not finite", (edges[0], place + 0.1), fontsize=7)
    ax.set_yticks(np.arange(len(finite)), list(finite))
    ax.set_xlabel("activation")
    ax.set_ylabel("from input up to output")
    title(ax, heading)
    return ax


def histograms_by_epoch(
    histograms: dict,
    ax: Axes | None = None,
    *,
    heading: str = "How do the values move from epoch to epoch?",
) -> Axes:
    """Draw histograms of one tensor one above the other, the first epoch at the bottom.

    Args:
        histograms: epoch -> (edges (bins + 1,), counts (bins,)) of its values.
        heading: the title.

    The axis is linear around 0, up to the smallest edge, and logarithmic beyond.
    """
    ax = axes(ax, 4, 3)
    sizes = np.abs(np.concatenate([edges for edges, _ in histograms.values()] or [np.ones(1)]))
    powers = np.log10(sizes[sizes > 0]) if sizes.any() else np.zeros(1)
    smallest, largest = np.floor(powers.min()), max(np.ceil(powers.max()), powers.min() + 1)
    for place, (_, (edges, counts)) in enumerate(sorted(histograms.items())):
        heights = 0.9 * np.asarray(counts) / max(np.max(counts), 1)
        ax.stairs(place + heights, edges, baseline=place, fill=True, color=COLORS[0])
        if edges[0] == edges[-1]:  # all values are the same: a bar has no width
            ax.vlines(edges[0], place, place + 0.9, color=COLORS[0])
    ticks = 10.0 ** np.unique(np.round([(smallest + largest) / 2, largest]))
    ax.set_xscale("symlog", linthresh=10.0**smallest)
    ax.set_xlim(-(10.0**largest), 10.0**largest)
    ax.set_xticks([*-ticks[::-1], 0, *ticks])
    ax.set_yticks(np.arange(len(histograms)), [str(epoch) for epoch in sorted(histograms)])
    ax.set_xlabel("value")
    ax.set_ylabel("epoch")
    title(ax, heading)
    return ax


def causes_of_symptoms(
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
    heading: str = "Which causes may be behind a symptom?",
) -> Axes:
    """Draw a square for each cause of a symptom, its area the cause's weight.

    Symptoms with the same causes share a row; the most frequent cause comes first.

    Args:
        table: columns symptom, cause and weight (0 to 1), a row for each pair.
        heading: the title.
    """
    wide = table.pivot_table("weight", "symptom", "cause", fill_value=0.0)
    wide = wide[wide.sum().sort_values(ascending=False, kind="stable").index]
    rows = wide.reset_index().groupby([*wide.columns], sort=False)["symptom"].agg(", ".join)
    rows = rows.iloc[np.argsort(-rows.index.to_frame().gt(0).sum(axis=1), kind="stable")]
    weights = rows.index.to_frame().to_numpy()
    ax = axes(ax, 9, 2 + 0.4 * len(rows))
    down, across = np.nonzero(weights)
    ax.scatter(across, down, 90 * weights[down, across], COLORS[0], "s")
    ax.set_yticks(range(len(rows)), [fill(_in_words(name), 52) for name in rows], fontsize=7)
    ax.set_xticks(range(wide.shape[1]), map(_in_words, wide), rotation=60, ha="right", fontsize=8)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.grid(color="0.9", linewidth=0.5)
    ax.set_axisbelow(True)
    ax.set_xlabel("cause; a larger square is a likelier one, before the training's numbers")
    title(ax, heading)
    return ax


def _in_words(name: str) -> str:
    return name.replace("_", " ")


def _legend(ax: Axes, heading: str, *, columns: int) -> None:
    handles, _ = ax.get_legend_handles_labels()
    legend_above(ax, handles, heading, columns=columns)


def _mark_broken(record: Any, ax: Axes) -> None:
    if record.broken_step:
        ax.axvline(record.broken_step, color=COLORS[1], linestyle=":", label="first NaN")


FIGURES = {
    "loss_over_steps": loss_over_steps,
    "gradient_ratio": gradient_ratio,
    "activation_histograms": activation_histograms,
    "histograms_by_epoch": histograms_by_epoch,
    "causes_of_symptoms": causes_of_symptoms,
}
