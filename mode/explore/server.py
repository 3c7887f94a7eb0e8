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

from mode import checks, notebooks, results
from mode.stderr import quietly

NOTEBOOK = "09-explore"
HOST = "127.0.0.1"
# The extensions that a page needs; others on the machine may not fit Voila. Voila itself leaves out
# the manager of the wrong version.
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


def free_port(port: int | None) -> int:
    """Return `port` if it is free, or any free port where None.

    Raises:
        InputError: for a port that is taken or no port.
    """
    if port is not None:
        checks.number("port", port, 1, 65535, integer=True)
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((HOST, port or 0))
        except OSError as error:
            checks.fail("port must be one that is free", f"{port}, {error.strerror}")
        return server.getsockname()[1]


def start_tensorflow() -> None:
    """Import TensorFlow without its greeting."""
    with quietly():
        import_module("tensorflow")


def freeze() -> None:
    """Exclude all present objects from garbage collection, in a kernel that serves a page.

    A search through all objects of TensorFlow takes longer than a choice on the page may.
    """
    gc.collect()
    gc.freeze()


def with_parameters(parameters: dict, folder: str | os.PathLike) -> Path:
    """Write the cells of the page into a folder, with a second one that sets parameters and a last
    one that calls `freeze`.

    Raises:
        InputError: for a parameter that the notebook has not.
    """
    names, source = notebooks.parameters(NOTEBOOK), notebooks.read(NOTEBOOK)
    for name in parameters:
        checks.one_of("parameter", name, names)
    cells = source["cells"] = notebooks.of_a_page(source["cells"])
    at = next(n for n, c in enumerate(cells) if "parameters" in c["metadata"].get("tags", []))
    lines = [f"{name} = {value!r}" for name, value in parameters.items()]
    lines += [f"from {__name__} import freeze, start_tensorflow", "start_tensorflow()"]
    plain = {**cells[at], "metadata": {}}
    cells.insert(at + 1, {**plain, "id": "values", "source": "\n".join(lines)})
    cells.append({**plain, "id": "freeze", "source": "freeze()"})
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
    """Serve the page until it is interrupted.

    Only this machine can reach it, and only with the token in the address.

    Args:
        model, data: a `.keras` file and its data; a faulty model on digits where both are "".
        out: folder into which a repaired model is saved. Defaults to "out/explore".
        port: any free one where None.
        browser: open a browser. Defaults to True.
        allow_unsafe: run code that the model file holds (Lambda). Defaults to False.
        show: called with the page's address. Defaults to `print`.

    Raises:
        InputError: for missing packages, a port that is taken, and files as `load_files`.
    """
    check_installed()
    port, token = free_port(port), secrets.token_urlsafe(24)
    paths = {"out": out}
    if model or data:
        start_tensorflow()
        from mode.explore.subject import load_files

        load_files(model, data, allow_unsafe=allow_unsafe)
        paths |= {"model": model, "data": data}
    parameters = {name: str(Path(path).resolve()) for name, path in paths.items()}
    with tempfile.TemporaryDirectory() as folder:
        notebook = with_parameters({**parameters, "allow_unsafe": allow_unsafe}, folder)
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
    address = f"http://{HOST}:{port}/?token={token}"
    words = f"{address}\nThe page takes some seconds to appear. Ctrl-C ends it."
    IOLoop.current().add_callback(show, words)  # not before the server listens
    app.start()


def _prepend(variable: str, folder: Path) -> None:
    present = [os.environ[variable]] if os.environ.get(variable) else []
    os.environ[variable] = os.pathsep.join([str(folder), *present])
