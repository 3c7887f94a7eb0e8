"""Warnings about data: inputs that are in two parts, parts that are not held out."""

from hashlib import blake2b
from pathlib import Path

import numpy as np

from mode.data.parts import Data, Part


def created_notes(where: dict[str, tuple[str, np.ndarray]], place: str) -> tuple[str, ...]:
    """Return the warning that a part was created from data that the model may have learned from."""
    created = [name for name in ("test", "diagnosis") if where[name][0] == "train"]
    if not created:
        return ()
    wanted = " and ".join(f"x_{name}, y_{name}" for name in created)
    if Path(place).is_dir():
        wanted = f"images in folders {' and '.join(created)}, one folder per class in each,"
    verb = "were" if len(created) > 1 else "was"
    return (
        f"{' and '.join(created)} {verb} created from x_train, which the model may have learned: "
        "figures are on data the model may have seen. "
        f"Pass {wanted} to measure on held-out data.",
    )


def duplicate_notes(data: Data) -> tuple[str, ...]:
    """Return a warning for each part whose inputs are also in the training part or the pool."""
    return tuple(
        f"{count:,} of {len(getattr(data, part)):,} {part} inputs are also in {other}"
        for (part, other), count in duplicates(data).items()
    )


def duplicates(data: Data) -> dict[tuple[str, str], int]:
    """Count the test and diagnosis inputs that are also in the training part or in the pool.

    Two inputs are the same where all their numbers are. A streamed pool is not read.

    Returns:
        (part, other part) -> number of inputs of the part that are also in the other one; pairs
        without any are left out.

    Example:
        >>> from mode.data import Part
        >>> some = [Part(np.eye(4)[rows], [0] * len(rows)) for rows in ([0, 1], [2], [3], [1, 3])]
        >>> duplicates(Data(*some, classes=1))
        {('test', 'train'): 1}
    """
    parts = {name: getattr(data, name) for name in ("train", "pool", "diagnosis", "test")}
    digests = {name: _digests(part.x) for name, part in parts.items() if isinstance(part, Part)}
    counts = {
        (part, other): int(np.isin(digests[part], digests[other]).sum())
        for part in ("test", "diagnosis")
        for other in ("train", "pool")
        if other in digests
    }
    return {pair: count for pair, count in counts.items() if count}


def same_inputs(x: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return which inputs (n,) of `x` are also in `other`: all their numbers are the same."""
    return np.isin(_digests(x), _digests(other))


def _digests(x: np.ndarray) -> np.ndarray:
    """Return a number of 64 bits per row, the same for the same rows."""
    rows = (blake2b(np.ascontiguousarray(row).data, digest_size=8).digest() for row in x)
    return np.frombuffer(b"".join(rows), np.uint64)
