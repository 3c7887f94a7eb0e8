"""`diagnose` for people: a whole script run under diagnosis, or a saved model checked at rest."""

import runpy
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from mode import checks
from mode.diagnosis.callback import Diagnosis
from mode.diagnosis.report import Report
from mode.diagnosis.static import check

NOTHING, FINDINGS, NOT_RUN = 0, 1, 2


def run_script(path, arguments=(), *, stop: bool = True, show=print) -> int:
    """Run a training script with a diagnosis on every `fit`, show the reports.

    Returns 0 for no finding above a note, 1 for findings, 2 where the script could not run.
    A script that fails after a finding that explains the failure counts as 1.
    """
    script = Path(path)
    if not script.is_file():
        show(f"script must be a Python file. Received: {str(path)!r}, which does not exist.")
        return NOT_RUN
    watches: list[Diagnosis] = []
    failed = False
    with _watched_fits(watches, stop), _as_main(script, arguments):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as leaving:
            failed = leaving.code not in (None, 0)
        except Exception:
            failed = True
            show(traceback.format_exc())
    reports = [watch.report for watch in watches]
    for number, report in enumerate(reports, 1):
        show(f"fit {number} of {len(reports)}")
        show(str(report))
    if not reports and not failed:
        show("The script ran but called no fit.")
    return _exit_code(reports, failed or not reports)


def _exit_code(reports: list[Report], failed: bool) -> int:
    if any(report.alarms for report in reports):
        return FINDINGS
    return NOT_RUN if failed else NOTHING


@contextmanager
def _watched_fits(watches: list, stop: bool):
    """Give every `fit` a diagnosis of its own while the script runs."""
    own, before = "fit" in vars(keras.Model), keras.Model.fit

    def fit(self, *args, **kwargs):
        given = keras.tree.flatten(kwargs.get("callbacks") or [])
        found = [c for c in given if isinstance(c, Diagnosis)]
        watch = found[0] if found else Diagnosis(stop=stop)
        watches.append(watch)
        kwargs["callbacks"] = given if found else [*given, watch]
        return before(self, *args, **kwargs)

    keras.Model.fit = fit
    try:
        yield
    finally:
        if own:
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


def diagnose_model(model_path, data_path=None, *, show=print) -> int:
    """Check a saved model against an `.npz` of x and y (or x_train and y_train), show the findings.

    Returns 0 for no finding above a note, 1 for findings, 2 where a file could not be read.
    """
    try:
        model = _file(model_path, "model must be a .keras file", _model)
        wanted = "data must be an .npz archive"
        x, y = (None, None) if data_path is None else _file(data_path, wanted, _arrays)
    except checks.InputError as error:
        show(f"Error: {error}")
        return NOT_RUN
    report = Report(tuple(check(model, x, y)))
    show(str(report))
    return _exit_code([report], False)


def _file(path, wanted: str, read):
    """Return what `read` makes of a file, which is refused in one line where it cannot."""
    if not Path(path).is_file():
        checks.fail(wanted, f"{str(path)!r}, which does not exist")
    try:
        return read(path)
    except checks.InputError:
        raise
    except (OSError, ValueError, TypeError, EOFError) as error:
        checks.fail(wanted, f"{str(path)!r}: {str(error).splitlines()[0]}")


def _model(path):
    return keras.saving.load_model(path, safe_mode=True)


def _arrays(path):
    with np.load(path, allow_pickle=False) as stored:
        for x, y in (("x", "y"), ("x_train", "y_train")):
            if x in stored and y in stored:
                return stored[x], stored[y]
        names = ", ".join(stored.files)
    return checks.fail("data must hold x and y, or x_train and y_train", names or "nothing")
