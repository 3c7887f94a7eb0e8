"""Pools on disk: an `.npy` file, a Zarr store, a folder of images by class; open any pool."""

import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from mode import checks
from mode.data.parts import Streamed
from mode.data.pools import Arrays, Dataset, Indexed, Pool, Subset, as_slice
from mode.data.schema import labeled_indices, name_indices

KINDS = (
    "an array (numpy, memory map, Zarr, Dask), a tf.data dataset, "
    "or the path of an .npy file, a Zarr store or a folder of images by class"
)
MAX_INPUTS = 10**10
MAX_CHUNK = 2**30  # bytes that a Zarr chunk may declare: one is held in memory
EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")  # those that Keras's loader takes
COLOR_MODES = {1: "grayscale", 3: "rgb", 4: "rgba"}


class File(Indexed):
    """An `.npy` file, read in pieces; a memory map would keep in memory what was read."""

    def __init__(self, path: Path):
        self.path = path.resolve()
        array = open_npy(self.path)
        self.length, self.offset = array.shape[0], array.offset
        self.shape, self.dtype = array.shape[1:], array.dtype
        self.by_columns = not array.flags.c_contiguous

    def __len__(self) -> int:
        return self.length

    def rows(self, indices: np.ndarray | range) -> np.ndarray:
        part = as_slice(indices)
        if part is None or self.by_columns:
            return np.array(np.load(self.path, mmap_mode="r")[indices if part is None else part])
        size = math.prod(self.shape)
        start = self.offset + part.start * size * self.dtype.itemsize
        numbers = np.fromfile(self.path, self.dtype, len(indices) * size, offset=start)
        return numbers.reshape(-1, *self.shape)


def open_npy(path: Path) -> np.memmap:
    """Return the array of an `.npy` file as a memory map.

    Raises:
        InputError: for a file that is missing, pickled, or shorter than it declares.
    """
    expected = f"{path} must be an .npy file of a plain array"
    if not path.is_file():
        checks.fail(expected, "no such file")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, OverflowError) as error:
        reason = " ".join(str(error).split())
        checks.fail(expected, "pickled objects" if "Python objects" in reason else reason)
    if not isinstance(array, np.memmap):
        checks.fail(expected, "an archive of several")
    if not array.ndim:
        checks.fail(expected, "a single number")
    return array


