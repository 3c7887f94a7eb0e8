"""Retrain a model: with old inputs replayed, on the new inputs alone, or from scratch."""

from collections.abc import Callable, Sequence
from itertools import product
from operator import itemgetter
from typing import Any

import keras
import numpy as np

from mode import checks, seeds
from mode.data import Data, Part
from mode.models import predict, reinitialize
from mode.models.training import train
from mode.models.weights import interpolate
from mode.repair.recipe import BATCH_SIZE, EPOCHS, Recipe

# Passes over all there is, when a model starts anew: as many as made the study's models.
SCRATCH_EPOCHS = 10
CANDIDATES = 5  # batches that an oracle retrains with


def retrain(
    model: keras.Model,
    data: Data,
    batches: Sequence[np.ndarray],
    recipe: Recipe,
    *,
    seed: int,
    in_place: bool = False,
) -> keras.Model:
    """Return a retrained copy of `model`, in which a share of the weights is that of `model`.

    Args:
        batches: round by round the chosen indices into `data.pool`; the last is the newest.
        recipe: its `retraining`, `replay`, `replay_filter`, `weight_averaging`,
            `weight_interpolation`, `translation`, `batch_size` and `epochs` say how.
        seed: decides which old inputs are replayed, and the order of training.
        in_place: retrain `model` itself, which saves a copy, unless "scratch" makes a new model or
            a share of its weights is needed. Defaults to False.

    Raises:
        InputError: for translation of inputs that are no images.
    """
    if recipe.translation and data.train.x.ndim != 4:
        images = "images, n x h x w x channels"
        checks.fail(f"translation must be 0 for inputs that are no {images}", recipe.translation)
    options: dict[str, Any] = {"seed": seeds.derive(seed, "retrain")}
    options["weight_averaging"] = recipe.weight_averaging
    options |= {
        "batch_size": recipe.batch_size or BATCH_SIZE,
        "augment": random_translation(recipe.translation),
    }
    part, epochs = _inputs(model, data, batches, recipe, seed=seed), recipe.epochs or EPOCHS
    if recipe.retraining == "scratch":
        model, epochs = reinitialize(model, seed=seeds.derive(seed, "fresh")), SCRATCH_EPOCHS
        in_place = True
    share = recipe.weight_interpolation
    copy = not in_place or share > 0
    trained = train(model, part.x, part.y, epochs=epochs, copy=copy, **options)
    if share:
        interpolate(trained, model.trainable_variables, share)
    return trained


def _inputs(
    model: keras.Model, data: Data, batches: Sequence[np.ndarray], recipe: Recipe, *, seed: int
) -> Part:
    """Return what a round trains on."""
    if recipe.retraining == "new batch" or recipe.defects.no_replay:
        return data.pool.take(batches[-1])
    if recipe.retraining == "old inputs":
        count = sum(map(len, batches)) + round(recipe.replay * recipe.round_size)
        order = seeds.generator(seed, "replay").permutation(len(data.train))
        return data.train.take(np.resize(order, count))
    chosen = data.pool.take(np.concatenate(batches))
    if recipe.retraining == "scratch":
        return joined(chosen, data.train)
    return joined(chosen, replayed_inputs(model, data.train, recipe, seed=seed))


def replayed_inputs(model: keras.Model, old: Part, recipe: Recipe, *, seed: int) -> Part:
    """Return `replay` x `inputs_per_round` random old inputs, or all there are; of those that the
    model gets right where the recipe says so."""
    if recipe.replay_filter == "right":
        old = old.take(predict(model, old.x).argmax(axis=1) == old.y)
    count = min(round(recipe.replay * recipe.round_size), len(old))
    return old.take(seeds.generator(seed, "replay").permutation(len(old))[:count])


def best_batch(
    model: keras.Model,
    data: Data,
    batches: Sequence[np.ndarray],
    candidates: Sequence[np.ndarray],
    recipe: Recipe,
    *,
    seed: int,
) -> tuple[np.ndarray, keras.Model]:
    """Return the newest batch, of `candidates`, and the model that is retrained with it.

    Of several it is that whose model is the most accurate on the diagnosis split: an oracle, which
    sees what no selector may, the outcome. Where there is only one, `model` itself is retrained.
    """
    alone = len(candidates) == 1

    def retrained(candidate: np.ndarray) -> tuple[float, np.ndarray, keras.Model]:
        after = retrain(model, data, [*batches, candidate], recipe, seed=seed, in_place=alone)
        if alone:
            return 0.0, candidate, after
        labels = predict(after, data.diagnosis.x).argmax(axis=1)
        return float((labels == data.diagnosis.y).mean()), candidate, after

    _, best, after = max(map(retrained, candidates), key=itemgetter(0))
    return best, after


def oracle_candidates(batch: np.ndarray, available: np.ndarray, *, seed: int) -> list[np.ndarray]:
    """Return `batch`, and four other random ones of the same size."""
    free, generator = np.flatnonzero(available), seeds.generator(seed, "oracle")
    others = [generator.permutation(free)[: len(batch)] for _ in range(CANDIDATES - 1)]
    return [batch, *others]


def random_translation(
    pixels: int,
) -> Callable[[np.ndarray, np.random.Generator], np.ndarray] | None:
    """Return a function that moves each image by up to `pixels` in both directions, zeros coming
    in; None for no pixels."""
    if not pixels:
        return None

    def move(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        height, width = images.shape[1:3]
        around = ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0))
        framed, moved = np.pad(images, around), np.empty_like(images)
        down, right = generator.integers(0, 2 * pixels + 1, (2, len(images)))
        for y, x in product(range(2 * pixels + 1), repeat=2):
            same = (down == y) & (right == x)
            moved[same] = framed[same, y : y + height, x : x + width]
        return moved

    return move


def joined(first: Part, second: Part) -> Part:
    """Return the inputs of both parts as one."""
    return Part(np.concatenate([first.x, second.x]), np.concatenate([first.y, second.y]))
