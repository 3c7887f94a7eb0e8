"""What images are like whatever they show: brightness, contrast, edges, noise, directions, place.

A corruption changes these at least as much as it changes a model's activations. New kinds of things
change the activations more.
"""

import numpy as np

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SCALES = 3  # of edges: each halves the size
SMALLEST = 12  # height or width, which two halvings leave edges of
DIRECTIONS = 4  # of edges
LEAST = 1e-6  # of an edge, so that an image without any has shares, too


def image_statistics(images: np.ndarray) -> np.ndarray:
    """Return statistics of each image (n, statistics); images n x h x w x c of
    SMALLEST pixels at least."""
    gray = images.mean(axis=3, dtype=np.float32)
    flat = gray.reshape(len(gray), -1)
    columns = [flat.mean(axis=1), flat.std(axis=1), *np.quantile(flat, QUANTILES, axis=1)]
    half = gray
    for _ in range(SCALES):
        down, right = np.diff(half, axis=1), np.diff(half, axis=2)
        columns += [np.abs(a).mean(axis=(1, 2)) for a in (down, right, np.diff(right, axis=2))]
        half = half[:, : half.shape[1] // 2 * 2, : half.shape[2] // 2 * 2]
        half = (half[:, ::2] + half[:, 1::2])[:, :, ::2] + (half[:, ::2] + half[:, 1::2])[
            :, :, 1::2
        ]
        half /= 4
    columns += _edges(gray)
    border = np.concatenate([gray[:, 0], gray[:, -1], gray[:, :, 0], gray[:, :, -1]], axis=1)
    columns += [border.mean(axis=1), border.std(axis=1)]
    tints = (images.mean(axis=(1, 2), dtype=np.float32) - columns[0][:, None]).T
    return np.stack([*columns, *tints, images.std(axis=3).mean(axis=(1, 2))], axis=1)


def _edges(gray: np.ndarray) -> list[np.ndarray]:
    """Return the shares of the directions of edges, and mean and spread of their place by axis."""
    down, right = np.diff(gray, axis=1)[:, :, :-1], np.diff(gray, axis=2)[:, :-1]
    strength = np.hypot(down, right) + LEAST
    total = strength.sum(axis=(1, 2))
    angle = np.arctan2(down, right)
    steps = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
    near = [np.cos(2 * (angle - step)).clip(0) for step in steps]
    columns = [(strength * share).sum(axis=(1, 2)) / total for share in near]
    for axis in (1, 2):
        place = np.linspace(0, 1, strength.shape[axis], dtype=np.float32)
        along = strength.sum(axis=3 - axis) / total[:, None]
        mean = along @ place
        columns += [mean, along @ place**2 - mean**2]
    return columns
