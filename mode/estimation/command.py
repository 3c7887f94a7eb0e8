"""The command `estimate`: a saved model, labeled and unlabeled files in, a page and JSON out."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mode import checks, results
from mode.data.archives import RawArrays, read, read_arrays
from mode.data.pools import Pool
from mode.data.schema import encode_labels, prepared
from mode.data.stores import Images, open_pool
from mode.estimation.conclusion import Estimate
from mode.estimation.estimates import estimate
from mode.estimation.report import report_page, to_json
from mode.models import classes_of, load_model
from mode.models.classifier import input_shape
from mode.models.files import copied_unsafely
from mode.models.rescaled import of_unit_inputs
from mode.streaming import connected

LABELED = ("test", "diagnosis", "train")  # the first of these parts that a file holds
UNLABELED = ("pool", "test", "train")


def estimate_files(
    model: str | os.PathLike,
    labeled: str | os.PathLike,
    unlabeled: str | os.PathLike,
    *,
    out: str | os.PathLike,
    method: str | None = None,
    second: str | os.PathLike | None = None,
    seed: int = 0,
    scheduler: str | None = None,
    allow_unsafe: bool = False,
    show: Callable[[str], None] = lambda line: None,
) -> Estimate:
    """Estimate the accuracy of a saved model; write report.html and estimate.json into `out`.

    Args:
        model: a `.keras` file.
        labeled: a data set's name, an `.npz` or a folder of images by class. Of several parts its
            test part is taken, else diagnosis, else train (x, y).
        unlabeled: an `.npz` (x, x_pool, x_test or x_train), an `.npy` file, a Zarr store, or a
            folder of images, by class or not.
        out: folder, created if it does not exist.
        method: see `estimate`. Defaults to None.
        second: a `.keras` file of another training, for "gde". Defaults to None.
        scheduler: address of a Dask scheduler whose workers read the unlabeled inputs.
        allow_unsafe: run code that the model's file holds (Lambda). Defaults to False.
        show: called with each line about what goes on.

    Raises:
        InputError: for files that cannot be read, and as `estimate`.
    """
    network = load_model(model, allow_unsafe=allow_unsafe, compiled=False)
    raw = read_arrays(labeled)
    x, y, names = _labeled(raw, network, show)
    other = None
    if second is not None:
        other = load_model(second, allow_unsafe=allow_unsafe, compiled=False)
    pool = _unlabeled(unlabeled, x.shape[1:])
    folder = _created(out)
    with copied_unsafely(allow_unsafe), connected(scheduler) as client:
        if raw.from_bytes:
            network = of_unit_inputs(network)
            other = None if other is None else of_unit_inputs(other)
        guess = estimate(
            network, (x, y), pool, method=method, second=other, seed=seed, client=client
        )
    if names is not None:
        guess.by_class["class"] = list(names)
    results.write_text(report_page(guess, network.name), folder / "report.html")
    results.write_text(to_json(guess) + "\n", folder / "estimate.json")
    return guess


def _labeled(
    raw: RawArrays, model: keras.Model, show: Callable[[str], None]
) -> tuple[np.ndarray, np.ndarray, Any]:
    """Return inputs, labels and class names (or None) of one part of the labeled file."""
    parts = [part for part in LABELED if {f"x_{part}", f"y_{part}"} <= set(raw.values)]
    if not parts:
        expected = f"{raw.source} must hold inputs with labels (x and y, or x_test and y_test)"
        keys = ", ".join(raw.values)
        checks.fail(expected, f"keys {keys}" if keys else "no array of such a name")
    key = f"x_{parts[0]}"
    shape = input_shape(model)
    fixed = shape[1:] if shape is not None and None not in shape[1:] else None
    x = prepared(key, raw.values[key], fixed)
    labels = {f"y_{parts[0]}": raw.values[f"y_{parts[0]}"]}
    encoded, _, names = encode_labels(
        labels, raw.values.get("class_names"), classes=classes_of(model)
    )
    show(f"labeled: {len(x):,} inputs of {key} in {raw.source}; the model must not know them")
    return x, encoded[f"y_{parts[0]}"], names


def _unlabeled(path: Any, shape: tuple[int, ...]) -> Pool:
    """Return the unlabeled inputs of a file or folder as a pool."""
    place = Path(path)
    if place.suffix == ".npz":
        arrays, others = read(place, [f"x_{part}" for part in UNLABELED])
        if not arrays:
            expected = f"{place} must hold x, or {', '.join(f'x_{p}' for p in UNLABELED)}"
            checks.fail(expected, f"keys {', '.join(others) or 'none'}")
        return open_pool(next(arrays[f"x_{p}"] for p in UNLABELED if f"x_{p}" in arrays))
    images = shape if len(shape) == 3 else None
    if place.is_dir() and Images.fits(place):
        return Images(place, images)
    return open_pool(path, shape=images)


def _created(out: str | os.PathLike) -> Path:
    folder = Path(out)
    try:
        results.write_text("", folder / ".writable").unlink()
    except OSError as error:
        checks.fail("out must be a folder that can be written", f"'{out}', {error.strerror}")
    return folder
