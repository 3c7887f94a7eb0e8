"""The benchmarks measure what they say: rows, the naive repair's protocol, the kept table."""

import os
from dataclasses import replace
from time import sleep

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from benchmarks import estimation_speed, naive, pools, repair, selectors, start, suite, training
from benchmarks.__main__ import main
from benchmarks.measurements import cold_and_warm, in_new_process, row
from mode.checks import InputError
from mode.data import Data, load
from mode.distances import distance
from mode.repair import control as random_control
from mode.repair import run
from mode.studies.experiments import initial_model
from mode.studies.methods import METRICS
from tests.messages import listed

RECIPE = repair.published_recipe("euclidean", rounds=2, inputs_per_round=80, epochs=1)


@pytest.fixture(scope="module")
def digits() -> Data:
    """Parts of a few hundred digits; the test part diagnoses, as published."""
    data = load("digits")
    cut = {name: getattr(data, name).take(np.arange(600)) for name in ("train", "pool", "test")}
    return Data(**cut, diagnosis=cut["test"], classes=10)


@pytest.fixture(scope="module")
def model(digits):
    return initial_model(digits, "published", epochs=2, seed=0)


@pytest.fixture(scope="module")
def given(model):
    """The model's weights before any repair of it."""
    return [weight.copy() for weight in model.get_weights()]


@pytest.fixture(scope="module")
def naively(model, digits, given):
    return naive.run(model, digits, RECIPE)


@pytest.fixture(scope="module")
def ours(model, digits, given):
    return run(model, digits, RECIPE)


def labels_of(outcome) -> list[int]:
    """The label of every round but round 0, in which nothing is chosen."""
    return outcome.rounds.loc[outcome.rounds["round"] > 0, "label"].tolist()


