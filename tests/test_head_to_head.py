"""The recipe for LeNet-5 taken apart: each part alone and left out."""

from dataclasses import fields

import keras
import numpy as np
import pandas as pd
import pytest

from benchmarks.attack import EPS, adversarial, attack_success
from benchmarks.head_to_head import PARTS, ablated, ablation_table


def changed(recipe, other) -> set[str]:
    return {
        field.name
        for field in fields(recipe)
        if getattr(recipe, field.name) != getattr(other, field.name)
    }


def test_a_part_left_out_changes_that_part_alone_and_a_part_alone_changes_nothing_else():
    recipes = ablated("mnist")
    whole, none = recipes["all parts"], recipes["no part"]
    for part, off in PARTS.items():
        assert changed(whole, recipes[f"without {part}"]) == set(off)
        assert changed(none, recipes[f"{part} alone"]) == set(off)
    assert changed(whole, none) == {field for off in PARTS.values() for field in off}
    assert len(set(recipes.values())) == len(recipes) == 2 + 2 * len(PARTS)


def test_a_part_that_a_data_set_does_not_use_is_not_compared():
    assert "kept weights alone" not in ablated("fashion_mnist")
    assert "averaging alone" in ablated("fashion_mnist")


@pytest.mark.parametrize(("seeds", "compared"), [(2, False), (3, True)])
def test_ways_are_compared_with_the_whole_recipe_from_three_seeds_on(seeds, compared):
    measured = pd.DataFrame(
        {"data": "mnist", "seed": seed, "way": way, "after": value + seed / 100}
        for seed in range(seeds)
        for way, value in {"all parts": 0.9, "no part": 0.8}.items()
    ).assign(before=0.7, broken=3, took=1.0, **{"repaired share": 0.5, "broken share": 0.0})
    table = ablation_table(measured).set_index("way")
    assert table.loc["no part", "after"] == pytest.approx(0.8 + (seeds - 1) / 200)
    assert ("mean difference" in table) == compared
    if compared:
        assert table.loc["no part", "mean difference"] == pytest.approx(-0.1)


def test_an_attack_turns_exactly_what_lies_within_its_reach_of_a_linear_boundary():
    model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(2, "softmax"))
    weights = np.array([1.0, -2.0, 0.5, 1.5], np.float32)
    model.layers[-1].set_weights([np.stack([0 * weights, weights], axis=1), np.zeros(2)])
    x = np.random.default_rng(0).uniform(0.3, 0.7, (300, 2, 2, 1)).astype(np.float32)
    scores = x.reshape(300, 4) @ weights
    y = (scores > 0).astype(int)
    assert attack_success(model, x, y) == (np.abs(scores) < EPS * np.abs(weights).sum()).mean()
    assert 0.3 < attack_success(model, x, y) < 1
    assert np.abs(adversarial(model, x, y) - x).max() <= EPS + 1e-6
