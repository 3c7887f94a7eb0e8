"""Which inputs of a user's pool have labels, and the pool that is streamed instead of x_pool."""

from typing import Any

import numpy as np

from mode import checks
from mode.data.naming import recoded
from mode.data.opening import open_pool
from mode.data.parts import Streamed
from mode.data.pools import Pool, Some

UNKNOWN = -1  # the label of an input that has none yet; among labels that are text, ""


def labelled_of(y: np.ndarray) -> np.ndarray:
    """Return the ascending indices of the inputs that have a label; one-hot rows all have one."""
    y = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1:
        return np.arange(len(y))
    return np.flatnonzero(y != ("" if y.dtype.kind == "U" else UNKNOWN))


def streamed(
    pool: Any,
    labels: Any,
    shape: tuple[int, ...],
    names: tuple[str, ...],
    valued: bool,
    client: Any,
) -> tuple[Streamed, np.ndarray | None, bool]:
    """Return the pool, the indices of its labelled inputs (None for all), and whether any is.

    Args:
        pool, labels: as `open_pool` takes them.
        shape: of one prepared input.
        names: of the classes.
        valued: whether labels that are whole numbers are among the names, not places in them.
        client: a Dask client that shares the reading, or None.

    Raises:
        InputError: for what is no pool, inputs of another shape, or unknown labels.
    """
    pool = open_pool(pool, labels, shape=shape)
    known = np.zeros(0, np.int64) if pool.labels is None else labelled_of(pool.labels)
    if not len(known):
        return Streamed(pool, np.zeros(len(pool), np.int8), shape, client), None, False
    whole = len(known) == len(pool)
    y = _numbers(pool, pool.labels if whole else pool.labels[known], names, valued)
    if whole:
        return Streamed(pool, y, shape, client), None, True
    return Streamed(Some(pool, known), y, shape, client), known, True


def _numbers(pool: Pool, labels: np.ndarray, names: tuple[str, ...], valued: bool) -> np.ndarray:
    if pool.names is not None:
        given = [names.index(checks.one_of("a class of the pool", n, names)) for n in pool.names]
        return np.array(given)[labels]
    if valued or labels.dtype.kind == "U":
        return recoded("pool labels", labels, names)
    return checks.numeric("pool labels", labels)
