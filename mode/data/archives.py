"""Read an `.npz` of plain arrays; what it declares is compared with what it holds before any
memory is taken."""

import math
import os
import zipfile
import zlib
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mode import checks
from mode.data.parts import PARTS

# Compressed arrays beyond ALLOWANCE bytes may be so many times larger than their file (MNIST: 5).
MOST_EXPANSION, ALLOWANCE = 200, 2**24
KEYS = [f"{axis}_{part}" for part in PARTS for axis in "xy"]
NAMES = ("class_names", "feature_names")
SHORT = {"x": "x_train", "y": "y_train", "names": "class_names"}
MAGIC = b"\x93NUMPY"  # how a file of one array begins


def keys(names: Iterable[str]) -> dict[str, str]:
    """Return key of the schema -> the name that stands for it; other names are left out.

    x, y and names stand for x_train, y_train and class_names where these are not there.

    Example:
        >>> keys(["x", "y", "x_test", "weights"])
        {'x_train': 'x', 'y_train': 'y', 'x_test': 'x_test'}
    """
    names = list(names)
    full = {name: SHORT.get(name, name) for name in names}
    return {
        key: name
        for name, key in full.items()
        if key in (*KEYS, *NAMES) and (name == key or key not in names)
    }


def read(
    path: str | os.PathLike, only: Container[str] = (*KEYS, *NAMES)
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the arrays of an `.npz` by the keys of the schema, and the names of its other arrays.

    The other arrays are not read. Nothing is unpickled.

    Args:
        path: path of the archive.
        only: keys that are read. Defaults to all of the schema.

    Raises:
        InputError: for a file that is missing, damaged, pickled, or larger than it may be.
    """
    path = Path(path)
    plain = f"{path} must be an .npz archive of plain arrays"
    if not path.is_file():
        checks.fail(plain, "no such file")
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            single = file.read(len(MAGIC)) == MAGIC
        checks.fail(plain, "a single array" if single else "another or a damaged file")
    with refusing(plain):
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                _check_size(archive, entry, plain)
        with np.load(path, allow_pickle=False) as file:
            found = {key: name for key, name in keys(file).items() if key in only}
            other = [name for name in file if name not in found.values()]
            return {key: file[name] for key, name in found.items()}, other


@contextmanager
def refusing(plain: str) -> Iterator[None]:
    """Say in one line, beginning with `plain`, what an archive that is read inside should be.

    Raises:
        InputError: instead of what numpy raises for a damaged or pickled one.
    """
    try:
        yield
    except checks.InputError:
        raise
    except (ValueError, OSError, EOFError, zlib.error, zipfile.BadZipFile, MemoryError) as error:
        checks.fail(plain, "pickled objects" if "allow_pickle" in str(error) else f"{error}")


def _check_size(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, plain: str) -> None:
    """Refuse an array that declares other than its bytes, or that is absurdly compressed."""
    if entry.file_size > MOST_EXPANSION * entry.compress_size + ALLOWANCE:
        checks.fail(plain, f"{entry.filename} of {entry.file_size} bytes in {entry.compress_size}")
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
        shape, _, dtype = header.get(version[0], header[2])(stream)
        if dtype.hasobject:
            checks.fail(plain, "pickled objects")
        declared = math.prod(shape) * dtype.itemsize
        there = entry.file_size - stream.tell()
        if declared != there:
            checks.fail(plain, f"{entry.filename} declaring {declared} bytes, holding {there}")
