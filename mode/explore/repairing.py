"""Panel 5: what a repair's next round would choose, and the repair itself beside its control."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mode import checks, results
from mode.explore.inputs import inputs
from mode.explore.pictures import figure, strip
from mode.explore.subject import Subject
from mode.models import clone
from mode.models.copies import take_state
from mode.models.files import copied_unsafely
from mode.repair import RECIPES, Recipe, Repair, control, run
from mode.repair.round import choose

SHOWN = 12  # inputs of a batch


@dataclass(frozen=True)
class Choice:
    """What the first round would take: indices into the pool, for which label, kind and layer."""

    batch: np.ndarray
    label: int
    kind: str
    layer: str
    notes: tuple[str, ...]


def recipe_of(selector: str, *, rounds: int, batch: int, label: int | None = None) -> Recipe:
    """Return the recipe that `repair` makes of the same words.

    Raises:
        InputError: for numbers that are too small.
    """
    recipe = replace(RECIPES[selector], rounds=rounds, inputs_per_round=batch)
    return recipe if label is None else replace(recipe, label=label, targeted=True)


def next_choice(subject: Subject, recipe: Recipe) -> Choice:
    """Return what the first round of `run` with the subject's seed takes from the pool."""
    state = subject.state(recipe)
    batch, notes = choose(state, np.ones(len(subject.data.pool), bool))
    label, kind = int(state.fault["label"]), state.fault["kind"]
    return Choice(batch, label, kind, state.layer or "", tuple(notes))


def choice_shown(subject: Subject, recipe: Recipe) -> str:
    """Return what the next round would choose as HTML: in words, and its first inputs."""
    found = next_choice(subject, recipe)
    labels = np.bincount(subject.data.pool.y[found.batch], minlength=subject.data.classes)
    counts = ", ".join(f"{subject.name(n)} ({count})" for n, count in enumerate(labels) if count)
    aim = ""
    if found.label >= 0:
        aim = " To mend label" if recipe.targeted else " Of any label; the worst is"
        aim += f" {subject.name(found.label)} ({found.kind})"
        aim += f", compared at layer {found.layer}." if found.layer else "."
    notes = "".join(f" {note}." for note in found.notes)
    said = f"<p>{len(found.batch)} of {len(subject.data.pool)} inputs, by label: {counts}.{aim}"
    shown = strip(f"Its first {SHOWN} inputs", inputs(subject, found.batch[:SHOWN], {}))
    return f"{said}{notes}</p>{shown}"


@dataclass
class Live:
    """A repair as far as it has come; what is reached stays when it is cancelled."""

    subject: Subject
    recipe: Recipe
    rows: list
    repair: Repair | None = None
    control: Repair | None = None

    @property
    def table(self) -> pd.DataFrame:
        """Return one row a round: arm ("repair", "control"), round, accuracy on the test part."""
        return pd.DataFrame(self.rows)


def repaired_live(
    subject: Subject, recipe: Recipe, live: Callable[[Live], None], cancelled: Callable[[], bool]
) -> Live:
    """Repair a copy of the subject's model, then its control; return how far both came.

    Args:
        live: called at the start and after each round of either.
        cancelled: asked after each round; where it is true no other round begins.
    """
    first = [
        {"arm": arm, "round": 0, "accuracy": subject.accuracy} for arm in ("repair", "control")
    ]
    state = Live(subject, recipe, first)

    def after_round(arm: str, row: dict) -> bool:
        state.rows.append({"arm": arm, "round": row["round"], "accuracy": row["accuracy"]})
        live(state)
        return cancelled()

    live(state)
    given = (clone(subject.model), subject.data, recipe)  # panels go on using the given one
    told, seed = partial(after_round, "repair"), subject.seed
    state.repair = run(*given, seed=seed, after_round=told)
    if not cancelled():
        told = partial(after_round, "control")
        state.control = control(*given, state.repair, seed=seed, after_round=told)
    return state


def curve(state: Live) -> str:
    """Return the accuracies by round as a picture."""
    ends = state.table.groupby("arm", sort=False)["accuracy"]
    words = "; ".join(f"{arm} {', '.join(f'{v:.1%}' for v in line)}" for arm, line in ends)
    return figure("repair_and_control", state.table, f"Test accuracy by round: {words}")


def outcome(state: Live) -> str:
    """Say what a repair and its control came to."""
    if state.repair is None:
        return ""
    before, after = (state.repair.rounds.iloc[n] for n in (0, state.repair.kept))
    said = (
        f"{before['accuracy']:.1%} became {after['accuracy']:.1%} in {state.repair.kept} rounds: "
    )
    said += f"{after['repaired']} inputs of the test part repaired, {after['broken']} broken"
    if state.control is not None and len(state.control.rounds) == len(state.repair.rounds):
        said += f"; random inputs reach {state.control.rounds['accuracy'].iloc[-1]:.1%}"
    return said


def save(state: Live, out: str | Path) -> str:
    """Write repaired.keras, rows.csv and chosen.csv into `out`; return where they are.

    Raises:
        OSError: where it cannot be written.
    """
    out, done = Path(out), state.repair
    if done is None:
        checks.fail("a repair must have ended before it is saved", "none")
    results.write_rows(done.rounds, out / "rows.csv")
    chosen = [pd.DataFrame({"round": n, "index": batch}) for n, batch in enumerate(done.chosen, 1)]
    none = pd.DataFrame(columns=["round", "index"])
    results.write_rows(pd.concat(chosen) if chosen else none, out / "chosen.csv")
    with copied_unsafely(state.subject.allow_unsafe):
        mended = clone(state.subject.given or done.model)
    take_state(mended, done.model)
    results.write_whole(mended.save, out / "repaired.keras")
    return f"repaired.keras, rows.csv and chosen.csv are in {out}"
