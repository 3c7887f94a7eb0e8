"""Repair from files to files: a saved model and its data in, a repaired model and a report out."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mode import checks, repair, results
from mode.data import SOURCES, Data, Streamed, load_data, plant
from mode.models import build, train
from mode.models.files import copied_unsafely
from mode.repair.checkpoint import Checkpoint
from mode.repair.pool_selection import query
from mode.report.case import Case
from mode.report.files import load_model_and_data, open_case, write, write_page
from mode.report.output import facts, lines
from mode.streaming import connected

REPORT = "11-is-my-model-repaired"
ROUNDS = "rounds"  # the folder of finished rounds, in the folder of results


@dataclass(frozen=True)
class RepairedFiles:
    """What a repair from files left.

    out: the folder. facts: see `output.facts`, and "files", their paths; of a pool without labels,
    "to_label" and "files" alone. lines: the same for people. repair: None where the pool has no
    labels.
    """

    out: Path
    facts: dict[str, Any]
    lines: tuple[str, ...]
    repair: repair.Repair | None


def repair_files(
    model: str | os.PathLike,
    data: str | os.PathLike | Mapping[str, Any],
    *,
    out: str | os.PathLike,
    recipe: str | None = None,
    rounds: int | None = None,
    inputs_per_round: int | None = None,
    budget: int | None = None,
    minutes: float | None = None,
    label: str | None = None,
    max_broken: float | None = None,
    seed: int = 0,
    pool: Any = None,
    pool_labels: Any = None,
    scheduler: str | None = None,
    label_budget: int | None = None,
    resume: bool = False,
    allow_unsafe: bool = False,
    report: bool = True,
    show: Callable[[str], None] = lambda line: None,
    progress: Callable[[float], None] | None = None,
) -> RepairedFiles:
    """Repair a saved classifier; write repaired.keras, report.html, rows.csv, chosen.csv,
    suspects.csv, splits.csv, faults.csv and record.json into `out`, and each finished round into
    `out`/rounds.

    Args:
        model: a `.keras` file; safe mode, unless `allow_unsafe`.
        data: what `mode.load_data` takes; no dict, where a report is written. For a pool
            without labels only to_label.csv is written: the `label_budget` indices worth labeling.
        recipe: a name of RECIPES; "recommended" where None, "margin" for a pool without labels.
        rounds, inputs_per_round, minutes, max_broken: as `mode.repair.repair` takes them; its
            defaults where None.
        budget: at most so many inputs in all rounds together, instead of `inputs_per_round`.
        label: the name of the class to repair; the faults of each round decide where None.
        pool, pool_labels: a pool that is streamed from disk, as `mode.data.open_pool` takes it.
        scheduler: address of a Dask scheduler whose workers share the reading of `pool`.
        resume: go on from the finished rounds of `out`.
        report: also write report.html, which takes half a minute.
        show: called with each line about what goes on; the notes about the data come first.
        progress: called with the share of the repair that is done, 0 to 1.

    Raises:
        InputError: for bad input, before any long work.
        OSError: where a file cannot be written; finished rounds stay.
    """
    if scheduler is not None and pool is None:
        checks.fail("scheduler must be given with a pool to spread", "none")
    if report and not isinstance(pool, str | os.PathLike | None):
        checks.fail("the pool must be a path for a report", type(pool).__name__, "report=False")
    if report and isinstance(data, Mapping):
        checks.fail("the data must be a name or a path for a report", "a dict", "report=False")
    files = {"pool": pool, "pool_labels": pool_labels}
    with connected(scheduler) as client:
        options = {**files, "client": client, "seed": seed}
        original, parts, scaled = load_model_and_data(
            model, data, allow_unsafe=allow_unsafe, **options
        )
        for note in parts.notes:
            show(note)
        out = _writable(out)
        if not parts.labeled:
            return _to_label(scaled, parts, out, recipe or "margin", label_budget, seed)
        recipe = recipe or "recommended"
        options = _options(
            parts,
            recipe,
            budget=budget,
            label=label,
            rounds=rounds,
            inputs_per_round=inputs_per_round,
            minutes=minutes,
            max_broken=max_broken,
        )
        options |= {"recipe": recipe, "seed": seed}
        show(_plan(parts, options))
        if progress:
            progress(0.0)  # the first look at the data takes seconds
        folder = Checkpoint(out / ROUNDS, resume=resume, allow_unsafe=allow_unsafe)
        with copied_unsafely(allow_unsafe):
            repaired = repair.repair(
                scaled, parts, checkpoint_dir=folder, progress=progress, **options
            )
    options = {"label": None, "max_broken": max_broken, **options}
    with copied_unsafely(allow_unsafe):
        paths, failure = write(repaired, original, parts, out, options), []
    if report:
        show("writing the report, about half a minute")
        parameters = {"model": model, "data": data, "out": out, **files}
        parameters = {name: _resolved(path) for name, path in parameters.items()}
        parameters |= {"seed": seed, "allow_unsafe": allow_unsafe}
        title = f"{original.name}: is it repaired?"
        try:
            paths.append(write_page(REPORT, parameters, out / "report.html", title=title))
        except Exception as error:  # of Jupyter, its kernel or a cell: the repair itself is done
            failure = [f"report.html was not written: {_in_a_line(error)}"]
    values = {**facts(repaired, parts, max_broken=max_broken), "files": list(map(str, paths))}
    values["notes"] = [*values["notes"], *failure]
    names = ", ".join(path.name for path in paths)
    return RepairedFiles(out, values, (*lines(values), f"in {out}: {names}"), repaired)


def example_case(out: str | os.PathLike, *, seed: int = 0) -> Case:
    """Train a model that lacks inputs of two classes, repair it, and return its case."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    parts = plant("under_sampled", load_data("digits", seed=seed), seed=seed, labels=(5, 8))
    model = build("published", seed=seed, shape=parts.shape, classes=parts.classes)
    train(model, parts.train.x, parts.train.y, epochs=10, seed=seed).save(out / "model.keras")
    arrays = {f"{a}_{n}": getattr(getattr(parts, n), a) for n in parts.sizes() for a in "xy"}
    np.savez_compressed(out / "data.npz", **arrays)
    files = (out / "model.keras", out / "data.npz")
    repair_files(*files, out=out, seed=seed, report=False, resume=True)
    return open_case(*files, out, seed=seed)


