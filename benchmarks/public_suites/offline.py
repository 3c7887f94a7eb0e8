"""Run `python -m mode` with Keras's data sets read from MODE_DATA and the scores of fits noted.

Every program of `benchmarks.public_suites` runs in it. A fit's score is measured by the model's
predictions on its own rows after training: apart from the diagnosis, which judges by its record.
"""

import importlib
import sys

import keras
import numpy as np
import tensorflow  # noqa: F401  (every program is a fork of the process that imported it)

from mode.cli import main
from mode.data.archives import KERAS_KEYS, SOURCES

ROWS = 2000  # so many rows of a training are scored
_LABEL_SHAPES = {"cifar10": (-1, 1)}  # as Keras has them


def read_data_offline() -> None:
    """Let `keras.datasets` read the files in MODE_DATA, under every name the modules have."""
    for name in ("mnist", "fashion_mnist", "cifar10"):
        for parent in ("keras.src.datasets", "keras.datasets", "keras._tf_keras.keras.datasets"):
            module = sys.modules.get(f"{parent}.{name}")
            if module is None:
                __import__(f"{parent}.{name}")
                module = sys.modules[f"{parent}.{name}"]
            module.load_data = _loader(name)  # type: ignore[attr-defined]


def _loader(name: str):
    def load_data(path: str = ""):
        arrays = SOURCES[name](None)
        shape = _LABEL_SHAPES.get(name, (-1,))
        x_train, y_train, x_test, y_test = (arrays[key] for key in KERAS_KEYS)
        return (x_train, y_train.reshape(shape)), (x_test, y_test.reshape(shape))

    return load_data


def note_scores(scores: list[dict]) -> None:
    """Add a score to `scores` after each fit; an empty one where its rows cannot be scored."""
    before = keras.Model.fit

    def fit(self, x=None, y=None, *args, **kwargs):
        history = before(self, x, y, *args, **kwargs)
        try:
            scores.append(score(self, x, y))
        except Exception:  # whatever a model of others answers, its training counts
            scores.append({})
        return history

    keras.Model.fit = fit


def score(model, x, y) -> dict:
    """Return `measure` (accuracy or R2), `score`, the best constant's, and their `skill`.

    `skill` is the share of what the best constant leaves that is learned.
    """
    if y is None:
        x, y = next(iter(x.unbatch().batch(ROWS)))[:2]
    x, y = np.asarray(x), np.asarray(y)
    every = max(len(x) // ROWS, 1)
    x, y = x[::every][:ROWS], y[::every][:ROWS]
    p = np.asarray(model.predict(x, verbose=0)).astype("float64")
    return measured(p, y.astype("float64"), getattr(model.loss, "from_logits", False))


def measured(p: np.ndarray, y: np.ndarray, logits: bool = False) -> dict:
    """Return the score of predictions for targets, as `score` does; {} for shapes that differ.

    >>> measured(np.array([[0.9], [0.2], [0.6]]), np.array([1.0, 0.0, 0.0]))["score"]
    0.667
    """
    units = p.shape[-1] if p.ndim == 2 else 0
    one_hot = y.shape == p.shape and units > 1 and bool(((y == 0) | (y == 1)).all())
    if one_hot and bool((y.sum(axis=-1) == 1).all()):
        return _accuracy(p.argmax(-1), y.argmax(-1))
    whole = y.size == len(y) and bool((y == y.round()).all())
    if units > 1 and whole:
        return _accuracy(p.argmax(-1), y.ravel())
    if units == 1 and whole and len(np.unique(y)) == 2:
        low, high = y.min(), y.max()
        return _accuracy(np.where(p.ravel() > (0 if logits else (low + high) / 2), high, low),
                         y.ravel())  # fmt: skip
    if p.size != y.size:
        return {}
    p, y = p.reshape(len(p), -1), y.reshape(len(y), -1)
    error, constant = ((p - y) ** 2).mean(), ((y - y.mean(axis=0)) ** 2).mean()
    skill = 1 - error / constant if constant > 0 else np.nan
    return {"measure": "R2", "score": round(skill, 3), "constant": 0.0, "skill": round(skill, 3)}


def _accuracy(predicted: np.ndarray, true: np.ndarray) -> dict:
    right, largest = (predicted == true).mean(), np.unique(true, return_counts=True)[1].max()
    majority = largest / len(true)
    skill = (right - majority) / (1 - majority) if majority < 1 else np.nan
    return {"measure": "accuracy", "score": round(float(right), 3), "constant": round(majority, 3),
            "skill": round(skill, 3)}  # fmt: skip


def run(scores: list[dict]) -> None:
    """Be `python -m mode` by `sys.argv`, and add the score of each fit to `scores`."""
    read_data_offline()
    note_scores(scores)
    keras.callbacks.DeepLocalize = _Idle  # type: ignore[attr-defined]
    for parent in ("keras.utils", "keras._tf_keras.keras.utils"):  # graphviz may be missing
        importlib.import_module(parent).plot_model = lambda *args, **kwargs: None
    keras.utils.set_random_seed(0)
    main()


class _Idle(keras.callbacks.Callback):
    """In the place of DeepLocalize's callback, which its programs name and Keras never had."""

    def __init__(self, *args, **kwargs):
        super().__init__()