def check_batches(outcome, data: Data, recipe) -> None:
    """A quarter of a batch is of the round's label, none of the rest is, no input comes twice."""
    for label, batch in zip(labels_of(outcome), outcome.chosen, strict=True):
        labels = data.pool.y[batch]
        assert len(batch) == recipe.inputs_per_round
        assert (labels[: recipe.inputs_per_round // 4] == label).all()
        assert (labels[recipe.inputs_per_round // 4 :] != label).all()
    used = np.concatenate(outcome.chosen)
    assert len(set(used)) == len(used)


def test_naive_repair_follows_the_protocol_that_ours_follows(digits, naively, ours):
    assert [len(batch) for batch in ours.chosen] == [len(batch) for batch in naively.chosen]
    assert ours.rounds["layer"].tolist()[1:] == ["output", "output"]
    assert naively.rounds["round"].tolist() == ours.rounds["round"].tolist()[1:] == [1, 2]
    for outcome in (ours, naively):
        check_batches(outcome, digits, RECIPE)


def test_naive_control_gets_as_many_other_inputs_as_ours(model, digits, naively, ours):
    short = replace(naively, chosen=naively.chosen[:1])
    controlled = naive.control(model, digits, RECIPE, short)
    random = random_control(model, digits, RECIPE, replace(ours, chosen=ours.chosen[:1]))
    assert [len(batch) for batch in controlled.chosen] == [80, 80], "one round more, as published"
    assert [len(batch) for batch in random.chosen] == [80, 80]
    assert not set(np.concatenate(controlled.chosen)) & set(short.chosen[0])


def test_naive_repair_changes_neither_the_model_nor_its_layers(model, given, naively):
    assert all(map(np.array_equal, given, model.get_weights()))
    assert not all(map(np.array_equal, given, naively.model.get_weights()))
    assert all(layer.trainable for layer in model.layers)


def test_sub_model_fits_its_head_alone_on_the_layers_own_states(model, digits):
    part = naive.sub_model(model, 2, classes=10)
    assert [tuple(w.shape) for w in part.trainable_variables] == [(28, 10), (10,)]
    assert np.array_equal(part.layers[1].get_weights()[0], model.layers[1].get_weights()[0])


def test_worst_label_is_the_lowest_of_those_that_both_parts_miss(digits):
    def predicted(part, rights):
        """The first share `rights[label]` of each label's inputs is right."""
        answers = np.zeros((len(part), 10))
        for label in range(10):
            own = np.flatnonzero(part.y == label)
            right = np.arange(len(own)) < rights.get(label, 1) * len(own)
            answers[own, np.where(right, label, (label + 1) % 10)] = 1
        return answers

    on_train = predicted(digits.train, {3: 0.5, 4: 0.5})
    on_test = predicted(digits.test, {2: 0.1, 3: 0.6, 4: 0.4})
    assert naive.worst_label(digits, on_train, on_test, 0.92) == 4, "2 is over-fitted"
    assert naive.worst_label(digits, on_train, on_test, 0.3) is None


def test_similar_layer_is_the_first_that_the_next_one_repeats():
    unsure, sure = np.full((5, 2), 0.5), np.tile([0.99, 0.01], (5, 1))
    assert naive.similar_layer({"a": unsure, "b": sure, "c": sure}, 0.01) == "b"
    assert naive.similar_layer({"a": sure, "b": unsure, "c": sure}, 0.01) == "c"


@pytest.mark.parametrize("metric", METRICS)
def test_one_at_a_time_measures_as_ours_in_the_order_of_the_publication(metric):
    generator = np.random.default_rng(5)
    x, heatmap = generator.random((20, 30)), generator.random(30)
    expected = distance("chebyshev" if metric == "canberra" else metric, x, heatmap)
    sign = -1 if metric == "earth_mover" else 1
    measured = [naive.PER_ROW[metric](one, heatmap) for one in x]
    np.testing.assert_allclose(measured, sign * expected, rtol=1e-6)


def test_choose_takes_the_nearest_inputs_of_the_label(digits):
    right = np.eye(10)[digits.test.y]
    free = np.ones(len(digits.pool), bool)
    free[np.flatnonzero(digits.pool.y == 3)[:5]] = False
    batch = naive.choose(digits, right, 3, free, RECIPE, np.random.default_rng(0))
    mean = digits.test.x[digits.test.y == 3].mean(axis=0)
    own = np.flatnonzero(free & (digits.pool.y == 3))
    near = own[np.argsort(distance("euclidean", digits.pool.x[own], mean / mean.max()))]
    assert batch[:20].tolist() == near[:20].tolist()
    assert free[batch].all()


def test_unknown_metric_of_the_naive_repair(model, digits):
    with pytest.raises(InputError) as error:
        naive.run(model, digits, replace(RECIPE, metric="earth_mover_2d"))
    assert str(error.value) == (
        f"metric must be one of {listed(naive.PER_ROW)}. Received: 'earth_mover_2d'. "
        "Did you mean 'earth_mover'?"
    )


def test_repair_rows_scale_a_naive_repair_of_fewer_rounds():
    ours = {"cold": 2.0, "warm": 1.0, "rounds": 5, "accuracy": 0.94}
    cold, warm = repair.compared(ours, {"seconds": 6.0, "rounds": 1, "accuracy": 0.95})
    assert (cold["peer_seconds"], cold["ratio"], cold["holds"]) == (30, 15, "yes")
    assert (warm["ratio"], warm["target"], warm["holds"]) == (30, "at least 25x", "yes")
    assert warm["peer"] == "the same with Keras fit and a SciPy loop, 1 round measured and scaled"
    assert warm["peer_accuracy"] == "", "after fewer rounds it is no match for ours"
    whole = repair.compared(ours, {"seconds": 20.0, "rounds": 5, "accuracy": 0.95})[1]
    assert whole["peer"] == "the same with Keras fit and a SciPy loop"
    assert (whole["ratio"], whole["holds"], whole["peer_accuracy"]) == (20, "no", 0.95)


def test_training_rows_measure_both_sides_from_the_same_start():
    ours = training.train_runs("published", "digits", repeats=1)
    peers = {kind: training.fit_runs("published", "digits", 1, kind) for kind in training.PEERS}
    rows = training.compared("published", ours, peers)
    states = ["cold", "warm", "warm"]
    assert [row["case"] for row in rows] == [
        f"published, 1500 inputs, 3 epochs, {state}" for state in states
    ]
    for measured in rows:
        assert set(suite.COLUMNS) < set(measured)
        assert measured["ours_seconds"] > 0
        assert abs(measured["ours_accuracy"] - measured["peer_accuracy"]) < 0.1
        assert 0.4 < measured["ours_accuracy"] < 1


def test_selecting_rows_agree_with_the_peers_where_there_is_no_chance():
    pytest.importorskip("skactiveml")
    pytest.importorskip("dnn_tip")
    rows = pd.DataFrame(selectors.rows(pool=400, labeled=3_000, n=20, few=20, repeats=1))
    assert set(suite.COLUMNS) < set(rows)
    assert (rows["ours_seconds"] > 0).all()
    same = dict(zip(rows["case"].str.split(",").str[0], rows["same_choice"], strict=True))
    peers = {"margin", "entropy", "core_set", "badge", "typiclust", "dsa", "mdsa"}
    assert set(same) == peers | set(selectors.ALONE)
    first = dict(zip(rows["case"], rows["same_choice"], strict=True))
    assert [first[f"{name}, 20 of 400 x 28"] for name in ("margin", "entropy", "core_set")] == [
        1
    ] * 3
    assert first["mdsa, 20 of 400 x 28"] >= 0.8
    assert first["badge, 20 of 400 x 28"] == ""
    whole = rows[rows["case"].str.endswith("200 of 1000 x 28")]
    assert len(whole) == len(selectors.ALONE)
    assert set(whole["ratio"]) == {""}


def test_a_script_under_diagnosis_is_measured_against_the_script_alone():
    (row,) = start.script_rows(repeats=1)
    assert row["peer_seconds"] > 1
    added = row["ours_seconds"] - row["peer_seconds"]
    assert row["added_seconds"] == pytest.approx(added, abs=0.01)


def test_start_loads_nothing_heavy_and_would_notice(monkeypatch):
    monkeypatch.setattr(start, "PEER", ["-c", "import numpy"])
    rows = pd.DataFrame(start.rows(repeats=1))
    assert set(suite.COLUMNS) < set(rows)
    assert rows["imports"].tolist() == ["none"]
    assert start.heavy_imports(["-c", "import matplotlib"]) == ["matplotlib"]


def test_a_label_without_correct_inputs_is_compared_with_the_map_of_all(digits):
    right = np.eye(10)[np.where(digits.test.y == 3, 4, digits.test.y)]
    free = np.ones(len(digits.pool), bool)
    batch = naive.choose(digits, right, 3, free, RECIPE, np.random.default_rng(0))
    mean = digits.test.x[digits.test.y != 3].mean(axis=0)
    own = np.flatnonzero(digits.pool.y == 3)
    near = own[np.argsort(distance("euclidean", digits.pool.x[own], mean / mean.max()))]
    assert batch[:20].tolist() == near[:20].tolist()


def test_a_row_says_whether_its_target_holds():
    kept = row("repair", "case", 2.0, 7.0, peer="fit", at_least=3.5)
    assert (kept["ratio"], kept["target"], kept["holds"]) == (3.5, "at least 3.5x", "yes")
    assert row("repair", "case", 2.0, 6.9, peer="fit", at_least=3.5)["holds"] == "no"
    assert row("repair", "case", 2.0, 6.9, peer="fit")["holds"] == ""


def test_cold_is_the_first_call_and_warm_the_median_of_the_others():
    assert cold_and_warm([9.0, 1.0, 4.0, 2.0]) == {"cold": 9.0, "warm": 2.0}


def test_a_new_process_is_another_one():
    assert in_new_process(os.getpid) != os.getpid()


def test_keep_replaces_only_the_benchmarks_that_ran_again(tmp_path):
    path = tmp_path / "results" / "benchmarks.csv"
    first = [row("start", "a", 1, 2, peer="p"), row("repair", "b", 1, 3, peer="p", extra=5)]
    suite.keep(pd.DataFrame(first), path)
    suite.keep(pd.DataFrame([row("start", "c", 1, 4, peer="p", memory=0.5)]), path)
    assert path.read_text() == (
        "benchmark,case,ours_seconds,peer_seconds,ratio,peer,target,holds,extra,memory\n"
        "repair,b,1,3,3.0,p,,,5.0,\n"
        "start,c,1,4,4.0,p,,,,0.5\n"
    )


def test_the_command_measures_by_name_and_writes_the_table(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    found = [row("start", "x", 1, 2.123456, peer="p")]
    monkeypatch.setitem(suite.BENCHMARKS, "start", lambda: found)
    done = CliRunner().invoke(main, ["start", "--out", str(path)])
    assert done.exit_code == 0
    assert "2.1235" in done.output
    assert pd.read_csv(path)["case"].tolist() == ["x"]


def test_the_command_refuses_an_unknown_benchmark():
    done = CliRunner().invoke(main, ["stat"])
    assert done.exit_code != 0
    assert done.output == (
        f"Error: benchmark must be one of {listed(suite.BENCHMARKS)}. Received: 'stat'. "
        "Did you mean 'start'?\n"
    )


def test_the_pool_on_disk_is_made_of_digits_and_chosen_from(tmp_path):
    path = pools.make(tmp_path / "pool.npy", 3_000)
    written = path.stat().st_mtime_ns
    assert pools.make(path, 3_000).stat().st_mtime_ns == written
    x = np.load(path)
    assert (x.shape, x.dtype) == ((3_000, 28, 28), np.uint8)
    assert 0.05 < (x > 0).mean() < 0.4
    assert len(np.unique(x, axis=0)) > 2_900
    assert pools.reading(path) > 0
    seconds, memory = pools.by_metric(path, "euclidean")
    assert seconds > 0
    assert 0 <= memory < 2**30


def test_an_estimate_is_measured_without_what_the_model_takes(monkeypatch, tmp_path):
    spent = [0.0]
    assert estimation_speed._timed(lambda x: sleep(0.01) or x, spent)(1) == 1
    assert spent[0] >= 0.01
    estimation_speed._write(tmp_path / "few.npy", 2500)
    images = np.load(tmp_path / "few.npy", mmap_mode="r")
    assert images.shape == (2500, 28, 28, 1)
    assert (images[2000:] == images[:500]).all()
    answers = {"without_predictions": [6.0, 4.0], "peak_memory": 2**29}
    monkeypatch.setattr(estimation_speed, "in_new_process", lambda f, _: answers[f.__name__])
    rows = pd.DataFrame(estimation_speed.rows(20))
    assert rows["ratio"].tolist() == [0.83, 1.25, 10, 10]
    assert rows["holds"].tolist() == ["no", "yes", "", ""]
    assert (rows["peak_memory"] == 0.5).all()
