"""Panel 5 on the screen: its controls, its job, and what one can do with a repaired model."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import ipywidgets as widgets

from mode import checks
from mode.explore import repairing
from mode.explore.job import Job
from mode.explore.panel import Panel, choice, column, note, number, row, text, told
from mode.explore.subject import Subject, look
from mode.repair import RECIPES, Recipe

AS_SELECTED = "what the selector aims at"


@dataclass(frozen=True)
class Controls:
    """What a repair is asked for."""

    selector: widgets.Dropdown
    aim: widgets.Dropdown
    rounds: widgets.BoundedIntText
    batch: widgets.BoundedIntText

    def recipe(self, label: int) -> Recipe:
        """Return the recipe that is asked for, where `label` is the chosen one."""
        aimed = None if self.aim.value == AS_SELECTED else label
        sizes = {"rounds": self.rounds.value, "batch": self.batch.value}
        return repairing.recipe_of(self.selector.value, **sizes, label=aimed)


def repair_panel(subject: Subject, out: str, follow_up: Callable[[Subject], None]) -> Panel:
    """Return the panel of repairs.

    Args:
        out: folder into which a repaired model is saved.
        follow_up: called with the repaired model as a new subject, when asked to look at it.
    """
    most = len(subject.data.pool)
    controls = Controls(
        choice("Chosen by", RECIPES, "recommended"),
        choice("For", [AS_SELECTED, "the chosen label"]),
        number("Rounds", 4, 1, 20),
        number("Inputs a round", min(100, most), 1, most),
    )
    shown, plot, said = text(), text(), text()
    now: dict[str, Any] = {}
    save, go = widgets.Button(description="Save"), widgets.Button(description="Look at it")
    after = row(save, go)
    after.layout.display = "none"

    def draw(label: int) -> None:
        now["label"] = label
        shown.value = repairing.choice_shown(subject, controls.recipe(label))

    def work(job: Job) -> str:
        recipe, after.layout.display = controls.recipe(now["label"]), "none"

        def live(state: repairing.Live) -> None:
            now["state"], done = state, len(state.rows) - 2
            job.tell(done, 2 * recipe.rounds, f"{done} of {2 * recipe.rounds} rounds, control last")
            plot.value = repairing.curve(state)

        now["state"] = repairing.repaired_live(subject, recipe, live, lambda: job.cancelled)
        after.layout.display = "flex"
        ended = "Cancelled; what is done stays. " if job.cancelled else "Done. "
        return ended + repairing.outcome(now["state"])

    def saved(button: widgets.Button) -> None:
        with told(said):
            try:
                words = repairing.save(now["state"], out)
            except OSError as error:
                checks.fail(f"{out} must be a folder that can be written", error.strerror)
            said.value = f"<p role='status'>{escape(words)}</p>"

    def looked_at(button: widgets.Button) -> None:
        with told(said):
            after_it = look(now["state"].repair.model, subject.data)
            follow_up(replace(after_it, given=subject.given, allow_unsafe=subject.allow_unsafe))

    save.on_click(saved)
    go.on_click(looked_at)
    job = Job("Repair", work, allow_unsafe=subject.allow_unsafe)
    words = note(
        "What the first round would take from the pool. The control gets as many random inputs "
        "and as many steps of training. The model on this page is not changed."
    )
    asked = controls.selector, controls.aim, controls.rounds, controls.batch
    box = column(words, row(*asked), shown, job.box, plot, after, said)
    return Panel("Repair", box, draw, asked)
