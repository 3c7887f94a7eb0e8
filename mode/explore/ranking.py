"""Which inputs of the pool a metric or a selector puts first and last, and by which number."""

from dataclasses import dataclass, replace

import numpy as np

from mode import checks, seeds
from mode.distances import DISTANCES, distance
from mode.explore.subject import Subject
from mode.heatmaps import DIFFERENTIALS, differential
from mode.repair import RECIPES, stages
from mode.selection import SELECTORS, Candidates, select

MAPS = ("hci", *DIFFERENTIALS)
METRIC, SELECTOR = "metric: ", "selector: "
# So many candidates are put into order by a selector that compares their features with each
# other, which takes more than in proportion.
MOST = 1000
_WAYS = {f"{METRIC}{name}": name for name in DISTANCES}
_WAYS |= {
    f"{SELECTOR}{name}": name for name, selector in SELECTORS.items() if selector.is_standalone
}
WAYS = tuple(_WAYS)


@dataclass(frozen=True)
class Ranking:
    """The first and the last inputs of an order of the pool: indices into it, and a number each.

    measure: what the numbers are. count: how many inputs were put into order, of how many
    `candidates`.
    """

    way: str
    measure: str
    best: np.ndarray
    worst: np.ndarray
    scores: dict[int, float]
    count: int
    candidates: int


def map_of(subject: Subject, label: int, layer: str, which: str) -> np.ndarray:
    """Return the map `which` of MAPS of a label at a layer.

    Raises:
        InputError: for an unknown map, layer or label.
    """
    maps = subject.maps(layer)
    if checks.one_of("map", which, MAPS) == "hci":
        return maps.hci[checks.labels("label", [label], subject.data.classes)[0]]
    return differential(maps, label, which)


def ranked(
    subject: Subject, way: str, label: int, *, layer: str, which: str = "dhci", count: int = 6
) -> Ranking:
    """Return the `count` best and worst inputs of the pool for a label.

    A metric orders inputs by their distance from the label's map, nearest first; its candidates
    are inputs of the label, for "dhmi" those of all others. A selector orders inputs of the label
    in the order in which it would choose them; shown is the probability of the label.

    Raises:
        InputError: for an unknown way, layer, map or label, or a label without inputs in the pool.
    """
    name = _WAYS[checks.one_of("way", way, WAYS)]
    metric = way.startswith(METRIC)
    labels = subject.data.pool.y
    own = labels != label if metric and which == "dhmi" else labels == label
    among = every = np.flatnonzero(own)
    if not len(among):
        checks.fail("the pool must hold inputs of the label", f"none of {subject.name(label)}")
    if metric:
        heatmap = map_of(subject, label, layer, which)
        scores = distance(name, subject.compared(layer)[among], heatmap)
        order = np.argsort(scores, kind="stable")
        measure = f"{name} distance"
    else:
        among = every[:MOST] if "features" in SELECTORS[name].needs else every
        order = _order(subject, name, among)
        scores, measure = subject.pooled[among, label], f"probability of {subject.name(label)}"
    count = min(count, len(among))
    best, worst = order[:count], order[::-1][:count]
    known = {int(among[at]): float(scores[at]) for at in (*best, *worst)}
    return Ranking(way, measure, among[best], among[worst], known, len(among), len(every))


def _order(subject: Subject, selector: str, among: np.ndarray) -> np.ndarray:
    """Return the positions in `among` in the order in which the selector takes them."""
    recipe = replace(RECIPES["random"], selector=selector)
    given = (subject.model, subject.data, subject.seen, recipe.applied_selector, among)
    known = Candidates(size=len(among), labels=subject.data.pool.y[among])
    known = replace(known, **stages.evidence(*given))
    rng = seeds.generator(subject.seed, "explore", selector)
    return select(selector, known, len(among), generator=rng)
