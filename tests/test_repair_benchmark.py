"""The benchmark of the default repair: rows way by way, and the table that they give."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from benchmarks import default_repair, faulty_classifiers
from benchmarks.default_repair import (
    CASES,
    CLEAN_POOL,
    COLUMNS,
    LIMITED,
    Measured,
    file_name,
    main,
    measured,
    tabulated,
)
from mode import results
from mode.data import Data, Part
from mode.repair.rivals import FINE_TUNED, FROM_SCRATCH, REPAIR
from tests.known_answers import fixed

WAYS = (REPAIR, FINE_TUNED, FROM_SCRATCH, LIMITED)
ROOT = Path(__file__).parents[1]


def made_up(name: str, seed: int, accuracies: list[float], ways=WAYS) -> pd.DataFrame:
    """Rows of one classifier; the n-th way broke n inputs."""
    rows = pd.DataFrame({"way": ways, "accuracy": accuracies, "broken": range(1, len(ways) + 1)})
    fixed = {"classifier": name, "seed": seed, "accuracy before": 0.5, "repaired": 40}
    fixed |= {"right before": 50, "wrong before": 50, "broken on diagnosis": 0.0}
    fixed |= {"worst class": 2, "accuracy of worst class before": 0.0, "inputs used": 100}
    fixed |= {"accuracy of worst class": 0.9, "kept round": 1, "seconds": 10.0 + seed}
    rows = rows.assign(**fixed)
    return rows.assign(**{"share of right broken": rows["broken"] / 50})[COLUMNS]


def test_the_table_has_a_row_per_classifier_and_medians_over_seeds():
    mlp, wrong = "MLP, table, rare class", default_repair.WRONG_LABELS
    found = pd.concat(
        [
            made_up(wrong, 0, [0.6, 0.6, 0.5, 0.5, 0.7], ways=(*WAYS, CLEAN_POOL)),
            made_up(mlp, 0, [0.9, 0.8, 0.7, 0.6]),
            made_up(mlp, 1, [0.7, 0.8, 0.5, 0.6]),
        ]
    )
    table = tabulated(found)
    assert table["classifier"].tolist() == [mlp, wrong], "in the order of the classifiers"
    first = table.iloc[0]
    assert first["before"] == 0.5
    assert first[["repair", "fine-tuning", "from scratch"]].tolist() == pytest.approx(
        [0.8, 0.8, 0.6]
    )
    assert first["max_broken 0.01"] == 0.6
    assert np.isnan(first["repair, clean pool"])
    assert table["repair, clean pool"][1] == 0.7
    broken = [f"broken by {way}" for way in ("repair", "fine-tuning", "from scratch")]
    assert first[[*broken, "broken by max_broken 0.01"]].tolist() == [1, 2, 3, 4]
    assert first["share of right broken by repair"] == 0.02
    assert first[["worst class, before", "worst class, repair"]].tolist() == [0, 0.9]
    assert first[["seconds", "seeds"]].tolist() == [10.5, 2]


def test_the_committed_table_is_redone_from_its_rows():
    folder = ROOT / "results" / "runs" / "default_repair"
    table = tabulated(results.read_rows(folder))
    text = table.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    assert text == (ROOT / "results" / "tables" / "default_repair.csv").read_text(encoding="utf-8")


def test_ways_are_measured_on_the_test_split_and_what_they_broke_on_diagnosis():
    """Inputs 0 to 4; class 1 was right at one input in three."""
    part = Part(np.arange(5)[:, None].astype(np.int32), np.array([0, 0, 1, 1, 1]))
    data = Data(part, part, part.take(np.array([0, 1, 4])), part, classes=2)
    before = fixed([0, 0, 0, 0, 1])
    made = {
        REPAIR: Measured(fixed([1, 0, 1, 1, 1]), 1.26, 3, 2),
        FINE_TUNED: Measured(fixed([0, 0, 0, 1, 0]), 2.0, 5),
    }
    ours, rival = measured(before, made, data).to_dict("records")
    assert (ours["accuracy before"], ours["accuracy"], rival["accuracy"]) == (0.6, 0.8, 0.6)
    assert (ours["right before"], ours["wrong before"]) == (3, 2)
    assert (ours["repaired"], ours["broken"], rival["broken"]) == (2, 1, 1)
    assert ours["share of right broken"] == pytest.approx(1 / 3, abs=1e-6)
    assert ours["broken on diagnosis"] == rival["broken on diagnosis"]
    assert ours["broken on diagnosis"] == pytest.approx(1 / 3, abs=1e-6)
    assert ours["worst class"] == 1
    assert ours["accuracy of worst class before"] == pytest.approx(1 / 3, abs=1e-6)
    assert ours["accuracy of worst class"] == 1
    assert rival["accuracy of worst class"] == pytest.approx(1 / 3, abs=1e-6)
    assert (ours["inputs used"], ours["kept round"], ours["seconds"]) == (3, 2, 1.3)
    assert np.isnan(rival["kept round"])


def test_each_way_gets_the_same_seconds_and_the_clean_pool_its_right_labels(monkeypatch):
    name, calls, limits = default_repair.WRONG_LABELS, [], []
    x = np.arange(8)[:, None].astype(np.int32)
    y = np.array([0, 1] * 4)
    right = {f"{a}_{part}": v for part in ("train", "pool", "diagnosis", "test")
             for a, v in (("x", x), ("y", y))}  # fmt: skip
    model = fixed([0, 1, 0, 1, 1, 1, 0, 0])

    def repaired(model, data, **options):
        calls.append((data.pool.y.tolist(), options))
        chosen = (np.array([0, 1]), np.array([1, 2]), np.array([5]))
        return SimpleNamespace(model=fixed([0, 1] * 4), chosen=chosen, kept=2)

    def rival(given, data, seconds, *, seed):
        limits.append(seconds)
        return given

    monkeypatch.setitem(default_repair.CASES, name, lambda seed: (model, right | {"y_pool": 1 - y}))
    monkeypatch.setattr(faulty_classifiers, "clothing_without_wrong_labels", lambda seed: right)
    monkeypatch.setattr(default_repair, "repair", repaired)
    monkeypatch.setattr(default_repair, "clocked", lambda function: (2.5, function()))
    monkeypatch.setattr(default_repair, "RIVALS", {FINE_TUNED: rival, FROM_SCRATCH: rival})
    found = default_repair.rows(name, 3)
    assert found.columns.tolist() == COLUMNS
    assert found["way"].tolist() == [*WAYS, CLEAN_POOL]
    wrong = (1 - y).tolist()
    limited = {"seed": 3, "max_broken": 0.01}
    assert calls == [(wrong, {"seed": 3}), (wrong, limited), (y.tolist(), {"seed": 3})]
    assert limits == [found["seconds"][0]] * 2
    assert found["accuracy"].tolist() == [1, 0.75, 0.75, 1, 1]
    assert found["inputs used"].tolist() == [3, 0, 0, 3, 3], "rivals: all are also in train"
    assert found["seed"].unique().tolist() == [3]


def test_the_command_keeps_what_is_finished_and_writes_the_table(tmp_path, monkeypatch):
    asked = []

    def run(function, name, seed):
        asked.append((name, seed))
        return made_up(name, seed, [0.9, 0.8, 0.7, 0.6])

    monkeypatch.setattr(default_repair, "in_new_process", run)
    name = "MLP, table, rare class"
    options = ["--only", name, "--seeds", "2", "--out", str(tmp_path)]
    for _ in range(2):
        done = CliRunner().invoke(main, options)
        assert done.exit_code == 0, done.output
    assert asked == [(name, 0), (name, 1)]
    table = pd.read_csv(tmp_path / "tables" / "default_repair.csv")
    assert table[["classifier", "repair", "seeds"]].values.tolist() == [[name, 0.9, 2]]
    assert (tmp_path / "runs" / "default_repair" / "mlp_table_rare_class,seed=1.csv").is_file()


def test_the_command_refuses_an_unknown_classifier():
    done = CliRunner().invoke(main, ["--only", "MLP, table, rare clas"])
    assert done.exit_code != 0
    assert "Did you mean 'MLP, table, rare class'?" in done.output


def test_each_classifier_has_a_file_of_its_own():
    assert len({file_name(name, 0) for name in CASES}) == len(CASES)
    assert file_name("MLP, table, rare class", 3) == "mlp_table_rare_class,seed=3.csv"


def test_parts_are_disjoint_and_a_rare_class_has_so_many_training_rows():
    x, y = np.arange(100)[:, None], np.arange(100) % 4
    parts = faulty_classifiers._parts(x, y, 0, train=40, pool=30, diagnosis=10)
    sizes = {name: len(parts[f"x_{name}"]) for name in ("train", "pool", "diagnosis", "test")}
    assert sizes == {"train": 40, "pool": 30, "diagnosis": 10, "test": 20}
    whole = np.concatenate([parts[f"x_{name}"] for name in sizes])
    assert sorted(whole[:, 0]) == list(range(100))
    assert all((parts[f"y_{name}"] == parts[f"x_{name}"][:, 0] % 4).all() for name in sizes)
    assert "x_test" not in faulty_classifiers._parts(x, y, 0, train=40, rest="")
    rare = faulty_classifiers._rare(parts, {2: 3})
    assert np.bincount(rare["y_train"])[2] == 3
    assert len(rare["y_pool"]) == 30


def test_wrong_labels_are_of_another_class():
    y = np.arange(2000) % 3
    wrong = faulty_classifiers.wrong_labels(y, 0.1, seed=0)
    assert set(wrong) == {0, 1, 2}
    assert (wrong != y).mean() == pytest.approx(0.1, abs=0.02)
