"""`repair` for people: a saved model and an archive of arrays in, a repaired model and a report
out."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mode import checks, repair, results
from mode.data.own import Own, own
from mode.models import classes_of
from mode.models.copies import assign
from mode.repair.asking import ask
from mode.repair.keeping import Folder, whole
from mode.repair.rounds import BROKEN
from mode.studies.pages import write_page

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
    data: str | os.PathLike,
    *,
    out: str | os.PathLike,
    selector: str | None = None,
    rounds: int = 5,
    batch: int | None = None,
    budget: int | None = None,
    label: str | None = None,
    max_broken: float = 0.0,
    seed: int = 0,
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
        data: an `.npz` as `mode.data.own.own` takes it. For a pool without labels only
            to_label.csv is written: the `label_budget` indices worth labelling.
        selector: a name of RECIPES; "recommended" where None, "margin" without labels.
        rounds, batch: at most so many rounds of so many inputs; budget: inputs in all, instead.
        label: the name of the class to mend; the faults found decide where None.
        max_broken: share of what was right on the diagnosis part that may be wrong afterwards.
        resume: go on from the finished rounds of `out`.
        report: also write report.html, which takes a while.
        show: called with what goes on.

    Raises:
        InputError: for bad input, before any long work.
        OSError: where a file cannot be written; finished rounds stay.
    """
    given = load(model, allow_unsafe=allow_unsafe)
    mine = own(data, classes=classes_of(given), seed=seed)
    target = None if label is None else mine.names.index(checks.one_of("label", label, mine.names))
    out = _folder(out)
    if not mine.labelled:
        return _asked(given, mine, out, selector or "margin", label_budget, seed)
    if budget is not None and batch is not None:
        checks.fail("batch or budget must be given, not both", f"{batch} and {budget}")
    checks.number("rounds", rounds, 1, integer=True)
    if budget is not None:
        batch = -(-checks.number("budget", budget, 1, integer=True) // rounds)
    batch = batch or max(1, min(BATCH, len(mine.data.pool) // 10))
    options = {"selector": selector or "recommended", "rounds": rounds, "batch": batch}
    options |= {"label": target, "max_broken": max_broken, "seed": seed}
    show(f"repairing, at most {rounds} rounds of {batch} inputs; parts {mine.data.sizes()}")
    kept = Folder(out / ROUNDS, resume=resume, allow_unsafe=allow_unsafe)
    if allow_unsafe:
        keras.config.enable_unsafe_deserialization()
    repaired = repair.repair(given, mine.data, keep=kept, **options)
    _write(repaired, given, mine, out, options)
    if report:
        show("writing the report")
        where = {
            name: str(Path(path).resolve()) for name, path in (("model", model), ("data", data))
        }
        known = {**where, "out": str(out.resolve()), "seed": seed, "allow_unsafe": allow_unsafe}
        write_page(REPORT, known, out / "report.html", title=f"{given.name}: is it repaired?")
    return Mended(out, tuple(summary(repaired, out, report=report)), repaired)


def load(path: str | os.PathLike, *, allow_unsafe: bool = False) -> keras.Model:
    """Return the model of a `.keras` file; its code is run only where that is allowed.

    Raises:
        InputError: for a missing or damaged file, or one that safe mode refuses.
    """
    path = Path(path)
    if path.suffix != ".keras" or not path.is_file():
        checks.fail("the model must be the path of an existing .keras file", f"'{path}'")
    try:
        return keras.saving.load_model(path, safe_mode=not allow_unsafe)
    except Exception as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise checks.InputError(
            f"{path} must load in Keras's safe mode, without Lambda layers or objects of one's "
            f"own. Received: {type(error).__name__}: {reason} If you trust the file, a Lambda is "
            "allowed by --allow-unsafe (allow_unsafe=True), which runs its code; an object of "
            "your own must be registered with keras.saving.register_keras_serializable."
        ) from error


def _folder(out: str | os.PathLike) -> Path:
    out = Path(out)
    try:
        results.write_text("", out / ".writable").unlink()
    except OSError as error:
        checks.fail("out must be a folder that can be written", f"'{out}', {error.strerror}")
    return out


def _asked(
    model: keras.Model, mine: Own, out: Path, selector: str, count: int | None, seed: int
) -> Mended:
    """Write which inputs of the pool are worth labelling."""
    if count is None:
        hint = "Say --label-budget N to be told which inputs to label."
        checks.fail("the data must hold y_pool", "a pool without labels", hint)
    chosen = ask(model, mine.data, selector, count, seed=seed)
    path = results.write_rows(
        pd.DataFrame({"index": mine.places("pool")[chosen]}), out / "to_label.csv"
    )
    said = f"the pool has no labels: {count} inputs to label are in {path}"
    hint = "give their labels in y_pool, -1 for all others, and call again"
    return Mended(out, (said, hint), None)


def _write(
    repaired: repair.Repair, given: keras.Model, mine: Own, out: Path, options: dict
) -> None:
    # The caller's own model gets the weights, so that names, dtypes and compile settings stay.
    given.set_weights(repaired.model.get_weights())
    if given.compiled and repaired.model.compiled:
        given.optimizer.build(given.trainable_variables)
        assign(given.optimizer.variables, repaired.model.optimizer.variables)
    whole(out / "repaired.keras", given.save)
    results.write_rows(repaired.rounds, out / "rows.csv")
    pool = mine.places("pool")
    rounds = [
        pd.DataFrame({"round": number, "index": pool[batch], "label": mine.data.pool.y[batch]})
        for number, batch in enumerate(repaired.chosen, start=1)
    ]
    none = pd.DataFrame(columns=["round", "index", "label"])
    results.write_rows(pd.concat(rounds) if rounds else none, out / "chosen.csv")
    results.write_rows(repaired.faults, out / "faults.csv")
    results.write_rows(mine.where, out / "splits.csv")
    record = {**options, "kept": repaired.kept, "notes": list(repaired.notes)}
    results.write_text(json.dumps(record, indent=1) + "\n", out / "record.json")


def summary(repaired: repair.Repair, out: Path, *, report: bool = True) -> list[str]:
    """Return what the terminal says at the end."""
    first, last = repaired.rounds.iloc[0], repaired.rounds.iloc[repaired.kept]
    used = sum(map(len, repaired.chosen[: repaired.kept]))
    lines = [
        f"accuracy on the test part: {first['accuracy']:.2%} before, {last['accuracy']:.2%} after",
        f"{last['repaired']} inputs repaired, {last['broken']} broken; "
        f"{used} inputs of the pool used",
        *repaired.notes,
    ]
    given_up = repaired.rounds.iloc[repaired.kept + 1 :]
    if len(given_up):
        best = given_up.loc[given_up["accuracy"].idxmax()]
        lines.append(
            f"--resume --max-broken {np.ceil(1e4 * best[BROKEN]) / 1e4:g} keeps round "
            f"{best['round']}, accuracy {best['accuracy']:.2%}, if no later one breaks as little"
        )
    files = ["repaired.keras", *(["report.html"] if report else []), "rows.csv", "chosen.csv"]
    return [*lines, f"in {out}: {', '.join(files)}, splits.csv, record.json"]
