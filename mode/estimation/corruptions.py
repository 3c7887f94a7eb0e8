"""Made shifts: corruptions of inputs at a strength from 0 (none) to 1 (severe).

A corruption is a function of (inputs, strength, generator) that returns new inputs. Those of images
take n x h x w x c in [0, 1] and follow the kinds of Hendrycks and Dietterich (2019, section 3) in
code of their own; those of tables, sequences and tokens need no unit, only the inputs themselves.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

Corruption = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
SPACE = (1, 2)  # the axes of an image in n x h x w x c
FIELDS = 16  # different displacement fields of an elastic corruption


def noise(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise of standard deviation 0.4 at full strength."""
    return x + rng.normal(0, 0.4 * strength, x.shape).astype(np.float32)


def blur(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Blur by a Gaussian of 8 % of the width at full strength."""
    return ndimage.gaussian_filter(x, 0.08 * strength * x.shape[2], axes=SPACE)


def contrast(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Move all pixels toward the image's mean, by 90 % at full strength."""
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    return mean + (x - mean) * (1 - 0.9 * strength)


def brightness(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Make all images brighter or all darker, by 0.6 at full strength."""
    return x + rng.choice([-1, 1]) * 0.6 * strength


def rotation(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Rotate by 60 degrees at full strength, each image to a random side."""
    angles = np.where(rng.random(len(x)) < 0.5, -1, 1) * 60 * strength
    rotated = np.empty_like(x)
    for angle in np.unique(angles):
        rows = angles == angle
        options: dict[str, Any] = {"axes": SPACE, "reshape": False, "order": 1, "mode": "nearest"}
        rotated[rows] = ndimage.rotate(x[rows], angle, **options)
    return rotated


def translation(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Translate by up to 25 % of the size at full strength, each image in a random direction."""
    moved = np.empty_like(x)
    height, width = x.shape[1:3]
    sides = rng.integers(0, 4, len(x))
    for side, (down, right) in enumerate(((1, 1), (1, -1), (-1, 1), (-1, -1))):
        rows = (np.arange(height) - round(0.25 * strength * height) * down).clip(0, height - 1)
        columns = (np.arange(width) - round(0.25 * strength * width) * right).clip(0, width - 1)
        moved[sides == side] = x[sides == side][:, rows][:, :, columns]
    return moved


def pixelation(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Replace blocks of pixels by their mean: a quarter of the width at full strength."""
    for axis in SPACE:
        size = max(1, round(0.25 * strength * x.shape[axis]))
        starts = np.arange(0, x.shape[axis], size)
        counts = np.diff(np.append(starts, x.shape[axis]))
        means = np.add.reduceat(x, starts, axis=axis) / counts.reshape(
            [-1 if a == axis else 1 for a in range(x.ndim)]
        )
        x = np.repeat(means, counts, axis=axis)
    return x


def occlusion(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Put a gray square of 55 % of the width, at full strength, at a random place."""
    inside = np.ones((len(x), *x.shape[1:3]), bool)
    for axis in SPACE:
        side = round(0.55 * strength * x.shape[axis])
        start = rng.integers(0, x.shape[axis] - side + 1, len(x))[:, None]
        place = np.arange(x.shape[axis])[None]
        line = (place >= start) & (place < start + side)
        inside &= line[:, :, None] if axis == 1 else line[:, None, :]
    return np.where(inside[..., None], np.float32(0.5), x)


def inversion(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Mix with the negative image, which is all that is left at full strength."""
    return (1 - strength) * x + strength * (1 - x)


def elastic(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Displace pixels by smooth random fields (Simard et al. 2003), a fifth of the width at full
    strength."""
    height, width = x.shape[1:3]
    grid = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    bent = np.empty_like(x)
    for part in range(min(FIELDS, len(x))):
        field = ndimage.gaussian_filter(rng.uniform(-1, 1, (2, height, width)), 3, axes=(1, 2))
        field *= 0.2 * strength * width / np.abs(field).max()
        where = np.array(grid) + field
        for image in range(part, len(x), FIELDS):
            for channel in range(x.shape[3]):
                bent[image, ..., channel] = ndimage.map_coordinates(
                    x[image, ..., channel], where, order=1, mode="nearest"
                )
    return bent


def shifted(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Move each feature up or down, by three of its standard deviations at full strength."""
    return x + 3 * strength * x.std(axis=0) * rng.choice([-1, 1], x.shape[1:])


def scaled(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Stretch or shrink each feature about its mean, up to four times at full strength."""
    mean = x.mean(axis=0)
    return mean + (x - mean) * 4.0 ** (strength * rng.choice([-1, 1], x.shape[1:]))


def feature_noise(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise of twice a feature's standard deviation at full strength."""
    return x + rng.normal(0, 1, x.shape) * 2 * strength * x.std(axis=0)


def missing(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Replace a share of the numbers by their feature's median, all of them at full strength."""
    median = np.median(x, axis=0).astype(x.dtype)
    return np.where(rng.random(x.shape) < strength, median, x)


def swapped(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Replace a share of the numbers by those of other inputs, all of them at full strength."""
    others = rng.permuted(x, axis=0)
    return np.where(rng.random(x.shape) < strength, others, x)


IMAGE_CORRUPTIONS: dict[str, Corruption] = {
    "noise": noise,
    "blur": blur,
    "contrast": contrast,
    "brightness": brightness,
    "rotation": rotation,
    "translation": translation,
    "pixelation": pixelation,
    "occlusion": occlusion,
    "inversion": inversion,
    "elastic": elastic,
}
NUMBER_CORRUPTIONS: dict[str, Corruption] = {
    "feature noise": feature_noise,
    "shifted": shifted,
    "scaled": scaled,
    "missing": missing,
    "swapped": swapped,
}
TOKEN_CORRUPTIONS: dict[str, Corruption] = {"missing": missing, "swapped": swapped}


def corruptions_for(x: np.ndarray) -> dict[str, Corruption]:
    """Return the corruptions that fit inputs: images (n, h, w, 1, 3 or 4 channels), whole numbers
    (tokens), or others (tables and sequences).

    Example:
        >>> list(corruptions_for(np.zeros((2, 8), int)))
        ['missing', 'swapped']
    """
    if x.ndim == 4 and x.shape[3] in (1, 3, 4):
        return IMAGE_CORRUPTIONS
    return TOKEN_CORRUPTIONS if x.dtype.kind in "iu" else NUMBER_CORRUPTIONS


def corrupt(
    x: np.ndarray,
    kinds: tuple[str, ...],
    strength: float,
    limits: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return inputs with corruptions one after the other, in the type of x.

    limits: the least and the largest pixel of images, which corrupted pixels are clipped to.
    """
    by_kind, images = corruptions_for(x), x.ndim == 4
    low, span = (limits[0], max(limits[1] - limits[0], 1e-12)) if images else (0.0, 1.0)
    made = (x.astype(np.float32) - low) / span if images else x
    for kind in kinds:
        made = by_kind[kind](made, strength, rng)
        made = np.clip(made, 0, 1) if images else made
    made = made * span + low if images else made
    return np.rint(made).astype(x.dtype) if x.dtype.kind in "iu" else made.astype(x.dtype)
