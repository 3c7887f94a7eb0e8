"""Distances between samples and one heat map: small means near, for every metric.

`distance` is the checked door; `DISTANCES` maps each name to its function. Every function takes
samples, n x ..., of any real dtype (a memory map too) and a heat map of the samples' shape, and
returns n numbers. Samples are read in blocks of rows that fit a core's cache, converted to
float64 there, so that a pool of any size needs no copy; a row's number does not depend on the
rows around it, so that scoring a pool in chunks equals scoring it whole. That holds to the last bit
on processors with AVX2; older ones round the end of a block in another way.

In the equations x is a sample and m the heat map, both flattened.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from mode import checks
from mode.distances import metrics
from mode.distances.transport import DIRECTIONS, EXACT_PIXELS, earth_mover_2d

DISTANCES = {
    "dot": metrics.dot,
    "cosine": metrics.cosine,
    "manhattan": metrics.manhattan,
    "euclidean": metrics.euclidean,
    "minkowski": metrics.minkowski,
    "chebyshev": metrics.chebyshev,
    "earth_mover": metrics.earth_mover,
    "canberra": metrics.canberra,
    "bray_curtis": metrics.bray_curtis,
    "earth_mover_2d": earth_mover_2d,
}


def distance(name: str, samples: Any, heatmap: Any, **options: Any) -> np.ndarray:
    """Return the distance of each sample from `heatmap`; small means near.

    Args:
        name: a key of `DISTANCES`.
        samples: n x ..., real numbers; not changed and not copied as a whole.
        heatmap: one array of the shape of a sample.
        **options: keyword-only options of that metric (`exact` of `earth_mover_2d`).

    Returns:
        (n,) float64, in the units of the metric.

    Example:
        >>> samples = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        >>> distance("manhattan", samples, np.array([1.0, 0.0]))
        array([0., 2., 1.])
        >>> distance("dot", samples, np.array([1.0, 0.0]))  # small is near here, too
        array([-1., -0., -1.])
        >>> distance("cosin", samples, np.array([1.0, 0.0]))
        Traceback (most recent call last):
            ...
        mode.checks.InputError: metric must be one of ... Received: 'cosin'. Did you mean 'cosine'?

    Raises:
        InputError: for an unknown metric or option, shapes that do not fit, an empty heat map,
            or values that are not finite numbers.
    """
    metric = DISTANCES[checks.one_of("metric", name, DISTANCES)]
    _check_options(name, metric, options)
    heatmap, samples = checks.numeric("heatmap", heatmap), np.asarray(samples)
    if heatmap.ndim == 0 or heatmap.size == 0:
        checks.fail("heatmap must have the shape of one sample", f"shape {heatmap.shape}")
    if samples.shape[1:] != heatmap.shape:
        expected = ", ".join(map(str, ("n", *heatmap.shape)))
        checks.fail(f"samples must have the shape ({expected})", f"shape {samples.shape}")
    checks.numeric("samples", samples[:0])  # the dtype; the values are checked block by block
    return metric(samples, heatmap, **options)


def _check_options(name: str, metric: Callable, options: dict[str, Any]) -> None:
    parameters = signature(metric).parameters.values()
    allowed = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    if options and not allowed:
        checks.fail(f"{name} takes no options", ", ".join(sorted(options)))
    for option in options:
        checks.one_of(f"option of {name}", option, allowed)


__all__ = ["DIRECTIONS", "DISTANCES", "EXACT_PIXELS", "distance", "earth_mover_2d"]
