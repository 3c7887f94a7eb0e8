"""What plain training would have given: the same inputs, the same time, the same choice."""

from dataclasses import replace
from time import perf_counter

import keras
import numpy as np
import pytest
from keras import layers

from mode.data import Data, Part, Streamed, load, open_pool
from mode.models import predict, train
from mode.repair import rivals
from mode.repair.rivals import compare, fine_tuned, from_scratch, train_and_pool
from tests.known_answers import fixed


def accuracy(model: keras.Model, part) -> float:
    return float((predict(model, part.x).argmax(axis=1) == part.y).mean())


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves by a second each time a model is trained, and the calls of `train`."""
    now, calls = [0.0], []

    def trained(model, x, y, **options):
        now[0] += 1
        calls.append({"inputs": len(y), **options})
        return train(model, x, y, **{**options, "seconds": None})

    monkeypatch.setattr(rivals, "perf_counter", lambda: now[0])
    monkeypatch.setattr(rivals, "train", trained)
    return calls


def weights(model: keras.Model) -> list[bytes]:
    return [np.asarray(variable).tobytes() for variable in model.variables]


@pytest.mark.parametrize("way", [fine_tuned, from_scratch])
def test_epochs_on_train_and_pool_until_the_seconds_are_used_up(way, clock, under_fitted, small):
    before = weights(under_fitted)
    way(under_fitted, small, 2.5, seed=3)
    assert weights(under_fitted) == before
    assert [call["inputs"] for call in clock] == [1000] * 3
    assert [call["seconds"] for call in clock] == [None, 1.5, 0.5]
    assert [call["epochs"] for call in clock] == [1] * 3
    assert len({call["seed"] for call in clock}) == 3


def test_the_best_epoch_on_the_diagnosis_split_is_returned(clock, under_fitted, small, monkeypatch):
    """Epochs are 50, 80, 80 and 70 % accurate; the given model 60 %."""
    counted, made = rivals.train, []

    def recorded(*arguments, **options):
        made.append(counted(*arguments, **options))
        return made[-1]

    values = iter([0.6, 0.5, 0.8, 0.8, 0.7])
    monkeypatch.setattr(rivals, "train", recorded)
    monkeypatch.setattr(rivals, "_accuracy", lambda model, part: next(values))
    assert weights(fine_tuned(under_fitted, small, 4)) == weights(made[1])
    assert len(made) == 4


def test_the_given_model_stays_where_no_epoch_is_better(clock, under_fitted, small, monkeypatch):
    values = iter([0.6, 0.6, 0.5])
    monkeypatch.setattr(rivals, "_accuracy", lambda model, part: next(values))
    best = fine_tuned(under_fitted, small, 2)
    assert weights(best) == weights(under_fitted)
    assert best is not under_fitted


def test_at_least_one_epoch_is_completed(clock, under_fitted, small):
    trained = from_scratch(under_fitted, small, 0)
    assert [call["seconds"] for call in clock] == [None]
    assert accuracy(trained, small.test) > 0.2


def test_both_learn_and_the_same_seed_gives_the_same_model(clock, under_fitted, small):
    tuned, again = (fine_tuned(under_fitted, small, 3, seed=1) for _ in range(2))
    assert weights(tuned) == weights(again)
    assert accuracy(tuned, small.diagnosis) > accuracy(under_fitted, small.diagnosis)
    anew, other = (from_scratch(under_fitted, small, 3, seed=seed) for seed in (1, 2))
    assert weights(anew) != weights(other)
    assert anew.optimizer is not under_fitted.optimizer
    assert anew.count_params() == under_fitted.count_params()


def test_models_of_bytes_are_trained_on_bytes_that_were_scaled(clock):
    """The models that come back take bytes, as the given one."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 280)
    x = (rng.integers(0, 128, (280, 4, 4)) + 128 * y[:, None, None]).astype(np.uint8)
    stack = [keras.Input((4, 4, 1)), layers.Rescaling(1 / 255), layers.Flatten()]
    model = keras.Sequential([*stack, layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    data = load({"x": x, "y": y})
    assert data.from_bytes
    ways = {way.__name__: (way(model, data, 4), 4) for way in (fine_tuned, from_scratch)}
    assert (compare(model, ways, data)["accuracy"] > 0.95).all()
    for trained, _ in ways.values():
        bytes_of_test = np.round(255 * data.test.x)
        assert (predict(trained, bytes_of_test).argmax(axis=1) == data.test.y).mean() > 0.95


def test_real_seconds_end_the_training(under_fitted, small):
    fine_tuned(under_fitted, small, 0.0)  # compiles
    began = perf_counter()
    fine_tuned(under_fitted, small, 1.0)
    assert 0.9 < perf_counter() - began < 6


def test_inputs_of_the_pool_that_are_in_train_are_seen_once(small):
    both = train_and_pool(small)
    assert len(both) == len(small.train) + len(small.pool)
    np.testing.assert_array_equal(both.y, np.concatenate([small.train.y, small.pool.y]))
    copied = small.train.take(np.arange(len(small.train)))
    np.testing.assert_array_equal(train_and_pool(replace(small, pool=copied)).x, small.train.x)
    some = replace(small, pool=Part(both.x[390:], both.y[390:]))
    np.testing.assert_array_equal(train_and_pool(some).x, both.x)


def test_a_streamed_pool_and_one_without_labels_are_refused(refused, under_fitted, small, tmp_path):
    np.save(tmp_path / "pool.npy", small.pool.x)
    streamed = Streamed(open_pool(tmp_path / "pool.npy"), small.pool.y, small.shape)
    expected = "the pool must be in memory for this. Received: one that is streamed."
    for way in (fine_tuned, from_scratch):
        assert refused(way, under_fitted, replace(small, pool=streamed), 1) == expected
    assert refused(fine_tuned, under_fitted, replace(small, labeled=False), 1) == (
        "the pool must have labels to be trained on. Received: a pool without labels."
    )
    assert refused(fine_tuned, under_fitted, small, -1).startswith("seconds must be a number")


def test_a_comparison_counts_what_each_way_repaired_and_broke():
    part = Part(np.arange(4)[:, None].astype(np.int32), np.array([0, 0, 1, 1]))
    data = Data(part, part, part, part, classes=2)
    models = {"one": (fixed([0, 0, 1, 0]), 1.5), "other": (fixed([1, 0, 1, 1]), 2.0)}
    table = compare(fixed([0, 1, 0, 1]), models, data)
    assert table.to_dict("records") == [
        {"way": "one", "accuracy": 0.75, "repaired": 2, "broken": 1, "seconds": 1.5},
        {"way": "other", "accuracy": 0.75, "repaired": 2, "broken": 1, "seconds": 2.0},
    ]
