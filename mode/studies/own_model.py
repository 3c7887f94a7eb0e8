"""`repair` for people: a saved model and an archive of arrays in, a repaired model and a report
out."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from mode import checks, repair, results
from mode.data import Data, Streamed, load_data
from mode.data.sources import SOURCES
from mode.models import classes_of, load_model
from mode.models.files import copied_unsafely
from mode.models.rescaled import of_unit_inputs
from mode.repair.asking import ask
from mode.repair.keeping import Folder
from mode.streaming import connected
from mode.studies.pages import write_page
from mode.studies.writing import summary, write

REPORT = "11-is-my-model-repaired"
BATCH = 2000  # at most so many inputs a round, or a tenth of a smaller pool
ROUNDS = "rounds"


@dataclass(frozen=True)
class Mended:
    """What a call left: the folder, what it says in lines, and the repair where there was one."""

    out: Path
    lines: tuple[str, ...]
    repair: repair.Repair | None


def mend(
    model: str | os.PathLike,
    data: str | os.PathLike | Mapping[str, Any],
    *,
    out: str | os.PathLike,
    selector: str | None = None,
    rounds: int = 5,
    batch: int | None = None,
    budget: int | None = None,
    label: str | None = None,
    max_broken: float = 0.0,
    seed: int = 0,
    pool: Any = None,
    pool_labels: Any = None,
    scheduler: str | None = None,
    label_budget: int | None = None,
    resume: bool = False,
    allow_unsafe: bool = False,
    report: bool = True,
    show: Callable[[str], None] = lambda line: None,
) -> Mended:
    """Repair a saved classifier; write repaired.keras, report.html, rows.csv, chosen.csv,
    splits.csv and record.json into `out`, and each finished round into `out`/rounds.

    Args:
        model: a `.keras` file; safe mode, unless `allow_unsafe`.
        data: what `mode.load_data` takes; no dict, where a report is written. For a pool
            without labels only to_label.csv is written: the `label_budget` indices worth labelling.
        selector: a name of RECIPES; "recommended" where None, "margin" without labels.
        rounds, batch: at most so many rounds of so many inputs; budget: inputs in all, instead.
        label: the name of the class to mend; the faults found decide where None.
        max_broken: share of what was right on the diagnosis part that may be wrong afterwards.
        pool, pool_labels: a pool that stays where it is, as `mode.data.open_pool` takes it.
        scheduler: address of a Dask scheduler whose workers share the reading of `pool`.
        resume: go on from the finished rounds of `out`.
        report: also write report.html, which takes a while.
        show: called with what goes on.

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
    given = load_model(model, allow_unsafe=allow_unsafe)
    files = {"pool": pool, "pool_labels": pool_labels}
    with connected(scheduler) as client:
        parts = load_data(data, **files, client=client, classes=classes_of(given), seed=seed)
        for note in parts.notes:
            show(note)
        with copied_unsafely(allow_unsafe):
            asked = of_unit_inputs(given) if parts.from_bytes else given
        options = _options(parts, rounds=rounds, batch=batch, budget=budget, label=label)
        options |= {"selector": selector or "recommended", "max_broken": max_broken, "seed": seed}
        out = _folder(out)
        if not parts.labeled:
            return _to_label(asked, parts, out, selector or "margin", label_budget, seed)
        show(_plan(parts, options))
        kept = Folder(out / ROUNDS, resume=resume, allow_unsafe=allow_unsafe)
        with copied_unsafely(allow_unsafe):
            repaired = repair.repair(asked, parts, keep=kept, **options)
    write(repaired, given, parts, out, options)
    if report:
        show("writing the report")
        known = {"model": model, "data": data, "out": out, **files}
        known = {k: _resolved(path) for k, path in known.items()}
        known |= {"seed": seed, "allow_unsafe": allow_unsafe}
        write_page(REPORT, known, out / "report.html", title=f"{given.name}: is it repaired?")
    return Mended(out, tuple(summary(repaired, out, report=report)), repaired)


def _options(data: Data, *, rounds: int, batch: int | None, budget: int | None, label) -> dict:
    """Return rounds, batch and label as numbers."""
    if budget is not None and batch is not None:
        checks.fail("batch or budget must be given, not both", f"{batch} and {budget}")
    checks.number("rounds", rounds, 1, integer=True)
    if budget is not None:
        batch = -(-checks.number("budget", budget, 1, integer=True) // rounds)
    batch = batch or max(1, min(BATCH, len(data.pool) // 10))
    target = None if label is None else data.label(label)
    return {"rounds": rounds, "batch": batch, "label": target}


def _resolved(path: Any) -> str:
    """Return a path that holds in another working directory; names of data sets stay."""
    if path in SOURCES or not path:
        return path or ""
    return str(Path(path).resolve())


def _plan(data: Data, options: dict) -> str:
    rounds = f"at most {options['rounds']} rounds of {options['batch']} inputs"
    return f"repairing, {rounds}; parts {data.sizes()}"


def _folder(out: str | os.PathLike) -> Path:
    out = Path(out)
    try:
        results.write_text("", out / ".writable").unlink()
    except OSError as error:
        checks.fail("out must be a folder that can be written", f"'{out}', {error.strerror}")
    return out


def _to_label(
    model: keras.Model, data: Data, out: Path, selector: str, count: int | None, seed: int
) -> Mended:
    """Write which inputs of the pool are worth labelling."""
    if count is None:
        hint = "Say --label-budget N to be told which inputs to label."
        checks.fail("the data must hold y_pool", "a pool without labels", hint)
    chosen = ask(model, data, selector, count, seed=seed)
    path = results.write_rows(
        pd.DataFrame({"index": data.places("pool")[chosen]}), out / "to_label.csv"
    )
    said = f"the pool has no labels: {count} inputs to label are in {path}"
    place = "by --pool-labels" if isinstance(data.pool, Streamed) else "in y_pool"
    hint = f"give their labels {place}, -1 for all others, and call again"
    return Mended(out, (said, hint), None)
