"""Send standard error, of kernels and of TensorFlow too, to a file or nowhere."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path


@contextmanager
def errors_to(log: Path) -> Iterator[None]:
    """Write standard error to the file `log`; processes that are started inside do so as well."""
    before = os.dup(2)
    with log.open("w") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)


def quietly() -> AbstractContextManager[None]:
    """Discard standard error; TensorFlow greets on import, whatever the log level."""
    return errors_to(Path(os.devnull))
