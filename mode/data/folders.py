"""A folder of images, one folder a class, as a pool."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from mode import checks
from mode.data.pools import Indexed

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")  # those that Keras's loader takes
COLOURS = {1: "grayscale", 3: "rgb", 4: "rgba"}


class Folder(Indexed):
    """Images of `path`/class/, in the order of classes and file names, float32 in [0, 1].

    Raises:
        InputError: for a folder without images in folders, or channels that images do not have.
    """

    dtype = np.dtype(np.float32)
    names: tuple[str, ...]

    def __init__(self, path: Path, shape: tuple[int, ...] | None = None):
        classes = sorted(place for place in path.resolve().iterdir() if place.is_dir())
        files = [sorted(f for f in c.rglob("*") if f.suffix.lower() in ENDINGS) for c in classes]
        self.files = [str(file) for found in files for file in found]
        self.names = tuple(place.name for place in classes)
        self.labels = np.repeat(np.arange(len(classes)), [len(found) for found in files])
        if not self.files:
            wanted = f"{path} must hold a folder of images ({', '.join(ENDINGS)}) for each class"
            checks.fail(wanted, f"{len(classes)} folders without any")
        self.shape = tuple(shape or self._image(self.files[0]).shape)
        if len(self.shape) != 3 or self.shape[2] not in COLOURS:
            wanted = "images must be brought to height x width x 1, 3 or 4 channels"
            checks.fail(wanted, f"shape {self.shape}")

    def __len__(self) -> int:
        return len(self.files)

    def rows(self, indices: np.ndarray | range) -> np.ndarray:
        found = [self._image(self.files[i], self.shape) for i in indices]
        return np.stack(found) / np.float32(255)

    @staticmethod
    def _image(file: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
        from keras.utils import img_to_array, load_img

        options: dict[str, Any] = {"interpolation": "bilinear"}
        if shape:
            options |= {"target_size": shape[:2], "color_mode": COLOURS[shape[2]]}
        try:
            with load_img(file, **options) as image:
                return img_to_array(image, data_format="channels_last", dtype=np.float32)
        except Exception as error:  # such as one that declares absurdly many pixels
            said = re.sub(r" <[^>]*>", "", " ".join(str(error).split()))[:160]
            return checks.fail(f"{file} must be an image", said)
