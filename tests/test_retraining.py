"""What a repair trains on, seen in the weights; the oracle's choice; the label to go on with."""

from dataclasses import replace

import numpy as np
import pytest

from mode.data import Part
from mode.models import predict, train
from mode.repair import Defects, Recipe, repair
from mode.repair.retraining import (
    best_batch,
    oracle_candidates,
    random_translation,
    replayed_inputs,
    retrain,
)
from mode.repair.state import RepairState
from mode.seeds import derive

QUICK = {"inputs_per_round": 40, "epochs": 1}
OLD, NEW = np.arange(40), np.arange(100, 140)


def weights(model) -> bytes:
    return b"".join(array.tobytes() for array in model.get_weights())


def trained(model, data, batches=(OLD, NEW), seed=0, **options) -> bytes:
    return weights(retrain(model, data, list(batches), Recipe(**QUICK, **options), seed=seed))


def relabeled(data, name: str):
    part = getattr(data, name)
    return data.with_part(name, Part(part.x, (part.y + 1) % 10))


ALONE = [{"retraining": "new batch"}, {"defects": Defects(no_replay=True)}]


@pytest.mark.parametrize("options", ALONE, ids=["new batch", "no replay"])
def test_the_new_batch_alone_knows_nothing_older(options, under_fitted, small):
    found = trained(under_fitted, small, **options)
    newest = small.pool.take(NEW)
    seed = derive(0, "retrain")
    assert found == weights(train(under_fitted, newest.x, newest.y, epochs=1, seed=seed))
    assert found == trained(under_fitted, small, [NEW], **options)
    assert found == trained(under_fitted, relabeled(small, "train"), **options)
    assert found != trained(under_fitted, small, [OLD], **options)


@pytest.mark.parametrize("way", ["replay", "scratch"])
def test_other_ways_train_on_all_chosen_and_on_old_inputs(way, under_fitted, small):
    found = trained(under_fitted, small, retraining=way)
    assert found == trained(under_fitted, small, retraining=way)
    assert found != trained(under_fitted, small, [NEW], retraining=way)
    assert found != trained(under_fitted, relabeled(small, "train"), retraining=way)
    assert found != trained(under_fitted, relabeled(small, "pool"), retraining=way)
    assert found != trained(under_fitted, small, retraining=way, seed=1)


def test_from_scratch_the_given_weights_do_not_matter(under_fitted, over_fitted, small):
    before = weights(under_fitted)
    one, other = (
        trained(model, small, retraining="scratch") for model in (under_fitted, over_fitted)
    )
    assert one == other
    assert trained(under_fitted, small) != trained(over_fitted, small)
    assert weights(under_fitted) == before


def test_replayed_inputs_are_old_and_as_many_as_asked_for(under_fitted, small):
    recipe = Recipe(inputs_per_round=40, replay=1.5)
    part = replayed_inputs(under_fitted, small.train, recipe, seed=0)
    old = {x.tobytes() + bytes([y]) for x, y in zip(small.train.x, small.train.y, strict=True)}
    rows = [x.tobytes() + bytes([y]) for x, y in zip(part.x, part.y, strict=True)]
    assert len(rows) == len(set(rows)) == 60
    assert set(rows) < old
    every = replayed_inputs(under_fitted, small.train, replace(recipe, replay=99), seed=0)
    assert len(every) == 400
    assert len(replayed_inputs(under_fitted, small.train, replace(recipe, replay=0), seed=0)) == 0
    other = replayed_inputs(under_fitted, small.train, recipe, seed=1)
    assert (other.x != part.x).any()


def test_right_ones_alone_keep_wrong_labels_out(over_fitted, small):
    """The model knows its training part by heart: what it gets wrong is mislabeled."""
    y = small.train.y.copy()
    y[:100] = (y[:100] + 1) % 10
    part = Part(small.train.x, y)
    recipe = Recipe(inputs_per_round=400, replay=1.0)
    wrong = {x.tobytes() for x in small.train.x[:100]}
    right = replayed_inputs(over_fitted, part, replace(recipe, replay_filter="right"), seed=0)
    assert len(right) == 300
    assert not any(x.tobytes() in wrong for x in right.x)
    assert len(replayed_inputs(over_fitted, part, recipe, seed=0)) == 400


def test_where_nothing_is_right_nothing_is_replayed_inputs(over_fitted, small):
    wrong = relabeled(small, "train")
    chosen = small.pool.take(np.concatenate([OLD, NEW]))
    seed = derive(0, "retrain")
    alone = weights(train(over_fitted, chosen.x, chosen.y, epochs=1, seed=seed))
    assert trained(over_fitted, wrong, replay_filter="right") == alone


def test_averaging_reaches_the_training(under_fitted, small):
    plain, averaged = (trained(under_fitted, small, weight_averaging=share) for share in (0.0, 1.0))
    assert plain == averaged, "one call has one set of weights"
    recipe = Recipe(inputs_per_round=40, epochs=4)
    several = [
        weights(
            retrain(under_fitted, small, [NEW], replace(recipe, weight_averaging=share), seed=0)
        )
        for share in (0.0, 1.0)
    ]
    assert several[0] != several[1]


