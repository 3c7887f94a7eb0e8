"""Files that are there as a whole or not at all: written under another name, then renamed."""

import os
from collections.abc import Callable
from pathlib import Path


def write_text(text: str, path: str | os.PathLike) -> Path:
    """Write a text file in one step. Until then its name has another ending, so that no glob for
    finished files finds it.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_text("said\\n", f"{folder}/new/note.txt").read_text()
        'said\\n'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(f".{path.name}.{os.getpid()}")
    waiting.write_text(text, encoding="utf-8", newline="\n")
    os.replace(waiting, path)
    return path


def write_whole(write: Callable[[Path], object], path: str | os.PathLike) -> Path:
    """Let `write` make a file in one step; it is given another name with the same ending, which
    tells Keras and numpy what to write.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_whole(lambda path: path.write_bytes(b"1"), f"{folder}/one.bin").read_bytes()
        b'1'

    Raises:
        OSError: where it cannot be written; what was at `path` stays.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        write(waiting)
        os.replace(waiting, path)
    finally:
        waiting.unlink(missing_ok=True)
    return path
