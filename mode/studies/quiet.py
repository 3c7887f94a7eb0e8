"""What kernels and TensorFlow say on standard error, sent to a log or nowhere."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path


@contextmanager
def errors_to(log: Path) -> Iterator[None]:
    """Send what is said on standard error, by kernels and by TensorFlow too, to a file."""
    before = os.dup(2)
    with log.open("w") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)


def quietly() -> AbstractContextManager[None]:
    """Import within this what loads TensorFlow, whose greeting comes at every log level."""
    return errors_to(Path(os.devnull))
