"""What the report of a repair is made from: features with names, tables by class, suspects."""

from dataclasses import replace
from types import SimpleNamespace

import keras
import nbformat
import numpy as np
import pandas as pd
import pytest
from keras import layers

from mode import notebooks
from mode.data import Data, Part, Streamed, open_pool
from mode.models import predict
from mode.repair import label_errors
from mode.repair.label_errors import far_excess, look_wrong, tempered
from mode.report import advice, case, features, files, tables
from mode.report.files import open_case, suspect_inputs
from mode.report.workflow import repair_files
from tests.tolerance import FLOAT32

NAMES = ["a small cat", "dog", "owl"]
COLUMNS = ["weight", "height", "age", "noise"]


def of(x: np.ndarray) -> Data:
    part = Part(x, np.arange(len(x)) % 2)
    return Data(part, part, part, part, classes=2)


def test_features_of_vectors_are_z_scores_with_the_callers_names():
    x = np.array([[1, 10], [3, 30], [5, 20]], np.float32)
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2)])
    found, called = features.scaled_features(model, of(x), x, ["kilos", "years"])
    expected = [[-(1.5**0.5), -(1.5**0.5)], [0, 1.5**0.5], [1.5**0.5, 0]]
    np.testing.assert_allclose(found, expected, **FLOAT32)
    assert called == ["kilos", "years"]
    assert features.scaled_features(model, of(x), x)[1] == ["feature 0", "feature 1"]


def test_features_of_sequences_are_their_steps():
    x = np.random.default_rng(0).normal(size=(6, 3, 2)).astype(np.float32)
    model = keras.Sequential([keras.Input((3, 2)), layers.LSTM(2), layers.Dense(2)])
    found, called = features.scaled_features(model, of(x), x[:4])
    assert (found.shape, called) == ((4, 3, 2), ["step 0", "step 1", "step 2"])
    np.testing.assert_allclose(found, (x[:4] - x.mean(axis=0)) / x.std(axis=0), **FLOAT32)


