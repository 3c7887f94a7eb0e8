"""What selectors read of a pool, and what they all need: a column, a sort, a smaller pool."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import wraps

import numpy as np

from mode import checks

# More candidates than this are thinned for the selectors whose time grows with n times the pool.
PAIRWISE = 10_000
OF_THE_POOL = ("distances", "probabilities", "labels", "features")


@dataclass(frozen=True)
class Candidates:
    """What is known of the pool's inputs; a selector reads the column it needs.

    distances (n,): to a heat map, small = near. probabilities (n, classes): the model's.
    labels (n,), and quota: label -> how many inputs of it.
    features (n, units): the pool's states of the layer before the output.

    Beside the pool, and not cut with it: known_features (m, units) and known_labels (m,) of the
    training part; error_features (e, units) of the inputs of the diagnosis part that the model
    gets wrong.

    Raises:
        InputError: where columns of the pool, or those of the training part, differ in length.
    """

    distances: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    labels: np.ndarray | None = None
    quota: dict[int, int] | None = None
    size: int | None = None
    features: np.ndarray | None = None
    known_features: np.ndarray | None = None
    known_labels: np.ndarray | None = None
    error_features: np.ndarray | None = None

    def __post_init__(self):
        for names in (OF_THE_POOL, ("known_features", "known_labels")):
            columns = {name: getattr(self, name) for name in names}
            arrays = {k: v for k, v in columns.items() if isinstance(v, np.ndarray)}
            if arrays:
                checks.same_length(**arrays)

    def __len__(self) -> int:
        known = [getattr(self, name) for name in OF_THE_POOL]
        return next((len(array) for array in known if array is not None), self.size or 0)

    def take(self, indices: np.ndarray) -> "Candidates":
        """Return the candidates at `indices`: every column of the pool is cut alike."""
        columns = {f.name: getattr(self, f.name) for f in fields(self) if f.name in OF_THE_POOL}
        cut = {k: v[indices] for k, v in columns.items() if isinstance(v, np.ndarray)}
        return replace(self, **cut, size=len(indices))


Selector = Callable[[Candidates, int, np.random.Generator], np.ndarray]


def needed(candidates: Candidates, column: str):
    """Return the column of that name.

    Raises:
        InputError: if there is none.
    """
    value = getattr(candidates, column)
    if value is None:
        checks.fail(f"this selector needs candidates with {column}", "None")
    return value


def states(candidates: Candidates, column: str = "features") -> np.ndarray:
    """Return a column of states as float32 (rows, units).

    Raises:
        InputError: if it is missing, not finite, or has other units than the pool's features.
    """
    found = checks.numeric(column, needed(candidates, column), ndim=2)
    units = needed(candidates, "features").shape[1:]
    if found.shape[1:] != units:
        shape = ", ".join(map(str, ("n", *units)))
        checks.fail(f"{column} must have the shape ({shape})", f"shape {found.shape}")
    return found.astype(np.float32, copy=False)


def lowest(scores: np.ndarray, n: int) -> np.ndarray:
    """Positions of the n lowest scores, lowest first; equal scores in the order of the pool."""
    if n < len(scores) // 4:
        edge = np.partition(scores, n)[n] if n else -np.inf
        near = np.flatnonzero(scores <= edge)
        return near[np.argsort(scores[near], kind="stable")][:n]
    return np.argsort(scores, kind="stable")[:n]


def thinned(selector: Selector) -> Selector:
    """Let `selector` see at most PAIRWISE candidates, drawn at random; more than that are random.

    What lies beyond PAIRWISE in n is filled with the rest in random order.
    """

    @wraps(selector)
    def of_few(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
        if len(candidates) <= PAIRWISE:
            return selector(candidates, n, generator)
        order = generator.permutation(len(candidates))
        few = candidates.take(order[:PAIRWISE])
        chosen = order[selector(few, min(n, PAIRWISE), generator)]
        return np.concatenate([chosen, order[PAIRWISE:n]])

    return of_few
