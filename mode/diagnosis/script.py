"""`diagnose` for people: a whole script run under diagnosis, or a saved model checked at rest."""

import ast
import inspect
import os
import re
import runpy
import sys
import sysconfig
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from textwrap import shorten
from types import ModuleType

import keras
import numpy as np

from mode import checks
from mode.data import archives
from mode.diagnosis.callback import Diagnosis
from mode.diagnosis.diagnose import check
from mode.diagnosis.facts.data import arrays_of
from mode.diagnosis.findings import Finding
from mode.diagnosis.report import Report, short_line
from mode.diagnosis.translation import hints, translate

NOTHING, FINDINGS, NOT_RUN = 0, 1, 2
WATCHED = 20  # trainings of a script at most: each is compiled anew to be watched
_EARLY_ROWS = 2000  # enough for a verdict before the first step
_NOT_USER = (Path(__file__).parents[1], sysconfig.get_path("stdlib"))
# what Keras and TensorFlow write before the line that tells what is wrong
_PLACE = re.compile(
    r"\s*$|\s+File |Graph execution error|Detected at node|<stack|Exception encountered when "
)


@dataclass(frozen=True)
class WatchedFit:
    """One `fit` of a script: its model, the arguments by name, and what watches it."""

    model: keras.Model
    arguments: dict
    watch: Diagnosis


@dataclass
class _Fits:
    """The trainings of a script so far; only the first ones are watched."""

    watched: list[WatchedFit]
    stop: bool
    strict: bool
    seconds: float | None
    show: Callable[[str], None]
    total: int = 0
    told: set[str] = field(default_factory=set)

    def tell_early(self, findings: list[Finding]) -> None:
        """Show what is certain before the first step, once for all trainings of a script."""
        for finding in findings:
            line = f"before fit {self.total}: {short_line(finding)}"
            if short_line(finding) not in self.told:
                self.told.add(short_line(finding))
                self.show(line)


def run_script(
    path, arguments=(), *, stop: bool = True, strict: bool = False, seconds: float | None = None,
    show=print, collected: list[WatchedFit] | None = None,
) -> int:  # fmt: skip
    """Run a training script with a diagnosis on every `fit`, show the reports.

    The trainings are added to `collected`. Of many only the first WATCHED are watched.
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
    fits = _Fits([] if collected is None else collected, stop, strict, seconds, show)
    failed, process = False, os.getpid()
    with _watched_fits(fits), _as_main(script, arguments):
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
def _watched_fits(fits: _Fits):
    """Give every `fit` a diagnosis of its own while the script runs."""
    defined, before = "fit" in vars(keras.Model), keras.Model.fit

    def fit(self, *args, **kwargs):
        fits.total += 1
        callbacks = keras.tree.flatten(kwargs.get("callbacks") or [])
        given = [c for c in callbacks if isinstance(c, Diagnosis)]
        if len(fits.watched) >= WATCHED and not given:
            return before(self, *args, **kwargs)
        watch = given[0] if given else Diagnosis(stop=fits.stop, seconds=fits.seconds)
        bound = inspect.signature(before).bind(self, *args, **kwargs)
        if not fits.strict and takes_columns(self, bound.arguments.get("x")):
            bound.arguments["x"] = column = np.asarray(bound.arguments["x"])[:, np.newaxis]
            args, kwargs = (args and (column, *args[1:])), kwargs | ({} if args else {"x": column})
            fits.show("translated to Keras 3: fit(x) of shape (n,) -> fit(x[:, np.newaxis])")
        arguments = {name: value for name, value in bound.arguments.items() if name != "self"}
        fits.watched.append(WatchedFit(self, arguments, watch))
        watch.early = lambda: fits.tell_early(watch.certain(*_sampled(arguments)))
        kwargs["callbacks"] = callbacks if given else [*callbacks, watch]
        try:
            return before(self, *args, **kwargs)
        except Exception:
            if not watch.recorder.begun:  # Keras refused the data before any callback was called
                watch.report = refused(self, arguments)
            raise

    keras.Model.fit = fit
    try:
        yield
    finally:
        if defined:
            keras.Model.fit = before
        else:
            del keras.Model.fit


def refused(model, arguments: dict) -> Report:
    """Return what is wrong before training with a `fit` that ended before it."""
    x, y = _sampled(arguments)
    y = arguments.get("y") if isinstance(arguments.get("y"), np.ndarray | list) else y
    try:
        return Report(tuple(check(model, x, y)))
    except Exception:  # of data that Keras refuses anything may be odd
        return Report()


def takes_columns(model, x) -> bool:
    """Tell whether Keras 2 took inputs (n,) as a column for a model that needs rows."""
    layers = () if model.built else getattr(model, "layers", ())
    rows = getattr(layers[0].input_spec, "min_ndim", 0) == 2 if layers else False
    return rows and isinstance(x, np.ndarray | list) and np.ndim(x) == 1


def _sampled(arguments: dict) -> list:
    """Return some rows of the inputs and all targets of a `fit`, None for what is no array."""
    x, y = (_arrays_only(arguments.get(name)) for name in ("x", "y"))
    if x is not None:
        x = [array[:: max(1, len(array) // _EARLY_ROWS)] for array in arrays_of(x)]
    return [x, y]


def _arrays_only(part):
    """Return arrays, lists and dictionaries of them as they are, None for anything else."""
    if not isinstance(part, np.ndarray | list | tuple | dict):
        return None
    arrays = arrays_of(part)
    plain = arrays and all(array.ndim and array.dtype.kind in "biuf" for array in arrays)
    return part if plain else None


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
