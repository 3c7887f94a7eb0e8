"""Views of a subject: its labels, heat maps, layers, and the best and worst inputs of the pool."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

import ipywidgets as widgets
import numpy as np
import pandas as pd

from mode import checks, seeds
from mode.distances import DISTANCES, distance
from mode.explore.panel import Panel, choice, column, figure, note, row, scrolled, strip
from mode.explore.subject import PIXELS, Subject
from mode.faults import THETA
from mode.figures.style import words as spelled
from mode.heatmaps import DIFFERENTIALS, differential
from mode.report.tables import in_words
from mode.selection import SELECTORS, select

_GROUPS = {"hci": "correct", "hmi": "false positives", "hwi": "false negatives"}
_DIFFERENCES = {"dhci": "from all others", "dhmi": "HMI - HCI", "dhwi": "HWI - HCI"}
MAPS = ("hci", *DIFFERENTIALS)
METRIC, SELECTOR = "metric: ", "selector: "
# Selectors that compare candidates with each other take more than in proportion to their number.
MAX_COMPARED = 1000
# Criterion that orders the pool -> name of a metric or selector.
_NAMES = {f"{METRIC}{name}": name for name in DISTANCES}
_NAMES |= {
    f"{SELECTOR}{name}": name for name, selector in SELECTORS.items() if selector.is_standalone
}
CRITERIA = tuple(_NAMES)
LEFT, RIGHT = f"{METRIC}cosine", f"{SELECTOR}misclassified_then_margin"


def label_summary(row: pd.Series) -> str:
    """Return a label's accuracy, inputs, and its fault where there is one, in words."""
    if not row["count"]:
        return "no input to measure it on"
    fault = row["kind"] or ("below theta" if row["accuracy"] < THETA else "")
    return f"{row['accuracy']:.0%} of {row['count']}" + (f", {fault}" if fault else "")


def label_bar(subject: Subject, row: pd.Series) -> str:
    """Return a label's bar as HTML; a bar below theta is hatched, too."""
    width = 100 * row["accuracy"] if row["count"] else 0
    kind = "sound" if width >= 100 * THETA else "faulty"
    words = label_summary(row)
    name = f"label {subject.name(row['label'])}: {words}"
    return (
        f'<div class="mode-bar" role="img" aria-label="{escape(name)}">'
        f'<i class="mode-{kind}" style="width:{width:.1f}%"></i>'
        f'<b style="left:{100 * THETA:g}%"></b><span>{escape(words)}</span></div>'
    )


def label_picker(
    subject: Subject, choose: Callable[[int], None]
) -> tuple[widgets.Box, Callable[[int], None]]:
    """Return the bars of all labels, and a function (label) that marks one.

    choose: called with a label when its bar is clicked, or Enter is pressed on it.
    """
    buttons, bars = [], []
    for _, label_row in subject.labels.iterrows():
        name = subject.name(label_row["label"])
        tooltip = f"{name}: {label_summary(label_row)}"
        button = widgets.Button(description=name, tooltip=tooltip)
        button.on_click(lambda _, label=int(label_row["label"]): choose(label))
        bars.append(widgets.Box([widgets.HTML(label_bar(subject, label_row)), button]))
        bars[-1].add_class("mode-label")
        buttons.append(button)

    def mark(label: int) -> None:
        for number, (bar, button) in enumerate(zip(bars, buttons, strict=True)):
            chosen = number == label
            (bar.add_class if chosen else bar.remove_class)("mode-chosen")
            button.tooltip = button.tooltip.removesuffix(" (chosen)") + " (chosen)" * chosen

    head = widgets.HTML(
        "<h3>Labels</h3><p class='mode-note'>Accuracy on the diagnosis split; choose one. "
        f"Orange and hatched: below theta = {THETA:.0%}, the line.</p>"
    )
    box = column(head, *bars)
    box.add_class("mode-picker")
    return box, mark


def label_map(subject: Subject, label: int, layer: str, name: str) -> np.ndarray:
    """Return the map `name` of MAPS of a label at a layer.

    Raises:
        InputError: for an unknown map, layer or label.
    """
    maps = subject.maps(layer)
    if checks.one_of("map", name, MAPS) == "hci":
        return maps.hci[checks.labels("label", [label], subject.data.classes)[0]]
    return differential(maps, label, name)


