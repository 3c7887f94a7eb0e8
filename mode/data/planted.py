"""Plant a fault into the training part, so that a repair has something to fix.

Every fault is a function (data, generator, options) -> new data. Only `shifted` touches the other
parts: it leaves the training part clean and changes what the model meets later.
"""

from collections.abc import Callable, Mapping, Sequence
from inspect import signature

import numpy as np
from scipy import ndimage

from mode import checks, seeds
from mode.data.parts import Data, Part


def under_sampled(
    data: Data, generator: np.random.Generator, *, labels: Sequence[int] = (5, 8, 9), keep=0.05
) -> Data:
    """Keep only the share `keep` of the training inputs of each of `labels`."""
    checks.number("keep", keep, 0, 1)
    drop = [
        generator.permutation(where)[round(keep * len(where)) :]
        for where in (_inputs_of(data, label) for label in labels)
    ]
    return _without(data, drop)


def label_noise(
    data: Data, generator: np.random.Generator, *, share: float = 0.3, part: str = "train"
) -> Data:
    """Give the share `share` of the inputs of a part a label drawn from the other classes."""
    checks.number("share", share, 0, 1)
    y = _labels(data, part).copy()
    noisy = generator.permutation(len(y))[: round(share * len(y))]
    y[noisy] = (y[noisy] + generator.integers(1, data.classes, len(noisy))) % data.classes
    return data.with_part(part, getattr(data, part).with_labels(y))


def mislabeled(
    data: Data,
    generator: np.random.Generator,
    *,
    pairs: Mapping[int, int] | None = None,
    share: float = 0.6,
    part: str = "train",
) -> Data:
    """Label the share `share` of each class of a part systematically as another: {true: wrong}.

    The default pairs are 4 as 9, 3 as 5 and 7 as 1.
    """
    checks.number("share", share, 0, 1)
    true_labels = _labels(data, part)
    y = true_labels.copy()
    for true, wrong in (pairs or {4: 9, 3: 5, 7: 1}).items():
        for label in (true, wrong):
            checks.labels("pairs", [label], data.classes)
        where = np.flatnonzero(true_labels == true)
        y[generator.permutation(where)[: round(share * len(where))]] = wrong
    return data.with_part(part, getattr(data, part).with_labels(y))


def missing_mode(
    data: Data,
    generator: np.random.Generator,
    *,
    labels: Sequence[int] | None = None,
    trait: str = "thin",
    share: float = 0.3,
) -> Data:
    """Drop the share `share` of each label's training inputs that are most `trait`.

    Traits: "thin" (least ink) and "rotated" (most slanted to the right).
    """
    checks.number("share", share, 0, 1)
    measure = TRAITS[checks.one_of("trait", trait, TRAITS)]
    dropped = []
    for label in range(data.classes) if labels is None else labels:
        where = _inputs_of(data, label)
        dropped.append(where[np.argsort(measure(data.train.x[where]))][: round(share * len(where))])
    return _without(data, dropped)


def shifted(
    data: Data, generator: np.random.Generator, *, kind: str = "blur", amount: float = 1.0
) -> Data:
    """Blur (sigma in pixels) or add noise (standard deviation) to all parts but `train`."""
    checks.number("amount", amount, 0)
    change = SHIFTS[checks.one_of("kind", kind, SHIFTS)]
    for name in ("pool", "diagnosis", "test"):
        part = getattr(data, name)
        data = data.with_part(name, Part(change(part.x, amount, generator), part.y))
    return data


def plant(name: str, data: Data, *, seed: int = 0, **options) -> Data:
    """Return `data` with the fault `name` of PLANTED planted into it.

    Example:
        >>> from mode.data import load
        >>> data = load("digits")
        >>> faulty = plant("under_sampled", data, labels=[8], keep=0.1)
        >>> len(data.train), len(faulty.train), len(faulty.pool)
        (1500, 1365, 2000)

    Raises:
        InputError: for an unknown fault or option, or options outside their range.
    """
    fault = PLANTED[checks.one_of("planted fault", name, PLANTED)]
    for option in options:
        checks.one_of(f"option of {name}", option, list(signature(fault).parameters)[2:])
    return fault(data, seeds.generator(seed, "planted", name), **options)


def _without(data: Data, dropped: list[np.ndarray]) -> Data:
    remain = np.ones(len(data.train), bool)
    for indices in dropped:
        remain[indices] = False
    return data.with_part("train", data.train.take(remain))


def _labels(data: Data, part: str) -> np.ndarray:
    return getattr(data, checks.one_of("part", part, ("train", "pool"))).y


def _inputs_of(data: Data, label: int) -> np.ndarray:
    checks.labels("label", [label], data.classes)
    return np.flatnonzero(data.train.y == label)


def _ink(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).mean(axis=1)


def _slant(x: np.ndarray) -> np.ndarray:
    """Horizontal shear of the ink per row, from the image's second moments."""
    gray = _images(x).mean(axis=-1)
    rows, columns = np.mgrid[: gray.shape[1], : gray.shape[2]]
    mass = np.maximum(gray.sum(axis=(1, 2)), 1e-12)
    row = (gray * rows).sum(axis=(1, 2)) / mass
    column = (gray * columns).sum(axis=(1, 2)) / mass
    dr, dc = rows - row[:, None, None], columns - column[:, None, None]
    return (gray * dr * dc).sum(axis=(1, 2)) / np.maximum((gray * dr**2).sum(axis=(1, 2)), 1e-12)


def _blur(x: np.ndarray, amount: float, generator: np.random.Generator) -> np.ndarray:
    return ndimage.gaussian_filter(_images(x), (0, amount, amount, 0)).clip(0, 1)


def _images(x: np.ndarray) -> np.ndarray:
    if x.ndim != 4:
        checks.fail("inputs must be images, n x height x width x channels", f"shape {x.shape}")
    return x


def _noise(x: np.ndarray, amount: float, generator: np.random.Generator) -> np.ndarray:
    noise = generator.standard_normal(x.shape, dtype=np.float32)
    return (x + np.float32(amount) * noise).clip(0, 1)


TRAITS = {"thin": _ink, "rotated": _slant}
SHIFTS = {"blur": _blur, "noise": _noise}
PLANTED: dict[str, Callable[..., Data]] = {
    "under_sampled": under_sampled,
    "label_noise": label_noise,
    "mislabeled": mislabeled,
    "missing_mode": missing_mode,
    "shifted": shifted,
}
