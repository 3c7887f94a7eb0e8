"""What a selector is, what it reads of a pool, and what all selectors share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

import numpy as np

from mode import checks

# Of more candidates than this, a sample is seen by selectors whose time grows with n times the
# pool.
PAIRWISE = 10_000
OF_THE_POOL = ("distances", "probabilities", "labels", "features")
BESIDE_THE_POOL = ("train_features", "train_labels", "error_features")
ONE_NUMBER = ("distances", "labels", "train_labels")  # for each input


@dataclass(frozen=True)
class Candidates:
    """The facts about a pool's inputs; a selector reads the columns it needs.

    distances (n,): to a heat map, small = near. probabilities (n, classes): the model's.
    labels (n,), and quota: label -> number of inputs of it.
    features (n, units): the pool's activations of the layer before the output.

    Beside the pool, and not cut with it: train_features (m, units) and train_labels (m,) of the
    training part; error_features (e, units) of the inputs of the diagnosis part that the model
    gets wrong.

    Columns may be lists, pandas Series or whatever numpy makes arrays of; they become arrays.

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
    train_features: np.ndarray | None = None
    train_labels: np.ndarray | None = None
    error_features: np.ndarray | None = None

    def __post_init__(self):
        for name in (*OF_THE_POOL, *BESIDE_THE_POOL):
            if (column := getattr(self, name)) is not None:
                ndim = 1 if name in ONE_NUMBER else None
                # NaN is allowed: a model that diverged gives it, and its repair may go on.
                array = checks.numeric(name, column, ndim=ndim, finite=False)
                object.__setattr__(self, name, array)
        for names in (OF_THE_POOL, ("train_features", "train_labels")):
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


# (candidates, n, generator) -> n positions.
Function = Callable[[Candidates, int, np.random.Generator], np.ndarray]
# (candidates, generator) -> a number per input, lowest chosen first. It draws at most one random
# number per input, so that the numbers of a block do not depend on where blocks begin.
Score = Callable[[Candidates, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Selector:
    """One way to choose inputs from a pool.

    function: (candidates, n, generator) -> n positions.
    needs: the columns of Candidates that it reads.
    streamed: how it chooses from a pool that is read in blocks: "score", the lowest scores so far;
        "shuffled", misclassified inputs in random order; "indices", without reading inputs;
        "margin" or "random", by `function` from a shortlist of the smallest margins or of random
        inputs. Defaults to None: not at all.
    score: (candidates, generator) -> numbers (n,), of which `function` takes the lowest. Defaults
        to None: it does not sort.
    """

    function: Function
    needs: tuple[str, ...] = ()
    streamed: str | None = None
    score: Score | None = None

    @property
    def is_standalone(self) -> bool:
        """Whether it needs neither a heat map nor a quota."""
        return not {"distances", "quota"} & {*self.needs}


def by_score(score: Score, *needs: str) -> Selector:
    """Return the selector of the inputs with the lowest scores."""

    @wraps(score)
    def function(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
        return k_smallest(score(candidates, generator), n)

    return Selector(function, needs, "score", score)


def required(candidates: Candidates, column: str) -> Any:
    """Return the column of that name.

    Raises:
        InputError: if there is none.
    """
    value = getattr(candidates, column)
    if value is None:
        checks.fail(f"this selector needs candidates with {column}", "None")
    return value


def activations(candidates: Candidates, column: str = "features") -> np.ndarray:
    """Return a column of activations as float32 (rows, units).

    Raises:
        InputError: if it is missing, not finite, or has other units than the pool's features.
    """
    x = checks.numeric(column, required(candidates, column), ndim=2)
    units = required(candidates, "features").shape[1:]
    if x.shape[1:] != units:
        shape = ", ".join(map(str, ("n", *units)))
        checks.fail(f"{column} must have the shape ({shape})", f"shape {x.shape}")
    return x.astype(np.float32, copy=False)


def k_smallest(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the positions of the k lowest scores, lowest first, equal ones in the pool's order."""
    if k < len(scores) // 4:
        edge = np.partition(scores, k)[k] if k else -np.inf
        near = np.flatnonzero(scores <= edge)
        return near[np.argsort(scores[near], kind="stable")][:k]
    return np.argsort(scores, kind="stable")[:k]


def subsampled(function: Function) -> Function:
    """Let `function` see at most PAIRWISE candidates, drawn at random.

    What lies beyond PAIRWISE in n is filled with the other candidates in random order.
    """

    @wraps(function)
    def of_sample(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
        if len(candidates) <= PAIRWISE:
            return function(candidates, n, generator)
        order = generator.permutation(len(candidates))
        sample = candidates.take(order[:PAIRWISE])
        chosen = order[function(sample, min(n, PAIRWISE), generator)]
        return np.concatenate([chosen, order[PAIRWISE:n]])

    return of_sample
