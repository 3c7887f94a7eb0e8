"""Retrain a copy: on all chosen inputs with old ones replayed, on the last batch alone, or anew."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import keras
import numpy as np

from mode import checks, seeds
from mode.data import Data, Part
from mode.models import predict, reinitialize, train
from mode.repair.recipe import EPOCHS, MINIBATCH, Recipe

# Passes over all there is, when a model starts anew: as many as made the study's models.
SCRATCH_EPOCHS = 10


def retrain(
    model: keras.Model, data: Data, batches: Sequence[np.ndarray], recipe: Recipe, *, seed: int
) -> keras.Model:
    """Return a retrained copy of `model`; a share `retained` of its weights is that of `model`.

    Args:
        batches: round by round the chosen indices into `data.pool`; the last is the newest.
        recipe: its `retraining`, `replay`, `replayed`, `average`, `retained`, `jitter`,
            `minibatch` and `epochs` say how.
        seed: decides which old inputs are replayed, and the order of training.

    Raises:
        InputError: for jitter on inputs that are no images.
    """
    if recipe.jitter and data.train.x.ndim != 4:
        images = "images, n x h x w x channels"
        checks.fail(f"jitter must be 0 for inputs that are no {images}", recipe.jitter)
    trained = _trained(model, data, batches, recipe, seed=seed)
    if recipe.retained:
        kept = zip(model.trainable_variables, trained.trainable_variables, strict=True)
        for before, after in kept:
            after.assign(recipe.retained * before + (1 - recipe.retained) * after)
    return trained


def _trained(
    model: keras.Model, data: Data, batches: Sequence[np.ndarray], recipe: Recipe, *, seed: int
) -> keras.Model:
    options: dict[str, Any] = {"average": recipe.average, "seed": seeds.derive(seed, "retrain")}
    epochs, batch_size = recipe.epochs or EPOCHS, recipe.minibatch or MINIBATCH
    options |= {"batch_size": batch_size, "augment": moving(recipe.jitter)}
    if recipe.retraining == "new batch" or recipe.defects.no_replay:
        newest = data.pool.take(batches[-1])
        return train(model, newest.x, newest.y, epochs=epochs, **options)
    chosen = data.pool.take(np.concatenate(batches))
    if recipe.retraining == "scratch":
        part = joined(chosen, data.train)
        anew = reinitialize(model, seed=seeds.derive(seed, "fresh"))
        return train(anew, part.x, part.y, epochs=SCRATCH_EPOCHS, **options)
    part = joined(chosen, replayed(model, data.train, recipe, seed=seed))
    return train(model, part.x, part.y, epochs=epochs, **options)


def replayed(model: keras.Model, old: Part, recipe: Recipe, *, seed: int) -> Part:
    """Return `replay` x `batch` random old inputs, or all there are; of those that the model gets
    right where the recipe says so."""
    if recipe.replayed == "right":
        old = old.take(predict(model, old.x).argmax(axis=1) == old.y)
    count = min(round(recipe.replay * recipe.batch), len(old))
    return old.take(seeds.generator(seed, "replay").permutation(len(old))[:count])


def moving(
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
