"""Watch every `fit` of a script: give it a diagnosis while the script runs."""

import inspect
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field

import keras
import numpy as np

from mode.diagnosis.callback import Diagnosis
from mode.diagnosis.diagnose import check
from mode.diagnosis.facts.data import arrays_of
from mode.diagnosis.findings import Finding
from mode.diagnosis.report import Report, short_line

WATCHED = 20  # trainings of a script at most: each is compiled anew to be watched
_EARLY_ROWS = 2000  # enough for a verdict before the first step


@dataclass(frozen=True)
class WatchedFit:
    """One `fit` of a script: its model, the arguments by name, and what watches it."""

    model: keras.Model
    arguments: dict
    watch: Diagnosis


@dataclass
class Fits:
    """The trainings of a script so far; only the first ones are watched."""

    watched: list[WatchedFit]
    stop: bool
    strict: bool
    seconds: float | None
    show: Callable[[str], None]
    total: int = 0
    early_lines: set[str] = field(default_factory=set)

    def show_early(self, findings: list[Finding]) -> None:
        """Show what is certain before the first step, once for all trainings of a script."""
        for line in map(short_line, findings):
            if line not in self.early_lines:
                self.early_lines.add(line)
                self.show(f"before fit {self.total}: {line}")


@contextmanager
def watched_fits(fits: Fits):
    """Give every `fit` a diagnosis of its own while the script runs."""
    defined, before = "fit" in vars(keras.Model), keras.Model.fit

    def fit(self, *args, **kwargs):
        fits.total += 1
        callbacks = keras.tree.flatten(kwargs.get("callbacks") or [])
        watches = [c for c in callbacks if isinstance(c, Diagnosis)]
        if len(fits.watched) >= WATCHED and not watches:
            return before(self, *args, **kwargs)
        watch = watches[0] if watches else Diagnosis(stop=fits.stop, seconds=fits.seconds)
        bound = inspect.signature(before).bind(self, *args, **kwargs)
        if not fits.strict and takes_columns(self, bound.arguments.get("x")):
            bound.arguments["x"] = column = np.asarray(bound.arguments["x"])[:, np.newaxis]
            args, kwargs = (args and (column, *args[1:])), kwargs | ({} if args else {"x": column})
            fits.show("translated to Keras 3: fit(x) of shape (n,) -> fit(x[:, np.newaxis])")
        arguments = {name: value for name, value in bound.arguments.items() if name != "self"}
        fits.watched.append(WatchedFit(self, arguments, watch))
        watch.early = lambda: fits.show_early(watch.certain(*_sampled(arguments)))
        kwargs["callbacks"] = callbacks if watches else [*callbacks, watch]
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