class Folder(Indexed):
    """Images of `path`/class/, in the order of classes and file names, float32 in [0, 1].

    Raises:
        InputError: for a folder without images in folders, or channels that images do not have.
    """

    dtype = np.dtype(np.float32)
    names: tuple[str, ...]

    def __init__(self, path: Path, shape: tuple[int, ...] | None = None):
        classes = sorted(place for place in path.resolve().iterdir() if place.is_dir())
        files = [sorted(f for f in c.rglob("*") if f.suffix.lower() in EXTENSIONS) for c in classes]
        self.files = [str(file) for of_class in files for file in of_class]
        self.names = tuple(place.name for place in classes)
        self.labels = np.repeat(np.arange(len(classes)), list(map(len, files)))
        if not self.files:
            extensions = ", ".join(EXTENSIONS)
            expected = f"{path} must hold a folder of images ({extensions}) for each class"
            checks.fail(expected, f"{len(classes)} folders without any")
        self.shape = tuple(shape or self._image(self.files[0]).shape)
        if len(self.shape) != 3 or self.shape[2] not in COLOR_MODES:
            expected = "images must be brought to height x width x 1, 3 or 4 channels"
            checks.fail(expected, f"shape {self.shape}")

    def __len__(self) -> int:
        return len(self.files)

    def rows(self, indices: np.ndarray | range) -> np.ndarray:
        images = [self._image(self.files[i], self.shape) for i in indices]
        return np.stack(images) / np.float32(255)

    @staticmethod
    def _image(file: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
        from keras.utils import img_to_array, load_img

        options: dict[str, Any] = {"interpolation": "bilinear"}
        if shape:
            options |= {"target_size": shape[:2], "color_mode": COLOR_MODES[shape[2]]}
        try:
            with load_img(file, **options) as image:
                return img_to_array(image, data_format="channels_last", dtype=np.float32)
        except Exception as error:  # such as one that declares absurdly many pixels
            reason = re.sub(r" <[^>]*>", "", " ".join(str(error).split()))[:160]
            return checks.fail(f"{file} must be an image", reason)


class Images(Folder):
    """Images that lie in `path` itself, without classes, in the order of file names."""

    def __init__(self, path: Path, shape: tuple[int, ...] | None = None):
        self.files = [str(file) for file in self._inside(path.resolve())]
        self.shape = tuple(shape or self._image(self.files[0]).shape)

    def __len__(self) -> int:
        return len(self.files)

    @classmethod
    def fits(cls, path: Path) -> bool:
        """Return whether a folder holds images itself, and no folders."""
        return bool(cls._inside(path)) and not any(place.is_dir() for place in path.iterdir())

    @staticmethod
    def _inside(path: Path) -> list[Path]:
        return sorted(file for file in path.iterdir() if file.suffix.lower() in EXTENSIONS)


def open_pool(x: Any, y: Any = None, *, shape: tuple[int, ...] | None = None) -> Pool:
    """Return a pool that is read in blocks from wherever it is stored.

    Args:
        x: an array (numpy, memory map, Zarr, Dask), a tf.data dataset of inputs or of (input,
            label), batched or not, in the same order each time, or the path of an `.npy` file,
            a Zarr store, or a folder with a folder of images for each class.
        y: labels (n,), or the path of an `.npy` file of them, instead of those that x brings.
            Defaults to None.
        shape: height, width and channels that images of a folder are brought to. Defaults to
            None: those of the first one.

    Example:
        >>> pool = open_pool(np.arange(6.0).reshape(3, 2), y=[0, 1, 1])
        >>> len(pool), pool.labels
        (3, array([0, 1, 1]))

    Raises:
        InputError: for anything else, numbers that are none, or labels of another length.
    """
    pool = _open(x, shape)
    if pool.dtype.kind not in "biuf":
        checks.fail("the pool must hold numbers", f"dtype {pool.dtype}")
    checks.number("inputs of the pool", len(pool), 1, MAX_INPUTS, integer=True)
    if y is not None:
        y = np.asarray(open_npy(Path(y)) if isinstance(y, str | os.PathLike) else y)
        y = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
        checks.same_length(pool=pool, labels=y)
        pool.labels = y
    return pool


def _open(x: Any, shape: tuple[int, ...] | None) -> Pool:
    if isinstance(x, Pool):
        return x
    if isinstance(x, str | os.PathLike):
        return _open_path(Path(x), shape)
    if hasattr(x, "element_spec") and hasattr(x, "as_numpy_iterator"):
        return Dataset(x)
    if not all(hasattr(x, name) for name in ("shape", "dtype", "__getitem__")):
        checks.fail(f"the pool must be {KINDS}", type(x).__name__)
    if len(x.shape) < 2 or not all(isinstance(side, int) for side in x.shape):
        checks.fail("the pool must be an array of inputs, n x ...", f"shape {x.shape}")
    return Arrays(x)


def _open_path(path: Path, shape: tuple[int, ...] | None) -> Pool:
    if path.suffix == ".npy":
        pool = File(path)
        if not pool.shape:
            checks.fail("the pool must be an array of inputs, n x ...", f"shape ({len(pool)},)")
        return pool
    if path.suffix == ".zarr" or (path / "zarr.json").exists() or (path / ".zarray").exists():
        return _open(_open_zarr(path), shape)
    if path.is_dir():
        return Folder(path, shape)
    return checks.fail(f"the pool must be {KINDS}", f"'{path}'")


def _open_zarr(path: Path) -> Any:
    """Return the array of a Zarr store."""
    try:
        import zarr
    except ImportError:
        checks.fail("zarr must be installed to read a Zarr store", "none", "pip install zarr")
    try:
        array = zarr.open_array(str(path), mode="r")
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
        checks.fail(f"{path} must be a Zarr store of one array", reason)
    declared = math.prod(array.chunks) * np.dtype(array.dtype).itemsize
    if declared > MAX_CHUNK:
        checks.fail(f"chunks of {path} must have at most {MAX_CHUNK} bytes", declared)
    return array


def open_streamed(
    pool: Any,
    labels: Any,
    shape: tuple[int, ...],
    names: tuple[str, ...],
    names_are_values: bool,
    client: Any,
) -> tuple[Streamed, np.ndarray | None, bool]:
    """Return the pool, the indices of its labeled inputs (None for all), and whether any is.

    Args:
        pool, labels: as `open_pool` takes them.
        shape: shape of one prepared input.
        names: names of the classes.
        names_are_values: whether a label that is a whole number is looked up among the names,
            instead of being an index into them.
        client: a Dask client that shares the reading, or None.

    Raises:
        InputError: for what is no pool, inputs of another shape, or unknown labels.
    """
    pool = open_pool(pool, labels, shape=shape)
    labeled = np.zeros(0, np.int64) if pool.labels is None else labeled_indices(pool.labels)
    if not len(labeled):
        return Streamed(pool, np.zeros(len(pool), np.int8), shape, client), None, False
    if len(labeled) == len(pool):
        y = _encoded(pool, pool.labels, names, names_are_values)
        return Streamed(pool, y, shape, client), None, True
    y = _encoded(pool, pool.labels[labeled], names, names_are_values)
    return Streamed(Subset(pool, labeled), y, shape, client), labeled, True


def _encoded(pool: Pool, labels: np.ndarray, names: tuple[str, ...], values: bool) -> np.ndarray:
    if pool.names is not None:
        indices = [names.index(checks.one_of("a class of the pool", n, names)) for n in pool.names]
        return np.array(indices)[labels]
    if values or labels.dtype.kind == "U":
        return name_indices("pool labels", labels, names)
    return checks.numeric("pool labels", labels)
