"""Random streams derived from names.

Each consumer of randomness asks for a stream of its own by name, so that adding a method
to an experiment does not shift the random numbers of the others. No global generator.
"""

from hashlib import blake2b

import numpy as np

from mode import checks

# What was renamed keeps its stream, so that committed rows can be made again.
RENAMED = {
    "methods": "arms",
    "mislabeled": "mislabelled",
    "under_sampled": "starved",
    "under_sampled_10": "starved_10",
    "under_sampled_5": "starved_5",
    "under_sampled_2": "starved_2",
    "no_planted_fault": "no_room",
    "preferred_confidence": "stimulus_confidence",
    "reference_confidence": "judged_sure",
}


def derive(seed: int, *names: str | int) -> int:
    """Return a seed in [0, 2**31) that depends on `seed` and on every name, in order.

    Example:
        >>> derive(0, "repair", "euclidean", 3) == derive(0, "repair", "euclidean", 3)
        True
        >>> derive(0, "repair") == derive(1, "repair")
        False

    Raises:
        InputError: when `seed` is not a whole number of at least 0.
    """
    checks.number("seed", seed, 0, integer=True)
    text = "\x1f".join([str(int(seed)), *(RENAMED.get(str(name), str(name)) for name in names)])
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return the numpy generator of the stream `names` under `seed`.

    Example:
        >>> generator(0, "noise").integers(10, size=5)
        array([1, 7, 6, 3, 9])
        >>> generator(0, "noise").integers(10, size=5)
        array([1, 7, 6, 3, 9])
        >>> generator(0, "order").integers(10, size=5)
        array([2, 4, 1, 2, 9])

    Raises:
        InputError: when `seed` is not a whole number of at least 0.
    """
    return np.random.default_rng(derive(seed, *names))