def test_the_oracle_takes_the_batch_that_is_best_on_the_diagnosis_part(under_fitted, small):
    """Half of the pool is labeled wrong, and so is the diagnosis part: wrong is best there."""
    half = np.arange(600) < 300
    pool = Part(small.pool.x, np.where(half, (small.pool.y + 1) % 10, small.pool.y))
    misled = relabeled(small.with_part("pool", pool), "diagnosis")
    sound = small.with_part("pool", pool)
    recipe = Recipe(selector="oracle", inputs_per_round=100, epochs=20, retraining="new batch")
    wrong, right = np.arange(100), np.arange(400, 500)

    def best(data, batch, available):
        candidates = oracle_candidates(batch, available, seed=0)
        return best_batch(under_fitted, data, [], candidates, recipe, seed=0)[0]

    assert best(misled, wrong, ~half) is wrong
    assert best(sound, right, half) is right
    for data, given, others in ((misled, right, half), (sound, wrong, ~half)):
        found = best(data, given, others)
        assert found is not given
        assert others[found].all()
        assert len(set(found.tolist())) == 100


def test_without_a_fault_the_least_accurate_label_is_repaired(under_fitted, small):
    never = {"theta": 0.0, "gamma": 1.0}
    state = RepairState(under_fitted, small, Recipe(**never), 0)
    right = state.predictions.argmax(axis=1) == small.diagnosis.y
    rates = [right[small.diagnosis.y == label].mean() for label in range(10)]
    assert state.faults.empty
    assert (state.fault["label"], state.fault["kind"]) == (np.argmin(rates), "under-fitted")
    idle = RepairState(under_fitted, small, Recipe(targeted=False, **never), 0).fault
    assert (idle["label"], idle["kind"]) == (-1, "")
    faulty = RepairState(under_fitted, small, Recipe(theta=1.0), 0)
    worst = faulty.faults.iloc[0]
    assert (faulty.fault["label"], faulty.fault["kind"]) == (worst["label"], worst["kind"])


@pytest.mark.parametrize(("selector", "stops", "rounds"), [("mode", False, 2), ("margin", None, 2)])
def test_a_repair_that_does_not_stop_goes_on(selector, stops, rounds, under_fitted, small):
    options = {} if stops is None else {"stops": stops}
    limits = {"theta": 0.0, "gamma": 1.0, "rounds": 2, **QUICK}
    repaired = repair(under_fitted, small, recipe=selector, **limits, **options)
    assert repaired.faults.empty
    assert len(repaired.chosen) == rounds
    label = repaired.rounds["label"][1]
    if selector == "margin":
        assert label == -1
    else:
        found = predict(under_fitted, small.diagnosis.x).argmax(axis=1) == small.diagnosis.y
        rates = [found[small.diagnosis.y == each].mean() for each in range(10)]
        assert label == np.argmin(rates)


def test_images_are_moved_by_whole_pixels_and_zeros_come_in():
    images = np.arange(1, 61, dtype=np.float32).reshape(5, 4, 3, 1)
    kept = images.copy()
    seen = set()
    for seed in range(12):
        for before, after in zip(
            images, random_translation(1)(images, np.random.default_rng(seed)), strict=True
        ):
            places = [
                (down, right)
                for down in (-1, 0, 1)
                for right in (-1, 0, 1)
                if np.array_equal(after, moved_slowly(before, down, right))
            ]
            assert len(places) == 1
            seen.add(places[0])
    assert len(seen) == 9
    assert np.array_equal(images, kept)
    assert random_translation(0) is None


def moved_slowly(image: np.ndarray, down: int, right: int) -> np.ndarray:
    height, width = image.shape[:2]
    moved = np.zeros_like(image)
    for y in range(height):
        for x in range(width):
            if 0 <= y + down < height and 0 <= x + right < width:
                moved[y + down, x + right] = image[y, x]
    return moved


def test_jitter_and_minibatch_reach_the_training(under_fitted, small):
    plain = trained(under_fitted, small)
    assert trained(under_fitted, small, translation=2) != plain
    assert trained(under_fitted, small, batch_size=8) != plain


def test_a_share_of_the_weights_is_kept(under_fitted, small):
    whole, half, none = (
        retrain(
            under_fitted,
            small,
            [NEW],
            Recipe(inputs_per_round=40, epochs=1, weight_interpolation=keep),
            seed=0,
        )
        for keep in (1.0, 0.5, 0.0)
    )
    given = under_fitted.trainable_variables
    for before, kept, between, after in zip(
        given, *(model.trainable_variables for model in (whole, half, none)), strict=True
    ):
        np.testing.assert_allclose(kept, before, atol=1e-7)
        np.testing.assert_allclose(between, (before.numpy() + after.numpy()) / 2, atol=1e-6)
        assert not np.array_equal(before.numpy(), after.numpy())
