"""`diagnose` for people: a whole script run under diagnosis, or a saved model checked at rest."""

import ast
import re
import runpy
import sys
import sysconfig
import traceback
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from types import ModuleType

import keras
import numpy as np

from mode import checks
from mode.data import archives
from mode.diagnosis.callback import Diagnosis
from mode.diagnosis.diagnose import check
from mode.diagnosis.report import Report
from mode.diagnosis.translation import hints, translate

NOTHING, FINDINGS, NOT_RUN = 0, 1, 2
_NOT_USER = (Path(__file__).parents[1], sysconfig.get_path("stdlib"))
# what Keras and TensorFlow write before the line that tells what is wrong
_PLACE = re.compile(
    r"\s*$|\s+File |Graph execution error|Detected at node|<stack|Exception encountered when "
)


def run_script(
    path, arguments=(), *, stop: bool = True, strict: bool = False, seconds: float | None = None,
    show=print, collected: list[Report] | None = None,
) -> int:  # fmt: skip
    """Run a training script with a diagnosis on every `fit`, show the reports.

    The reports are added to `collected`.

    Returns 0 for no finding above a note, 1 for findings, 2 where the script could not run.
    What Keras 2 alone takes is translated first and reported, unless `strict`. Each `fit` is ended
    after `seconds`, where they are given.
    A script that fails after a finding that explains the failure counts as 1.
    """
    script = Path(path)
    if not script.is_file():
        show(f"script must be a Python file. Received: {str(path)!r}, which does not exist.")
        return NOT_RUN
    watches: list[Diagnosis] = []
    failed = False
    with _watched_fits(watches, stop, seconds), _as_main(script, arguments):
        try:
            _run(script, strict, show)
        except SystemExit as leaving:
            failed = leaving.code not in (None, 0)
            if isinstance(leaving.code, str):
                show(leaving.code)
        except Exception as error:
            failed = True
            show(_failure(error))
    reports = [watch.report for watch in watches]
    if collected is not None:
        collected += reports
    for number, report in enumerate(reports, 1):
        show(f"fit {number} of {len(reports)}")
        show(str(report))
    if not reports and not failed:
        show("The script ran but called no fit.")
    return _exit_code(reports, failed or not reports)


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
def _watched_fits(watches: list, stop: bool, seconds: float | None):
    """Give every `fit` a diagnosis of its own while the script runs."""
    defined, before = "fit" in vars(keras.Model), keras.Model.fit

    def fit(self, *args, **kwargs):
        callbacks = keras.tree.flatten(kwargs.get("callbacks") or [])
        watches_given = [c for c in callbacks if isinstance(c, Diagnosis)]
        watch = watches_given[0] if watches_given else Diagnosis(stop=stop, seconds=seconds)
        watches.append(watch)
        kwargs["callbacks"] = callbacks if watches_given else [*callbacks, watch]
        return before(self, *args, **kwargs)

    keras.Model.fit = fit
    try:
        yield
    finally:
        if defined:
            keras.Model.fit = before
        else:
            del keras.Model.fit


@contextmanager
def _as_main(script: Path, arguments):
    argv, path = sys.argv, list(sys.path)
    sys.argv = [str(script), *map(str, arguments)]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path


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
