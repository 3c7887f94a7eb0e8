"""Training images beside the pictures a classifier prefers: read from a file, found, shown."""

import numpy as np

from mode import checks
from mode.data.archives import read
from mode.featurevis import pictures, scores

KEY = "x_train"


def training_images(path) -> np.ndarray:
    """Return the training images in an `.npz`, (n, h, w, c) in [0, 1]; uint8 is divided by 255.

    Raises:
        InputError: for a file that is missing or no `.npz`, one without x_train, or values that
            are no images.
    """
    arrays, other = read(path, [KEY])
    if KEY not in arrays:
        checks.fail(f"images must hold {KEY}", f"keys {', '.join(other) or 'none'}")
    x = arrays[KEY]
    x = checks.numeric(KEY, x)
    x = checks.images(KEY, x / np.float32(255) if x.dtype == np.uint8 else x)
    return x[..., None] if x.ndim == 3 else x


def beside(stimuli: np.ndarray, images: np.ndarray, restarts: int = 8) -> np.ndarray:
    """Return under each stimulus the training image nearest to it, one picture a unit.

    stimuli (units, restarts, h, w, c), images (n, h, w, c); the answer is
    (units, 2 x h + 2, restarts x (w + 2) - 2, c), Euclidean distance on pixels.
    """
    shown = stimuli[:, :restarts]
    index, _ = scores.nearest(shown.reshape(-1, *shown.shape[2:]), images)
    found = images[index].reshape(shown.shape)
    pairs = zip(shown, found, strict=True)
    return np.stack([_stacked(pictures.strip(a), pictures.strip(b)) for a, b in pairs])


def _stacked(above: np.ndarray, below: np.ndarray, gap: int = 2) -> np.ndarray:
    return np.concatenate([above, np.ones((gap, *above.shape[1:])), below])


def table(stimuli: np.ndarray, images: np.ndarray, names: list[str]) -> str:
    """Return an HTML table, a row a unit: its preferred pictures above the nearest images."""
    rows = [
        f"<tr><td>{name}</td><td>{pictures.inline(row)}</td></tr>"
        for name, row in zip(names, beside(stimuli, images), strict=True)
    ]
    head = "<tr><th>unit</th><th>preferred, and below it the nearest training image</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"
