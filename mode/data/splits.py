"""Split arrays into train, pool, diagnosis and test, and create the parts that are missing."""

from typing import Any

import numpy as np

from mode import checks, seeds
from mode.data.parts import PARTS, Data, Part

# The replication's `train_test_split(..., test_size=0.5, random_state=123)`.
PUBLISHED_STATE = 123
# Share of each part where a part is split up: 6/5/1 as of MNIST, and two for a test part.
WEIGHTS = {"train": 6, "pool": 5, "diagnosis": 1, "test": 2}


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
    x: np.ndarray, y: np.ndarray, sizes: dict[str, int], generator: np.random.Generator
) -> dict[str, Part]:
    """Cut (x, y) into parts of the given sizes, classes in proportion, order shuffled.

    Raises:
        InputError: when the sizes add up to more than there is.
    """
    if sum(sizes.values()) > len(y):
        checks.fail(f"the parts {sizes} must fit into the {len(y)} inputs", sum(sizes.values()))
    order = stratified_order(y, generator)
    parts, start = {}, 0
    for name, size in sizes.items():
        chosen = generator.permutation(order[start : start + size])
        parts[name] = Part(x[chosen], y[chosen])
        start += size
    return parts


def seeded(arrays: dict[str, Part], sizes: dict[str, int], classes: int, seed: int) -> Data:
    """Cut by seed: "rest" is shared out; a "test" that came with the data stays what it is."""
    wanted = {name: sizes[name] for name in PARTS if name not in arrays}
    rest = arrays["rest"]
    parts: dict[str, Any] = {
        **stratified(rest.x, rest.y, wanted, seeds.generator(seed, "split")),
        **{name: part for name, part in arrays.items() if name in PARTS},
    }
    return Data(**parts, classes=classes)


def published(arrays: dict[str, Part], classes: int) -> Data:
    """Cut as the replication did: two unstratified halves of the training inputs, one state.

    It had no diagnosis part: the test part diagnoses, too (its defect `test_leak`).

    Raises:
        InputError: for a data set that came without a test part of its own.
    """
    if "test" not in arrays:
        checks.fail("the published split needs a data set with its own test part", "one without")
    rest = arrays["rest"]
    order = np.random.RandomState(PUBLISHED_STATE).permutation(len(rest))
    middle = (len(rest) + 1) // 2
    pool, train = rest.take(order[:middle]), rest.take(order[middle:])
    return Data(train, pool, diagnosis=arrays["test"], test=arrays["test"], classes=classes)


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
        wanted = f"a part whose inputs all have labels is needed to create {', '.join(missing)}"
        checks.fail(wanted, "none")
    donor = next(name for name in ("pool", "train", "diagnosis", "test") if name in donors)
    names = [*missing, donor]
    total = sum(WEIGHTS[name] for name in names)
    rest = parts[donor]
    ends = np.cumsum([len(rest) * WEIGHTS[name] // total for name in missing])
    if min(np.diff(ends, prepend=0)) < 1 or ends[-1] >= len(rest):
        wanted = f"x_{donor} must have enough inputs to create {', '.join(missing)} from it"
        checks.fail(wanted, len(rest))
    order = stratified_order(rest.y, seeds.generator(seed, "own split"))
    for name, indices in zip(names, np.split(order, ends), strict=True):
        indices = np.sort(indices)
        created[name], where[name] = rest.take(indices), (donor, indices)
    return created, where
