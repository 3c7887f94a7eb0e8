"""Panel 3: best and worst inputs of the pool, side by side for two metrics or selectors."""

from collections.abc import Iterator

import numpy as np

from mode.explore.panel import Panel, choice, column, note, row, text
from mode.explore.pictures import strip
from mode.explore.ranking import MAPS, WAYS, Ranking, ranked
from mode.explore.subject import Subject

LEFT, RIGHT = "metric: cosine", "selector: mistakes"


def inputs(subject: Subject, indices: np.ndarray, scores: dict) -> Iterator[tuple]:
    """Yield (input, text, caption) of inputs of the pool, with their scores where they have one."""
    for at in map(int, indices):
        true = subject.name(subject.data.pool.y[at])
        guess = subject.name(subject.pooled[at].argmax())
        number = _short(scores[at]) if at in scores else ""
        caption = true if true == guess else f"{true} → {guess}"
        alt = f"input {at} of the pool, label {true}, predicted {guess}"
        said = f"{alt}, score {number}" if number else alt
        yield subject.data.pool_in_memory.x[at], said, f"{number}\n{caption}".strip()


def _short(number: float) -> str:
    return f"{number:.3f}" if abs(number) < 10 else f"{number:.3g}"


def sides(subject: Subject, ranking: Ranking) -> str:
    """Return the best and the worst inputs of a ranking as HTML."""
    best = strip("Best (first)", inputs(subject, ranking.best, ranking.scores))
    worst = strip("Worst (last)", inputs(subject, ranking.worst, ranking.scores))
    head = f"<h3>{ranking.way}</h3><p class='mode-note'>Number: {ranking.measure}; "
    return f"{head}{ordered(ranking)} put into order.</p>{best}{worst}"


def ordered(ranking: Ranking) -> str:
    """Say how many inputs were put into order, and of how many where some were left out."""
    if ranking.count == ranking.candidates:
        return f"all {ranking.count:,} inputs"
    return f"the first {ranking.count:,} of {ranking.candidates:,} inputs"


def shared(left: Ranking, right: Ranking) -> str:
    """Say how many of the best inputs two rankings have in common."""
    both = len(np.intersect1d(left.best, right.best))
    return f"The two share {both} of their {len(left.best)} best inputs."


def inputs_panel(subject: Subject) -> Panel:
    """Return the panel of best and worst inputs."""
    hidden = subject.layers[-2] if len(subject.layers) > 2 else subject.layers[-1]
    ways = choice("Left", WAYS, LEFT), choice("Right", WAYS, RIGHT)
    layer, which = choice("Layer", subject.layers, hidden), choice("Map", MAPS, "dhci")
    shown, words = (text(), text()), text()

    def draw(label: int) -> None:
        how = {"layer": layer.value, "which": which.value}
        found = [ranked(subject, way.value, label, **how) for way in ways]
        for place, ranking in zip(shown, found, strict=True):
            place.value = sides(subject, ranking)
        words.value = f"<p>{shared(*found)}</p>"

    said = note(
        "Metrics compare inputs of the pool with the label's map at the layer; selectors order "
        "the label's inputs without a map. Under each input: its number, and label → prediction."
    )
    controls = *ways, layer, which
    box = column(said, row(*controls), words, row(*map(column, shown)))
    return Panel("Inputs", box, draw, controls)
