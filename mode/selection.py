"""Choose inputs from a pool: a measure gives numbers, a selector gives indices.

A selector is a function (candidates, n, generator) -> n positions. `select` restricts it to the
inputs that may be chosen and maps its answer back to indices into the pool.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from mode import checks


@dataclass(frozen=True)
class Candidates:
    """What is known of the pool's inputs; a selector reads the column it needs.

    distances (n,): to a heat map, small = near. probabilities (n, classes): the model's.
    labels (n,), and quota: label -> how many inputs of it.
    """

    distances: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    labels: np.ndarray | None = None
    quota: dict[int, int] | None = None
    size: int | None = None

    def __post_init__(self):
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = {k: v for k, v in columns.items() if isinstance(v, np.ndarray)}
        if arrays:
            checks.same_length(**arrays)

    def __len__(self) -> int:
        arrays = [self.distances, self.probabilities, self.labels]
        known = [len(array) for array in arrays if array is not None]
        return known[0] if known else self.size or 0

    def take(self, indices: np.ndarray) -> "Candidates":
        """Return the candidates at `indices`, with every column cut alike."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        cut = {k: v[indices] for k, v in columns.items() if isinstance(v, np.ndarray)}
        return replace(self, **cut, size=len(indices))


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
        among: indices that may be chosen, or a mask of them; all where None.
        generator: random numbers for the random selectors.

    Raises:
        InputError: for an unknown selector, a negative n, or a measure that it needs and lacks.
    """
    selector = SELECTORS[checks.one_of("selector", name, SELECTORS)]
    checks.number("n", n, 0, integer=True)
    among = np.arange(len(candidates)) if among is None else np.asarray(among)
    among = np.flatnonzero(among) if among.dtype == bool else among.astype(np.int64)
    if among.size and (among.min() < 0 or among.max() >= len(candidates)):
        checks.fail(f"among must be indices below {len(candidates)}", f"up to {among.max()}")
    chosen = selector(candidates.take(among), min(n, len(among)), generator)
    return among[chosen]


def shares(n: int, alpha: float) -> tuple[int, int]:
    """Return how many of `n` inputs a selector chooses (the share alpha) and how many are random.

    Raises:
        InputError: for alpha outside [0, 1].
    """
    checks.number("alpha", alpha, 0, 1)
    by_selector = round(alpha * n)
    return by_selector, n - by_selector


def nearest(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """The inputs nearest to the heat map."""
    return _lowest(_needed(candidates, "distances"), n, generator)


def farthest(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """The inputs farthest from the heat map."""
    return _lowest(-_needed(candidates, "distances"), n, generator)


def random(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Any inputs."""
    return generator.permutation(len(candidates))[:n]


def quota_random(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Random inputs with `quota` of each label: the control that isolates a ranking's own worth."""
    labels, quota = _needed(candidates, "labels"), _needed(candidates, "quota")
    order = generator.permutation(len(labels))
    chosen = [order[labels[order] == label][:wanted] for label, wanted in quota.items()]
    return np.concatenate(chosen)[:n] if chosen else np.zeros(0, np.int64)


def least_confidence(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """The inputs whose likeliest class is least likely."""
    return _lowest(_needed(candidates, "probabilities").max(axis=1), n, generator)


def margin(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """The inputs whose two likeliest classes are nearest to each other."""
    top = np.partition(_needed(candidates, "probabilities"), -2, axis=1)[:, -2:]
    return _lowest(top[:, 1] - top[:, 0], n, generator)


def entropy(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """The inputs whose predicted distribution has the highest entropy."""
    p = _needed(candidates, "probabilities")
    return _lowest((p * np.log(np.maximum(p, 1e-12))).sum(axis=1), n, generator)


def gini(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """DeepGini (Feng et al. 2020): the highest 1 - sum p^2."""
    return _lowest((_needed(candidates, "probabilities") ** 2).sum(axis=1), n, generator)


def _lowest(scores: np.ndarray, n: int, generator: np.random.Generator) -> np.ndarray:
    """Positions of the n lowest scores, lowest first; equal scores in the order of the pool."""
    if n < len(scores) // 4:
        edge = np.partition(scores, n)[n] if n else -np.inf
        near = np.flatnonzero(scores <= edge)
        return near[np.argsort(scores[near], kind="stable")][:n]
    return np.argsort(scores, kind="stable")[:n]


def _needed(candidates: Candidates, column: str):
    value = getattr(candidates, column)
    if value is None:
        checks.fail(f"this selector needs candidates with {column}", "None")
    return value


SELECTORS = {
    "nearest": nearest,
    "farthest": farthest,
    "random": random,
    "quota_random": quota_random,
    "least_confidence": least_confidence,
    "margin": margin,
    "entropy": entropy,
    "gini": gini,
}
