"""Choose inputs from a pool: a measure gives numbers, a selector gives indices.

A selector is a function (candidates, n, generator) -> n positions. `select` restricts it to the
inputs that may be chosen and maps its answer back to indices into the pool.
"""

import numpy as np

from mode import checks
from mode.selection import clustering, diversity, surprise, uncertainty
from mode.selection.candidates import PAIRWISE, Candidates
from mode.selection.uncertainty import MEASURES

SELECTORS = {
    **{name: uncertainty.by_measure(measure) for name, measure in MEASURES.items()},
    "random": uncertainty.random,
    "quota_random": uncertainty.quota_random,
    "misclassified": uncertainty.misclassified,
    "dsa": surprise.dsa,
    "mdsa": surprise.mdsa,
    "core_set": diversity.core_set,
    "badge": diversity.badge,
    "typiclust": clustering.typiclust,
    "clusters": clustering.clusters,
    "diverse_margin": diversity.diverse_margin,
}

# The columns of Candidates that each selector reads.
NEEDS = {
    "nearest": ("distances",),
    "farthest": ("distances",),
    "random": (),
    "quota_random": ("labels", "quota"),
    "misclassified": ("probabilities", "labels"),
    "near_miss": ("probabilities", "labels"),
    "mistakes": ("probabilities", "labels"),
    "least_confidence": ("probabilities",),
    "margin": ("probabilities",),
    "entropy": ("probabilities",),
    "gini": ("probabilities",),
    "dsa": ("probabilities", "features", "known_features", "known_labels"),
    "mdsa": ("probabilities", "features", "known_features", "known_labels"),
    "core_set": ("features", "known_features"),
    "badge": ("probabilities", "features"),
    "typiclust": ("features",),
    "clusters": ("features", "error_features"),
    "diverse_margin": ("probabilities", "features"),
}


def select(
    name: str,
    candidates: Candidates,
    n: int,
    *,
    among: np.ndarray | None = None,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return up to `n` indices into the pool, chosen by the selector `name`, no index twice.

    Args:
        name: a name of SELECTORS.
        candidates: the pool's measures, one entry an input.
        n: how many; a pool that holds fewer gives all it has, so compare the lengths.
        among: indices that may be chosen, each once, or a mask of them; all where None.
        generator: random numbers for the random selectors.

    Example:
        >>> odds = np.array([[0.9, 0.1], [0.6, 0.4], [0.45, 0.55]])
        >>> known = Candidates(probabilities=odds, labels=np.array([0, 0, 0]))
        >>> stream = np.random.default_rng(0)
        >>> select("margin", known, 2, generator=stream)  # the least certain
        array([2, 1])
        >>> select("misclassified", known, 1, generator=stream)
        array([2])

    Raises:
        InputError: for an unknown selector, a negative n, indices outside the pool or named twice,
            or a measure that the selector needs and lacks.
    """
    selector = SELECTORS[checks.one_of("selector", name, SELECTORS)]
    checks.number("n", n, 0, integer=True)
    among = np.arange(len(candidates)) if among is None else np.asarray(among)
    among = np.flatnonzero(among) if among.dtype == bool else among.astype(np.int64)
    if among.size and (among.min() < 0 or among.max() >= len(candidates)):
        checks.fail(f"among must be indices below {len(candidates)}", f"up to {among.max()}")
    named, counts = np.unique(among, return_counts=True)
    if len(named) < len(among):
        checks.fail("among must name each index once", f"{named[counts > 1][0]} more than once")
    chosen = selector(candidates.take(among), min(n, len(among)), generator)
    return among[chosen]


def shares(n: int, alpha: float) -> tuple[int, int]:
    """Return how many of `n` inputs a selector chooses (the share alpha) and how many are random.

    Example:
        >>> shares(200, 0.25)
        (50, 150)

    Raises:
        InputError: for alpha outside [0, 1].
    """
    checks.number("alpha", alpha, 0, 1)
    by_selector = round(alpha * n)
    return by_selector, n - by_selector


__all__ = ["MEASURES", "NEEDS", "PAIRWISE", "SELECTORS", "Candidates", "select", "shares"]
