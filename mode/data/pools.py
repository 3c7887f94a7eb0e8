"""What a pool is that stays where it is: a length, the shape and dtype of an input, blocks of
inputs in order, and the inputs at given indices. `open_pool` makes one."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mode import checks


class Pool(ABC):
    """Inputs that are read block by block.

    shape, dtype: of one input. labels: (n,) where the source brings them, and names: of their
    classes. spreads: whether another process can open it too.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    labels: np.ndarray | None = None
    names: tuple[str, ...] | None = None
    spreads = True

    @abstractmethod
    def __len__(self) -> int:
        """Return how many inputs there are."""

    @abstractmethod
    def read(self, indices: np.ndarray | range, size: int) -> Iterator[np.ndarray]:
        """Yield the inputs at ascending indices, `size` at a time."""

    def blocks(self, size: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (start, inputs from there on), all of them in order, `size` at a time."""
        blocks = self.read(range(len(self)), size)
        yield from zip(range(0, len(self), size), blocks, strict=True)

    def take(self, indices: np.ndarray) -> np.ndarray:
        """Return the inputs at indices of any order; nothing else is kept."""
        places, back = np.unique(indices, return_inverse=True)
        if not len(places):
            return np.zeros((0, *self.shape), self.dtype)
        return np.concatenate(list(self.read(places, len(places))))[back]


class Indexed(Pool):
    """A pool whose inputs can be had in any order."""

    @abstractmethod
    def rows(self, indices: np.ndarray | range) -> np.ndarray:
        """Return the inputs at ascending indices."""

    def read(self, indices: np.ndarray | range, size: int) -> Iterator[np.ndarray]:
        """Yield the inputs at ascending indices, `size` at a time."""
        for start in range(0, len(indices), size):
            yield self.rows(indices[start : start + size])


def span(indices: np.ndarray | range) -> slice | None:
    """Return ascending indices as a slice, None where they have gaps."""
    if not len(indices) or int(indices[-1]) - int(indices[0]) + 1 != len(indices):
        return None
    return slice(int(indices[0]), int(indices[-1]) + 1)


class Arrays(Indexed):
    """A numpy, Zarr or Dask array; whatever has a shape, a dtype, and can be sliced."""

    def __init__(self, source: Any):
        self.source = source
        self.shape, self.dtype = tuple(source.shape[1:]), np.dtype(source.dtype)
        self.spreads = not isinstance(source, np.ndarray)

    def __len__(self) -> int:
        return int(self.source.shape[0])

    def rows(self, indices: np.ndarray | range) -> np.ndarray:
        part = span(indices)
        wanted = np.asarray(indices, np.int64) if part is None else part
        source = self.source if part else getattr(self.source, "oindex", self.source)
        found = np.asarray(source[wanted])  # Dask computes here
        # Of a memory map this is what reads the file, in the thread that reads ahead.
        return np.array(found) if isinstance(self.source, np.memmap) else found


class File(Indexed):
    """An `.npy` file, read in pieces; a memory map would keep what was read."""

    def __init__(self, path: Path):
        self.path = path.resolve()
        found = mapped(self.path)
        self.length, self.offset = found.shape[0], found.offset
        self.shape, self.dtype = found.shape[1:], found.dtype
        self.columns = not found.flags.c_contiguous

    def __len__(self) -> int:
        return self.length

    def rows(self, indices: np.ndarray | range) -> np.ndarray:
        part = span(indices)
        if part is None or self.columns:
            return np.array(np.load(self.path, mmap_mode="r")[indices if part is None else part])
        each = math.prod(self.shape)
        start = self.offset + part.start * each * self.dtype.itemsize
        found = np.fromfile(self.path, self.dtype, len(indices) * each, offset=start)
        return found.reshape(-1, *self.shape)


def mapped(path: Path) -> np.memmap:
    """Return the array of an `.npy` as a memory map.

    Raises:
        InputError: for a file that is missing, pickled, or shorter than it declares.
    """
    plain = f"{path} must be an .npy file of a plain array"
    if not path.is_file():
        checks.fail(plain, "no such file")
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, OverflowError) as error:
        said = " ".join(str(error).split())
        checks.fail(plain, "pickled objects" if "Python objects" in said else said)
    if not isinstance(found, np.memmap):
        checks.fail(plain, "an archive of several")
    if not found.ndim:
        checks.fail(plain, "a single number")
    return found


class Some(Pool):
    """Some inputs of another pool, as a pool; indices count these alone."""

    def __init__(self, whole: Pool, places: np.ndarray):
        self.whole, self.places = whole, places
        self.shape, self.dtype, self.spreads = whole.shape, whole.dtype, whole.spreads
        self.names = whole.names
        self.labels = None if whole.labels is None else whole.labels[places]

    def __len__(self) -> int:
        return len(self.places)

    def read(self, indices: np.ndarray | range, size: int) -> Iterator[np.ndarray]:
        part = span(indices)
        return self.whole.read(self.places[indices if part is None else part], size)
