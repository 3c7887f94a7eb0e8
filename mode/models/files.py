"""Saved models: opened in Keras's safe mode, or with the code in the file where it is allowed."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from textwrap import shorten
from zipfile import is_zipfile

import keras
from keras.src.saving.serialization_lib import SafeModeScope

from mode import checks

ALLOWED = (
    "If you trust the file, a Lambda is allowed by --allow-unsafe (allow_unsafe=True), which runs "
    "its code; an object of your own must be registered with "
    "keras.saving.register_keras_serializable."
)


def load_model(
    path: str | os.PathLike, *, allow_unsafe: bool = False, compiled: bool = True
) -> keras.Model:
    """Load the model of a `.keras` file; code in the file runs only where that is allowed.

    Args:
        path: path of the file.
        allow_unsafe: run code that the file holds (Lambda). Defaults to False.
        compiled: also restore the loss and the optimizer, which may be objects that Keras does
            not know. Defaults to True.

    Example:
        >>> load_model("model.h5")
        Traceback (most recent call last):
            ...
        mode.checks.InputError: the model must be the path of an existing .keras file. ...

    Raises:
        InputError: for a missing or damaged file, or one that safe mode refuses.
    """
    path = Path(path)
    if path.suffix != ".keras" or not path.is_file():
        checks.fail("the model must be the path of an existing .keras file", f"'{path}'")
    if not is_zipfile(path):
        checks.fail(f"{path} must be a model saved by Keras", "another or a damaged file")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Skipping variable")  # of an optimizer without steps
            options = {"compile": compiled, "safe_mode": not allow_unsafe}
            return keras.saving.load_model(path, **options)
    except Exception as error:
        reason = shorten(str(error) or "no reason given", 160, placeholder=" ...")
        raise checks.InputError(
            f"{path} must load in Keras's safe mode, without Lambda layers or objects of one's "
            f"own. Received: {type(error).__name__}: {reason} {ALLOWED}"
        ) from error


@contextmanager
def copied_unsafely(allowed: bool) -> Iterator[None]:
    """Let a model's code be copied inside alone, where that is allowed; Keras's own switch has no
    way back."""
    with SafeModeScope(safe_mode=False) if allowed else nullcontext():
        yield
