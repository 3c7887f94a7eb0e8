"""How many labels of a pool are suspect, and when the advice says that labels look wrong.

Pools of MNIST and Fashion-MNIST get a share of wrong labels, drawn from the other classes; a model
trained on other, clean inputs lends its features. `python -m benchmarks.suspect_labels` writes
`results/tables/suspect_labels.csv`, a row for each kind of pool, over SEEDS seeds; a few minutes.
"""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from mode import results, seeds
from mode.data import Data, Part, load
from mode.models import build, train
from mode.repair.label_errors import far_excess, held_out_probabilities, look_wrong, suspects

TABLE = Path("results/tables/suspect_labels.csv")
DATA = ("mnist", "fashion_mnist")
# Model, epochs, and which classes: all, three that are hard to tell apart as clothing, two.
KINDS = [("published", 10, None), ("lenet5", 2, None)]
KINDS += [("published", 10, (2, 4, 6)), ("published", 10, (3, 5))]
TRAINED, POOLS, SHARES, SEEDS = 2000, (500, 2000), (0.0, 0.02, 0.05, 0.1), 3


def with_wrong_labels(pool: Part, share: float, classes: int, seed: int) -> tuple[Part, np.ndarray]:
    """Return the pool with the share of its labels wrong, and which ones (n,)."""
    stream = seeds.generator(seed, "wrong labels")
    wrong, y = np.zeros(len(pool), bool), pool.y.copy()
    wrong[stream.permutation(len(y))[: round(share * len(y))]] = True
    y[wrong] = (y[wrong] + stream.integers(1, classes, wrong.sum())) % classes
    return Part(pool.x, y), wrong


def rows(name: str, kind: tuple, seed: int) -> list[dict]:
    """Return a row for each size of pool and share of wrong labels, with one model."""
    data: Data = load(name, seed=seed)
    architecture, epochs, only = kind
    data = data.only(only) if only else data
    few = data.train.take(np.arange(min(TRAINED, len(data.train))))
    model = build(architecture, seed=seed, shape=data.shape, classes=data.classes)
    model = train(model, few.x, few.y, epochs=epochs, seed=seed)
    measured = []
    for size, share in product(POOLS, SHARES):
        pool, wrong = with_wrong_labels(data.pool.take(np.arange(size)), share, data.classes, seed)
        probabilities = held_out_probabilities(model, pool, data.classes, seed=seed)
        hit = suspects(pool.y, probabilities)["index"].to_numpy()
        row = {"data": name, "model": architecture, "classes": data.classes, "pool": size}
        row |= {"wrong": share, "suspect": len(hit) / size}
        row |= {"of them wrong": wrong[hit].mean() if len(hit) else np.nan}
        row |= {"of wrong found": wrong[hit].sum() / max(1, wrong.sum()) if share else np.nan}
        row |= {
            "excess": far_excess(pool.y, probabilities),
            "said": look_wrong(pool.y, probabilities),
        }
        measured.append(row)
    return measured


def tabulated(measured: pd.DataFrame) -> pd.DataFrame:
    """Return means over seeds, the range of the share that decides, and how often it does."""
    groups = measured.groupby(["data", "model", "classes", "pool", "wrong"], sort=False)
    table = groups[["suspect", "of them wrong", "of wrong found", "excess", "said"]].mean()
    table["least excess"], table["most excess"] = groups["excess"].min(), groups["excess"].max()
    return table.round(4).reset_index()


def main() -> None:
    measured: list[dict] = []
    for name, kind, seed in product(DATA, KINDS, range(SEEDS)):
        measured += rows(name, kind, seed)
    table = tabulated(pd.DataFrame(measured))
    print(table.to_string(index=False))
    print(results.write_rows(table, TABLE))


if __name__ == "__main__":
    main()
