"""`diagnose` for people: a whole script run under diagnosis, or a saved model checked at rest."""

import ast
import os
import re
import runpy
import sys
import sysconfig
import traceback
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from textwrap import shorten
from types import ModuleType

import numpy as np

from mode import checks
from mode.data import archives
from mode.diagnosis.diagnose import check
from mode.diagnosis.report import Report
from mode.diagnosis.translation import hints, translate
from mode.diagnosis.watched_fits import Fits, WatchedFit, watched_fits

NOTHING, FINDINGS, NOT_RUN = 0, 1, 2
_NOT_USER = (Path(__file__).parents[1], sysconfig.get_path("stdlib"))
# what Keras and TensorFlow write before the line that tells what is wrong
_PLACE = re.compile(
    r"\s*$|\s+File |Graph execution error|Detected at node|<stack|Exception encountered when "
)


def run_script(
    path, arguments=(), *, stop: bool = True, strict: bool = False, seconds: float | None = None,
    show=print, collected: list[WatchedFit] | None = None,
) -> int:  # fmt: skip
    """Run a training script with a diagnosis on every `fit`, show the reports.

    The trainings are added to `collected`, of many only the first `watched_fits.WATCHED`.
    What is certain of model and data is shown before the first step of each.

    Returns 0 for no finding above a note, 1 for findings, 2 where the script could not run.
    What Keras 2 alone takes is translated first and reported, unless `strict`. Each `fit` is ended
    after `seconds`, where they are given.
    A script that fails after a finding that explains the failure counts as 1.
    """
    script = Path(path)
    if not script.is_file():
        show(f"script must be a Python file. Received: {str(path)!r}, which does not exist.")
        return NOT_RUN
    fits = Fits([] if collected is None else collected, stop, strict, seconds, show)
    failed, process = False, os.getpid()
    with watched_fits(fits), _as_main(script, arguments):
        try:
            _run(script, strict, show)
        except SystemExit as leaving:
            failed = leaving.code not in (None, 0)
            if isinstance(leaving.code, str):
                show(leaving.code)
            elif failed and not fits.total:
                show(f"{script.name} ended with exit code {leaving.code} before any fit. "
                     f"{_how_to_give('its arguments', script, 'ARGUMENTS')}")  # fmt: skip
        except Exception as error:
            failed = True
            show(_failure(error))
            show_advice(error, script, show)
    if os.getpid() != process:  # the parent tells what was found
        show(f"{script.name} went on in a process that it forked, which is not diagnosed.")
        sys.stdout.flush()
        os._exit(NOTHING)
    reports = [fit.watch.report for fit in fits.watched]
    _show_reports(reports, fits.total, show)
    if not reports and not failed:
        show("The script ran but called no fit.")
    return _exit_code(reports, failed or not reports)


def show_advice(error: Exception, script: Path, show) -> None:
    """Show in one line how to give a script what it lacked, where the error tells."""
    frames = traceback.extract_tb(error.__traceback__)
    last = next((f.line or "" for f in reversed(frames) if _of_user(f.filename)), "")
    if isinstance(error, EOFError):
        show(f"{script.name} reads standard input, which has ended. "
             f"{_how_to_give('it', script, '< FILE')}")  # fmt: skip
    elif isinstance(error, IndexError) and "argv" in last:
        show(_how_to_give("arguments", script, "ARGUMENTS"))


def _how_to_give(what: str, script: Path, rest: str) -> str:
    return f"Give {what} like this: python -m mode diagnose {script} {rest}"


def _show_reports(reports: list[Report], total: int, show) -> None:
    """Show each report, equal ones of trainings in a row once."""
    for text, group in groupby(enumerate(reports, 1), key=lambda entry: str(entry[1])):
        numbers = [number for number, _ in group]
        several = len(numbers) > 1
        named = f"fits {numbers[0]} to {numbers[-1]}" if several else f"fit {numbers[0]}"
        show(f"{named} of {total}")
        show(text)
    if total > len(reports):
        show(f"Only the first {len(reports)} of {total} fits were watched.")


def _run(script: Path, strict: bool, show) -> None:
    """Run a script as `__main__`, translated to Keras 3 where that changes anything."""
    tree = ast.parse(script.read_bytes(), filename=str(script))
    for change in () if strict else hints(tree):
        show(f"cannot translate {script.name} {change}")
    changes = [] if strict else translate(tree).changes
    if not changes:
        runpy.run_path(str(script), run_name="__main__")
        return
    for change in changes:
        show(f"translated to Keras 3: {script.name} {change}")
    module, before = ModuleType("__main__"), sys.modules["__main__"]
    module.__file__ = str(script)
    sys.modules["__main__"] = module  # as `runpy` does, for what looks itself up there
    try:
        exec(compile(tree, str(script), "exec"), vars(module))
    finally:
        sys.modules["__main__"] = before


def _exit_code(reports: list[Report], failed: bool) -> int:
    if any(report.alarms for report in reports):
        return FINDINGS
    return NOT_RUN if failed else NOTHING


def _failure(error: Exception) -> str:
    """Return the user's own lines that led to an error, from the outermost on, and the error."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [(f.filename, f.lineno, f.line) for f in frames if _of_user(f.filename)]
    if isinstance(error, SyntaxError):  # the line that cannot be read has no frame
        lines.append((str(error.filename), error.lineno, (error.text or "").strip()))
    lines_of_user = [f"{Path(name).name}:{number}: {line}" for name, number, line in lines]
    return "\n".join([*lines_of_user, f"{type(error).__name__}: {_telling_line(str(error))}"])


def _of_user(file: str) -> bool:
    """Tell whether a file is neither of this package, nor of Python, nor an installed one."""
    path = Path(file)
    installed = {"site-packages", "dist-packages"} & {*path.parts}
    return not (
        file.startswith("<") or installed or any(path.is_relative_to(part) for part in _NOT_USER)
    )


def _telling_line(message: str) -> str:
    """Return the first line of a message that names the trouble, not the place in a graph."""
    lines = [line for line in message.splitlines() if not _PLACE.match(line)]
    return shorten([*lines, message][0], 300, placeholder=" ...")


@contextmanager
def _as_main(script: Path, arguments):
    argv, path, folder = sys.argv, list(sys.path), Path.cwd()
    sys.argv = [str(script), *map(str, arguments)]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path
        os.chdir(folder)  # the names of files are those of the caller


def diagnose_model(
    model_path, data_path=None, *, allow_unsafe: bool = False, show=print,
    collected: list[Report] | None = None,
) -> int:  # fmt: skip
    """Check a saved model against an `.npz` of x and y (or x_train and y_train), show the findings.

    The report is added to `collected`. `allow_unsafe` runs code that the model file holds, such as
    a Lambda. Returns 0 for no finding above a note, 1 for findings, 2 where a file could not be
    read.
    """
    from mode.models import load_model  # loads TensorFlow, which `check` alone does not need

    try:
        model = load_model(model_path, allow_unsafe=allow_unsafe)
        x, y = (None, None) if data_path is None else _arrays(data_path)
    except checks.InputError as error:
        show(f"Error: {error}")
        return NOT_RUN
    report = Report(tuple(check(model, x, y)))
    if collected is not None:
        collected.append(report)
    show(str(report))
    return _exit_code([report], False)


def _arrays(path) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of an `.npz` as they are stored, which is refused in one line without them."""
    arrays, others = archives.read(path)
    if "x_train" in arrays and "y_train" in arrays:
        return arrays["x_train"], arrays["y_train"]
    names = ", ".join([*arrays, *others])
    return checks.fail("data must hold x and y, or x_train and y_train", names or "nothing")
