"""Every arm of every comparison runs, starts where the others do, and repeats itself."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from mode.data import Data, load
from mode.repair import RECIPES, Recipe, Repair
from mode.studies.experiments import compare_arms, first_choice
from mode.studies.methods import ARMS, arms
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
    found = pd.concat(compare_arms(tiny(), "under_trained", recipes, **{**SIZED, **options}))
    return found.drop(columns="seconds").reset_index(drop=True)


@cache
def rows(name: str) -> pd.DataFrame:
    return compared(arms(name))


def of_arm(table: pd.DataFrame, arm: str) -> str:
    """All that an arm alone decides, exactly."""
    return table[table["arm"] == arm].drop(columns=["arm", "overlap"]).to_csv(index=False)


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_runs_and_all_begin_alike(name):
    found = rows(name)
    assert list(dict.fromkeys(found["arm"])) == list(arms(name))
    assert set(found["scenario"]) == {"under_trained"}
    for _, part in found.groupby("arm"):
        assert part["round"].iloc[0] == part["inputs"].iloc[0] == 0
        size = len(tiny().pool) if part["arm"].iloc[0].startswith(WHOLE) else 20
        assert part["inputs"].tolist()[1:] == [size]
    start = found[found["round"] == 0]
    assert start[["accuracy", "worst accuracy"]].drop_duplicates().shape[0] == 1
    assert found["overlap"].between(0, 1).all()
    assert (found["overlap"][found["arm"] == next(iter(arms(name)))] == 1).all()


def test_what_an_arm_does_depends_on_no_other_arm():
    recipes = arms("selection")
    backwards = compared(dict(reversed(recipes.items())))
    for arm in recipes:
        assert of_arm(backwards, arm) == of_arm(rows("selection"), arm)
    for arm in ("quota_random", "published", "mode", "recommended"):
        assert of_arm(rows("baselines"), arm) == of_arm(rows("selection"), arm)


def test_another_seed_gives_other_rows():
    one = compared({"random": RECIPES["random"]}, seed=1)
    assert of_arm(one, "random") != of_arm(rows("selection"), "random")


def test_a_repeated_arm_is_its_twin_unless_it_draws_at_random():
    assert of_arm(rows("selectors"), "margin again") == of_arm(rows("selection"), "margin")
    metrics = rows("metrics")
    assert of_arm(metrics, "dot, states again") == of_arm(metrics, "dot, states")
    twins = compared(dict.fromkeys(("random", "twin", "random again"), RECIPES["random"]))
    overlap = twins[twins["round"] == 1].set_index("arm")["overlap"]
    assert overlap["twin"] == 1
    assert overlap["random again"] < 0.5


def test_every_repeated_arm_has_the_recipe_of_the_one_it_repeats():
    known = {arm: recipe for name in ARMS for arm, recipe in arms(name).items()}
    repeated = {arm for arm in known if arm.endswith(" again")}
    assert repeated == {"random again", "margin again", "dot, states again"}
    for again in repeated:
        assert known[again] == known[again.removesuffix(" again")]


def test_every_arm_of_a_comparison_is_another_treatment():
    for name in ARMS:
        once = [recipe for arm, recipe in arms(name).items() if not arm.endswith(" again")]
        assert len(set(once)) == len(once), name


def test_only_the_publication_stops_early():
    stopping = {arm for name in ARMS for arm, recipe in arms(name).items() if recipe.stops}
    assert stopping == {"published"}


def test_the_first_choice_is_the_selectors_own_share():
    recipe = Recipe(alpha=0.25, inputs_per_round=8)
    repaired = Repair(None, None, None, (np.array([5, 3, 9, 1, 0, 2, 4, 6]), np.arange(8)), ())
    assert first_choice(repaired, recipe).tolist() == [5, 3]
    assert first_choice(Repair(None, None, None, (), ()), recipe).tolist() == []


def test_the_overlap_is_the_share_that_the_first_arm_chose_too():
    pool, quota = tiny().pool, RECIPES["margin"]
    found = compared({"margin": quota, "entropy": RECIPES["entropy"]}, batch=len(pool))
    assert set(found["overlap"]) == {1.0}, "the whole pool is the whole pool"
    part = compared({"all": quota, "half": Recipe(selector="margin", stops=False)}, batch=80)
    half = part[(part["arm"] == "half") & (part["round"] == 1)].iloc[0]
    own = np.flatnonzero(pool.y == half["label"])
    assert len(own) < 80, "only some of the first twenty can be of the label"
    assert 0 < half["overlap"] <= 1


def test_bad_input_is_refused(refused):
    assert refused(arms, "metric") == (
        f"arms must be one of {listed(ARMS)}. Received: 'metric'. Did you mean 'metrics'?"
    )
    one = {"random": RECIPES["random"]}
    message = refused(next, compare_arms(tiny(), "under_train", one))
    assert message.endswith("Received: 'under_train'. Did you mean 'under_trained'?")
    assert refused(next, compare_arms(tiny(), "under_trained", one, batch=201)) == (
        "inputs_per_round must be at most the pool's 200 inputs. Received: 201."
    )