def test_features_of_tokens_are_how_often_each_is_there(monkeypatch):
    """Twice in the first input, once in the second; the rarest are left out."""
    x = np.array([[7, 7, 2], [7, 4, 4], [4, 2, 9]], np.int32)
    stack = [keras.Input((3,), dtype="int32"), layers.Embedding(10, 2), layers.Flatten()]
    model = keras.Sequential([*stack, layers.Dense(2)])
    monkeypatch.setattr(features, "MAX_TOKENS", 3)
    found, called = features.scaled_features(model, of(x), x)
    assert called == ["token 2", "token 4", "token 7"]
    counts = np.array([[1, 0, 2], [0, 2, 1], [1, 1, 0]])
    np.testing.assert_allclose(found, (counts - counts.mean(0)) / counts.std(0), **FLOAT32)
    numbers = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    assert features.scaled_features(numbers, of(x), x)[1][0] == "feature 0"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A saved model and data of named classes and features, whose labels are text."""
    folder = tmp_path_factory.mktemp("case")
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 500)
    x = rng.normal(size=(500, 4)).astype(np.float32)
    x[:, :3] += 2 * np.eye(3, dtype=np.float32)[y]
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(6, "relu"), layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(True))
    model.fit(x[:100], y[:100], epochs=1, verbose=0)
    model.save(folder / "model.keras")
    text = np.array(NAMES)[y]
    arrays = {"x_train": x[:100], "y_train": text[:100], "x_pool": x[100:], "y_pool": text[100:]}
    named = {"class_names": np.array(NAMES), "feature_names": np.array(COLUMNS)}
    np.savez(folder / "data.npz", **arrays, **named)
    return folder / "model.keras", folder / "data.npz"


@pytest.fixture(scope="module")
def repaired(saved, tmp_path_factory):
    """The case of a repair of these files."""
    folder = tmp_path_factory.mktemp("out")
    repair_files(*saved, out=folder, rounds=2, inputs_per_round=40, report=False)
    return open_case(*saved, folder, seed=0)


def test_a_report_that_fails_leaves_the_repair_and_says_so(saved, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))  # no kernel can start
    done = repair_files(*saved, out=tmp_path, recipe="margin", rounds=1, inputs_per_round=40)
    assert (tmp_path / "repaired.keras").exists()
    assert not (tmp_path / "report.html").exists()
    assert [line for line in done.lines if line.startswith("report.html was not written")]
    assert done.facts["notes"][-1] in done.lines


def test_tables_call_classes_by_their_names(repaired):
    test = repaired.data.test
    before, after = repaired.predictions
    expected = [(before[test.y == k] == k).mean() for k in range(3)]
    table = repaired.by_label
    assert table["class"].tolist() == repaired.accuracies()["label"].tolist() == NAMES
    np.testing.assert_allclose(table["before"], expected)
    np.testing.assert_allclose(repaired.accuracies()["after"], table["after"])
    moved = repaired.changed_classes("repaired")
    pairs = [
        (NAMES[true], NAMES[old])
        for true, old, new in zip(test.y, before, after, strict=True)
        if old != true == new
    ]
    assert moved["inputs repaired"].sum() == len(pairs) == len(repaired.changed("repaired")) > 0
    for true, old, count in moved.itertuples(index=False):
        assert pairs.count((true, old)) == count
    chosen = repaired.chosen_classes()
    assert chosen[["round 1", "round 2"]].to_numpy().sum() == 80
    counts = repaired.chosen[repaired.chosen["round"] == 1]["class"].value_counts()
    found = dict(zip(chosen["class"], chosen["round 1"], strict=True))
    assert found == counts.reindex(found, fill_value=0).to_dict()
    assert set(repaired.faulty_classes()["class"]) <= set(NAMES)


def test_the_report_starts_with_the_sentence_and_the_classes_that_got_worse(repaired):
    result = repaired.record["result"]
    before = repaired.rows["accuracy"].iloc[0]
    page = repaired.headline_html
    assert page.startswith(f"<h1>Accuracy rose from {100 * before:.1f} % to ")
    assert f"{100 * result['accuracy']:.1f} %: {result['repaired']} test inputs repaired" in page
    fallen = repaired.by_label.assign(change=[-0.021, 0.1, 0.0], after=[0.5, 0.0, 0.5])
    worse = case.Case(**{name: getattr(repaired, name) for name in case.Case.__dataclass_fields__})
    worse.__dict__["by_label"] = fallen
    assert "Less accurate than before: a small cat (-2.1 points)." in worse.headline_html
    assert "Classes at 0 %: dog." in worse.headline_html


def test_tables_for_people_have_words_and_one_decimal(repaired):
    table = repaired.by_label.assign(
        before=[0.5, 0.75, np.nan], after=[0.5421, 0.7, np.nan], change=[0.0421, -0.05, np.nan]
    )
    shown = tables.class_table(table)
    assert shown.marked == [True, False, False]
    assert shown.rows["class"].tolist() == ["dog", "a small cat", "owl"]
    assert shown.rows["before, %"].tolist() == ["75.0", "50.0", ""]
    assert shown.rows["change, points"].tolist() == ["-5.0", "+4.2", ""]
    page = shown._repr_html_()
    assert page.count('<tr class="worse">') == 1
    assert "nan" not in page
    rounds = tables.round_table(repaired.rows, kept_round=1).rows
    assert rounds["kept"].tolist() == ["yes" if n == 1 else "" for n in repaired.rows["round"]]
    assert rounds["accuracy, %"].tolist() == [f"{100 * a:.1f}" for a in repaired.rows["accuracy"]]


def test_a_page_leaves_out_what_is_for_the_notebook_alone():
    cells = [nbformat.v4.new_markdown_cell(text) for text in ("# Why", "## Class by class")]
    cells[0]["metadata"]["tags"] = [notebooks.NOTEBOOK_ONLY]
    page = files.page(nbformat.v4.new_notebook(cells=cells), "a title")
    assert "Class by class" in page
    assert "Why" not in page


def test_maps_are_of_the_diagnosis_part(repaired):
    """HCI of the inputs: the mean z-score of those that are classified correctly, scaled."""
    judge = repaired.data.diagnosis
    predicted = predict(repaired.before, judge.x).argmax(axis=1)
    train = repaired.data.train.x
    z = (judge.x - train.mean(axis=0)) / train.std(axis=0)
    maps = repaired.maps()
    for label in range(3):
        right = (judge.y == label) & (predicted == label)
        assert maps.counts["hci"][label] == right.sum()
        if right.any():
            mean = z[right].mean(axis=0)
            np.testing.assert_allclose(maps.hci[label], mean / np.abs(mean).max(), **FLOAT32)
    assert repaired.features == COLUMNS
    layer = repaired.layer().layer
    assert repaired.units(repaired.maps(layer)) == [
        f"unit {n}" for n in range(repaired.maps(layer).hci.shape[1])
    ]


def test_it_says_whether_the_test_part_was_held_out(repaired):
    note = "test was created from x_train"
    assert "held" not in repaired.measured_on()
    assert len(repaired.measured_on().splitlines()) == 1 + len(repaired.data.notes)
    created = replace(repaired, data=replace(repaired.data, held_out=False, notes=(note,)))
    assert created.measured_on().endswith(note)
    assert "chose nothing" in repaired.measured_on()
    assert "chose nothing" not in created.measured_on()


def test_of_many_classes_the_faulty_and_least_accurate_are_shown(repaired, monkeypatch):
    monkeypatch.setattr(case, "MAX_CLASSES", 2)
    few = case.Case(**{name: getattr(repaired, name) for name in case.Case.__dataclass_fields__})
    first = [*repaired.faults["label"], *repaired.by_label["before"].sort_values().index]
    assert few.figure_labels == sorted([*dict.fromkeys(first)][:2])
    assert few.maps().hci.shape == (2, 4)
    whole = pd.crosstab(few.data.test.y, few.predictions[0]).reindex(range(3), columns=range(3))
    expected = whole.fillna(0).to_numpy()[np.ix_(few.figure_labels, few.figure_labels)]
    np.testing.assert_array_equal(few.confusions()[0], expected)


@pytest.mark.parametrize("streams", [False, True])
def test_what_the_repair_set_aside_is_what_the_report_lists(repaired, monkeypatch, streams):
    """Also of a streamed pool, whose sample would lack it."""
    data = repaired.data
    if streams:
        monkeypatch.setattr(case, "SAMPLE", 10)
        streamed = Streamed(open_pool(data.pool.x), data.pool.y, data.shape)
        data = replace(data, pool=streamed)
    indices = np.array([199, 7, 33])
    labels = data.pool.y[indices]
    suspect = pd.DataFrame({"index": indices, "label": labels, "suggested": (labels + 1) % 3})
    listed = suspect_inputs(SimpleNamespace(suspects=suspect), data)
    assert listed["label"].tolist() == [NAMES[k] for k in labels]
    found = replace(repaired, data=data, suspects=listed)
    rows = found.suspect_labels()
    np.testing.assert_array_equal(found.pool_sample.x[rows["index"]], repaired.data.pool.x[indices])
    assert rows["label"].tolist() == labels.tolist()
    assert rows["suggested"].tolist() == suspect["suggested"].tolist()


def test_a_temperature_undoes_what_made_probabilities_too_sure():
    """Ten inputs of odds (0.8, 0.2), eight of them of the first class: that is what they say."""
    calibrated = np.tile([0.8, 0.2], (10, 1))
    labels = np.array([0] * 8 + [1] * 2)
    np.testing.assert_allclose(tempered(labels, calibrated), calibrated)
    sure = calibrated**2 / (calibrated**2).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(tempered(labels, sure), calibrated)


def test_labels_far_from_likely_are_counted_by_hand(refused):
    """Below a tenth of chance, 0.05 of two classes: those of 0.04. Of these 4 % are expected."""
    odds = np.array([[0.96, 0.04]] * 800 + [[0.8, 0.2]] * 200)
    right = np.array([0] * 768 + [1] * 32 + [0] * 160 + [1] * 40)
    assert far_excess(right, odds) == pytest.approx(0)
    assert not look_wrong(right, odds)
    # A temperature above 1 would make all of these wrong ones, and no other label, likelier.
    wrong = np.where(np.arange(1000) % 31 == 0, 1, right)
    found = tempered(wrong, odds)[:, 1]
    far = found < 0.05
    assert far_excess(wrong, odds) == pytest.approx(np.mean(far * (wrong - found)))
    assert refused(far_excess, right[:3], odds) == (
        "labels and probabilities must have the same length. Received: labels: 3, "
        "probabilities: 1000."
    )


def planted(share: float, count: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    """Labels of three overlapping classes, a share of them wrong, and the odds of the right ones,
    by Bayes' rule."""
    rng = np.random.default_rng(2)
    y = rng.integers(0, 3, count)
    at = rng.normal(size=(count, 3)) + 3 * np.eye(3)[y]
    odds = np.exp(3 * at)
    labels = np.where(rng.random(count) < share, (y + rng.integers(1, 3, count)) % 3, y)
    return labels, odds / odds.sum(axis=1, keepdims=True)


