"""What the paper leaves open, each as a field of `Recipe`; and the controls of the studies."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mode.data import Data, Part, plant
from mode.data.splits import published
from mode.heatmaps import differential
from mode.repair import Recipe, repair, run
from mode.repair.pool_selection import select_round
from mode.repair.state import RepairState
from mode.stats import published_tables
from mode.studies.experiments import compare_methods, labels_per_round, sized_for
from mode.studies.methods import method
from mode.studies.scenarios import LOOK_ALIKES
from mode.studies.tables import published_against_repeated

SMALL = Recipe(rounds=3, inputs_per_round=20, epochs=1, layer="random", stops=False)


def both_kinds(model, data) -> Recipe:
    """A recipe by whose limits some labels are under-fitted and others over-fitted."""
    table = RepairState(model, data, Recipe(theta=1.0, gamma=0.0), 0).faults
    over = table[table["kind"] == "over-fitted"]
    assert 0 < len(over) < len(table)
    return Recipe(theta=1.0, gamma=0.0, layer="output")


def test_the_order_of_faults_decides_which_kind_comes_first(under_fitted, small):
    recipe = both_kinds(under_fitted, small)
    for kind in ("under-fitted", "over-fitted"):
        state = RepairState(under_fitted, small, replace(recipe, fault_order=kind), 0)
        assert state.fault["kind"] == kind
        of_kind = state.faults[state.faults["kind"] == kind]
        assert state.fault["label"] == of_kind.iloc[0]["label"], "the worst one of its kind"
    worst = RepairState(under_fitted, small, recipe, 0)
    assert worst.fault["label"] == worst.faults.iloc[0]["label"]
    none = replace(recipe, theta=0.0, gamma=0.02, fault_order="under-fitted")
    state = RepairState(under_fitted, small, none, 0)
    assert state.fault["label"] == state.faults.iloc[0]["label"], "no label is under-fitted"


def test_a_layer_serves_as_many_rounds_as_the_recipe_says(under_fitted, small):
    layers = {
        rounds: run(under_fitted, small, replace(SMALL, rounds=4, layer_rounds=rounds), seed=2)
        for rounds in (1, 2, 4)
    }
    layers = {rounds: one.rounds["layer"].tolist()[1:] for rounds, one in layers.items()}
    anew = layers[1]
    assert len(set(anew)) > 1
    assert layers[2] == [anew[0], anew[0], anew[2], anew[2]]
    assert layers[4] == [anew[0]] * 4


def test_over_fitting_may_take_the_farthest_inputs(over_fitted, small):
    recipe = Recipe(layer="output", theta=0.0, gamma=0.02, alpha=1.0, metric="euclidean")
    states = [
        RepairState(over_fitted, small, replace(recipe, over_fitting=which), 0)
        for which in ("nearest", "farthest")
    ]
    assert states[0].fault["kind"] == "over-fitted"
    free = np.ones(len(small.pool), bool)
    nearest, farthest = (select_round(state, free, 10)[0] for state in states)
    assert set(small.pool.y[nearest]) > {states[0].fault["label"]}, "DHMI is of other labels"
    label = states[1].fault["label"]
    assert set(small.pool.y[farthest]) == {label}
    own = np.flatnonzero(small.pool.y == label)
    target = differential(states[1].maps, label, "dhci")
    apart = np.linalg.norm(states[1].activations(small.pool.x[own], "output") - target, axis=1)
    assert set(farthest) == set(own[np.argsort(-apart)[:10]])
    under = replace(recipe, theta=1.0, gamma=1.0)
    same = [
        select_round(RepairState(over_fitted, small, each, 0), free, 10)[0].tolist()
        for each in (under, replace(under, over_fitting="farthest"))
    ]
    assert same[0] == same[1], "under-fitting always takes the nearest"


def test_a_field_that_nothing_reads_is_refused(refused, under_fitted, small):
    for name, value in (("layer_rounds", 2), ("fault_order", "over-fitted")):
        message = refused(repair, under_fitted, small, recipe="margin", **{name: value})
        assert message.startswith(f"{name} must be left out")
    assert "over_fitting must be one of" in refused(Recipe, over_fitting="far")


def test_class_matched_inputs_have_the_labels_of_each_round(under_fitted, small):
    margin = Recipe(selector="margin", targeted=False, alpha=1.0, stops=False)
    margin = replace(margin, rounds=3, inputs_per_round=20, epochs=1)
    targeted = run(under_fitted, small, margin)
    labels = labels_per_round(small, targeted)
    random = replace(margin, selector="random")
    matched = run(under_fitted, small, random, labels_per_round=labels)
    assert labels_per_round(small, matched) == labels
    for one, other in zip(targeted.chosen, matched.chosen, strict=True):
        assert set(one) != set(other)
    assert len(set(np.concatenate(matched.chosen))) == 60, "no input twice"
    short = run(under_fitted, small, random, labels_per_round=labels[:2])
    assert len(short.chosen) == 2


def test_a_class_matched_method_is_run_for_another_one(small):
    plain = Recipe(selector="margin", targeted=False, alpha=1.0, stops=False, epochs=1)
    methods = {"matched": method(replace(plain, selector="random"), labels_of="margin")}
    rows = list(compare_methods(small, "under_trained", methods | {"margin": plain}, batch=20))
    assert [table["method"].iloc[0] for table in rows] == ["matched", "margin"]
    assert rows[0]["inputs"].tolist() == rows[1]["inputs"].tolist()


def test_no_new_inputs_makes_the_same_steps_on_old_ones(under_fitted, small):
    random = replace(SMALL, selector="random", targeted=False, alpha=1.0)
    steps = []
    old = replace(random, retraining="old inputs")
    for recipe in (random, old):
        steps.append(int(run(under_fitted, small, recipe).model.optimizer.iterations))
    assert steps[0] == steps[1]
    dark = small.with_part("pool", Part(small.pool.x * 0, small.pool.y))
    accuracies = [
        run(under_fitted, data, old).rounds["accuracy"].tolist() for data in (small, dark)
    ]
    assert accuracies[0] == accuracies[1], "the pool is not trained on"


def test_the_whole_pool_takes_about_as_many_steps_as_the_rounds():
    random = method(Recipe(selector="random", targeted=False), whole_pool=True)
    whole = sized_for(random, 25_000, rounds=5, batch=2000)
    assert (whole.rounds, whole.inputs_per_round) == (1, 25_000)
    rounds = sum(3 * (2000 * number + 4000) for number in range(1, 6))
    assert whole.epochs * 25_000 * (1 + whole.replay) == pytest.approx(rounds, rel=0.05)
    default = Recipe(selector="random", targeted=False, retraining="fine-tune", epochs=None)
    assert sized_for(default, 25_000, rounds=5, batch=2000) == default, "it plans its own"


@pytest.mark.parametrize("fault", ["label_noise", "mislabeled"])
def test_wrong_labels_can_be_planted_in_the_pool(fault, small):
    options = {"pairs": LOOK_ALIKES} if fault == "mislabeled" else {}
    planted = plant(fault, small, part="pool", share=0.1, **options)
    assert (planted.train.y == small.train.y).all()
    wrong = planted.pool.y != small.pool.y
    assert wrong.mean() == pytest.approx(0.1, abs=0.01)
    if options:
        pairs = zip(small.pool.y[wrong].tolist(), planted.pool.y[wrong].tolist(), strict=True)
        assert set(pairs) <= set(LOOK_ALIKES.items())


def test_the_halves_are_the_published_ones_with_a_diagnosis_part():
    rows = np.arange(120.0)[:, None]
    parts = {"train": Part(rows, np.arange(120) % 3), "test": Part(rows[:9], np.arange(9) % 3)}
    whole = published(parts, 3)
    first, other = (published(parts, 3, seed=seed) for seed in (0, 1))
    assert whole.diagnosis is whole.test
    for data in (first, other):
        assert (data.train.x == whole.train.x).all()
        assert data.test is whole.test
        assert (len(data.pool), len(data.diagnosis)) == (50, 10)
        apart = np.concatenate([data.pool.x, data.diagnosis.x])
        assert sorted(apart[:, 0]) == sorted(whole.pool.x[:, 0])
    assert isinstance(first, Data)
    assert (first.diagnosis.x != other.diagnosis.x).any()


def test_each_published_number_stands_beside_the_median_of_its_repetition():
    published_run = published_tables()[0].set_index("metric").loc["earth mover"]
    finals = pd.DataFrame({"seed": range(9), "final": np.arange(9) / 10, "finished_early": 1})
    finals = finals.assign(data="mnist", protocol="published", layer_selection=True, control=0.5)
    finals = finals.assign(metric="earth_mover", initial=0.6)
    table = published_against_repeated(finals).set_index("measure")
    assert table["published"]["final"] == published_run["final"]
    assert table["median"].round(9).to_dict() == {
        "initial": 0.6,
        "final": 0.4,
        "control": 0.5,
        "initial - final": 0.2,
        "final - control": -0.1,
    }
    assert table["low"]["final"] < 0.4 < table["high"]["final"]
    assert (table["early"]["final"], table["published_early"]["final"]) == (9, 0)
    assert published_against_repeated(finals.assign(data="digits")).empty
