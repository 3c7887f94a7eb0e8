"""Automatic repair: try the fixes a diagnosis names, keep what helps, train once in full."""

import re
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from mode import checks
from mode.diagnosis.catalog.fixes import make_fix
from mode.diagnosis.facts.heads import heads_of, loss_facts
from mode.diagnosis.facts.layers import activation_name, leaf_layers
from mode.diagnosis.facts.model import model_facts, optimizer_facts
from mode.diagnosis.findings import Fix, Plan
from mode.diagnosis.repair.data import TrainingData, prepared, take
from mode.diagnosis.repair.rebuild import rebuild
from mode.diagnosis.repair.trials import Result, TrialSetup, base, full, trial
from mode.diagnosis.report import Report

MARGIN = 0.01  # of skill that a fix has to bring
COMBINED = 3  # fixes at most in one repair
_FALLBACK = ("change_optimizer", "normalize_input", "train_longer", "widen_layer")


@dataclass(frozen=True)
class Attempt:
    """One trial: what was tried, the validation skill it reached, what it still shows."""

    fix: str
    skill: float
    errors: tuple[str, ...]
    kept: bool


@dataclass(frozen=True)
class AutoRepair:
    """The repaired model, a plain list of what was changed, and every trial on the way."""

    model: keras.Model
    changes: tuple[str, ...]
    history: tuple[Attempt, ...]
    skill: float
    before: float
    report: Report
    plan: Plan = field(default_factory=Plan)


