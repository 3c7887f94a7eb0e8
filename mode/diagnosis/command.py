"""The command `diagnose`: what a target is decides how it is diagnosed."""

from collections.abc import Sequence
from pathlib import Path

from mode.diagnosis.history import diagnose_history, is_log
from mode.diagnosis.places import place_lines
from mode.diagnosis.report import Report
from mode.diagnosis.script import FINDINGS, NOTHING, diagnose_model, run_script


def diagnose_target(
    target: str, rest: Sequence[str] = (), *, watch_only: bool = False, strict: bool = False,
    seconds: float | None = None, allow_unsafe: bool = False, show=print,
) -> tuple[int, list[Report]]:  # fmt: skip
    """Diagnose a saved model, the log of a training that is over or a script, and show the text.

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
    code = run_script(
        target, rest, stop=not watch_only, strict=strict, seconds=seconds, show=show,
        collected=reports,
    )  # fmt: skip
    if Path(target).is_file():
        for line in place_lines(target, reports):
            show(line)
    return code, reports
