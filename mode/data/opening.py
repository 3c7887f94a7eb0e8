"""Open a pool that is streamed: read in blocks, from wherever it is stored."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from mode import checks
from mode.data.datasets import Dataset
from mode.data.folders import Folder
from mode.data.labels import labeled_indices, recoded
from mode.data.parts import Streamed
from mode.data.pools import Arrays, File, Pool, Some, mapped

KINDS = (
    "an array (numpy, memory map, Zarr, Dask), a tf.data dataset, "
    "or the path of an .npy file, a Zarr store or a folder of images by class"
)
MOST_INPUTS = 10**10
MOST_CHUNK = 2**30  # bytes that a Zarr chunk may declare: one is held in memory


def open_pool(x: Any, y: Any = None, *, shape: tuple[int, ...] | None = None) -> Pool:
    """Return a pool whose inputs stay where they are.

    Args:
        x: an array (numpy, memory map, Zarr, Dask), a tf.data dataset of inputs or of (input,
            label), batched or not, in the same order each time, or the path of an `.npy` file,
            a Zarr store, or a folder with a folder of images for each class.
        y: labels (n,), or the path of an `.npy` file of them, instead of those that x brings.
        shape: height, width and channels that images of a folder are brought to; those of the
            first one where None.

    Example:
        >>> pool = open_pool(np.arange(6.0).reshape(3, 2), y=[0, 1, 1])
        >>> len(pool), pool.labels
        (3, array([0, 1, 1]))

    Raises:
        InputError: for anything else, numbers that are none, or labels of another length.
    """
    pool = _opened(x, shape)
    if pool.dtype.kind not in "biuf":
        checks.fail("the pool must hold numbers", f"dtype {pool.dtype}")
    checks.number("inputs of the pool", len(pool), 1, MOST_INPUTS, integer=True)
    if y is not None:
        y = np.asarray(mapped(Path(y)) if isinstance(y, str | os.PathLike) else y)
        y = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
        checks.same_length(pool=pool, labels=y)
        pool.labels = y
    return pool


def _opened(x: Any, shape: tuple[int, ...] | None) -> Pool:
    if isinstance(x, Pool):
        return x
    if isinstance(x, str | os.PathLike):
        return _at(Path(x), shape)
    if hasattr(x, "element_spec") and hasattr(x, "as_numpy_iterator"):
        return Dataset(x)
    if not all(hasattr(x, name) for name in ("shape", "dtype", "__getitem__")):
        checks.fail(f"the pool must be {KINDS}", type(x).__name__)
    if len(x.shape) < 2 or not all(isinstance(side, int) for side in x.shape):
        checks.fail("the pool must be an array of inputs, n x ...", f"shape {x.shape}")
    return Arrays(x)


def _at(path: Path, shape: tuple[int, ...] | None) -> Pool:
    if path.suffix == ".npy":
        pool = File(path)
        if not pool.shape:
            checks.fail("the pool must be an array of inputs, n x ...", f"shape ({len(pool)},)")
        return pool
    if path.suffix == ".zarr" or (path / "zarr.json").exists() or (path / ".zarray").exists():
        return _opened(_store(path), shape)
    if path.is_dir():
        return Folder(path, shape)
    return checks.fail(f"the pool must be {KINDS}", f"'{path}'")


def _store(path: Path) -> Any:
    """Return the array of a Zarr store."""
    try:
        import zarr
    except ImportError:
        checks.fail("zarr must be installed to read a Zarr store", "none", "pip install zarr")
    try:
        found = zarr.open_array(str(path), mode="r")
    except Exception as error:
        said = " ".join(str(error).split())[:160]
        checks.fail(f"{path} must be a Zarr store of one array", f"{type(error).__name__}: {said}")
    declared = math.prod(found.chunks) * np.dtype(found.dtype).itemsize
    if declared > MOST_CHUNK:
        checks.fail(f"chunks of {path} must have at most {MOST_CHUNK} bytes", declared)
    return found


def open_streamed(
    pool: Any,
    labels: Any,
    shape: tuple[int, ...],
    names: tuple[str, ...],
    valued: bool,
    client: Any,
) -> tuple[Streamed, np.ndarray | None, bool]:
    """Return the pool, the indices of its labeled inputs (None for all), and whether any is.

    Args:
        pool, labels: as `open_pool` takes them.
        shape: shape of one prepared input.
        names: names of the classes.
        valued: whether labels that are whole numbers are among the names, not places in them.
        client: a Dask client that shares the reading, or None.

    Raises:
        InputError: for what is no pool, inputs of another shape, or unknown labels.
    """
    pool = open_pool(pool, labels, shape=shape)
    labeled = np.zeros(0, np.int64) if pool.labels is None else labeled_indices(pool.labels)
    if not len(labeled):
        return Streamed(pool, np.zeros(len(pool), np.int8), shape, client), None, False
    whole = len(labeled) == len(pool)
    y = _numbers(pool, pool.labels if whole else pool.labels[labeled], names, valued)
    if whole:
        return Streamed(pool, y, shape, client), None, True
    return Streamed(Some(pool, labeled), y, shape, client), labeled, True


def _numbers(pool: Pool, labels: np.ndarray, names: tuple[str, ...], valued: bool) -> np.ndarray:
    if pool.names is not None:
        number = [names.index(checks.one_of("a class of the pool", n, names)) for n in pool.names]
        return np.array(number)[labels]
    if valued or labels.dtype.kind == "U":
        return recoded("pool labels", labels, names)
    return checks.numeric("pool labels", labels)
