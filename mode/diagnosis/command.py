"""The command `diagnose`: what a target is decides how it is diagnosed."""

from collections.abc import Sequence
from pathlib import Path

from mode import checks
from mode.diagnosis.history import diagnose_history, is_log
from mode.diagnosis.places import place_lines
from mode.diagnosis.repair.of_script import ScriptRepair, repair_fit
from mode.diagnosis.report import Report
from mode.diagnosis.script import FINDINGS, NOTHING, WatchedFit, diagnose_model, run_script


def diagnose_target(
    target: str, rest: Sequence[str] = (), *, watch_only: bool = False, strict: bool = False,
    seconds: float | None = None, allow_unsafe: bool = False, repair: bool = False, show=print,
    repaired: list[ScriptRepair] | None = None,
) -> tuple[int, list[Report]]:  # fmt: skip
    """Diagnose a saved model, the log of a training that is over or a script, and show the text.

    With `repair`, the first fit of a script that has findings is repaired; what came of it is
    shown and added to `repaired`, and the script stays as it is.

    Returns the exit code, as `run_script` has it, and the reports.

    Raises:
        InputError: for a log that cannot be read.
    """
    reports: list[Report] = []
    if target.endswith(".keras"):
        code = diagnose_model(
            target, *rest, allow_unsafe=allow_unsafe, show=show, collected=reports
        )
        return code, reports
    if is_log(target):
        report = diagnose_history(target)
        show(str(report))
        return FINDINGS if report.alarms else NOTHING, [report]
    fits: list[WatchedFit] = []
    code = run_script(
        target, rest, stop=not watch_only, strict=strict, seconds=seconds, show=show, collected=fits
    )
    reports += [fit.watch.report for fit in fits]
    if Path(target).is_file():
        for line in place_lines(target, reports):
            show(line)
    if repair:
        _repair(target, fits, show, [] if repaired is None else repaired)
    return code, reports


def _repair(target: str, fits: list[WatchedFit], show, repaired: list[ScriptRepair]) -> None:
    """Show the repair of the first fit with findings, or in one line why there is none."""
    number = next((i for i, fit in enumerate(fits) if fit.watch.report.alarms), None)
    if number is None:
        show("nothing to repair: " + ("no finding above a note" if fits else "no fit was watched"))
        return
    fit = fits[number]
    try:
        done = repair_fit(target, fit.model, fit.arguments, fit=number, fits=len(fits))
    except checks.InputError as error:
        show(str(error))
        return
    repaired.append(done)
    show(str(done))
