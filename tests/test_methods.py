"""Every method of every comparison runs, starts where the others do, and repeats itself."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from mode.data import Data, load
from mode.repair import RECIPES, Recipe, Repair
from mode.studies.experiments import compare_methods, first_choice
from mode.studies.methods import METHODS, studied_methods
from tests.messages import listed

SIZES = {"train": 150, "pool": 200, "diagnosis": 100, "test": 100}
WHOLE = ("whole pool", "default repair")  # all inputs of the pool
SIZED = {"rounds": 1, "batch": 20}


@cache
def tiny() -> Data:
    digits = load("digits", seed=0)
    parts = {name: getattr(digits, name).take(np.arange(size)) for name, size in SIZES.items()}
    return Data(**parts, classes=10)


def compared(recipes, **options) -> pd.DataFrame:
    found = pd.concat(compare_methods(tiny(), "under_trained", recipes, **{**SIZED, **options}))
    return found.drop(columns="seconds").reset_index(drop=True)


@cache
def run_methods(name: str) -> dict[str, Recipe]:
    """The first method of a comparison, and those whose recipe no comparison before it has."""
    order = ["selection", *(other for other in METHODS if other != "selection")]
    before = order[: order.index(name)]
    run = {recipe for other in before for recipe in studied_methods(other).values()}
    methods = studied_methods(name)
    kept = {method for method, recipe in methods.items() if recipe not in run}
    kept |= {next(iter(methods)), *(getattr(methods[m], "labels_of", "") for m in kept)}
    return {method: recipe for method, recipe in methods.items() if method in kept}


@cache
def rows(name: str) -> pd.DataFrame:
    return compared(run_methods(name))


def of_method(table: pd.DataFrame, method: str) -> str:
    """All that a method alone decides, exactly."""
    return table[table["method"] == method].drop(columns=["method", "overlap"]).to_csv(index=False)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_runs_and_all_begin_alike(name):
    found = rows(name)
    assert list(dict.fromkeys(found["method"])) == list(run_methods(name))
    assert set(found["scenario"]) == {"under_trained"}
    for _, part in found.groupby("method"):
        assert part["round"].iloc[0] == part["inputs"].iloc[0] == 0
        size = len(tiny().pool) if part["method"].iloc[0].startswith(WHOLE) else 20
        assert part["inputs"].tolist()[1:] == [size]
    start = found[found["round"] == 0]
    assert start[["accuracy", "worst accuracy"]].drop_duplicates().shape[0] == 1
    assert found["overlap"].between(0, 1).all()
    assert (found["overlap"][found["method"] == next(iter(run_methods(name)))] == 1).all()


def test_what_a_method_does_depends_on_no_other_method():
    """Of fewer methods in the opposite order."""
    recipes = studied_methods("baselines")
    backwards = compared(dict(reversed(recipes.items())))
    for method in recipes:
        assert of_method(backwards, method) == of_method(rows("selection"), method)


def test_another_seed_gives_other_rows():
    one = compared({"random": RECIPES["random"]}, seed=1)
    assert of_method(one, "random") != of_method(rows("selection"), "random")


def test_a_method_that_is_repeated_draws_again():
    twins = compared(dict.fromkeys(("random", "twin", "random again"), RECIPES["random"]))
    overlap = twins[twins["round"] == 1].set_index("method")["overlap"]
    assert overlap["twin"] == 1
    assert overlap["random again"] < 0.5


def test_every_repeated_method_has_the_recipe_of_the_one_it_repeats():
    known = {method: recipe for name in METHODS for method, recipe in studied_methods(name).items()}
    repeated = {method for method in known if method.endswith(" again")}
    assert repeated == {"random again", "targeted_random again"}
    for again in repeated:
        assert known[again].selector == "random", "a copy would be no control"
        assert known[again] == known[again.removesuffix(" again")]


def test_every_method_of_a_comparison_is_another_treatment():
    for name in METHODS:
        once = [
            recipe
            for method, recipe in studied_methods(name).items()
            if not method.endswith(" again")
        ]
        assert len(set(once)) == len(once), name


def test_only_the_publication_stops_early():
    stopping = {
        method
        for name in METHODS
        for method, recipe in studied_methods(name).items()
        if recipe.stops
    }
    assert stopping == {"published"}


def test_the_first_choice_is_the_selectors_own_share():
    recipe = Recipe(alpha=0.25, inputs_per_round=8)
    repaired = Repair(None, None, None, (np.array([5, 3, 9, 1, 0, 2, 4, 6]), np.arange(8)), ())
    assert first_choice(repaired, recipe).tolist() == [5, 3]
    assert first_choice(Repair(None, None, None, (), ()), recipe).tolist() == []


def test_the_overlap_is_the_share_that_the_first_method_chose_too():
    pool, quota = tiny().pool, RECIPES["margin"]
    found = compared({"margin": quota, "entropy": RECIPES["entropy"]}, batch=len(pool))
    assert set(found["overlap"]) == {1.0}, "the whole pool is the whole pool"
    part = compared({"all": quota, "half": Recipe(selector="margin", stops=False)}, batch=80)
    half = part[(part["method"] == "half") & (part["round"] == 1)].iloc[0]
    own = np.flatnonzero(pool.y == half["label"])
    assert len(own) < 80, "only some of the first twenty can be of the label"
    assert 0 < half["overlap"] <= 1


def test_bad_input_is_refused(refused):
    assert refused(studied_methods, "metric") == (
        f"methods must be one of {listed(METHODS)}. Received: 'metric'. Did you mean 'metrics'?"
    )
    one = {"random": RECIPES["random"]}
    message = refused(next, compare_methods(tiny(), "under_train", one))
    assert message.endswith("Received: 'under_train'. Did you mean 'under_trained'?")
    assert refused(next, compare_methods(tiny(), "under_trained", one, batch=201)) == (
        "inputs_per_round must be at most the pool's 200 inputs. Received: 201."
    )
