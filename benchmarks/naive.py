"""The publication's repair, written as the publication wrote it: the peer of `mode.repair`.

The protocol of the public replication (Harel-Canada 2019) with its defects on, in plain Keras:
every round fits a whole sub-model for every layer on all training inputs, as if the frozen part
had to be run again each epoch, and candidates are measured one at a time with SciPy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import keras
import numpy as np
import pandas as pd
from scipy.spatial import distance
from scipy.stats import wasserstein_distance

from mode import checks, seeds
from mode.data import Data, Part
from mode.models import clone
from mode.repair import Recipe


@dataclass(frozen=True)
class Outcome:
    """The repaired model, one row a round, and each round's indices into the pool."""

    model: keras.Model
    rounds: pd.DataFrame
    chosen: tuple[np.ndarray, ...]


def run(model: keras.Model, data: Data, recipe: Recipe, *, seed: int = 0) -> Outcome:
    """Repair a copy of `model`, which must be a plain chain of layers.

    Of the recipe count metric, alpha, theta, eps (the similarity threshold), rounds, batch and
    epochs; what else it says must be as published, or the two sides are not comparable.

    Raises:
        InputError: for a metric that the publication did not have.
    """
    checks.one_of("metric", recipe.metric, PER_ROW)
    model, generator = clone(model), seeds.generator(seed, "naive")
    free = np.ones(len(data.pool), bool)
    rows, chosen = [], []
    for number in range(1, recipe.rounds + 1):
        on_train, on_test = probe(model, data, recipe.epochs)
        last = list(on_test)[-1]
        label = worst_label(data, on_train[last], on_test[last], recipe.theta)
        if label is None:
            break
        batch = choose(data, on_test[last], label, free, recipe, generator)
        free[batch] = False
        chosen.append(batch)
        row = retrain(model, data, batch, recipe.epochs)
        layer = similar_layer(on_test, recipe.eps)
        rows.append({"round": number, "label": label, "layer": layer, **row})
    return Outcome(model, pd.DataFrame(rows), tuple(chosen))


def control(
    model: keras.Model, data: Data, recipe: Recipe, repaired: Outcome, *, seed: int = 0
) -> Outcome:
    """Give a copy of `model`, with a new optimizer, random batches that `repaired` left over.

    As published it gets one batch more than the repair, if that ended early.
    """
    model, generator = clone(model, keep_optimizer=False), seeds.generator(seed, "naive control")
    free = np.ones(len(data.pool), bool)
    for batch in repaired.chosen:
        free[batch] = False
    rows, chosen = [], []
    for number in range(1, min(len(repaired.chosen) + 1, recipe.rounds) + 1):
        batch = generator.permutation(np.flatnonzero(free))[: recipe.inputs_per_round]
        free[batch] = False
        chosen.append(batch)
        row = retrain(model, data, batch, recipe.epochs)
        rows.append({"round": number, "label": -1, "layer": "", **row})
    return Outcome(model, pd.DataFrame(rows), tuple(chosen))


def probe(model: keras.Model, data: Data, epochs: int) -> tuple[dict, dict]:
    """Fit the sub-model of every layer with weights; return what each predicts, layer -> (n, k),
    on the training and on the test part."""
    on_train, on_test = {}, {}
    for depth, layer in enumerate(model.layers, start=1):
        if layer.weights:
            part = sub_model(model, depth, data.classes)
            part.fit(data.train.x, data.train.y, epochs=epochs, verbose=0)
            on_train[layer.name] = part.predict(data.train.x, verbose=0)
            on_test[layer.name] = part.predict(data.test.x, verbose=0)
    return on_train, on_test


def sub_model(model: keras.Model, depth: int, classes: int) -> keras.Model:
    """Return frozen copies of the first `depth` layers under a new softmax layer."""
    copies = [type(layer).from_config(layer.get_config()) for layer in model.layers[:depth]]
    head = keras.layers.Dense(classes, "softmax", name="head")
    part = keras.Sequential([keras.Input(model.input_shape[1:]), *copies, head])
    for copy, layer in zip(copies, model.layers, strict=False):
        copy.set_weights(layer.get_weights())
        copy.trainable = False
    part.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return part


def worst_label(data: Data, on_train: np.ndarray, on_test: np.ndarray, theta: float) -> int | None:
    """Return the label of lowest test accuracy among those below theta on both parts, if any."""
    faulty = []
    for label in range(data.classes):
        trained, tested = _right(data.train, on_train, label), _right(data.test, on_test, label)
        if trained < theta and tested < theta:
            faulty.append((tested, label))
    return min(faulty)[1] if faulty else None


def _right(part: Part, predictions: np.ndarray, label: int) -> float:
    return float((predictions[part.y == label].argmax(axis=1) == label).mean())


def similar_layer(predictions: dict[str, np.ndarray], threshold: float) -> str:
    """Return the first layer whose successor's sub-model predicts the same (Bhattacharyya
    distance below the threshold), else the last. Nothing depends on it: maps are pixels."""
    names = list(predictions)
    for name, following in pairwise(names):
        overlap = np.sqrt(predictions[name] * predictions[following]).sum(axis=1)
        if -np.log(np.clip(overlap, 1e-12, 1)).mean() < threshold:
            return name
    return names[-1]


def choose(
    data: Data,
    on_test: np.ndarray,
    label: int,
    free: np.ndarray,
    recipe: Recipe,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return inputs of the label by the metric, then random ones of the other labels."""
    correct = on_test.argmax(axis=1) == data.test.y
    of_label = correct & (data.test.y == label)
    # A label without any correct input gets the map of all labels, as ours does.
    heatmap = data.test.x[of_label if of_label.any() else correct].mean(axis=0).ravel()
    index = np.flatnonzero(free & (data.pool.y == label))
    measure = PER_ROW[recipe.metric]
    scores = [
        measure(x, heatmap / heatmap.max()) for x in data.pool.x[index].reshape(len(index), -1)
    ]
    count = round(recipe.alpha * recipe.inputs_per_round)
    near = index[np.argsort(scores, kind="stable")[:count]]
    others = generator.permutation(np.flatnonzero(free & (data.pool.y != label)))
    return np.concatenate([near, others[: recipe.inputs_per_round - count]])


def retrain(model: keras.Model, data: Data, batch: np.ndarray, epochs: int) -> dict:
    """Fit `model` itself on the batch alone; return inputs used and test accuracy."""
    part = data.pool.take(batch)
    model.fit(part.x, part.y, epochs=epochs, verbose=0)
    right = model.predict(data.test.x, verbose=0).argmax(axis=1) == data.test.y
    return {"inputs": len(batch), "accuracy": float(right.mean())}


def _negated_earth_mover(x: np.ndarray, heatmap: np.ndarray) -> float:
    return -wasserstein_distance(x, heatmap)


def _negated_dot(x: np.ndarray, heatmap: np.ndarray) -> float:
    return -np.dot(x, heatmap)


# Small = chosen first. As published, earth mover takes the farthest, and canberra is chebyshev.
PER_ROW: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "dot": _negated_dot,
    "cosine": distance.cosine,
    "manhattan": distance.cityblock,
    "euclidean": distance.euclidean,
    "minkowski": partial(distance.minkowski, p=3),
    "chebyshev": distance.chebyshev,
    "earth_mover": _negated_earth_mover,
    "canberra": distance.chebyshev,
    "bray_curtis": distance.braycurtis,
}
