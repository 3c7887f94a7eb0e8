"""A page served as a user's command serves it, and a real browser to look at it with."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "screenshots"  # ignored by git; to be looked at
CHROMIUM = shutil.which("chromium")
SECONDS = 180  # until a server answers, on a slow machine


@pytest.fixture(scope="session")
def subject():
    from mode.explore.subject import open_subject

    return open_subject()


@contextmanager
def running(command: list, log: Path, **options):
    """Run a server, yield it, and end it and its kernels."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with log.open("w") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env=environment, **options
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def answer(log: Path, process: subprocess.Popen, sign: str) -> str:
    """Return the first line of the log with a sign in it, as soon as it is there."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        found = [line for line in log.read_text().splitlines() if sign in line]
        if found:
            return found[0].strip()
        time.sleep(0.2)
    raise AssertionError(f"no {sign!r} in:\n{log.read_text()}")


@pytest.fixture(scope="session")
def out(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("out")


@contextmanager
def explored(log: Path, *arguments):
    """The address that `python -m mode explore` prints, while it serves."""
    command = [sys.executable, "-m", "mode", "explore", *map(str, arguments), "--no-browser"]
    with running(command, log, cwd=ROOT) as process:
        yield answer(log, process, "http://127.0.0.1:")


@pytest.fixture(scope="session")
def log(tmp_path_factory) -> Path:
    """What the terminal shows of the page."""
    return tmp_path_factory.mktemp("explore") / "log"


@pytest.fixture(scope="session")
def address(out, log) -> str:
    with explored(log, "--out", out) as found:
        yield found


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A folder, and the address of a JupyterLab that serves it: (folder, address, token)."""
    folder, token = tmp_path_factory.mktemp("lab"), secrets.token_hex(16)
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
    options = {
        "ServerApp.root_dir": folder,
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "IdentityProvider.token": token,
        "LabApp.news_url": "None",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    log = tmp_path_factory.mktemp("log") / "log"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with running(command, log) as process:
        answer(log, process, "is running at")
        yield folder, f"http://127.0.0.1:{port}", token


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Root may not use Chromium's sandbox, and only pages of this project are opened.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def new_tab(chromium):
    """Return a new page, and a list of all errors that come up in it."""
    page = chromium.new_page(viewport={"width": 1600, "height": 1000})
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(1000 * SECONDS)
    return page, errors
