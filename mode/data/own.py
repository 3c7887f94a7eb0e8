"""A user's own arrays: the parts that are given are kept, the others are cut by seed, written down.

Keys are x_train, y_train, x_pool, y_pool, x_diagnosis, y_diagnosis, x_test, y_test, any subset
with inputs and labels of at least one part (x and y stand for train), and class_names.
"""

import math
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mode import checks, seeds
from mode.data.parts import PARTS, Data, Part
from mode.data.splits import stratified_order

UNKNOWN = -1  # in y_pool: an input that has no label yet
# What each part takes of a part that has to be cut: 6/5/1 as of MNIST, and two for a test part.
WEIGHTS = {"train": 6, "pool": 5, "diagnosis": 1, "test": 2}
# Compressed arrays beyond ALLOWANCE bytes may be so many times larger than their file (MNIST: 5).
MOST_EXPANSION, ALLOWANCE = 200, 2**24
KEYS = [f"{axis}_{part}" for part in PARTS for axis in "xy"]


@dataclass(frozen=True)
class Own:
    """Own data.

    data: the four parts; its pool holds labelled inputs alone, and where none is labelled the
        inputs with class 0 in place of labels. where: one row an input of each part, columns
        part, source (a key without its axis) and index. names: of the classes.
    labelled: whether the pool has labels.
    """

    data: Data
    where: pd.DataFrame
    names: tuple[str, ...]
    labelled: bool

    def places(self, part: str) -> np.ndarray:
        """Return the indices into the source's arrays of the inputs of a part, in order."""
        return self.where.loc[self.where["part"] == part, "index"].to_numpy()


def own(path: str | os.PathLike, *, classes: int | None = None, seed: int = 0) -> Own:
    """Return the data in an `.npz`; nothing is unpickled.

    Args:
        path: with the keys above; 8-bit inputs are divided by 255. y_pool may lack, or be -1 for
            inputs without label.
        classes: how many there are; one more than the largest label where None.
        seed: decides which inputs go into the parts that the file lacks. They are cut from the
            pool where all of it has labels, for the model has not seen it, else from another part.

    Raises:
        InputError: for a file that is missing, damaged, pickled or larger than it may be, keys
            that do not fit each other, and too few inputs to cut a part from.
    """
    checks.number("seed", seed, 0, integer=True)
    arrays = read(path)
    given, unlabelled = _given(arrays, str(path))
    classes = classes or 1 + max(int(part.y.max()) for part in given.values())
    names = _names(arrays.get("class_names"), classes)
    # Not from a pool that is being labelled: the parts are to stay from one call to the next.
    whole = "pool" in given and len(given["pool"]) == len(arrays["x_pool"])
    donors = [name for name in given if name != "pool" or whole]
    parts, where = _cut(given, [*unlabelled], donors, seed)
    for name, x in unlabelled.items():
        parts[name] = Part(x, np.zeros(len(x), np.int64))
        where[name] = ("pool", np.arange(len(x)))
    if "y_pool" in arrays and not unlabelled:
        known = np.flatnonzero(arrays["y_pool"].reshape(len(arrays["x_pool"]), -1)[:, 0] != UNKNOWN)
        where = {n: (s, known[i] if s == "pool" else i) for n, (s, i) in where.items()}
    table = [
        pd.DataFrame({"part": name, "source": where[name][0], "index": where[name][1]})
        for name in PARTS
    ]
    data = Data(**{name: parts[name] for name in PARTS}, classes=classes)
    return Own(data, pd.concat(table, ignore_index=True), names, not unlabelled)


