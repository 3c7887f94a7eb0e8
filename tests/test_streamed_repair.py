"""A repair whose pool is streamed chooses, and ends, as one whose pool is in memory."""

import json
import os
import signal

import keras
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from keras import layers

from mode.cli import main
from mode.data import Data, Part, Streamed, open_pool
from mode.models import predict
from mode.models.rescaled import of_unit_inputs
from mode.repair import Recipe, repair, streamed_selection
from mode.repair.pool_selection import SelectionTarget, query, select_from_pool
from mode.repair.state import RepairState
from mode.repair.streamed_selection import MisclassifiedScorer
from mode.selection import SELECTORS
from mode.streaming import DistanceScorer, best
from tests.tolerance import FLOAT32

QUICK = {"rounds": 2, "inputs_per_round": 20, "epochs": 1}


def as_bytes(part: Part) -> np.ndarray:
    return np.round(part.x[..., 0] * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def model(few) -> keras.Model:
    keras.utils.set_random_seed(1)
    stack = [keras.Input((7, 7, 1)), layers.Flatten(), layers.Dense(12, "relu")]
    model = keras.Sequential([*stack, layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(few.train.x, few.train.y, epochs=8, verbose=0)
    return model


@pytest.fixture(scope="module")
def files(model, few, tmp_path_factory):
    """The model, the data with its pool, without it, the pool, and its labels."""
    folder = tmp_path_factory.mktemp("files")
    model.save(folder / "model.keras")
    arrays = {f"x_{name}": as_bytes(getattr(few, name)) for name in few.sizes()}
    arrays |= {f"y_{name}": getattr(few, name).y for name in few.sizes()}
    np.savez(folder / "whole.npz", **arrays)
    np.savez(folder / "rest.npz", **{k: v for k, v in arrays.items() if not k.endswith("pool")})
    np.save(folder / "pool.npy", arrays["x_pool"])
    np.save(folder / "labels.npy", arrays["y_pool"])
    for number, (image, label) in enumerate(zip(arrays["x_pool"], few.pool.y, strict=True)):
        (folder / "images" / f"{label}").mkdir(parents=True, exist_ok=True)
        file = folder / "images" / f"{label}" / f"{number:03}.png"
        keras.utils.save_img(file, image[..., None], scale=False)
    return folder


@pytest.fixture
def streamed(few, files) -> Data:
    pool = open_pool(files / "pool.npy")
    return few.with_part("pool", Streamed(pool, few.pool.y, few.shape))


def run(*arguments) -> list[str]:
    """Run the command line; return what it printed, in lines."""
    done = CliRunner().invoke(main, ["repair", *map(str, arguments), "--no-report"])
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


WAYS = {
    name: {"recipe": name} for name in sorted(streamed_selection.STREAMED - {"nearest", "farthest"})
}
WAYS |= {
    "recommended": {},
    "mode": {"recipe": "mode"},
    "published": {"recipe": "published"},
    "pixels": {"recipe": "mode", "kind": "pixel", "metric": "euclidean"},
    "label": {"recipe": "margin", "label": 3, "inputs_per_round": 6},
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_inputs_are_chosen_as_in_memory(way, model, few, streamed):
    options = {**QUICK, **WAYS[way]}
    expected, found = (repair(model, data, **options) for data in (few, streamed))
    assert len(expected.chosen) == 2
    for theirs, ours in zip(expected.chosen, found.chosen, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for theirs, ours in zip(expected.model.get_weights(), found.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_default_repair_takes_the_whole_streamed_pool(model, few, streamed):
    expected, found = (repair(model, data) for data in (few, streamed))
    assert found.kept == expected.kept > 0
    assert found.result["accuracy"] > found.rounds["accuracy"][0] + 0.05
    assert sorted(found.chosen[0]) == list(range(len(few.pool)))
    for theirs, ours in zip(expected.model.get_weights(), found.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("metric", ["dot", "euclidean"])
def test_a_map_of_zeros_takes_random_inputs_streamed_or_not(metric, model, few, streamed):
    """All are equally near it by some metrics, and the darkest are nearest by others."""
    recipe = Recipe(metric=metric, kind="pixel")
    target = SelectionTarget(np.arange(3, 90), 9, np.zeros(few.shape, np.float32))
    for data in (few, streamed):
        state, generator = RepairState(model, data, recipe, 0), np.random.default_rng(5)
        found = select_from_pool(state, target, generator=generator)
        expected = np.random.default_rng(5).permutation(np.arange(3, 90))[:9]
        np.testing.assert_array_equal(found, expected)


def test_every_selector_of_a_repair_streams():
    """What remains is the control, whose recipe draws at random from its quota."""
    assert set(SELECTORS) - streamed_selection.STREAMED == {"class_matched_random"}
    ways = {"score", "shuffled", "indices", "margin", "random", None}
    for selector in SELECTORS.values():
        assert selector.streamed in ways
        assert (selector.streamed == "score") == (selector.score is not None)


@pytest.mark.parametrize("selector", ["badge", "core_set"])
def test_selectors_that_compare_inputs_see_a_shortlist(selector, model, few, streamed, monkeypatch):
    """Of a pool beyond its length: the smallest margins, or random ones; and it says nothing of
    what it did not see."""
    monkeypatch.setattr(streamed_selection, "LEAST", 50)
    monkeypatch.setattr(streamed_selection, "SHORTLIST", 2)
    seen, take = [], Streamed.take
    monkeypatch.setattr(Streamed, "take", lambda pool, rows: seen.append(rows) or take(pool, rows))
    chosen = query(model, streamed, selector, 20)
    assert len(seen[0]) == 50
    assert len(set(chosen)) == 20
    assert set(chosen) <= set(seen[0])
    top = np.sort(predict(model, few.pool.x), axis=1)
    smallest = set(np.argsort(top[:, -1] - top[:, -2], kind="stable")[:50])
    assert (set(seen[0]) == smallest) == (selector == "badge")


def test_the_command_streams_a_file_and_a_folder(files, few, tmp_path):
    same = ["--recipe", "margin", "--rounds", 1, "--inputs-per-round", 20, "--max-broken", 1]
    model = files / "model.keras"
    run(model, files / "whole.npz", "--out", tmp_path / "memory", *same)
    rest = [model, files / "rest.npz", *same]
    labels = ["--pool-labels", files / "labels.npy"]
    run(*rest, "--pool", files / "pool.npy", *labels, "--out", tmp_path / "file")
    for name in ("rows.csv", "chosen.csv", "faults.csv"):
        expected = (tmp_path / "memory" / name).read_bytes()
        assert (tmp_path / "file" / name).read_bytes() == expected
    run(*rest, "--pool", files / "images", "--out", tmp_path / "folder")
    chosen = pd.read_csv(tmp_path / "folder" / "chosen.csv")
    order = np.argsort(few.pool.y, kind="stable")  # of the folders, by class and then by name
    np.testing.assert_array_equal(few.pool.y[order[chosen["index"]]], chosen["label"])
    assert "pool" not in set(pd.read_csv(tmp_path / "file" / "splits.csv")["part"])


def test_a_streamed_pool_is_asked_for_labels_and_then_used(files, few, tmp_path):
    command = [files / "model.keras", files / "rest.npz", "--pool", files / "pool.npy"]
    command += ["--out", tmp_path]
    said = run(*command, "--label-budget", 9)
    assert said[-1] == "give their labels by --pool-labels, -1 for all others, and call again"
    wanted = pd.read_csv(tmp_path / "to_label.csv")["index"]
    y = np.full(len(few.pool), -1)
    y[wanted] = few.pool.y[wanted]
    np.save(tmp_path / "y.npy", y)
    command += ["--recipe", "margin", "--rounds", 1, "--inputs-per-round", 9]
    run(*command, "--pool-labels", tmp_path / "y.npy")
    chosen = pd.read_csv(tmp_path / "chosen.csv")
    assert set(chosen["index"]) == set(wanted)
    np.testing.assert_array_equal(chosen["label"], few.pool.y[chosen["index"]])


def test_a_streamed_repair_is_resumed_and_another_pool_is_refused(
    model, few, streamed, files, tmp_path, refused
):
    options = {**QUICK, "checkpoint_dir": tmp_path}
    whole = repair(model, streamed, **QUICK)
    repair(model, streamed, **{**options, "rounds": 1})
    again = repair(model, streamed, **options, resume=True)
    np.testing.assert_array_equal(np.concatenate(again.chosen), np.concatenate(whole.chosen))
    other = Streamed(open_pool(as_bytes(few.pool)[::-1]), few.pool.y, few.shape)
    assert refused(repair, model, few.with_part("pool", other), **options, resume=True).startswith(
        f"the repair in '{tmp_path}' must be resumed with the same pool. Received: "
    )


def test_bad_pools_are_refused_in_one_line(files, few, model, tmp_path, refused):
    def said(*options) -> str:
        command = ["repair", files / "model.keras", files / "rest.npz", "--out", tmp_path, *options]
        ran = CliRunner().invoke(main, list(map(str, command)))
        assert ran.exit_code == 2
        return ran.stderr.splitlines()[-1]

    assert said("--scheduler", "tcp://127.0.0.1:1") == (
        "Error: scheduler must be given with a pool to spread. Received: none."
    )
    assert said("--pool", files / "pool.npy", "--pool-labels", files / "none.npy") == (
        f"Error: {files}/none.npy must be an .npy file of a plain array. Received: no such file."
    )
    np.save(tmp_path / "large.npy", np.zeros((160, 8, 8), np.uint8))
    assert said("--pool", tmp_path / "large.npy") == (
        "Error: the pool's first input must have shape ('n', 7, 7, 1). Received: shape (1, 8, 8)."
    )
    np.save(tmp_path / "y.npy", np.full(160, 10))
    options = ("--pool", files / "pool.npy", "--pool-labels", tmp_path / "y.npy")
    assert said(*options) == (
        "Error: pool labels must be from 0 to 9. Received: labels from 10 to 10."
    )
    (tmp_path / "images" / "cat").mkdir(parents=True)
    keras.utils.save_img(tmp_path / "images" / "cat" / "a.png", np.zeros((7, 7, 1)))
    names = ", ".join(f"'{n}'" for n in range(10))
    assert said("--pool", tmp_path / "images") == (
        f"Error: a class of the pool must be one of {names}. Received: 'cat'."
    )
    bad = as_bytes(few.pool) / np.float32(255)
    bad[100, 2, 3] = np.nan
    data = few.with_part("pool", Streamed(open_pool(bad), few.pool.y, few.shape))
    assert refused(repair, model, data, **QUICK, recipe="margin").startswith(
        "pool inputs must be finite. Received: nan at index (100, 2, 3"
    )


def test_a_scheduler_that_does_not_answer_is_said(monkeypatch, refused):
    from mode.streaming import cluster, connected

    monkeypatch.setattr(cluster, "TIMEOUT", 1)
    message = refused(connected("tcp://127.0.0.1:9").__enter__)
    assert message.startswith(
        "scheduler must be the address of a running Dask scheduler. Received: "
    )


@pytest.mark.commands
def test_a_killed_worker_changes_nothing_but_time(files, model, few, tmp_path):
    """Two workers over TCP: one of them is killed while it measures; so does a model on them."""
    from dask.distributed import Client, LocalCluster

    rng = np.random.default_rng(0)
    many = rng.integers(0, 256, (80_000, 7, 7), dtype=np.uint8)
    many[70_000:] = many[:10_000]
    np.save(tmp_path / "many.npy", many)
    pool, died = open_pool(tmp_path / "many.npy"), tmp_path / "died"

    class Deadly(DistanceScorer):
        def __call__(self, block, limit):
            if block.start >= 16_384 and not died.exists():
                died.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().__call__(block, limit)

    heatmap = few.train.x[few.train.y == 3].mean(axis=0)
    among = np.flatnonzero(rng.random(len(many)) < 0.9)
    expected = best(pool, DistanceScorer("euclidean", heatmap), 50, among=among)
    doubt = streamed_selection.UncertaintyScorer(
        model, "misclassified_then_margin", few.shape, np.random.default_rng(5)
    )
    labels = rng.integers(0, 10, len(among))
    of_model = best(pool, doubt, 50, among=among, labels=labels)
    order = rng.permutation(len(among))
    mistaken = MisclassifiedScorer(model, few.shape, np.argsort(order))
    told = predict(model, many[..., None] / np.float32(255))[among].argmax(axis=1)
    shuffled = order[np.argsort(told[order] == labels[order], kind="stable")]
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options, protocol="tcp://") as cluster, Client(cluster) as client:
        assert cluster.scheduler_address.startswith("tcp://")
        found = best(pool, Deadly("euclidean", heatmap), 50, among=among, client=client)
        assert died.exists()
        np.testing.assert_array_equal(found, expected)
        found = best(pool, doubt, 50, among=among, labels=labels, client=client)
        np.testing.assert_array_equal(found, of_model)
        found = best(pool, mistaken, 200, among=among, labels=labels, client=client)
        np.testing.assert_array_equal(found, among[shuffled[:200]])
        with pytest.raises(ValueError, match=r"a pool spread over a cluster must be an \.npy file"):
            best(open_pool(many), DistanceScorer("dot", heatmap), 5, client=client)
        command = [files / "model.keras", files / "rest.npz", "--pool", files / "pool.npy"]
        command += ["--pool-labels", files / "labels.npy", "--recipe", "published"]
        command += ["--rounds", 1, "--inputs-per-round", 20, "--max-broken", 1]
        run(*command, "--out", tmp_path / "spread", "--scheduler", cluster.scheduler_address)
        run(*command, "--out", tmp_path / "alone")
    for name in ("rows.csv", "chosen.csv"):
        expected = (tmp_path / "alone" / name).read_bytes()
        assert (tmp_path / "spread" / name).read_bytes() == expected


def test_a_model_that_rescales_bytes_itself_gets_what_it_expects(files, few, tmp_path):
    """Bytes in the arrays, 0 to 255: the model was fitted on these, and says the same of them."""
    x, y = as_bytes(few.train)[..., None], few.train.y
    keras.utils.set_random_seed(1)
    inner = keras.Sequential([keras.Input((7, 7, 1)), layers.Rescaling(1 / 127.5, offset=-1)])
    stack = [keras.Input((7, 7, 1)), inner, layers.Rescaling(2.0), layers.Flatten()]
    model = keras.Sequential([*stack, layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=30, verbose=0)
    model.save(tmp_path / "model.keras")
    asked = of_unit_inputs(model)
    told = model.predict(x.astype(np.float32), verbose=0)
    np.testing.assert_allclose(predict(asked, few.train.x), told, **FLOAT32)
    assert inner.layers[-1].scale == 1 / 127.5
    assert of_unit_inputs(asked) is asked
    run(tmp_path / "model.keras", files / "whole.npz", "--out", tmp_path / "out")
    rows = pd.read_csv(tmp_path / "out" / "rows.csv")
    test = as_bytes(few.test)[..., None].astype(np.float32)
    before = (model.predict(test, verbose=0).argmax(axis=1) == few.test.y).mean()
    assert rows["accuracy"][0] == pytest.approx(before, abs=0.02)  # one input
    repaired = keras.saving.load_model(tmp_path / "out" / "repaired.keras")
    given = keras.saving.load_model(tmp_path / "model.keras")
    assert repaired.get_config() == given.get_config()
    after = (repaired.predict(test, verbose=0).argmax(axis=1) == few.test.y).mean()
    record = json.loads((tmp_path / "out" / "record.json").read_text(encoding="utf-8"))
    assert record["kept"] > 0
    assert record["result"]["accuracy"] == pytest.approx(after, abs=0.02)
    assert after > before + 0.05
    assert not np.array_equal(repaired.get_weights()[0], model.get_weights()[0])


def test_a_streamed_pool_is_refused_where_inputs_must_be_in_memory(few, refused):
    streamed = few.with_part("pool", Streamed(open_pool(as_bytes(few.pool)), few.pool.y, few.shape))
    message = refused(lambda: streamed.pool_in_memory)
    assert message == "the pool must be in memory for this. Received: one that is streamed."
    assert few.pool_in_memory is few.pool
