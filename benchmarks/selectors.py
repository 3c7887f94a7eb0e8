"""How long selectors take against scikit-activeml's and dnn-tip's, and whether they agree.

The pool is a mixture of ten classes in 28 rectified units, with the probabilities of a linear
softmax over them: the time depends on the sizes alone. Peers get what ours get, in one process.
"""

from collections.abc import Callable

import numpy as np

from benchmarks.measurements import clocked, row
from mode.seeds import generator
from mode.selection import Candidates, select

UNITS, CLASSES = 28, 10
POOL, KNOWN, CHOSEN = 10_000, 5_000, 200  # ours neither thins this pool nor these known states
FEW = 1_000  # of the pool, for a peer that takes longer than all others together
LIMIT = 1.0  # seconds
ALONE = ["dsa", "mdsa", "core_set", "badge", "typiclust", "clusters", "diverse_margin"]


def states(pool: int, labeled: int, *, errors: int = 500) -> Candidates:
    """Return candidates with every column that a selector may need."""
    draw = generator(0, "benchmark", "selecting")
    means = 2 * draw.normal(size=(CLASSES, UNITS))
    label = [draw.integers(0, CLASSES, size) for size in (pool, labeled, errors)]
    part = [np.maximum(means[y] + draw.normal(0, 1.5, (len(y), UNITS)), 0) for y in label]
    score = 0.3 * part[0] @ means.T
    weights = np.exp(score - score.max(axis=1, keepdims=True))
    return Candidates(
        probabilities=(weights / weights.sum(axis=1, keepdims=True)).astype(np.float32),
        labels=label[0],
        features=part[0].astype(np.float32),
        train_features=part[1].astype(np.float32),
        train_labels=label[1],
        error_features=part[2].astype(np.float32),
    )


def rows(
    *, pool: int = POOL, labeled: int = KNOWN, n: int = CHOSEN, few: int = FEW, repeats: int = 3
) -> list[dict]:
    """Return a row for each selector that a peer has too, and one for each against the limit.

    `same_choice` is the share of the peer's inputs that ours chooses as well, for selectors
    without chance. The last rows have no peer: `ours_seconds` alone, 10 n of 5 pool / 2.
    """
    candidates = states(pool, labeled)
    peers = {**_of_activeml(candidates, n), **_of_dnn_tip(candidates, n, few)}
    compared = [_compared(name, candidates, n, repeats, *peer) for name, peer in peers.items()]
    whole = states(5 * pool // 2, labeled)
    return compared + [_alone(name, whole, 10 * n, repeats) for name in ALONE]


def _compared(
    name: str, pool: Candidates, n: int, repeats: int, peer: str, theirs: Callable, share: float
) -> dict:
    """Measure ours and the peer in turns, so that both see the same load; the fastest counts."""
    ours = lambda: select(name, pool, n, generator=generator(0, name))  # noqa: E731
    ours()  # neither pays for imports
    mine, other = [], []
    for _ in range(repeats):
        (seconds, chosen), (peer_seconds, others) = clocked(ours), clocked(theirs)
        mine.append(seconds)
        other.append(peer_seconds * share)
    agreed = len(set(chosen.tolist()) & set(others.tolist())) / n if others is not None else ""
    case = f"{name}, {n} of {len(pool)} x {UNITS}"
    measured = row("selectors", case, min(mine), min(other), peer=peer, at_least=1)
    return {**measured, "same_choice": agreed}


def _alone(name: str, pool: Candidates, n: int, repeats: int) -> dict:
    call = lambda: select(name, pool, n, generator=generator(0, name))  # noqa: E731
    seconds = min(clocked(call)[0] for _ in range(repeats))
    measured = row("selectors", f"{name}, {n} of {len(pool)} x {UNITS}", seconds, LIMIT, peer="")
    return {
        **measured,
        "peer_seconds": "",
        "ratio": "",
        "target": f"under {LIMIT:g} s",
        "holds": "yes" if seconds < LIMIT else "no",
    }


def _of_activeml(pool: Candidates, n: int) -> dict[str, tuple[str, Callable, float]]:
    """Return name -> (what it is, a call that returns positions or None for chance, 1)."""
    from skactiveml import pool as strategies

    x, unknown = pool.features, np.full(len(pool), np.nan)
    both = np.vstack([pool.train_features, x])
    labels = np.concatenate([pool.train_labels, unknown])
    model = _told(pool.probabilities).fit(x, unknown)
    options = {"clf": model, "fit_clf": False, "batch_size": n}
    margin = strategies.UncertaintySampling(method="margin_sampling", random_state=0)
    entropy = strategies.UncertaintySampling(method="entropy", random_state=0)
    core_set = strategies.CoreSet(random_state=0)
    badge = strategies.Badge(random_state=0)
    typiclust = strategies.TypiClust(random_state=0)
    calls = {
        "margin": lambda: margin.query(x, unknown, **options),
        "entropy": lambda: entropy.query(x, unknown, **options),
        "core_set": lambda: core_set.query(both, labels, batch_size=n) - len(pool.train_labels),
        "badge": lambda: badge.query(x, unknown, **options) and None,
        "typiclust": lambda: _nothing(typiclust.query(x, unknown, batch_size=n)),
    }
    return {name: (f"scikit-activeml {name}", call, 1) for name, call in calls.items()}


def _nothing(_: object) -> None:
    """Return None: a choice by chance is not to be compared."""


def _told(probabilities: np.ndarray):
    """Return a classifier of scikit-activeml that gives these probabilities, as ours gets them."""
    from skactiveml.base import SkactivemlClassifier
    from skactiveml.utils import MISSING_LABEL

    class Told(SkactivemlClassifier):
        def fit(self, x, y):
            self.classes_ = np.arange(probabilities.shape[1])
            return self

        def predict_proba(self, x):
            return probabilities

    return Told(classes=range(probabilities.shape[1]), missing_label=MISSING_LABEL)


def _of_dnn_tip(pool: Candidates, n: int, few: int) -> dict:
    """Return the same of dnn-tip; its DSA is measured on `few` of the pool, and scaled."""
    from dnn_tip.surprise import DSA, MDSA, MultiModalSA

    x, predicted = pool.features, pool.probabilities.argmax(axis=1)
    train, labels, few = pool.train_features, pool.train_labels, min(few, len(x))

    def dsa() -> None:
        DSA(train, labels)(x[:few], predicted[:few])

    def mdsa() -> np.ndarray:
        parts = MultiModalSA.build_by_class(train, labels, lambda states, _: MDSA(states))
        return np.argsort(-parts(x, predicted))[:n]

    return {
        "dsa": (f"dnn-tip DSA, from {few} inputs", dsa, len(x) / few),
        "mdsa": ("dnn-tip MDSA by class", mdsa, 1),
    }