def _given(arrays: dict, path: str) -> tuple[dict[str, Part], dict[str, np.ndarray]]:
    """Return part -> labelled inputs, and "pool" -> inputs where none of it has a label."""
    given, unlabelled = {}, {}
    for name in PARTS:
        if f"x_{name}" not in arrays:
            continue
        x, y = scaled(f"x_{name}", arrays[f"x_{name}"]), arrays.get(f"y_{name}")
        if name == "pool":
            x, y = _known(x, y)
            if y is None:
                unlabelled[name] = x
                continue
        if y is None:
            checks.fail(f"{path} must hold y_{name} beside x_{name}", f"keys {', '.join(arrays)}")
        y = checks.labels(f"y_{name}", y)
        checks.same_length(**{f"x_{name}": x, f"y_{name}": y})
        given[name] = Part(x, y)
    if not given:
        wanted = "x_train and y_train, or another part with its labels"
        checks.fail(f"{path} must hold {wanted}", f"keys {', '.join(arrays)}")
    return given, unlabelled


def _known(x: np.ndarray, y) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the inputs of the pool that have a label; all of them, and None, where none has."""
    if y is None:
        return x, None
    y = checks.numeric("y_pool", y)
    checks.same_length(x_pool=x, y_pool=y)
    y = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1:
        return x, y
    known = y != UNKNOWN
    return (x[known], y[known]) if known.any() else (x, None)


def _cut(
    given: dict[str, Part], filled: list[str], donors: list[str], seed: int
) -> tuple[dict, dict]:
    """Return part -> inputs, and part -> (source, indices); missing parts come from one given."""
    missing = [name for name in PARTS if name not in given and name not in filled]
    parts, where = dict(given), {name: (name, np.arange(len(p))) for name, p in given.items()}
    if not missing:
        return parts, where
    if not donors:
        lacking = ", ".join(missing)
        checks.fail(f"a wholly labelled part must be given to cut {lacking} from", "none")
    donor = next(name for name in ("pool", "train", "diagnosis", "test") if name in donors)
    wanted = [*missing, donor]
    total = sum(WEIGHTS[name] for name in wanted)
    rest = given[donor]
    ends = np.cumsum([len(rest) * WEIGHTS[name] // total for name in missing])
    if min(np.diff(ends, prepend=0)) < 1 or ends[-1] >= len(rest):
        checks.fail(f"{donor} must have enough inputs to cut {', '.join(missing)} from", len(rest))
    order = stratified_order(rest.y, seeds.generator(seed, "own split"))
    for name, indices in zip(wanted, np.split(order, ends), strict=True):
        indices = np.sort(indices)
        parts[name], where[name] = rest.take(indices), (donor, indices)
    return parts, where


def scaled(name: str, x: np.ndarray) -> np.ndarray:
    """Return inputs as float32; 8-bit ones are divided by 255, grey images get a channel.

    Raises:
        InputError: as `checks.images`, and for none.
    """
    x = checks.not_empty(name, checks.numeric(name, x))
    if x.dtype == np.uint8:
        x = x.astype(np.float32) / np.float32(255)
    x = checks.images(name, x).astype(np.float32, copy=False)
    return x[..., None] if x.ndim == 3 else x


def _names(given, classes: int) -> tuple[str, ...]:
    if given is None:
        return tuple(str(label) for label in range(classes))
    names = tuple(str(name) for name in np.asarray(given).reshape(-1))
    if len(names) != classes or len(set(names)) < classes:
        checks.fail(f"class_names must be {classes} different names", f"{len(names)} names")
    return names


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` that are named as above, x and y as x_train and y_train.

    The size that each array declares is compared with its bytes in the file before any memory is
    taken.

    Raises:
        InputError: as `own`.
    """
    path = Path(path)
    plain = f"{path} must be an .npz archive of plain arrays"
    if not path.is_file():
        checks.fail(plain, "no such file")
    if not zipfile.is_zipfile(path):
        checks.fail(plain, "another or a damaged file")
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                _check_size(archive, entry, plain)
        with np.load(path, allow_pickle=False) as file:
            names = {"x": "x_train", "y": "y_train"} if "x_train" not in file else {}
            arrays = {names.get(key, key): key for key in file}
            return {new: file[k] for new, k in arrays.items() if new in [*KEYS, "class_names"]}
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
