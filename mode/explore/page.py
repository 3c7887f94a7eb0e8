"""The page: the labels at its side, one panel at a time beside them."""

from functools import cached_property
from html import escape
from importlib.resources import files

import ipywidgets as widgets

from mode.explore import views
from mode.explore.panel import Panel, column, errors_in
from mode.explore.preferred_panel import preferred_panel
from mode.explore.repair_panel import repair_panel
from mode.explore.subject import Subject
from mode.explore.training_panel import training_panel

STYLE = files("mode.explore").joinpath("page.css").read_text(encoding="utf-8")


class Page(widgets.VBox):
    """A subject's page, as a widget; where widgets cannot run it is shown as plain pictures.

    Args:
        subject: the first subject; its repaired model may follow.
        out: folder into which a repaired model is saved. Defaults to "out/explore".
    """

    def __init__(self, subject: Subject, *, out: str = "out/explore"):
        super().__init__()
        self.add_class("mode-page")
        self.out = out
        self.show(subject)

    def show(self, subject: Subject) -> None:
        """Rebuild the page for a subject."""
        self.subject, self.label = subject, subject.worst
        panels = (
            views.maps_panel(subject),
            views.inputs_panel(subject),
            views.layers_panel(subject),
            repair_panel(subject, self.out, self.show),
            training_panel(subject),
            preferred_panel(subject),
        )
        self.panels = {panel.title: panel for panel in panels}
        self.place, self.error = column(), widgets.HTML()
        self.menu = widgets.ToggleButtons(options=list(self.panels), description="Panel")
        self.menu.style.button_width = "auto"
        self.menu.add_class("mode-menu")
        picker, self.mark = views.label_picker(subject, self.choose)
        beside = column(self.menu, self.error, self.place)
        beside.add_class("mode-panel")
        body = widgets.Box([picker, beside])
        body.add_class("mode-body")
        for control in (self.menu, *(c for panel in panels for c in panel.controls)):
            control.observe(lambda change: self.draw(), names="value")
        self.children = [widgets.HTML(f"<style>{STYLE}</style>{heading(subject)}"), body]
        self.choose(self.label)

    @property
    def panel(self) -> Panel:
        """The visible panel."""
        return self.panels[self.menu.value]

    def choose(self, label: int) -> None:
        """Choose a label for all panels."""
        self.label = label
        self.mark(label)
        self.draw()

    def draw(self) -> None:
        """Update the visible panel; the others wait until they become visible."""
        with errors_in(self.error):
            self.panel.draw(self.label)
        self.place.children = [self.panel.box]

    @cached_property
    def still(self) -> str:
        """The page without widgets, as HTML: bars, maps, inputs and layers of the worst label."""
        subject, label = self.subject, self.subject.worst
        layer = subject.layers[-2]
        bars = (views.label_bar(subject, row) for _, row in subject.labels.iterrows())
        parts = [f"<p>{subject.name(n)}</p>{bar}" for n, bar in enumerate(bars)]
        parts += [views.map_picture(subject, label, layer), *views.layer_picture(subject, label)]
        for criterion in (views.LEFT, views.RIGHT):
            ranking = views.rank_pool(subject, criterion, label, layer=layer)
            parts.append(views.ranking_pictures(subject, ranking))
        return f"<style>{STYLE}</style>{heading(subject)}{''.join(parts)}"

    def _repr_mimebundle_(self, **options) -> dict:
        return {**super()._repr_mimebundle_(**options), "text/html": self.still}


def heading(subject: Subject) -> str:
    """Return the subject's name, accuracy, faulty labels and inputs, in two lines of HTML."""
    parts = ", ".join(f"{name} {count}" for name, count in subject.data.sizes().items())
    return (
        f"<h2>{escape(subject.model.name)}: {subject.accuracy:.1%} of the test split correct, "
        f"{len(subject.state.faults)} of {subject.data.classes} labels faulty</h2>"
        f"<p class='mode-note'>Inputs: {parts}.</p>"
    )