def map_picture(subject: Subject, label: int, layer: str) -> str:
    """Return the three heat maps and three differentials of a label at a layer as one picture."""
    maps, name = subject.maps(layer), subject.name(label)
    groups = {
        f"{group.upper()}: {words}\nn = {maps.counts[group][label]}": getattr(maps, group)[label]
        for group, words in _GROUPS.items()
    }
    differences = {
        f"{kind.upper()}:\n{words}": label_map(subject, label, layer, kind)
        for kind, words in _DIFFERENCES.items()
    }
    alt = f"Heat maps of label {name} at {layer}: " + ", ".join(
        f"{group.upper()} of {maps.counts[group][label]} inputs {words}"
        for group, words in _GROUPS.items()
    )
    alt += "; below them the differentials DHCI, DHMI and DHWI. Red is above average, blue below."
    rows = {"maps": groups, "differ-\nentials": differences}
    return figure("label_maps", rows, alt, label=f"{name} at {layer}")


def maps_panel(subject: Subject) -> Panel:
    """Return the panel of heat maps at a chosen layer."""
    layer = choice("Layer", subject.layers, PIXELS, spell=False)
    picture, fallbacks = widgets.HTML(), widgets.HTML()

    def draw(label: int) -> None:
        picture.value = map_picture(subject, label, layer.value)
        items = [item for item in subject.maps(layer.value).fallbacks if item.label == label]
        lines = " ".join(f"Label {subject.name(label)} {item.reason}." for item in items)
        fallbacks.value = f"<p class='mode-note'>{escape(lines)}</p>"

    words = note(
        "One cell per unit of the layer, or per pixel. Red is above the average of all inputs, "
        "blue below it. The number n counts the inputs behind a map. A map of few is unreliable."
    )
    return Panel("Heat maps", column(words, row(layer), picture, fallbacks), draw, (layer,))


def layer_picture(subject: Subject, label: int) -> tuple[str, str]:
    """Return the layer curve of a label as a picture, and as a table."""
    selected, name = subject.layer_choice(label), subject.name(label)
    curve, layer, kind = selected.curve, selected.layer, selected.kind
    values = ", ".join(
        f"{at} {accuracy:.0%}"
        for at, accuracy in zip(curve["layer"], curve["label accuracy"], strict=True)
    )
    alt = f"Accuracy of a softmax head on each layer for label {name}: {values}. "
    alt += f"The selected layer is {layer}, with the label treated as {kind}."
    picture = figure("layer_accuracy", curve, alt, chosen=layer, label=name)
    columns = ["layer", "accuracy", "label accuracy", "reference accuracy", "gap", "bhattacharyya"]
    table = in_words(curve[columns])._repr_html_()
    words = f"<p>Label {name}, treated as {kind}: the selected layer is <b>{layer}</b>.</p>"
    return picture, words + scrolled(table, "The layers in numbers")


def layers_panel(subject: Subject) -> Panel:
    """Return the panel of the layer curve."""
    picture, table = widgets.HTML(), widgets.HTML()

    def draw(label: int) -> None:
        picture.value, table.value = layer_picture(subject, label)

    words = note(
        "Accuracy of a softmax head on each layer alone, for all labels and for the chosen one. "
        "The gray band marks the layer that MODE selects for this label."
    )
    return Panel("Layers", column(words, row(picture, table)), draw)


@dataclass(frozen=True)
class Ranking:
    """The first and the last inputs of an order of the pool: indices into it, and a score each.

    measure: meaning of the scores. count: how many inputs were ranked, of how many `candidates`.
    """

    criterion: str
    measure: str
    best: np.ndarray
    worst: np.ndarray
    scores: dict[int, float]
    count: int
    candidates: int


