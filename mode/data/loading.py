"""`load`: a name or a path becomes `Data`."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from mode import checks
from mode.data import sources, splits
from mode.data.naming import Names, numbered
from mode.data.parts import Data, Part, prepared

SPLITS = ("seeded", "published")
DIGITS_SIZES = {"train": 1500, "pool": 2000, "diagnosis": 500, "test": 1000}
# Shares of the training inputs of a set that brings its own test part; on MNIST's 60,000
# they give 30,000 / 25,000 / 5,000, as near to the published halves as a diagnosis part allows.
SHARES = {"train": 6 / 12, "pool": 5 / 12, "diagnosis": 1 / 12}


def load(
    name: str | os.PathLike = "digits",
    *,
    seed: int = 0,
    split: str = "seeded",
    data_dir: str | os.PathLike | None = None,
) -> Data:
    """Return the data set `name`, cut into train, pool, diagnosis and test.

    Args:
        name: "digits" (5,000 MNIST images, embedded), "mnist", "fashion_mnist", or the path of
            an `.npz` with x_train, y_train, x_test, y_test. uint8 inputs are grey values, divided
            by 255, and three axes of them n x h x w; four axes are images in [0, 1]; any others,
            vectors, sequences and tokens (whole numbers), stay as they are. Labels are whole
            numbers, one-hot rows or class names; an array `names` may name the classes.
        seed: decides a "seeded" split, which has the classes in proportion.
        split: "seeded", or "published" for the replication's halves, whose diagnosis part *is*
            its test part.
        data_dir: folder to look in first for `mnist.npz` and `fashion_mnist.npz`; then come the
            folder named by the environment variable MODE_DATA, Keras's cache, and a download.

    Returns:
        Data whose parts have .x (images float32 in [0, 1], n x h x w x c) and .y (int64, from 0).

    Example:
        >>> data = load("digits")
        >>> data.sizes()
        {'train': 1500, 'pool': 2000, 'diagnosis': 500, 'test': 1000}
        >>> data.train.x.shape, data.train.x.dtype, float(data.train.x.max())
        ((1500, 28, 28, 1), dtype('float32'), 1.0)
        >>> load("digit")
        Traceback (most recent call last):
            ...
        mode.checks.InputError: data set must be one of ... Did you mean 'digits'?

    Raises:
        InputError: for an unknown name or split, bad arrays, or data found nowhere.
    """
    checks.one_of("split", split, SPLITS)
    checks.number("seed", seed, 0, integer=True)
    arrays, classes, names = _parts(_read(name, data_dir))
    if split == "published":
        return replace(splits.published(arrays, classes), names=names)
    total = len(arrays["rest"])
    sizes = {part: int(total * share) for part, share in SHARES.items()}
    sizes = sizes if "test" in arrays else DIGITS_SIZES
    return replace(splits.seeded(arrays, sizes, classes, seed), names=names)


def _read(name: str | os.PathLike, data_dir: str | os.PathLike | None) -> dict[str, np.ndarray]:
    if isinstance(name, os.PathLike) or Path(str(name)).suffix == ".npz":
        return sources.archive(name)
    known = checks.one_of("data set", name, [*sources.SOURCES, "PATH.npz"])
    return sources.SOURCES[known](data_dir)


def _parts(arrays: dict[str, np.ndarray]) -> tuple[dict[str, Part], int, Names]:
    rest = ("x_train", "y_train") if "x_train" in arrays else ("x", "y")
    keys = {"rest": rest} | ({"test": ("x_test", "y_test")} if "x_test" in arrays else {})
    labels = {y: arrays[y] for _, y in keys.values()}
    labels, classes, names = numbered(labels, arrays.get("names"))
    return {part: _part(arrays, labels, x, y) for part, (x, y) in keys.items()}, classes, names


def _part(arrays: dict[str, np.ndarray], labels: dict, x_key: str, y_key: str) -> Part:
    x = prepared(x_key, checks.not_empty(x_key, checks.numeric(x_key, arrays[x_key])))
    checks.same_length(**{x_key: x, y_key: labels[y_key]})
    return Part(x, labels[y_key])