def _options(
    data: Data, recipe: str, *, budget: int | None, label: str | None, **fields
) -> dict[str, Any]:
    """Return the options of `repair` that were set, the label as its number."""
    if budget is not None:
        fields |= _within_budget(budget, len(data.pool), recipe, **fields)
    if label is not None:
        fields["label"] = data.label(label)
    return {name: value for name, value in fields.items() if value is not None}


def _within_budget(
    budget: int, pool: int, recipe: str, *, rounds: int | None, inputs_per_round: int | None, **_
) -> dict[str, int]:
    """Return the rounds and inputs per round that use at most `budget` inputs in all."""
    if inputs_per_round is not None:
        received = f"{inputs_per_round} and {budget}"
        checks.fail("inputs_per_round or budget must be given, not both", received)
    checks.number("budget", budget, 1, integer=True)
    if rounds is None:
        rounds = repair.RECIPES[checks.one_of("recipe", recipe, repair.RECIPES)].rounds
    checks.number("rounds", rounds, 1, integer=True)
    budget = min(budget, pool)
    rounds = min(rounds, budget)
    return {"rounds": rounds, "inputs_per_round": budget // rounds}


def _in_a_line(error: Exception) -> str:
    """Return an error's kind and the last line of its text, which papermill starts with a frame."""
    text = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {text[-1]}"


def _resolved(path: Any) -> str:
    """Return a path that holds in another working directory; names of data sets stay."""
    if path in SOURCES or not path:
        return path or ""
    return str(Path(path).resolve())


def _plan(data: Data, options: dict[str, Any]) -> str:
    """Return what the repair will do, in one line."""
    recipe = repair.RECIPES[checks.one_of("recipe", options["recipe"], repair.RECIPES)]
    fields = {name: options[name] for name in ("rounds", "inputs_per_round") if name in options}
    sized = replace(recipe, **fields).sized(len(data.pool))
    rounds = f"{sized.rounds} round{'s' * (sized.rounds > 1)}"
    limit = f"at most {rounds}, each with at most {sized.inputs_per_round:,} inputs of the pool"
    minutes = f", {options['minutes']:g} minutes" if "minutes" in options else ""
    sizes = ", ".join(f"{count:,} {name}" for name, count in data.sizes().items())
    return f"repairing by recipe {options['recipe']}: {limit}{minutes}; inputs: {sizes}"


def _writable(out: str | os.PathLike) -> Path:
    out = Path(out)
    try:
        results.write_text("", out / ".writable").unlink()
    except OSError as error:
        checks.fail("out must be a folder that can be written", f"'{out}', {error.strerror}")
    return out


def _to_label(
    model: keras.Model, data: Data, out: Path, recipe: str, count: int | None, seed: int
) -> RepairedFiles:
    """Write which inputs of the pool are worth labeling."""
    if count is None:
        hint = "Use --label-budget N to list which inputs to label."
        checks.fail("the data must hold y_pool", "a pool without labels", hint)
    chosen = query(model, data, recipe, count, seed=seed)
    path = results.write_rows(
        pd.DataFrame({"index": data.places("pool")[chosen]}), out / "to_label.csv"
    )
    place = "by --pool-labels" if isinstance(data.pool, Streamed) else "in y_pool"
    text = (
        f"the pool has no labels: {count} inputs to label are in {path}",
        f"give their labels {place}, -1 for all others, and call again",
    )
    return RepairedFiles(out, {"to_label": count, "files": [str(path)]}, text, None)
