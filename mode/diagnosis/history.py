"""`diagnose_history`: what the curves of a training that is over tell."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mode import checks
from mode.diagnosis.catalog.symptoms import SYMPTOMS, make_finding
from mode.diagnosis.facts.history import epochs_of_columns, read_csv, read_json
from mode.diagnosis.facts.training import Record, empty_record
from mode.diagnosis.findings import SEVERITIES, Finding, Where
from mode.diagnosis.limits import LIMITS
from mode.diagnosis.report import Report
from mode.diagnosis.rules.history import RULES

READERS = {".csv": read_csv, ".tsv": read_csv, ".json": read_json}


def diagnose_history(history) -> Report:
    """Return the report on a training that is over, from its logged curves alone.

    Args:
        history: a Keras `History`, its dictionary, the path of a `CSVLogger` file (`.csv`), of
            such a dictionary saved as `.json`, or of a TensorBoard event folder. `loss` (also
            `train_loss`) is required; `val_loss` and accuracies are used where they are logged.

    Example:
        >>> losses = [1 / (epoch + 1) for epoch in range(12)]
        >>> held = [0.5 + 0.05 * abs(epoch - 4) for epoch in range(12)]
        >>> report = diagnose_history({"loss": losses, "val_loss": held})
        >>> [(f.symptom, f.when.epoch) for f in report.alarms]
        [('overfitting', 5)]

    Raises:
        InputError: for a file that does not exist or is no log of one training.
    """
    record = empty_record(epochs=_epochs(history), finished=True)
    judged = [] if record.log("loss").size < LIMITS.history_epochs else RULES
    rules = judged or [rule for rule in RULES if rule.__name__ == "numerical_error"]
    findings = [*(f for rule in rules for f in rule(record)), *_gaps(record)]
    order = {code: i for i, code in enumerate(SYMPTOMS)}
    findings.sort(key=lambda f: (SEVERITIES.index(f.severity), order[f.symptom]))
    return Report(tuple(findings), record=record)


def is_log(path) -> bool:
    """Tell whether a path looks like the log of a training: a table, or a folder."""
    return Path(path).suffix in READERS or Path(path).is_dir()


def _epochs(history) -> tuple[dict, ...]:
    if isinstance(history, str | Path):
        return _read(Path(history))
    columns = getattr(history, "history", history)
    if not isinstance(columns, Mapping):
        checks.fail("history must be a Keras History, its dictionary, a .csv file or a folder of "
                    "TensorBoard events", type(history).__name__)  # fmt: skip
    return epochs_of_columns(columns, "history")


def _read(path: Path) -> tuple[dict, ...]:
    if path.is_dir():
        from mode.diagnosis.recorder.events import read_scalars  # only this needs TensorFlow

        return epochs_of_columns(read_scalars(path), str(path))
    if not path.is_file():
        checks.fail("history must be the path of a log", f"{str(path)!r}, which does not exist")
    return READERS[checks.one_of("the log's ending", path.suffix, READERS)](path)


def _gaps(record: Record) -> list[Finding]:
    """Return a note on each thing that the curves are too few or too short to tell."""
    epochs, gaps = len(record.epochs), []
    held = np.isfinite(record.log("val_loss"))
    if epochs < LIMITS.history_epochs:
        count = f"{epochs} epoch{'s' if epochs > 1 else ''}"
        gaps.append(f"the course of {count}: {LIMITS.history_epochs} or more show one")
    elif not held.any():
        gaps.append("over-fitting: no validation loss was logged")
    elif not held.all():
        gaps.append(f"over-fitting: {(~held).sum()} of {epochs} epochs have no validation loss")
    return [
        make_finding("not_diagnosed", Where("fit"), text=f"could not diagnose {gap}")
        for gap in gaps
    ]