def test_labels_look_wrong_when_they_are_and_only_then():
    assert not look_wrong(*planted(0.0))
    assert look_wrong(*planted(0.05))
    labels, odds = planted(0.05)
    assert not look_wrong(labels[:999], odds[:999])
    assert look_wrong(labels[:1000], odds[:1000])


def test_the_advice_names_what_is_to_be_done(repaired, monkeypatch):
    signs = advice.advice(repaired)["sign"].tolist()
    assert not any("look wrong" in sign for sign in signs)
    monkeypatch.setattr(label_errors, "ALARM", -1.0)
    monkeypatch.setattr(label_errors, "LEAST", 1)
    monkeypatch.setattr(advice, "FEW", 1000)
    table = advice.advice(repaired)
    assert table["sign"][0].startswith("labels of the pool look wrong: ")
    worst = NAMES[repaired.faults["label"][0]]
    count = (repaired.data.pool.y == repaired.faults["label"][0]).sum()
    assert table["sign"][1] == f"the pool has {count} inputs of faulty class {worst}"


def test_a_report_of_a_model_whose_code_is_allowed_knowingly_opens(tmp_path):
    """One that scales bytes itself, so that it is copied."""
    rng = np.random.default_rng(0)
    stack = [keras.Input((4, 4, 1)), layers.Rescaling(1 / 255), layers.Lambda(lambda x: 2 * x)]
    model = keras.Sequential([*stack, layers.Flatten(), layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save(tmp_path / "model.keras")
    x = rng.integers(0, 256, (140, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", x=x, y=np.arange(140) % 2)
    files = (tmp_path / "model.keras", tmp_path / "data.npz")
    options = {"recipe": "margin", "rounds": 1, "inputs_per_round": 8, "report": False}
    repair_files(*files, out=tmp_path / "out", allow_unsafe=True, **options)
    found = open_case(*files, tmp_path / "out", seed=0, allow_unsafe=True)
    assert len(found.predictions[0]) == len(found.data.test)
