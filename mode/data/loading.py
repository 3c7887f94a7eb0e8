"""`load`: a name or a path becomes `Data`."""

import os
from pathlib import Path

import numpy as np

from mode import checks
from mode.data import sources, splits
from mode.data.parts import Data, Part

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
            an `.npz` with x_train, y_train, x_test, y_test (uint8, or floats in [0, 1]).
        seed: decides a "seeded" split, which has the classes in proportion.
        split: "seeded", or "published" for the replication's halves, whose diagnosis part *is*
            its test part.
        data_dir: folder to look in first for `mnist.npz` and `fashion_mnist.npz`; then come the
            folder named by the environment variable MODE_DATA, Keras's cache, and a download.

    Returns:
        Data whose parts have .x (float32 in [0, 1], n x h x w x c) and .y (int64).

    Raises:
        InputError: for an unknown name or split, bad arrays, or data found nowhere.
    """
    checks.one_of("split", split, SPLITS)
    checks.number("seed", seed, 0, integer=True)
    arrays, classes = _parts(_read(name, data_dir))
    if split == "published":
        return splits.published(arrays, classes)
    total = len(arrays["rest"])
    sizes = {part: int(total * share) for part, share in SHARES.items()}
    return splits.seeded(arrays, sizes if "test" in arrays else DIGITS_SIZES, classes, seed)


def _read(name: str | os.PathLike, data_dir: str | os.PathLike | None) -> dict[str, np.ndarray]:
    if isinstance(name, os.PathLike) or Path(str(name)).suffix == ".npz":
        return sources.archive(name)
    known = list(sources.SOURCES)
    checks.one_of("data set", name, [*known, "PATH.npz"])
    return sources.digits() if name == "digits" else sources.named(name, data_dir)


def _parts(arrays: dict[str, np.ndarray]) -> tuple[dict[str, Part], int]:
    rest = {"x": "x_train", "y": "y_train"} if "x_train" in arrays else {"x": "x", "y": "y"}
    parts = {"rest": _part(arrays, rest["x"], rest["y"])}
    if "x_test" in arrays:
        parts["test"] = _part(arrays, "x_test", "y_test")
    classes = 1 + int(max(part.y.max() for part in parts.values()))
    return parts, classes


def _part(arrays: dict[str, np.ndarray], x_key: str, y_key: str) -> Part:
    x = checks.not_empty(x_key, checks.numeric(x_key, arrays[x_key]))
    if x.dtype == np.uint8:
        x = x.astype(np.float32) / np.float32(255)
    x = checks.images(x_key, x).astype(np.float32, copy=False)
    y = checks.labels(y_key, arrays[y_key])
    checks.same_length(**{x_key: x, y_key: y})
    return Part(x[..., None] if x.ndim == 3 else x, y)
