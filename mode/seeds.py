"""Random streams derived from names.

Each consumer of randomness asks for a stream of its own by name, so that adding an arm
to an experiment does not shift the random numbers of the others. No global generator.
"""

from hashlib import blake2b

import numpy as np

from mode import checks


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
    text = "\x1f".join([str(int(seed)), *map(str, names)])
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
