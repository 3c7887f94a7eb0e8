"""`mode.estimate` without its model's predictions: `python -m benchmarks estimation`.

A dense network of digits is asked about 8-bit images on disk. What the model itself takes, its
probabilities and activations, is measured and left out, for it depends on the model alone.
"""

import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.distances import digits
from benchmarks.measurements import clocked, cold_and_warm, in_new_process, row

INPUTS = 100_000
LABELED = 2000
LIMIT = 5.0  # seconds


def rows(inputs: int = INPUTS) -> list[dict]:
    """Return the rows for so many unlabeled inputs, and for ten times as many; `peak_memory` is
    what one estimate allocates at most, in GiB."""
    table, warm = [], {}
    with tempfile.TemporaryDirectory() as place:
        for count in (inputs, 10 * inputs):
            path = Path(place) / f"{count}.npy"
            _write(path, count)
            measured = cold_and_warm(in_new_process(without_predictions, path))
            memory = in_new_process(peak_memory, path) / 2**30
            for state, seconds in measured.items():
                case = f"{count} inputs x 10 classes without predictions, {state}"
                options: dict = {"peer": "the limit"} if count == inputs else {}
                options |= {"at_least": 1} if options else {"peer": "ten times a tenth of them"}
                limit = LIMIT if count == inputs else 10 * warm[state]
                table.append(row("estimation", case, seconds, limit, **options))
                table[-1]["peak_memory"] = memory
            warm = warm or measured
    return table


def without_predictions(path: Path) -> list[float]:
    """Return the seconds of two estimates, less what the model takes."""
    from mode.estimation import estimates, keras_outputs

    spent = [0.0]
    for module in (estimates, keras_outputs):
        for name in {"predict", "states"} & set(vars(module)):
            setattr(module, name, _timed(getattr(module, name), spent))
    arguments, seconds = _arguments(path), []
    for _ in range(2):
        spent[0] = 0.0
        whole, _guess = clocked(lambda: estimates.estimate(*arguments))
        seconds.append(whole - spent[0])
    return seconds


def peak_memory(path: Path) -> int:
    """Return the bytes that an estimate allocates at most, with what the model allocates in
    numpy."""
    from mode.estimation.estimates import estimate

    arguments = _arguments(path)
    tracemalloc.start()
    estimate(*arguments)
    return tracemalloc.get_traced_memory()[1]


def _timed(function: Callable, spent: list[float]) -> Callable:
    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            spent[0] += time.perf_counter() - start

    return call


def _write(path: Path, count: int) -> None:
    images = np.rint(255 * digits()[0][:LABELED, ..., None]).astype(np.uint8)
    pool = np.lib.format.open_memmap(path, "w+", np.uint8, (count, *images.shape[1:]))
    for start in range(0, count, LABELED):
        pool[start : start + LABELED] = images[: count - start]


def _arguments(path: Path) -> tuple:
    """Return a trained model, a labeled set, and the path of the unlabeled inputs."""
    import keras

    from mode.models import train

    x, y = digits()
    x = x[..., None]
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Flatten(), keras.layers.Dense(64, "relu")]
    model = keras.Sequential([keras.Input(x.shape[1:]), *hidden, keras.layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model = train(model, x[LABELED:], y[LABELED:], epochs=2, seed=0)
    return model, (x[:LABELED], y[:LABELED].astype(int)), path
