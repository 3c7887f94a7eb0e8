"""Oracle greedy: is there anything to gain by choosing at all?"""

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np

from mode import seeds
from mode.data import Data
from mode.models import predict
from mode.repair.recipe import Recipe
from mode.repair.retraining import retrain

CANDIDATES = 5


def best_batch(
    model: keras.Model,
    data: Data,
    recipe: Recipe,
    batches: Sequence[np.ndarray],
    batch: np.ndarray,
    available: np.ndarray,
    *,
    seed: int,
) -> np.ndarray:
    """Return, of `batch` and four other random ones, that whose retrained model is the most
    accurate on the diagnosis part. It sees what no selector may: the outcome."""
    free = np.flatnonzero(available)
    rng = seeds.generator(seed, "oracle")
    others = [rng.permutation(free)[: len(batch)] for _ in range(CANDIDATES - 1)]
    plain = replace(recipe, selector="random")

    def accuracy(candidate: np.ndarray) -> float:
        retrained = retrain(model, data, [*batches, candidate], plain, seed=seed)
        found = predict(retrained, data.diagnosis.x).argmax(axis=1)
        return float((found == data.diagnosis.y).mean())

    return max([batch, *others], key=accuracy)
