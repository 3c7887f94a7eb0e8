"""Choose inputs from a pool: a score gives numbers, a selector gives indices.

A selector's function is (candidates, n, generator) -> n positions. `select` restricts it to the
inputs that may be chosen and maps its answer back to indices into the pool.
"""

import numpy as np

from mode import checks
from mode.selection import clustering, diversity, surprise, uncertainty
from mode.selection.candidates import Candidates, Selector, by_score

_OUTPUTS = ("probabilities",)
_LABELED = ("probabilities", "labels")
_TRAINING = ("probabilities", "features", "train_features", "train_labels")

SELECTORS = {
    "nearest": by_score(uncertainty.nearest, "distances"),
    "farthest": by_score(uncertainty.farthest, "distances"),
    "random": Selector(uncertainty.random, streamed="indices"),
    "class_matched_random": Selector(uncertainty.class_matched_random, ("labels", "quota")),
    "misclassified_then_random": Selector(
        uncertainty.misclassified_then_random, _LABELED, "shuffled"
    ),
    "signed_margin": by_score(uncertainty.signed_margin, *_LABELED),
    "misclassified_then_margin": by_score(uncertainty.misclassified_then_margin, *_LABELED),
    "least_confidence": by_score(uncertainty.least_confidence, *_OUTPUTS),
    "margin": by_score(uncertainty.margin, *_OUTPUTS),
    "entropy": by_score(uncertainty.entropy, *_OUTPUTS),
    "gini": by_score(uncertainty.gini, *_OUTPUTS),
    "dsa": Selector(surprise.dsa, _TRAINING, "margin"),
    "mdsa": Selector(surprise.mdsa, _TRAINING, "margin"),
    "core_set": Selector(diversity.core_set, ("features", "train_features"), "random"),
    "badge": Selector(diversity.badge, ("probabilities", "features"), "margin"),
    "typiclust": Selector(clustering.typiclust, ("features",), "random"),
    "clusters": Selector(clustering.clusters, ("features", "error_features"), "margin"),
    "diverse_margin": Selector(diversity.diverse_margin, ("probabilities", "features"), "margin"),
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
        candidates: the pool's columns, one entry per input.
        n: how many; a pool that holds fewer gives all it has, so compare the lengths.
        among: indices that may be chosen, each once, or a mask of them. Defaults to None: all.
        generator: random numbers for the random selectors.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.45, 0.55]])
        >>> pool = Candidates(probabilities=probabilities, labels=np.array([0, 0, 0]))
        >>> generator = np.random.default_rng(0)
        >>> select("margin", pool, 2, generator=generator)  # the least certain
        array([2, 1])
        >>> select("misclassified_then_random", pool, 1, generator=generator)
        array([2])

    Raises:
        InputError: for an unknown selector, a negative n, indices outside the pool or named twice,
            or a column that the selector needs and lacks.
    """
    selector = SELECTORS[checks.one_of("selector", name, SELECTORS)]
    checks.number("n", n, 0, integer=True)
    among = np.arange(len(candidates)) if among is None else np.asarray(among)
    among = np.flatnonzero(among) if among.dtype == bool else among.astype(np.int64)
    if among.size and (among.min() < 0 or among.max() >= len(candidates)):
        checks.fail(f"among must be indices below {len(candidates)}", f"up to {among.max()}")
    indices, counts = np.unique(among, return_counts=True)
    if len(indices) < len(among):
        checks.fail("among must name each index once", f"{indices[counts > 1][0]} more than once")
    return among[selector.function(candidates.take(among), min(n, len(among)), generator)]


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


__all__ = ["SELECTORS", "Candidates", "Selector", "select", "shares"]
