"""The logs of a training that is over, as Keras or a file keeps them: one dictionary an epoch."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mode import checks

# what other loops and other tools call the two losses; TensorBoard's Keras callback says "epoch_"
_LOSS = ("loss", "epoch_loss", "train_loss", "training_loss")
_VALIDATION = ("val_loss", "valid_loss", "validation_loss", "test_loss")


def epochs_of_columns(columns: Mapping[str, Sequence], source: str) -> tuple[dict, ...]:
    """Return the logs of each epoch from whole columns, the losses as `loss` and `val_loss`.

    Args:
        columns: name -> one number an epoch; shorter columns begin at the first epoch.
        source: what the columns came from, as an error names it.

    Example:
        >>> epochs_of_columns({"train_loss": [0.7, 0.5], "test_loss": [0.8, 0.9]}, "history")
        ({'loss': 0.7, 'val_loss': 0.8}, {'loss': 0.5, 'val_loss': 0.9})

    Raises:
        InputError: where no loss is among the columns, or no epoch.
    """
    names = {_plain_name(name, columns): values for name, values in columns.items()}
    logged = {name: _numbers(values) for name, values in names.items()}
    if not logged.get("loss"):
        checks.fail(f"{source} must hold a column 'loss' with one number an epoch",
                    ", ".join(map(str, columns)) or "no column")  # fmt: skip
    epochs = max(map(len, logged.values()))
    return tuple({n: v[i] for n, v in logged.items() if i < len(v)} for i in range(epochs))


def _plain_name(name: str, columns) -> str:
    """Return `loss` or `val_loss` for the first of the losses' names that is there."""
    for plain, names in (("loss", _LOSS), ("val_loss", _VALIDATION)):
        if name == next((n for n in names if n in columns), None):
            return plain
    return str(name)


def _numbers(values) -> list[float]:
    """Return the numbers of a column, NaN for what is none; one sign by epoch, as text or not."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        values = list(values) if hasattr(values, "__len__") and not isinstance(values, str) else []
    return [_number(value) for value in values]


def _number(value) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def read_csv(path: Path) -> tuple[dict, ...]:
    """Return the logs of each epoch of a `CSVLogger` file; of several trainings in it the last.

    Raises:
        InputError: where the file is no table with a loss.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, dialect=_dialect(file)))
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        checks.fail(f"{path} must be a table of logs, such as keras.callbacks.CSVLogger writes",
                    f"{type(error).__name__}: {error}")  # fmt: skip
    rows = rows[_last_start([_number(row.get("epoch")) for row in rows]) :]
    columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else ()) if name}
    return epochs_of_columns(columns, str(path))


def _dialect(file) -> type[csv.Dialect]:
    head = file.readline()
    file.seek(0)
    return type("Log", (csv.excel,), {"delimiter": max(",;\t", key=head.count)})


def _last_start(epochs: list[float]) -> int:
    """Return where the last training begins: `CSVLogger(append=True)` adds to what is there."""
    return max((i for i in range(1, len(epochs)) if epochs[i] <= epochs[i - 1]), default=0)


def read_json(path: Path) -> tuple[dict, ...]:
    """Return the logs of each epoch of a history dictionary that was saved as JSON.

    Raises:
        InputError: where the file is no such dictionary.
    """
    try:
        columns = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ValueError, OSError) as error:
        checks.fail(f"{path} must be a history dictionary as JSON", type(error).__name__)
    if not isinstance(columns, dict):
        checks.fail(f"{path} must be a history dictionary as JSON", type(columns).__name__)
    return epochs_of_columns(columns, str(path))
