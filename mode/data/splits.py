"""Cut arrays into train, pool, diagnosis and test."""

from typing import Any

import numpy as np

from mode import checks, seeds
from mode.data.parts import PARTS, Data, Part

# The replication's `train_test_split(..., test_size=0.5, random_state=123)`.
PUBLISHED_STATE = 123


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
