"""What selectors read of a pool, and what they all need: a column, a sort, a smaller pool."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import wraps

import numpy as np

from mode import checks

# More candidates than this are thinned for the selectors whose time grows with n times the pool.
PAIRWISE = 10_000
OF_THE_POOL = ("distances", "probabilities", "labels", "features")
BESIDE_THE_POOL = ("known_features", "known_labels", "error_features")
ONE_NUMBER = ("distances", "labels", "known_labels")  # for each input


@dataclass(frozen=True)
class Candidates:
    """What is known of the pool's inputs; a selector reads the column it needs.

    distances (n,): to a heat map, small = near. probabilities (n, classes): the model's.
    labels (n,), and quota: label -> how many inputs of it.
    features (n, units): the pool's states of the layer before the output.

    Beside the pool, and not cut with it: known_features (m, units) and known_labels (m,) of the
    training part; error_features (e, units) of the inputs of the diagnosis part that the model
    gets wrong.

    Columns may be lists, pandas Series or whatever numpy makes arrays of; they are kept as arrays.

    Raises:
        InputError: for a column that does not hold numbers, or where columns of the pool, or those
            of the training part, differ in length.
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
        for name in (*OF_THE_POOL, *BESIDE_THE_POOL):
            if (column := getattr(self, name)) is not None:
                ndim = 1 if name in ONE_NUMBER else None
                # NaN is allowed: a model that diverged gives it, and its repair may go on.
                array = checks.numeric(name, column, ndim=ndim, finite=False)
                object.__setattr__(self, name, array)
        for names in (OF_THE_POOL, ("known_features", "known_labels")):
            columns = self._columns(names)
            if columns:
                checks.same_length(**columns)

    def _columns(self, names: Iterable[str]) -> dict[str, np.ndarray]:
        columns = {name: getattr(self, name) for name in names}
        return {name: column for name, column in columns.items() if column is not None}

    def __len__(self) -> int:
        return next(map(len, self._columns(OF_THE_POOL).values()), self.size or 0)

    def take(self, indices: np.ndarray) -> "Candidates":
        """Return the candidates at `indices`: every column of the pool is cut alike."""
        cut = {name: column[indices] for name, column in self._columns(OF_THE_POOL).items()}
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
