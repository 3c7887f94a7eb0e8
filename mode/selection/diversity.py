"""Selectors that spread their choice over the states of the pool."""

import numpy as np

from mode.selection.candidates import Candidates, lowest, needed, states, thinned
from mode.selection.geometry import centred, lengths, nearest, spread, to_one
from mode.selection.surprise import KNOWN
from mode.selection.uncertainty import margins

SHORTLIST = 3  # times n: so many of the smallest margins are left for diversity to choose among


@thinned
def core_set(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """The k-centre greedy choice (Sener & Savarese 2018, algorithm 1): farthest from all chosen.

    The training states are centres from the start where known_features is given (of more than
    KNOWN, as many random ones); else the first input is random. Of more than PAIRWISE candidates,
    as many random ones are seen.
    """
    x = states(candidates)
    if not n:
        return np.zeros(0, np.int64)
    if candidates.known_features is None or not len(candidates.known_features):
        (x,) = centred(x)
        return _farthest_first(x, np.full(len(x), np.inf), n, int(generator.integers(len(x))))
    known = states(candidates, "known_features")
    x, known = centred(x, known[generator.permutation(len(known))[:KNOWN]])
    gap = lengths(x - known[nearest(x, known)]) ** 2
    return _farthest_first(x, gap, n, int(gap.argmax()))


def _farthest_first(x: np.ndarray, gap: np.ndarray, n: int, first: int) -> np.ndarray:
    """Return n positions, each the farthest from those before; gap: squared distances so far."""
    distances, chosen = to_one(x), np.empty(n, np.int64)
    for turn in range(n):
        chosen[turn] = gap.argmax() if turn else first
        np.minimum(gap, distances(chosen[turn]), out=gap)
        gap[chosen[turn]] = -np.inf
    return chosen


@thinned
def badge(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Batch active learning by diverse gradient embeddings (Ash et al. 2020, algorithm 1).

    The seeding of k-means++ over (p - onehot(argmax p)) x f, the gradient of the output layer's
    weights if the prediction were right, from the longest gradient on. Of more than PAIRWISE
    candidates, as many random ones are seen.
    """
    x, error = states(candidates), needed(candidates, "probabilities").astype(np.float32)
    if not n:
        return np.zeros(0, np.int64)
    error[np.arange(len(error)), error.argmax(axis=1)] -= 1
    first = int((lengths(error) * lengths(x)).argmax())
    return spread(_to_one_gradient(error, x), n, generator, first=first)


def _to_one_gradient(a: np.ndarray, f: np.ndarray):
    """Return i -> squared distances of all a x f from the i-th.

    |a_i x f_i - a_j x f_j|^2 = |a_i|^2 |f_i|^2 + |a_j|^2 |f_j|^2 - 2 (a_i a_j) (f_i f_j), so that
    no outer product is made.
    """
    squares = (lengths(a) * lengths(f)) ** 2
    a_columns, f_columns = np.ascontiguousarray(a.T), np.ascontiguousarray(f.T)

    def distances(i: int) -> np.ndarray:
        found = a[i] @ a_columns
        found *= f[i] @ f_columns
        found *= -2
        found += squares
        found += squares[i]
        return found

    return distances


def diverse_margin(candidates: Candidates, n: int, generator: np.random.Generator) -> np.ndarray:
    """Uncertainty decides which, diversity spreads: k-means++ seeding among the small margins.

    Of the SHORTLIST n smallest margins, n are drawn from the smallest on, each in proportion to
    its squared distance in features from the nearest one drawn, times 1 - margin.
    """
    x, doubt = states(candidates), margins(needed(candidates, "probabilities"))
    short = lowest(doubt, min(SHORTLIST * n, len(doubt)))
    if not n:
        return short
    (x,) = centred(x[short])
    weights = (1 - doubt[short]).astype(np.float32)
    return short[spread(to_one(x), n, generator, first=0, weights=weights)]
