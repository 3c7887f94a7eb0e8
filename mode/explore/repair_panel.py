"""Repair panel: the first selection of a repair, and the repair itself beside its control."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd

from mode import checks, results
from mode.explore.panel import (
    Job,
    Panel,
    choice,
    column,
    errors_in,
    figure,
    note,
    number,
    row,
    strip,
)
from mode.explore.subject import Subject, evaluate
from mode.explore.views import pool_inputs
from mode.models import clone
from mode.models.files import copied_unsafely
from mode.models.guarded import repaired_like
from mode.repair import RECIPES, Recipe, Repair, control, run

FIRST = 12  # inputs of a selection that are shown
TARGETS = ("as the recipe decides", "the chosen label")


def recipe_of(name: str, *, rounds: int, inputs_per_round: int, label: int | None = None) -> Recipe:
    """Return the recipe that `repair` makes of these options.

    Raises:
        InputError: for numbers that are too small.
    """
    recipe = replace(RECIPES[name], rounds=rounds, inputs_per_round=inputs_per_round)
    return recipe if label is None else replace(recipe, label=label, targeted=True)


def selection_preview(subject: Subject, recipe: Recipe) -> str:
    """Return what the first round would select as HTML: in words, and its first inputs."""
    indices, state, notes = subject.first_selection(recipe)
    label, kind, layer = int(state.fault["label"]), state.fault["kind"], state.layer
    labels = np.bincount(subject.data.pool.y[indices], minlength=subject.data.classes)
    counts = ", ".join(f"{subject.name(n)} ({count})" for n, count in enumerate(labels) if count)
    words = f"It selects {len(indices)} of {len(subject.data.pool)} inputs. By label: {counts}."
    if label >= 0:
        words += " They repair label" if recipe.targeted else " They are of any label; the worst is"
        words += f" {subject.name(label)} ({kind})"
        words += f", compared at layer {layer}." if layer else "."
    words += "".join(f" {each}." for each in notes)
    inputs = pool_inputs(subject, indices[:FIRST], {})
    return f"<p>{words}</p>{strip(f'Its first {FIRST} inputs', inputs)}"


@dataclass
class LiveRepair:
    """A repair and its control, up to their latest round; finished rounds survive a cancel.

    rows: one dict per round: method ("repair", "control"), round, accuracy on the test split.
    """

    subject: Subject
    recipe: Recipe
    rows: list[dict]
    repair: Repair | None = None
    control: Repair | None = None


def repair_live(
    subject: Subject,
    recipe: Recipe,
    live: Callable[[LiveRepair], None],
    cancelled: Callable[[], bool],
) -> LiveRepair:
    """Repair a copy of the subject's model, then its control; return how far both came.

    Args:
        subject: its model is not changed.
        recipe: of both.
        live: called at the start and after each round of either.
        cancelled: called after each round; once it is true no other round begins.
    """
    first = [
        {"method": method, "round": 0, "accuracy": subject.accuracy}
        for method in ("repair", "control")
    ]
    state = LiveRepair(subject, recipe, first)

    def after_round(method: str, measured: dict) -> bool:
        columns = {name: measured[name] for name in ("round", "accuracy")}
        state.rows.append({"method": method, **columns})
        live(state)
        return cancelled()

    live(state)
    arguments = (clone(subject.model), subject.data, recipe)  # other panels use the model meanwhile
    options: dict[str, Any] = {"seed": subject.seed}
    state.repair = run(*arguments, **options, after_round=partial(after_round, "repair"))
    if not cancelled():
        options |= {"after_round": partial(after_round, "control")}
        state.control = control(*arguments, state.repair, **options)
    return state


def curve(state: LiveRepair) -> str:
    """Return the accuracies by round as a picture."""
    table = pd.DataFrame(state.rows)
    lines = "; ".join(
        f"{method} {', '.join(f'{value:.1%}' for value in accuracies)}"
        for method, accuracies in table.groupby("method", sort=False)["accuracy"]
    )
    return figure("repair_and_control", table, f"Test accuracy by round: {lines}")


def outcome(state: LiveRepair) -> str:
    """Return what a repair and its control came to, in words."""
    if state.repair is None:
        return ""
    before, after = (state.repair.rounds.iloc[n] for n in (0, state.repair.kept))
    words = (
        f"{before['accuracy']:.1%} became {after['accuracy']:.1%} in {state.repair.kept} rounds: "
        f"{after['repaired']} inputs of the test split repaired, {after['broken']} broken"
    )
    if state.control is not None and len(state.control.rounds) == len(state.repair.rounds):
        words += f"; random inputs reach {state.control.rounds['accuracy'].iloc[-1]:.1%}"
    return words


def save(state: LiveRepair, out: str | Path) -> str:
    """Write repaired.keras, rows.csv and chosen.csv into `out`; return where they are.

    Raises:
        InputError: for a folder that cannot be written, or without a finished repair.
    """
    folder, repaired = Path(out), state.repair
    if repaired is None:
        checks.fail("a repair must have ended before it is saved", "none")
    none = pd.DataFrame(columns=["round", "index"])
    rounds = [pd.DataFrame({"round": n, "index": at}) for n, at in enumerate(repaired.chosen, 1)]
    try:
        results.write_rows(repaired.rounds, folder / "rows.csv")
        results.write_rows(pd.concat(rounds) if rounds else none, folder / "chosen.csv")
        with copied_unsafely(state.subject.allow_unsafe):
            subject = state.subject
            original = subject.file_model or subject.model
            model = repaired_like(original, repaired.model, repaired.margin, subject.data.train.x)
        results.write_whole(model.save, folder / "repaired.keras")
    except OSError as error:
        checks.fail(f"{out} must be a folder that can be written", error.strerror)
    return f"repaired.keras, rows.csv and chosen.csv are in {out}"


def repair_panel(subject: Subject, out: str, follow_up: Callable[[Subject], None]) -> Panel:
    """Return the panel of repairs.

    Args:
        subject: its model is repaired as a copy.
        out: folder into which a repaired model is saved.
        follow_up: called with the repaired model as a new subject, by the button "Look at it".
    """
    largest = len(subject.data.pool)
    controls = name, target, rounds, inputs_per_round = (
        choice("Recipe", RECIPES, "recommended"),
        choice("Target", TARGETS),
        number("Rounds", 4, 1, 20),
        number("Inputs per round", min(100, largest), 1, largest),
    )
    preview, plot, status = widgets.HTML(), widgets.HTML(), widgets.HTML()
    save_button = widgets.Button(description="Save")
    look_button = widgets.Button(description="Look at it")
    after = row(save_button, look_button)
    after.layout.display = "none"
    now: dict[str, Any] = {}  # the chosen label, and the latest repair

    def recipe() -> Recipe:
        label = None if target.value == TARGETS[0] else now["label"]
        sizes = {"rounds": rounds.value, "inputs_per_round": inputs_per_round.value}
        return recipe_of(name.value, **sizes, label=label)

    def draw(label: int) -> None:
        now["label"] = label
        preview.value = selection_preview(subject, recipe())

    def work(job: Job) -> str:
        used, after.layout.display = recipe(), "none"

        def live(state: LiveRepair) -> None:
            now["state"], done, total = state, len(state.rows) - 2, 2 * used.rounds
            job.progress(done, total, f"{done} of {total} rounds, control last")
            plot.value = curve(state)

        now["state"] = repair_live(subject, used, live, lambda: job.cancelled)
        after.layout.display = "flex"
        ended = "Cancelled; finished rounds stay. " if job.cancelled else "Done. "
        return ended + outcome(now["state"])

    def save_it(button: widgets.Button) -> None:
        with errors_in(status):
            status.value = f"<p role='status'>{escape(save(now['state'], out))}</p>"

    def look_at_it(button: widgets.Button) -> None:
        fields = {"file_model": subject.file_model, "allow_unsafe": subject.allow_unsafe}
        with errors_in(status):
            model = now["state"].repair.model
            follow_up(evaluate(model, subject.data, seed=subject.seed, **fields))

    save_button.on_click(save_it)
    look_button.on_click(look_at_it)
    job = Job("Repair", work, allow_unsafe=subject.allow_unsafe)
    words = note(
        "The inputs that the first round would select from the pool. The control gets as many "
        "random inputs and training steps. The model on this page is not changed."
    )
    box = column(words, row(*controls), preview, job.box, plot, after, status)
    return Panel("Repair", box, draw, controls)
