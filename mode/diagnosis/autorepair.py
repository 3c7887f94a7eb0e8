"""Automatic repair: try the fixes a diagnosis names, keep what helps, train once in full."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace

import keras
import numpy as np

from mode import checks
from mode.diagnosis.callback import Diagnosis
from mode.diagnosis.details import fix
from mode.diagnosis.modelfacts import model_facts
from mode.diagnosis.plan import Plan, rebuild
from mode.diagnosis.prepare import Data, prepared, rescaled, take
from mode.diagnosis.report import Report
from mode.diagnosis.score import skill

MARGIN = 0.01  # of skill that a fix has to bring
COMBINED = 3  # fixes at most in one repair
_TRIAL_STEPS = 300
_BASE_STEPS = 1000  # the unrepaired training gets more time, lest a healthy one looks slow
_FULL_STEPS = 3000
_FALLBACK = ("change_optimizer", "normalize_input", "train_longer", "widen_layer")


@dataclass(frozen=True)
class Attempt:
    """One trial: what was tried, the validation skill it reached, what it still shows."""

    fix: str
    skill: float
    errors: tuple[str, ...]
    kept: bool


@dataclass(frozen=True)
class Repair:
    """The repaired model, a plain list of what was changed, and every trial on the way."""

    model: keras.Model
    changes: tuple[str, ...]
    history: tuple[Attempt, ...]
    skill: float
    before: float
    report: Report


@dataclass(frozen=True)
class _Job:
    """What stays the same over all trials."""

    build: Callable
    train: Data
    validation: Data
    epochs: int
    seed: int


@dataclass(frozen=True)
class _Result:
    model: keras.Model
    plan: Plan
    report: Report
    skill: float

    @property
    def errors(self) -> set[str]:
        return {f.symptom for f in self.report.findings if f.severity == "error"}


def autorepair(
    build,
    data,
    *,
    validation=None,
    trials: int = 8,
    epochs: int | None = None,
    batch_size: int = 32,
    seed: int = 0,
) -> Repair:
    """Repair a model that does not learn; a healthy one is trained and handed back as it is.

    Args:
        build: a function returning a compiled model, or a compiled model (left untouched).
        data: `(x, y)` arrays, or lists or dictionaries of them.
        validation: `(x, y)` to score on; None keeps a fifth of the rows for it.
        trials: how many fixes may be tried, each by a short training from fresh weights.
        epochs: of the full training at the end; None decides by the number of rows.

    A fix is kept if the validation skill (see `score.skill`) grows by `MARGIN` without a new
    error, or stays while an error goes. Labels are changed only where `changes` says so.

    Raises:
        InputError: when `build` gives no compiled Keras model, or x and y differ in length.
    """
    checks.number("trials", trials, 1, integer=True)
    source = _source(build, data)
    train, held = _split(data, validation, seed)
    job = _Job(_remake(build, source), train, held, epochs or 20, seed)
    with _seeded():
        return _repair(job, source, Plan(batch_size=batch_size, epochs=job.epochs), trials)


def _repair(job: _Job, source, plan: Plan, trials: int) -> Repair:
    first = best = _trial(job, plan, _BASE_STEPS)
    history: list[Attempt] = []
    tried: set[str] = set()
    kept: list[str] = []
    useless = _pointless(job)
    tried |= useless
    while len(history) < trials and len(kept) < COMBINED and not _content(best, bool(kept)):
        candidate = _next(best, source, tried)
        if candidate is None:
            break
        tried.add(candidate.code)
        result = _attempt(job, best, candidate)
        better = result is not None and _better(result, best)
        history.append(
            Attempt(
                candidate.code,
                result.skill if result else -1.0,
                tuple(sorted(result.errors)) if result else (),
                better,
            )
        )
        if better:
            best = result
            kept.append(candidate.code)
    final = _full(job, best)
    changes = (*(f"fix: {code}" for code in kept), *final.plan.differences(plan))
    return Repair(
        final.model,
        tuple(changes) if kept else (),
        tuple(history),
        final.skill,
        first.skill,
        final.report,
    )


def _pointless(job: _Job) -> set[str]:
    """Fixes that would change nothing of these data."""
    data, found = job.train, set()
    if len(take(prepared(data, Plan(clean=True)).x)) == len(take(data.x)):
        found.add("clean_data")
    relabelled = prepared(data, Plan(relabel=True)).y
    if relabelled is data.y or np.array_equal(relabelled, data.y):
        found.add("fix_labels")
    return found


def _content(result: _Result, repaired: bool) -> bool:
    """Nothing above a note; after a repair a good score, whatever a short trial still warns of."""
    if repaired:
        return result.skill > 0.95 and not result.errors
    return not result.report.alarms


def _next(result: _Result, source, tried: set[str]):
    """Return the next untried fix: of the worst finding first, then the general ones."""
    found = [f for finding in result.report.alarms for f in finding.fixes]
    general = [fix(code, model_facts(source)) for code in _FALLBACK]
    for candidate in (*found, *general):
        if candidate.apply is not None and candidate.code not in tried:
            return candidate
    return None


def _attempt(job: _Job, best: _Result, candidate) -> _Result | None:
    try:
        return _trial(job, candidate.apply(best.plan))
    except Exception:  # a fix that does not fit the model is a failed trial, not a failed repair
        return None


def _better(result: _Result, best: _Result) -> bool:
    new = result.errors - best.errors
    if result.skill >= best.skill + MARGIN:
        return not new or result.skill >= best.skill + 10 * MARGIN
    return not new and result.skill >= best.skill - MARGIN / 2 and result.errors < best.errors


def _trial(job: _Job, plan: Plan, most: int = _TRIAL_STEPS) -> _Result:
    """Train shortly from fresh weights under diagnosis."""
    steps = max(len(take(job.train.x)) // plan.batch_size, 1)
    epochs = min(plan.epochs, max(-(-most // steps), 5))
    whole = steps * plan.batch_size
    if plan.batch_size < len(take(job.train.x)):
        # a last, smaller batch would cost a second compilation
        job = replace(job, train=job.train.rows(np.arange(len(take(job.train.x)))[:whole]))
    return _train(job, plan, epochs, stop=True, watched=False)


def _full(job: _Job, best: _Result) -> _Result:
    """Train in full, keep the best epoch; one that ends worse gives way to the trial."""
    plan = replace(best.plan, early_stopping=True)
    steps = max(len(take(job.train.x)) // plan.batch_size, 1)
    epochs = max(plan.epochs, min(max(3 * plan.epochs, 60), _FULL_STEPS // steps))
    final = _train(job, plan, epochs, stop=False)
    final = replace(final, plan=best.plan)
    return final if final.skill >= best.skill else best


def _train(job: _Job, plan: Plan, epochs: int, *, stop: bool, watched: bool = True) -> _Result:
    keras.utils.set_random_seed(job.seed)
    train, held = prepared(job.train, plan), prepared(job.validation, plan, job.train)
    model = job.build(plan, train.x)
    watch = Diagnosis(stop=stop)
    callbacks = [watch]
    if plan.early_stopping and watched:
        callbacks.append(keras.callbacks.EarlyStopping(patience=15, restore_best_weights=True))
    try:
        model.fit(
            train.x,
            train.y,
            epochs=epochs,
            batch_size=plan.batch_size,
            verbose=0,
            validation_data=(held.x, held.y) if watched else None,
            callbacks=callbacks,
        )
    except Exception:
        if not watch.report.alarms:
            raise
        return _Result(model, plan, watch.report, -1.0)
    model = rescaled(model, plan, job.train)
    return _Result(model, plan, watch.report, _score(model, job.validation, plan))


def _score(model, held: Data, plan: Plan) -> float:
    clean = prepared(held, replace(plan, scale_targets=False))
    predicted = model.predict(clean.x, verbose=0)
    logits = _expects_logits(model)
    pairs = zip(_listed(predicted), _listed(clean.y), strict=True)
    return float(np.mean([skill(p, t, logits=logits) for p, t in pairs]))


def _listed(part) -> list:
    if isinstance(part, dict):
        return [part[key] for key in sorted(part)]
    return list(part) if isinstance(part, list | tuple) else [part]


def _expects_logits(model) -> bool:
    return any(head.from_logits for head in model_facts(model).heads)


def _source(build, data):
    model = build if isinstance(build, keras.Model) else build() if callable(build) else None
    if not isinstance(model, keras.Model):
        checks.fail("build must be a Keras model or a function returning one", repr(build))
    if not getattr(model, "compiled", False):
        checks.fail("build must give a compiled model", f"{model.name}, not compiled")
    if not isinstance(data, list | tuple) or len(data) != 2:
        checks.fail("data must be (x, y)", type(data).__name__)
    checks.same_length(x=take(data[0]), y=take(data[1]))
    return model


def _remake(build, source):
    def make(plan: Plan, x):
        if not source.built:
            source.build(np.shape(x)) if not isinstance(x, list | dict) else None
        made = (
            rebuild
            if hasattr(source, "operations") or isinstance(source, keras.Sequential)
            else None
        )
        if made is None and callable(build) and not isinstance(build, keras.Model):
            return build()
        return rebuild(source, plan, x)

    return make


def _split(data, validation, seed: int) -> tuple[Data, Data]:
    if validation is not None:
        return Data(*data), Data(*validation)
    rows = np.random.default_rng(seed).permutation(len(take(data[0])))
    cut = max(len(rows) // 5, 1)
    whole = Data(*data)
    return whole.rows(rows[cut:]), whole.rows(rows[:cut])


@contextmanager
def _seeded():
    """Trials are seeded alike; the caller's numpy stream goes on as if nothing had happened."""
    state = np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
