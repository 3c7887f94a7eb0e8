"""The page: the labels at its side, one panel at a time beside them."""

from functools import cached_property
from html import escape
from importlib.resources import files

import ipywidgets as widgets

from mode.explore import inputs, labels, maps
from mode.explore.panel import Panel, column, text, told
from mode.explore.repair_panel import repair_panel
from mode.explore.subject import Subject
from mode.explore.training_panel import training_panel
from mode.explore.visual_panel import visual_panel

STYLE = files("mode.explore").joinpath("page.css").read_text(encoding="utf-8")


class Page(widgets.VBox):
    """A subject's page, as a widget; where widgets cannot run it is shown as plain pictures.

    Args:
        subject: what is looked at first; its repaired model may follow.
        out: folder into which a repaired model is saved.
    """

    def __init__(self, subject: Subject, *, out: str = "out/explore"):
        super().__init__()
        self.add_class("mode-page")
        self.out = out
        self.show(subject)

    def show(self, subject: Subject) -> None:
        """Build the page anew for a subject."""
        self.subject, self.label = subject, subject.worst
        self.panels = (
            maps.maps_panel(subject),
            inputs.inputs_panel(subject),
            maps.layers_panel(subject),
            repair_panel(subject, self.out, self.show),
            training_panel(subject),
            visual_panel(subject),
        )
        self.titles = {panel.title: panel for panel in self.panels}
        self.place, self.error = column(), text()
        self.menu = widgets.ToggleButtons(options=list(self.titles), description="Panel")
        self.menu.style.button_width = "auto"
        self.menu.add_class("mode-menu")
        picker, self.mark = labels.picker(subject, self.choose)
        beside = column(self.menu, self.error, self.place)
        beside.add_class("mode-panel")
        body = widgets.Box([picker, beside])
        body.add_class("mode-body")
        for control in (self.menu, *(c for panel in self.panels for c in panel.controls)):
            control.observe(lambda change: self.draw(), names="value")
        self.children = [widgets.HTML(f"<style>{STYLE}</style>{heading(subject)}"), body]
        self.choose(self.label)

    @property
    def panel(self) -> Panel:
        """The panel that is shown."""
        return self.titles[self.menu.value]

    def choose(self, label: int) -> None:
        """Choose a label for all panels."""
        self.label = label
        self.mark(label)
        self.draw()

    def draw(self) -> None:
        """Bring the shown panel up to date; the others wait until they are shown."""
        with told(self.error):
            self.panel.draw(self.label)
        self.place.children = [self.panel.box]

    @cached_property
    def still(self) -> str:
        """The page without widgets, as HTML: bars, maps, inputs and layers of the worst label."""
        subject, label = self.subject, self.subject.worst
        layer = subject.layers[-2]
        sides = (inputs.LEFT, inputs.RIGHT)
        found = [inputs.ranked(subject, way, label, layer=layer, count=6) for way in sides]
        parts = [labels.bar(subject, row) for _, row in subject.labels.iterrows()]
        parts = [f"<p>{subject.name(n)}</p>{bar}" for n, bar in enumerate(parts)]
        parts += [maps.map_picture(subject, label, layer), *maps.layer_picture(subject, label)]
        parts += [inputs.sides(subject, ranking) for ranking in found]
        return f"<style>{STYLE}</style>{heading(subject)}{''.join(parts)}"

    def _repr_mimebundle_(self, **options) -> dict:
        return {**super()._repr_mimebundle_(**options), "text/html": self.still}


def heading(subject: Subject) -> str:
    """Return what is looked at, in a line."""
    data, sizes = subject.data, subject.data.sizes()
    parts = ", ".join(f"{name} {count}" for name, count in sizes.items())
    return (
        f"<h2>{escape(subject.model.name)}: {subject.accuracy:.1%} of the test part right, "
        f"{len(subject.seen.faults)} of {data.classes} labels faulty</h2>"
        f"<p class='mode-note'>Inputs: {parts}.</p>"
    )