def rank_pool(
    subject: Subject, criterion: str, label: int, *, layer: str, name: str = "dhci", count: int = 6
) -> Ranking:
    """Return the `count` best and worst inputs of the pool for a label.

    A metric ranks inputs by their distance from the label's map `name`, nearest first; its
    candidates are inputs of the label, for "dhmi" those of all others. A selector ranks inputs of
    the label in the order in which it selects them; their score is the probability of the label.

    Raises:
        InputError: for an unknown criterion, layer, map or label, or a label that the pool lacks.
    """
    method = _NAMES[checks.one_of("criterion", criterion, CRITERIA)]
    metric, labels = criterion.startswith(METRIC), subject.data.pool.y
    of_label = labels != label if metric and name == "dhmi" else labels == label
    among = every = np.flatnonzero(of_label)
    if not len(every):
        checks.fail("the pool must hold inputs of the label", f"none of {subject.name(label)}")
    if metric:
        heatmap = label_map(subject, label, layer, name)
        scores = distance(method, subject.pool_features(layer)[among], heatmap)
        order, measure = np.argsort(scores, kind="stable"), f"{spelled(method)} distance to the map"
    else:
        among = every[:MAX_COMPARED] if "features" in SELECTORS[method].needs else every
        generator = seeds.generator(subject.seed, "explore", method)
        candidates = subject.candidates(method, among)
        order = select(method, candidates, len(among), generator=generator)
        scores = subject.pool_probabilities[among, label]
        measure = f"probability of {subject.name(label)}"
    count = min(count, len(among))
    best, worst = order[:count], order[::-1][:count]
    score_by_index = {int(among[at]): float(scores[at]) for at in (*best, *worst)}
    return Ranking(
        criterion, measure, among[best], among[worst], score_by_index, len(among), len(every)
    )


def pool_inputs(subject: Subject, indices: np.ndarray, scores: dict) -> Iterator[tuple]:
    """Yield (input, text, caption) of inputs of the pool, with their scores where they have one."""
    for at in map(int, indices):
        true = subject.name(subject.data.pool.y[at])
        predicted = subject.name(subject.pool_probabilities[at].argmax())
        score = scores.get(at)
        number = "" if score is None else f"{score:.3f}" if abs(score) < 10 else f"{score:.3g}"
        alt = f"input {at} of the pool, label {true}, predicted {predicted}"
        alt += f", score {number}" if number else ""
        caption = true if true == predicted else f"{true} → {predicted}"
        yield subject.data.pool_in_memory.x[at], alt, f"{number}\n{caption}".strip()


def ranking_pictures(subject: Subject, ranking: Ranking) -> str:
    """Return the best and the worst inputs of a ranking as HTML."""
    by_metric = ranking.criterion.startswith(METRIC)
    heads = ("Most similar", "Least similar") if by_metric else ("Selected first", "Selected last")
    best, worst = (
        strip(head, pool_inputs(subject, indices, ranking.scores))
        for head, indices in zip(heads, (ranking.best, ranking.worst), strict=True)
    )
    all_ranked = ranking.count == ranking.candidates
    ranked = f"{'All' if all_ranked else f'The first {ranking.count:,} of'} {ranking.candidates:,}"
    sentence = f"The number is the {ranking.measure}. {ranked} inputs of the pool were ranked."
    title = spelled(ranking.criterion)
    return f"<h3>{title}</h3><p class='mode-note'>{sentence}</p>{best}{worst}"


def overlap(left: Ranking, right: Ranking) -> str:
    """Return how many of the best inputs two rankings have in common, in words."""
    both = len(np.intersect1d(left.best, right.best))
    return f"The two lists share {both} of their {len(left.best)} first inputs."


def inputs_panel(subject: Subject) -> Panel:
    """Return the panel of best and worst inputs by two criteria, side by side."""
    hidden = subject.layers[-2] if len(subject.layers) > 2 else subject.layers[-1]
    criteria = choice("Left", CRITERIA, LEFT), choice("Right", CRITERIA, RIGHT)
    layer, name = choice("Layer", subject.layers, hidden, spell=False), choice("Map", MAPS, "dhci")
    sides, words = (widgets.HTML(), widgets.HTML()), widgets.HTML()

    def draw(label: int) -> None:
        options = {"layer": layer.value, "name": name.value}
        rankings = [rank_pool(subject, each.value, label, **options) for each in criteria]
        for side, ranking in zip(sides, rankings, strict=True):
            side.value = ranking_pictures(subject, ranking)
        words.value = f"<p>{overlap(*rankings)}</p>"

    explanation = note(
        "Metrics compare inputs of the pool with the label's map at the layer; selectors rank the "
        "label's inputs without a map. Under each input stand its number and its label, and after "
        "an arrow the wrong prediction."
    )
    controls = *criteria, layer, name
    box = column(explanation, row(*controls), words, row(*map(column, sides)))
    return Panel("Inputs", box, draw, controls)