def autorepair(
    build,
    data,
    *,
    validation=None,
    trials: int = 8,
    epochs: int | None = None,
    batch_size: int = 32,
    seed: int = 0,
) -> AutoRepair:
    """AutoRepair a model that does not learn; a healthy one is trained and handed back as it is.

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
    setup = TrialSetup(_remake(build, source), train, held, epochs or 20, seed)
    return _repair(setup, source, Plan(batch_size=batch_size, epochs=setup.epochs), trials)


def _repair(setup: TrialSetup, source, plan: Plan, trials: int) -> AutoRepair:
    first = best = base(setup, plan)
    history: list[Attempt] = []
    helpful: list[str] = []
    tried = _pointless(setup)
    while len(history) < trials and len(helpful) < COMBINED and not _content(best, bool(helpful)):
        candidate = _next(best, source, tried)
        if candidate is None:
            break
        tried.add(candidate.code)
        result = _attempt(setup, best, candidate)
        better = result is not None and _better(result, best)
        history.append(_told(candidate.code, result, better))
        if result is not None and better:
            best = result
            helpful.append(candidate.code)
    final = full(setup, best)
    changed = (*(f"fix: {code}" for code in helpful), *changes(source, plan, final.plan))
    rest = (tuple(history), final.skill, first.skill, final.report, final.plan)
    return AutoRepair(final.model, changed, *rest)


def _told(code: str, result: Result | None, improved: bool) -> Attempt:
    if result is None:
        return Attempt(code, -1.0, (), improved)
    return Attempt(code, result.skill, tuple(sorted(result.errors)), improved)


def _pointless(setup: TrialSetup) -> set[str]:
    """Return the codes of fixes that would change nothing of these data."""
    data, pointless = setup.train, set()
    if len(take(prepared(data, Plan(clean=True)).x)) == len(take(data.x)):
        pointless.add("clean_data")
    relabeled = prepared(data, Plan(relabel=True)).y
    if relabeled is data.y or np.array_equal(relabeled, data.y):
        pointless.add("fix_labels")
    return pointless


def _content(result: Result, repaired: bool) -> bool:
    """Nothing above a note; after a repair a good score, whatever a short trial still warns of."""
    if repaired:
        return result.skill > 0.95 and not result.errors
    return not result.report.alarms


def _next(result: Result, source, tried: set[str]):
    """Return the next untried fix: of the worst finding first, then the general ones."""
    named = [f for finding in result.report.alarms for f in finding.fixes]
    general = [make_fix(code, model_facts(source)) for code in _FALLBACK]
    for candidate in (*named, *general):
        if candidate.code not in tried and _changes(candidate, result.plan):
            return candidate
    return None


def _changes(candidate: Fix, plan: Plan) -> bool:
    """Tell whether a fix makes another plan, which alone is worth a trial."""
    return candidate.apply is not None and candidate.apply(plan) != plan


def _attempt(setup: TrialSetup, best: Result, candidate) -> Result | None:
    try:
        return trial(setup, candidate.apply(best.plan))
    except Exception:  # a fix that does not fit the model is a failed trial, not a failed repair
        return None


def _better(result: Result, best: Result) -> bool:
    new = result.errors - best.errors
    if result.skill >= best.skill + MARGIN:
        return not new or result.skill >= best.skill + 10 * MARGIN
    return not new and result.skill >= best.skill - MARGIN / 2 and result.errors < best.errors


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
    """Return how a plan becomes a model; only a function can make a subclassed one anew."""
    again = None if isinstance(build, keras.Model) else build

    def make(plan: Plan, x):
        if isinstance(source, keras.Sequential) and not source.built:
            source.build(np.shape(x))
        return rebuild(source, plan, x, again)

    return make


def _split(data, validation, seed: int) -> tuple[TrainingData, TrainingData]:
    if validation is not None:
        return TrainingData(*data), TrainingData(*validation)
    rows = np.random.default_rng(seed).permutation(len(take(data[0])))
    cut = max(len(rows) // 5, 1)
    whole = TrainingData(*data)
    return whole.rows(rows[cut:]), whole.rows(rows[:cut])


_SIZES = ("batch_size", "epochs")
_SWITCHES = {
    "scale_inputs": "inputs: as given -> each feature to mean 0 and deviation 1",
    "scale_targets": "targets: as given -> mean 0 and deviation 1 while training",
    "clean": "rows that are not finite: used -> left out",
    "relabel": "labels: as given -> 0, 1, ... in their order (rows: to sum 1)",
    "early_stopping": "early stopping: no -> yes",
}


def changes(source, before: Plan, after: Plan) -> list[str]:
    """Return a line for each difference that `after` makes to `source` where `before` did not.

    What a plan sets to the value that is there already is no difference.
    """
    values = [*_layers(source, after), *_losses(source, after), *_optimizer(source, after)]
    values += [(name, getattr(before, name), getattr(after, name)) for name in _SIZES]
    differences = [(what, shown(old), shown(new)) for what, old, new in values]
    moved = [f"{what}: {old} -> {new}" for what, old, new in differences if old != new]
    switched = [name for name in _SWITCHES if getattr(after, name) and not getattr(before, name)]
    return [*_rebuilt(after), *moved, *(_SWITCHES[name] for name in switched)]


def _rebuilt(plan: Plan) -> list[str]:
    added = [(layer, kind) for layer, kinds in plan.inserts.items() for kind, _ in kinds]
    gone = [f"{layer}: left out" for layer in plan.dropped]
    return [*(f"after {layer}: nothing -> {kind}" for layer, kind in added), *gone]


def _layers(source, plan: Plan) -> list[tuple[str, Any, Any]]:
    layers = {layer.name: layer for layer in leaf_layers(source)}
    edited = [(layers.get(at), at, edits) for at, edits in plan.edits.items()]
    return [
        (f"{at} {name.replace('class_name', 'layer')}", option_of(layer, name), value)
        for layer, at, edits in edited
        for name, value in edits.items()
    ]


def option_of(layer, name: str):
    """Return an option of a layer as it is."""
    if layer is None:
        return "?"
    if name == "class_name":
        return type(layer).__name__
    return activation_name(layer) if name == "activation" else getattr(layer, name, None)


def _losses(source, plan: Plan) -> list[tuple[str, Any, Any]]:
    heads = heads_of(source, leaf_layers(source))
    losses = {head.name: (head.loss, head.from_logits) for head in heads}
    return [
        (
            "loss" if len(heads) == 1 else f"loss of {name}",
            *_loss(*losses.get(name, ("", False)), new),
        )
        for name, new in plan.losses.items()
    ]


def _loss(name: str, logits: bool, new) -> tuple[str, str]:
    if isinstance(new, dict):
        return f"from_logits={logits}", f"from_logits={new['from_logits']}"
    return name, loss_facts(new)[0]


def _optimizer(source, plan: Plan) -> list[tuple[str, Any, Any]]:
    inner = getattr(source.optimizer, "inner_optimizer", source.optimizer)
    present = {"name": type(inner).__name__, "learning_rate": optimizer_facts(inner).rate}
    return [
        (f"optimizer {option}", present.get(option, getattr(inner, option, None)), value)
        for option, value in plan.optimizer.items()
    ]


def shown(value) -> str:
    """Return a value as one writes it: an initializer or a regularizer as its name."""
    if isinstance(value, keras.Initializer | keras.Regularizer):
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(value).__name__).lower()
    if value is None or value == "":
        return "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
