"""Sets with a shift that is known: inputs of the labeled set, corrupted and drawn anew."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mode.estimation.corruptions import corrupt, corruptions_for

SIZE = 300  # inputs of a made set
STRENGTHS = (0.15, 0.35, 0.6, 1.0)
PAIRS = 30  # sets with two corruptions
UNCORRUPTED = 8  # sets whose classes alone are drawn in other shares
CONCENTRATIONS = (0.3, 1.0, 3.0)  # of the Dirichlet distribution of class shares


@dataclass(frozen=True)
class MadeShift:
    """The corruptions of a made set (none, one or two kinds), their strength, and whether its
    classes are drawn in other shares than the labeled set has."""

    kinds: tuple[str, ...]
    strength: float
    redrawn: bool


def plan(x: np.ndarray, rng: np.random.Generator, exclude: tuple[str, ...] = ()) -> list[MadeShift]:
    """Return the made shifts for inputs like x: each kind at each strength, pairs of kinds, and
    other class shares alone. Every other set also gets other class shares.

    exclude: kinds that are left out, so that a test can ask about a kind that was never made.
    """
    kinds = [kind for kind in corruptions_for(x) if kind not in exclude]
    singles = itertools.product(kinds, STRENGTHS)
    shifts: list[tuple[tuple[str, ...], float]] = [((kind,), s) for kind, s in singles]
    for _ in range(PAIRS if len(kinds) > 1 else 0):
        first, second = rng.permutation(len(kinds))[:2]
        shifts.append(((kinds[first], kinds[second]), float(rng.uniform(0.05, 0.8))))
    corrupted = [MadeShift(kinds, s, bool(i % 2)) for i, (kinds, s) in enumerate(shifts)]
    return corrupted + [MadeShift((), 0.0, True)] * UNCORRUPTED


def make(
    shifts: list[MadeShift], x: np.ndarray, y: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the inputs and labels of each made set; x, y are labeled inputs."""
    limits = (float(x.min()), float(x.max()))
    for shift in shifts:
        chance = None
        if shift.redrawn:
            shares = rng.dirichlet(np.full(int(y.max()) + 1, rng.choice(CONCENTRATIONS)))
            chance = shares[y] / shares[y].sum()
        rows = rng.choice(len(y), SIZE, p=chance)
        yield corrupt(x[rows], shift.kinds, shift.strength, limits, rng), y[rows]
