"""Serve the notebook `09-explore` as a page on this machine, through Voila."""

import logging
import os
import secrets
import socket
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from mode import checks
from mode.studies import notebooks

NOTEBOOK = "09-explore"
HOST = "127.0.0.1"


def check_installed() -> None:
    """Refuse to go on without the packages that serve a page.

    Raises:
        InputError: naming what is missing and how it is installed.
    """
    missing = [name for name in ("voila", "ipywidgets") if find_spec(name) is None]
    if missing:
        checks.fail(
            "explore needs voila and ipywidgets",
            f"no {' and no '.join(missing)}",
            "Type: python -m pip install 'mode-debugger[app]' (in a checkout: '.[app]').",
        )


def free_port(wanted: int | None) -> int:
    """Return `wanted` if nobody listens there, or any free port where None.

    Raises:
        InputError: for a port that is taken or no port.
    """
    if wanted is not None:
        checks.number("port", wanted, 1, 65535, integer=True)
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            place.bind((HOST, wanted or 0))
        except OSError as error:
            checks.fail("port must be one that is free", f"{wanted}, {error.strerror}")
        return place.getsockname()[1]


def with_parameters(parameters: dict, folder: str | os.PathLike) -> Path:
    """Write the notebook with other parameters into a folder; return the file."""
    import nbformat
    from papermill.parameterize import parameterize_notebook

    source = nbformat.read(notebooks.path(NOTEBOOK), as_version=4)
    changed = parameterize_notebook(source, parameters)
    path = Path(folder) / f"{NOTEBOOK}.ipynb"
    nbformat.write(changed, path)
    return path


def serve(
    model: str = "",
    data: str = "",
    *,
    out: str = "out/explore",
    port: int | None = None,
    browser: bool = True,
    show: Callable[[str], None] = print,
) -> None:
    """Serve the page until it is interrupted; `show` is called with its address.

    Only this machine can reach it, and only with the token in the address.

    Raises:
        InputError: for missing packages or files, a port that is taken, or one file of two.
    """
    check_installed()
    if bool(model) != bool(data):
        checks.fail("model and data must be given together", f"'{model}' and '{data}'")
    for name, path in (("model", model), ("data", data)):
        if path and not Path(path).is_file():
            checks.fail(f"{name} must be an existing file", f"'{path}'")
    port, token = free_port(port), secrets.token_urlsafe(24)
    whole = {name: str(Path(path).resolve()) for name, path in (("model", model), ("data", data))}
    given = {name: path for name, path in whole.items() if model}
    with tempfile.TemporaryDirectory() as folder:
        path = with_parameters({**given, "out": str(Path(out).resolve())}, folder)
        _voila(path, port, token, browser, show)


def _voila(path: Path, port: int, token: str, browser: bool, show: Callable[[str], None]) -> None:
    from voila.app import Voila

    # The page's kernel runs in another folder and must find this very package.
    home = str(Path(__file__).parents[2])
    os.environ["PYTHONPATH"] = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    app = Voila(ip=HOST, port=port, token=token, open_browser=browser, log_level=logging.ERROR)
    app.initialize([str(path)])
    show(f"http://{HOST}:{port}/?token={token}")
    show("The first look takes some seconds. Ctrl-C ends it.")
    app.start()
