"""The methods that the studies compare: study -> method -> recipe.

The first method of a study is its reference: the others are compared with what it chose. A method
whose name ends in "again" is a second draw of random inputs, which must not differ from the first.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

from mode import checks
from mode.repair.recipe import LAYERS, PROTOCOLS, RECIPES, Recipe
from mode.studies.method_tables import MATCHED, RETRAINED


@dataclass(frozen=True)
class Method(Recipe):
    """A recipe, and what a study does with it beyond its own rounds.

    labels_of: another method of the study; in each round as many inputs of each label are drawn at
        random as that one chose (class-matched random).
    whole_pool: all of the pool is taken in one round, in as many steps as the other methods make.
    """

    labels_of: str = ""
    whole_pool: bool = False


def method(recipe: Recipe, **options) -> Method:
    """Return a recipe as a method, with other fields or options.

    Example:
        >>> method(RECIPES["random"], whole_pool=True).whole_pool
        True
    """
    values = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    return Method(**{**values, **options})


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


FAMILY = ": "
# All methods of a study get the full budget, but for the publication's, which stops as it did.
_WHOLE = {name: replace(recipe, stops=False) for name, recipe in RECIPES.items()}
_MODE = _WHOLE["mode"]
_PUBLISHED = protocol_recipe("published", layer_selection=True)
# What `repair` recommended when the studies were run; their rows call it "recommended".
_STUDIED = replace(
    RECIPES["misclassified_then_margin"], replay_filter="right", weight_averaging=0.34, epochs=6
)


# Retraining with the same steps: plain, or on right old inputs alone and with averaged weights.
_RECOMMENDED: dict[str, Any] = {"replay_filter": "right", "weight_averaging": 0.34}


def equal_methods() -> dict[str, Recipe]:
    """Every selector with both retrainings at equal steps, each kind of random inputs, and what
    any reader asks for: the whole pool, no new inputs, twice the steps, the default repair."""
    plain = {
        "targeted_random": _WHOLE["targeted_random"],
        "random": RECIPES["random"],
        "mode": _MODE,
        "margin": RECIPES["margin"],
        "entropy": RECIPES["entropy"],
        "badge": RECIPES["badge"],
        "misclassified_then_random": RECIPES["misclassified_then_random"],
        "misclassified_then_margin": RECIPES["misclassified_then_margin"],
    }
    random = RECIPES["random"]
    matched = {
        f"{MATCHED}{name}": method(random, labels_of=name)
        for name in ("mode", "margin", "misclassified_then_margin")
    }
    return {
        **plain,
        "random again": random,
        **matched,
        **{f"{name}{RETRAINED}": replace(recipe, **_RECOMMENDED) for name, recipe in plain.items()},
        "random, twice the steps": replace(random, epochs=6),
        "misclassified_then_margin, twice the steps": _STUDIED,
        "no new inputs": replace(random, retraining="old inputs"),
        "whole pool": method(random, whole_pool=True),
        "whole pool, recommended retraining": method(random, whole_pool=True, **_RECOMMENDED),
        "published": _PUBLISHED,
        "published, all rounds": replace(_PUBLISHED, stops=False),
        "default repair": RECIPES["recommended"],
    }


def wrong_label_methods() -> dict[str, Recipe]:
    """What prefers wrong labels, what does not, and the default with and without its check."""
    named = {
        "random": RECIPES["random"],
        "margin": RECIPES["margin"],
        "signed_margin": RECIPES["signed_margin"],
        "misclassified_then_margin": RECIPES["misclassified_then_margin"],
        "misclassified_then_random": RECIPES["misclassified_then_random"],
        "mode": _MODE,
    }
    return {
        **named,
        f"misclassified_then_margin{RETRAINED}": replace(
            RECIPES["misclassified_then_margin"], **_RECOMMENDED
        ),
        "whole pool": method(RECIPES["random"], whole_pool=True),
        "default repair": RECIPES["recommended"],
        "default repair without its check of labels": replace(
            RECIPES["recommended"], checks_labels=False
        ),
    }


def choice_methods() -> dict[str, Recipe]:
    """What the publication leaves open: which fault comes first, how long a layer serves, and
    whether an over-fitted label gets the nearest or the farthest inputs."""
    return {
        "targeted_random": _WHOLE["targeted_random"],
        "mode": _MODE,
        "mode, under-fitted first": replace(_MODE, fault_order="under-fitted"),
        "mode, over-fitted first": replace(_MODE, fault_order="over-fitted"),
        "mode, layer for two rounds": replace(_MODE, layer_rounds=2),
        "mode, layer for all rounds": replace(_MODE, layer_rounds=5),
        "mode, farthest for over-fitting": replace(_MODE, over_fitting="farthest"),
    }


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


def photograph_methods() -> dict[str, Recipe]:
    """Those of `baseline_methods`, the entropy and the default repair: eight beside the control."""
    more = {"entropy": RECIPES["entropy"], "default repair": RECIPES["recommended"]}
    return baseline_methods() | more


def metric_methods() -> dict[str, Recipe]:
    """Nine metrics on mean states of the chosen layer, and on mean images."""
    return {
        "targeted_random": _WHOLE["targeted_random"],
        **{f"{metric}, states": replace(_MODE, metric=metric) for metric in METRICS},
        **{f"{metric}, pixels": replace(_MODE, metric=metric, kind="pixel") for metric in METRICS},
        "targeted_random again": _WHOLE["targeted_random"],
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
    "equal": equal_methods,
    "wrong_labels": wrong_label_methods,
    "choices": choice_methods,
    "selection": selection_methods,
    "selectors": selector_methods,
    "baselines": baseline_methods,
    "photographs": photograph_methods,
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
