"""Serve the notebook `09-explore` as a page on this machine, through Voila."""

import gc
import json
import logging
import os
import secrets
import signal
import socket
import tempfile
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from mode import checks, results
from mode.studies import notebooks
from mode.studies.quiet import quietly

NOTEBOOK = "09-explore"
HOST = "127.0.0.1"
# What a page needs of the extensions on a machine, others of which may not fit Voila; Voila itself
# leaves out the manager of the wrong version.
EXTENSIONS = [
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager7",
    "@voila-dashboards/widgets-manager8",
]


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


def check_files(model: str, data: str, *, allow_unsafe: bool = False) -> None:
    """Refuse a model and data that a page could not be made of.

    Raises:
        InputError: as `mode.explore.subject.loaded`.
    """
    start_tensorflow()
    from mode.explore.subject import loaded

    loaded(model, data, allow_unsafe=allow_unsafe)


def start_tensorflow() -> None:
    """Import TensorFlow without its greeting."""
    with quietly():
        import_module("tensorflow")


def settle() -> None:
    """Leave what is there by now out of later searches for garbage, in a kernel that serves a page.

    One through all that TensorFlow has loaded takes longer than a choice on the page may.
    """
    gc.collect()
    gc.freeze()


def with_parameters(parameters: dict, folder: str | os.PathLike) -> Path:
    """Write the notebook, with a cell that sets other parameters and one that settles what the page
    has loaded, into a folder.

    Raises:
        InputError: for a parameter that the notebook has not.
    """
    known, source = notebooks.parameters(NOTEBOOK), notebooks.read(NOTEBOOK)
    for name in parameters:
        checks.one_of("parameter", name, known)
    cells = source["cells"]
    at = next(n for n, c in enumerate(cells) if "parameters" in c["metadata"].get("tags", []))
    lines = [f"{name} = {value!r}" for name, value in parameters.items()]
    lines += [f"from {__name__} import {start_tensorflow.__name__} as start", "start()"]
    given = {"id": "given", "metadata": {}, "source": "\n".join(lines)}
    cells.insert(at + 1, {**cells[at], **given})
    last = f"from {__name__} import {settle.__name__} as settle\nsettle()"
    cells.append({**cells[at + 1], "id": "settled", "source": last})
    return results.write_text(json.dumps(source), Path(folder) / f"{NOTEBOOK}.ipynb")


def serve(
    model: str = "",
    data: str = "",
    *,
    out: str = "out/explore",
    port: int | None = None,
    browser: bool = True,
    allow_unsafe: bool = False,
    show: Callable[[str], None] = print,
) -> None:
    """Serve the page until it is interrupted; `show` is called with its address.

    Only this machine can reach it, and only with the token in the address. `allow_unsafe` runs
    code that the model file holds.

    Raises:
        InputError: for missing packages, a port that is taken, and files as `check_files`.
    """
    check_installed()
    port, token = free_port(port), secrets.token_urlsafe(24)
    if model or data:
        check_files(model, data, allow_unsafe=allow_unsafe)
    whole = {name: str(Path(path).resolve()) for name, path in (("model", model), ("data", data))}
    given: dict[str, object] = {name: path for name, path in whole.items() if model}
    given |= {"allow_unsafe": allow_unsafe, "out": str(Path(out).resolve())}
    with tempfile.TemporaryDirectory() as folder:
        notebook = with_parameters(given, folder)
        _voila(notebook, port, token, browser, show)


def _voila(path: Path, port: int, token: str, browser: bool, show: Callable[[str], None]) -> None:
    import zmq
    from tornado.ioloop import IOLoop
    from traitlets.config import Config
    from voila.app import Voila

    # The page's kernel runs in another folder and must find this very package.
    _prepend("PYTHONPATH", Path(__file__).parents[2])
    _prepend("JUPYTER_PATH", Path(__file__).parent)  # holds voila/templates
    config = Config()
    config.VoilaConfiguration.template = "explore"
    config.VoilaConfiguration.extension_allowlist = EXTENSIONS
    config.VoilaConfiguration.show_tracebacks = True  # the template folds them
    # Others on this machine may not listen to the kernel either.
    config.KernelManager.transport_encryption = "auto" if zmq.has("curve") else "disabled"
    # Nothing between a page and its own machine drops what is quiet, and late pings do.
    config.Voila.tornado_settings = {"ws_ping_interval": 0}
    options = {"ip": HOST, "port": port, "token": token, "open_browser": browser}
    app = Voila(config=config, log_level=logging.ERROR, **options)
    app.initialize([str(path)])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that its kernels end with it
    said = (
        f"http://{HOST}:{port}/?token={token}\nThe first look takes some seconds. Ctrl-C ends it."
    )
    IOLoop.current().add_callback(show, said)  # not before somebody listens there
    app.start()


def _prepend(variable: str, folder: Path) -> None:
    kept = os.environ.get(variable)
    os.environ[variable] = os.pathsep.join([str(folder), *([kept] if kept else [])])
