"""Split arrays into train, pool, diagnosis and test; create missing parts; warn about both."""

from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from mode import checks, seeds
from mode.data.parts import Data, Part
from mode.data.schema import PARTS

# The replication's `train_test_split(..., test_size=0.5, random_state=123)`.
PUBLISHED_STATE = 123
DIGITS_SIZES = {"train": 1500, "pool": 2000, "diagnosis": 500, "test": 1000}
# Shares of the training inputs of a named set that brings its own test part; on MNIST's 60,000
# they give 30,000 / 25,000 / 5,000, as near to the published halves as a diagnosis part allows.
SHARES = {"train": 6 / 12, "pool": 5 / 12, "diagnosis": 1 / 12}
# Share of each part where a part is split up: 6/5/1 as of MNIST, and two for a test part.
WEIGHTS = {"train": 6, "pool": 5, "diagnosis": 1, "test": 2}
# A repair is chosen on the diagnosis part, and gains of ten points show on so many inputs; of a
# small pool it takes a third at most.
LEAST_DIAGNOSIS = 100


def stratified_order(y: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return a permutation of range(len(y)) of which every stretch has the classes in proportion.

    An input's place is its (shuffled) rank within its class, as a share of the class.
    """
    shuffled = generator.permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    counts = np.unique(y, return_counts=True)[1]
    share = np.concatenate([(np.arange(count) + generator.random()) / count for count in counts])
    return by_class[np.argsort(share, kind="stable")]


def stratified(
    part: Part, sizes: dict[str, int], generator: np.random.Generator
) -> dict[str, Part]:
    """Split a part into parts of these sizes, classes in proportion, order shuffled.

    Raises:
        InputError: when the sizes add up to more than there is.
    """
    if sum(sizes.values()) > len(part):
        checks.fail(f"the parts {sizes} must fit into the {len(part)} inputs", sum(sizes.values()))
    order = stratified_order(part.y, generator)
    parts, start = {}, 0
    for name, size in sizes.items():
        parts[name] = part.take(generator.permutation(order[start : start + size]))
        start += size
    return parts


def seeded(parts: dict[str, Part], classes: int, seed: int) -> Data:
    """Split the training part of a named data set by seed; its test part, if any, stays."""
    total = len(parts["train"])
    sizes = {name: int(total * share) for name, share in SHARES.items()}
    sizes = sizes if "test" in parts else DIGITS_SIZES
    made: dict[str, Any] = stratified(parts["train"], sizes, seeds.generator(seed, "split"))
    return Data(**{**parts, **made}, classes=classes)


def published(parts: dict[str, Part], classes: int, *, seed: int | None = None) -> Data:
    """Split as the replication did: two unstratified halves of the training inputs, one state.

    It had no diagnosis part: the test part diagnoses, too (its defect `test_leak`). With a `seed`
    a sixth of the pool, drawn by it, is the diagnosis part instead.

    Raises:
        InputError: for a data set without a test part.
    """
    if "test" not in parts:
        checks.fail("the published split needs a data set with its own test part", "one without")
    whole, test = parts["train"], parts["test"]
    order = np.random.RandomState(PUBLISHED_STATE).permutation(len(whole))
    middle = (len(whole) + 1) // 2
    pool, train = whole.take(order[:middle]), whole.take(order[middle:])
    if seed is not None:
        sixth = len(pool) // 6
        sizes = {"diagnosis": sixth, "pool": len(pool) - sixth}
        apart: dict[str, Any] = stratified(pool, sizes, seeds.generator(seed, "split"))
        return Data(train, test=test, classes=classes, **apart)
    return Data(train, pool, diagnosis=test, test=test, classes=classes)


def create_missing_parts(
    parts: dict[str, Part], present: list[str], donors: list[str], seed: int
) -> tuple[dict[str, Part], dict[str, tuple[str, np.ndarray]]]:
    """Return part -> inputs, and part -> (source, indices); a donor part is split up.

    Args:
        parts: part -> its inputs.
        present: parts that are there, though not among `parts`.
        donors: parts that may be split up; the pool is taken first, for no model has seen it.
        seed: decides which inputs go where, classes in proportion.

    Raises:
        InputError: where there is no donor, or it has too few inputs.
    """
    missing = [name for name in PARTS if name not in parts and name not in present]
    created = dict(parts)
    where = {name: (name, np.arange(len(part))) for name, part in parts.items()}
    if not missing:
        return created, where
    if not donors:
        expected = f"a part whose inputs all have labels is needed to create {', '.join(missing)}"
        checks.fail(expected, "none")
    donor = next(name for name in ("pool", "train", "diagnosis", "test") if name in donors)
    names = [*missing, donor]
    total = sum(WEIGHTS[name] for name in names)
    rest = parts[donor]
    sizes = {name: len(rest) * WEIGHTS[name] // total for name in missing}
    if donor == "pool" and "diagnosis" in missing:
        sizes["diagnosis"] = max(sizes["diagnosis"], min(LEAST_DIAGNOSIS, len(rest) // 3))
    ends = np.cumsum(list(sizes.values()))
    if min(sizes.values()) < 1 or ends[-1] >= len(rest):
        expected = f"x_{donor} must have enough inputs to create {', '.join(missing)} from it"
        checks.fail(expected, len(rest))
    order = stratified_order(rest.y, seeds.generator(seed, "own split"))
    for name, indices in zip(names, np.split(order, ends), strict=True):
        indices = np.sort(indices)
        created[name], where[name] = rest.take(indices), (donor, indices)
    return created, where


def created_notes(where: dict[str, tuple[str, np.ndarray]], source: str) -> tuple[str, ...]:
    """Return the warning that a part was created from data that the model may have learned from."""
    created = [name for name in ("test", "diagnosis") if where[name][0] == "train"]
    if not created:
        return ()
    missing = " and ".join(f"x_{name}, y_{name}" for name in created)
    if Path(source).is_dir():
        missing = f"images in folders {' and '.join(created)}, one folder per class in each,"
    verb = "were" if len(created) > 1 else "was"
    return (
        f"{' and '.join(created)} {verb} created from x_train, which the model may have learned: "
        "figures are on data the model may have seen. "
        f"Pass {missing} to measure on held-out data.",
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
        >>> rows = ([0, 1], [2], [3], [1, 3])
        >>> duplicates(Data(*[Part(np.eye(4)[i], [0] * len(i)) for i in rows], classes=1))
        {('test', 'train'): 1}
    """
    parts: dict[str, Any] = {name: getattr(data, name) for name in PARTS}
    digests = {name: _digests(part.x) for name, part in parts.items() if isinstance(part, Part)}
    counts = {
        (part, other): int(np.isin(digests[part], digests[other]).sum())
        for part in ("test", "diagnosis")
        for other in ("train", "pool")
        if other in digests
    }
    return {pair: count for pair, count in counts.items() if count}


def same_inputs(x: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return a mask (n,) of the inputs of `x` that are also in `other`: all numbers are equal."""
    return np.isin(_digests(x), _digests(other))


def _digests(x: np.ndarray) -> np.ndarray:
    """Return a number of 64 bits per row, the same for the same rows."""
    rows = (blake2b(np.ascontiguousarray(row).data, digest_size=8).digest() for row in x)
    return np.frombuffer(b"".join(rows), np.uint64)
