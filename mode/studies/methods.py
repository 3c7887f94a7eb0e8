"""The methods that the studies compare: study -> method -> recipe.

The first method of a study is its reference: the others are compared with what it chose. A method
whose name ends in "again" repeats another one, as a control that nothing can differ from.
"""

from dataclasses import replace
from typing import Any

from mode import checks
from mode.repair.recipe import LAYERS, PROTOCOLS, RECIPES, Recipe

# The nine metrics of the publication's tables, in their order.
METRICS = (
    "dot",
    "cosine",
    "manhattan",
    "euclidean",
    "minkowski",
    "chebyshev",
    "earth_mover",
    "canberra",
    "bray_curtis",
)


def protocol_recipe(protocol: str, *, layer_selection: bool, **options) -> Recipe:
    """Return the recipe of a protocol: "published" (all defects on), "corrected" (all off), or
    "without NAME" (all on but one).

    Without layer selection the corrected protocol compares states of the last hidden layer.
    """
    defects = PROTOCOLS[checks.one_of("protocol", protocol, PROTOCOLS)]
    fixed: dict[str, Any] = {"kind": "pixel" if defects.pixel_hci_only else "mean"}
    if defects.no_replay:
        fixed["replay"] = 0
    layer = "chosen" if layer_selection else "last hidden"
    return Recipe(layer=layer, defects=defects, **{**fixed, **options})


AGAIN = " again"
FAMILY = ": "
# All methods of a study get the full budget, but for the publication's, which stops as it did.
_WHOLE = {name: replace(recipe, stops=False) for name, recipe in RECIPES.items()}
_MODE = _WHOLE["mode"]
_PUBLISHED = protocol_recipe("published", layer_selection=True)
# What `repair` recommended when the studies were run; their rows call it "recommended".
_STUDIED = replace(
    RECIPES["misclassified_then_margin"], replay_filter="right", weight_averaging=0.34, epochs=6
)


def selection_methods() -> dict[str, Recipe]:
    """The main comparison: the recommended repair, the publication's, and kinds of selectors."""
    named = (
        "misclassified_then_random",
        "misclassified_then_margin",
        "margin",
        "entropy",
        "mdsa",
        "core_set",
        "badge",
    )
    return {
        "targeted_random": _WHOLE["targeted_random"],
        "random": RECIPES["random"],
        "random again": RECIPES["random"],
        "published": _PUBLISHED,
        "mode": _MODE,
        **{name: RECIPES[name] for name in named},
        "recommended": _STUDIED,
        "random, retrained as recommended": replace(_STUDIED, selector="random"),
    }


def selector_methods() -> dict[str, Recipe]:
    """The other selectors, on the models and streams of the main comparison."""
    named = ["signed_margin", "least_confidence", "gini", "dsa", "typiclust", "clusters"]
    named += ["diverse_margin"]
    return {
        "targeted_random": _WHOLE["targeted_random"],
        **{name: RECIPES[name] for name in (*named, "margin")},
        "margin again": RECIPES["margin"],
    }


def baseline_methods() -> dict[str, Recipe]:
    """A few methods of the main comparison, for further scenarios and budgets."""
    names = (
        "targeted_random",
        "random",
        "published",
        "mode",
        "margin",
        "misclassified_then_margin",
        "recommended",
    )
    return {name: selection_methods()[name] for name in names}


def metric_methods() -> dict[str, Recipe]:
    """Nine metrics on mean states of the chosen layer, and on mean images."""
    return {
        "targeted_random": _WHOLE["targeted_random"],
        **{f"{metric}, states": replace(_MODE, metric=metric) for metric in METRICS},
        **{f"{metric}, pixels": replace(_MODE, metric=metric, kind="pixel") for metric in METRICS},
        "dot, states again": _MODE,
    }


def map_methods() -> dict[str, Recipe]:
    """Which map: by its group and difference, by its cells, most or least similar to it."""
    maps = {name: replace(_MODE, map=name) for name in ("hci", "dhci", "dhmi", "dhwi")}
    return {
        "targeted_random": _WHOLE["targeted_random"],
        "by fault": _MODE,
        **maps,
        "dhci, least similar": replace(maps["dhci"], selector="farthest"),
        "by fault, importance": replace(_MODE, kind="importance"),
        "hci, pixels": replace(maps["hci"], kind="pixel"),
    }


def layer_methods() -> dict[str, Recipe]:
    """Which layer, for three metrics."""
    methods = {
        f"{metric}{FAMILY}{layer}": replace(_MODE, metric=metric, layer=layer)
        for metric in ("dot", "cosine", "euclidean")
        for layer in LAYERS
    }
    return {"targeted_random": _WHOLE["targeted_random"], **methods}


def retraining_methods() -> dict[str, Recipe]:
    """How to retrain, for four ways of choosing."""
    ways: dict[str, dict[str, Any]] = {
        way: {"retraining": way} for way in ("replay", "new batch", "scratch")
    }
    ways["replay of right ones"] = {"replay_filter": "right"}
    ways["replay of right ones, averaged"] = {"replay_filter": "right", "weight_averaging": 0.34}
    chosen = ("targeted_random", "mode", "margin", "misclassified_then_margin")
    return {
        f"{name}, {way}": replace(_WHOLE[name], **options)
        for name in chosen
        for way, options in ways.items()
    }


def alpha_methods() -> dict[str, Recipe]:
    """What share of a batch MODE and margin choose, the rest being random."""
    mixed = {
        f"{name}, alpha {alpha}": replace(_WHOLE[name], alpha=alpha)
        for name in ("mode", "margin")
        for alpha in (0.25, 0.5, 1.0)
    }
    return {"random": _WHOLE["random"], **mixed}


def oracle_methods() -> dict[str, Recipe]:
    """Is there headroom at all? The best of several random batches, by the diagnosis part."""
    oracle = replace(RECIPES["random"], selector="oracle")
    return {
        "random": RECIPES["random"],
        "oracle": oracle,
        "misclassified_then_margin": RECIPES["misclassified_then_margin"],
    }


METHODS = {
    "selection": selection_methods,
    "selectors": selector_methods,
    "baselines": baseline_methods,
    "metrics": metric_methods,
    "maps": map_methods,
    "layers": layer_methods,
    "retraining": retraining_methods,
    "alpha": alpha_methods,
    "oracle": oracle_methods,
}


def studied_methods(name: str) -> dict[str, Recipe]:
    """Return method -> recipe of a name of METHODS.

    Raises:
        InputError: for an unknown name.
    """
    return METHODS[checks.one_of("methods", name, METHODS)]()
