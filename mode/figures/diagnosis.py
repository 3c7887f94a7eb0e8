"""Figures of a diagnosis: what a record holds, drawn over the steps of the training."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mode.figures.style import COLORS, GRAY, axes, legend_above, title

FLOOR = 1e-12  # of a ratio that is drawn on a logarithmic axis
_STYLES = ("-", "--", "-.", ":")


def loss_over_steps(
    record: Any,
    ax: Axes | None = None,
    *,
    constant: float | None = None,
    heading: str = "Does the loss fall below a constant answer?",
) -> Axes:
    """Draw the mean loss between two records, and the loss of the best constant prediction.

    Args:
        record: a `mode.diagnosis` record (steps (t,), losses (t,), broken_step).
        constant: loss of the best constant prediction; None leaves the line out.
        heading: the title.
    """
    ax = axes(ax, 4, 3)
    ax.plot(record.steps, record.losses, color=COLORS[0], label="training loss")
    if constant is not None and np.isfinite(constant):
        ax.axhline(constant, color=GRAY, linestyle="--", label="best constant")
    _mark_broken(record, ax)
    ax.set_xlabel("step")
    ax.set_ylabel("loss")
    _legend(ax, heading, columns=2)
    return ax


def gradient_ratio(
    record: Any, ax: Axes | None = None, *, heading: str = "Does a gradient reach every layer?"
) -> Axes:
    """Draw |gradient| / |weight| of each kernel over the steps, first layer to last.

    Where nothing of a gradient is finite, nothing is drawn; where there is none, FLOOR. The
    title is `heading`.
    """
    ax = axes(ax, 4, 3)
    gradients, weights = record.indices("gradient"), record.indices("weight")
    last = len(gradients) - 1
    few = last < len(COLORS)
    for k, (g, w) in enumerate(zip(gradients, weights, strict=True)):
        name = record.rows[g].layer.rsplit("/", 1)[-1]
        end = {0: f"{name} (first)", last: f"{name} (last)"}.get(k, "_unnamed")
        ax.plot(
            record.steps,
            _ratio(record, g, w),
            _STYLES[k // len(COLORS) % len(_STYLES)],
            color=COLORS[k % len(COLORS)],
            label=name if few else end,
        )
    ax.set_yscale("log")
    ax.set_xlabel("step")
    ax.set_ylabel("|gradient| / |weight|")
    _mark_broken(record, ax)
    _legend(ax, heading, columns=3)
    return ax


def _ratio(record: Any, gradient: int, weight: int) -> np.ndarray:
    sizes, lost = record.column("rms"), record.column("nonfinite")
    ratio = np.maximum(sizes[:, gradient] / np.maximum(sizes[:, weight], 1e-30), FLOOR)
    return np.where((lost[:, gradient] < 1) & (lost[:, weight] < 1), ratio, np.nan)


def activation_histograms(activations: dict, ax: Axes | None = None, *, bins: int = 40) -> Axes:
    """Draw for each layer, one above the other, how its activations are distributed.

    Args:
        activations: name of a layer -> its values on some inputs (any shape), in forward order.
        bins: of each histogram; all share one axis, cut at the 1st and 99th percentile.
    """
    ax = axes(ax, 4, 3)
    finite = {n: v[np.isfinite(v)] for n, v in ((n, np.ravel(v)) for n, v in activations.items())}
    everything = np.concatenate([*finite.values(), np.zeros(1)])
    low, high = np.percentile(everything, (1, 99))
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    for place, (name, values) in enumerate(finite.items()):
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        heights = 0.9 * counts / max(counts.max(), 1)
        ax.stairs(place + heights, edges, baseline=place, fill=True, color=COLORS[place % 2])
        lost = 1 - len(values) / max(np.size(activations[name]), 1)
        if lost:
            ax.annotate(f"{lost:.0%} not finite", (edges[0], place + 0.1), fontsize=7)
    ax.set_yticks(np.arange(len(finite)), list(finite))
    ax.set_xlabel("activation")
    ax.set_ylabel("layer, from input up to output")
    title(ax, "Where do the activations lie?")
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
        color = COLORS[place % 2]
        ax.stairs(place + heights, edges, baseline=place, fill=True, color=color)
        if edges[0] == edges[-1]:  # all values are the same: a bar has no width
            ax.vlines(edges[0], place, place + 0.9, color=color)
    ticks = 10.0 ** np.unique(np.round([(smallest + largest) / 2, largest]))
    ax.set_xscale("symlog", linthresh=10.0**smallest)
    ax.set_xlim(-(10.0**largest), 10.0**largest)
    ax.set_xticks([*-ticks[::-1], 0, *ticks])
    ax.set_yticks(np.arange(len(histograms)), [str(epoch) for epoch in sorted(histograms)])
    ax.set_xlabel("value")
    ax.set_ylabel("epoch")
    title(ax, heading)
    return ax


def broken_tensors(record: Any, ax: Axes | None = None) -> Axes:
    """Draw which tensors were not finite at the first step with any, in forward order."""
    ax = axes(ax, 4, max(3, 0.13 * len(record.rows)))
    names = [f"{r.phase} {r.layer.rsplit('/', 1)[-1]}" for r in record.rows]
    bad = record.broken if len(record.broken) else np.zeros(len(names))
    colors = [COLORS[1] if b else COLORS[0] for b in bad]
    ax.barh(np.arange(len(names)), np.where(bad > 0, 1.0, 0.15), color=colors)
    ax.set_yticks(np.arange(len(names)), names, fontsize=6)
    ax.invert_yaxis()
    ax.set_xticks([0.15, 1.0], ["finite", "not finite"])
    ax.set_xlabel(f"at step {record.broken_step}" if record.broken_step else "at no step")
    title(ax, "Where did the first NaN or infinity appear?")
    return ax


def _legend(ax: Axes, heading: str, *, columns: int) -> None:
    handles, _ = ax.get_legend_handles_labels()
    legend_above(ax, handles, heading, columns=columns)


def _mark_broken(record: Any, ax: Axes) -> None:
    if record.broken_step:
        ax.axvline(
            record.broken_step, color=COLORS[1], linestyle=":", label="first NaN or infinity"
        )


FIGURES = {
    "loss_over_steps": loss_over_steps,
    "gradient_ratio": gradient_ratio,
    "activation_histograms": activation_histograms,
    "histograms_by_epoch": histograms_by_epoch,
    "broken_tensors": broken_tensors,
}
