"""Automatic repair of one training of a script, as a diff; the script stays as it is."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mode import checks
from mode.diagnosis.facts.data import arrays_of
from mode.diagnosis.findings import Plan
from mode.diagnosis.repair.autorepair import MARGIN, autorepair
from mode.diagnosis.repair.data import mapped, take
from mode.diagnosis.repair.patch import script_diff


@dataclass(frozen=True)
class ScriptRepair:
    """What a repair reached: `reached` tells whether it is better and shows no error; `skill` and
    `before` are those of rows kept apart; `diff` are the changed lines; `unplaced` the changes
    that have no certain place in the script."""

    reached: bool
    before: float
    skill: float
    seconds: float
    changes: tuple[str, ...]
    diff: str
    unplaced: tuple[str, ...]

    def to_dict(self) -> dict:
        """Return plain values only."""
        return asdict(self)

    def __str__(self) -> str:
        done = "repaired" if self.reached else "not repaired"
        skill = f"skill {self.before:.2f} -> {self.skill:.2f} on rows kept apart"
        head = f"{done} in {self.seconds:.0f} s: {skill} (0: a constant prediction, 1: perfect)"
        changes = [f"changed: {change}" for change in self.changes]
        by_hand = [f"no certain place in the script: {change}" for change in self.unplaced]
        return "\n".join([head, *changes, *by_hand, self.diff]).rstrip()


def repair_fit(
    path: str, model, arguments: dict, *, fit: int = 0, fits: int = 1, trials: int = 8
) -> ScriptRepair:
    """Repair one of a script's `fits` from fresh weights and return it as a diff.

    Args:
        model: the model of that fit, which stays as it is.
        arguments: what its `fit` was given, by name.

    Raises:
        InputError: where x and y are no arrays, rows are weighted, or the model cannot be rebuilt.
    """
    x, y = (_arrays(arguments, name) for name in ("x", "y"))
    weighted = [n for n in ("class_weight", "sample_weight") if arguments.get(n) is not None]
    if weighted:
        checks.fail("--repair needs a fit whose rows count alike", weighted[0])
    before = Plan(batch_size=arguments.get("batch_size") or 32, epochs=arguments.get("epochs", 1))
    train, held = _held(x, y, arguments)
    began = time.perf_counter()
    try:
        done = autorepair(model, train, validation=held, trials=trials, epochs=before.epochs,
                          batch_size=before.batch_size)  # fmt: skip
    except checks.InputError:
        raise
    except Exception as error:  # of a model of the user's that cannot be made anew
        checks.fail("--repair needs a model that can be rebuilt from its config",
                    f"{type(error).__name__}: {str(error).splitlines()[0]}")  # fmt: skip
    text = Path(path).read_text(encoding="utf-8")
    diff, unplaced = script_diff(path, text, model, before, done.plan, fit=fit, fits=fits)
    reached = done.skill >= done.before + MARGIN and bool(done.changes)
    reached &= not any(f.severity == "error" for f in done.report.findings)
    seconds = time.perf_counter() - began
    return ScriptRepair(reached, done.before, done.skill, seconds, done.changes, diff,
                        tuple(unplaced))  # fmt: skip


def _arrays(arguments: dict, name: str):
    part = arguments.get(name)
    plain = isinstance(part, np.ndarray | list | tuple | dict) or hasattr(part, "to_numpy")
    arrays = arrays_of(part) if plain else []
    if not arrays or any(array.dtype.kind not in "biuf" for array in arrays):
        checks.fail("--repair needs x and y of fit as arrays", f"{name} of {type(part).__name__}")
    return mapped(np.asarray, part) if isinstance(part, dict) else part


def _held(x, y, arguments: dict) -> tuple[tuple, tuple | None]:
    """Return the rows to train on and those kept apart, as `fit` takes them."""
    validation, share = arguments.get("validation_data"), arguments.get("validation_split") or 0.0
    if isinstance(validation, list | tuple) and len(validation) == 2:
        return (x, y), tuple(validation)
    if not share:
        return (x, y), None
    at = int(len(take(x)) * (1 - share))
    first, last = (
        tuple(mapped(lambda array, r=rows: np.asarray(array)[r], part) for part in (x, y))
        for rows in (slice(at), slice(at, None))
    )
    return first, last
