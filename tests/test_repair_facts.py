"""What the terminal and programs are shown of a repair, from predictions made by hand."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mode.data import Data, Part
from mode.repair import measure
from mode.repair.round import BROKEN
from mode.report import output
from mode.report.files import json_text, suspect_inputs
from mode.report.output import facts, lines

CLASSES = 8
PER_CLASS = 10
NAMES = tuple(f"digit {label}" for label in range(CLASSES))
# Test inputs of each class that are right, of ten: before, and after. Class 7 stays at zero.
BEFORE = (9, 9, 9, 9, 9, 9, 2, 0)
AFTER = (9, 8, 7, 6, 5, 4, 9, 0)


@pytest.fixture(scope="module")
def data() -> Data:
    part = Part(np.zeros((CLASSES * PER_CLASS, 4)), np.repeat(np.arange(CLASSES), PER_CLASS))
    pool = part.take(part.y < CLASSES - 1)
    origin = pd.DataFrame({"part": "pool", "source": "pool", "index": np.arange(len(pool)) + 1000})
    notes = ("80 of 80 test inputs are also in train",)
    return Data(part, pool, part, part, CLASSES, NAMES, origin=origin, notes=notes)


def predictions(right) -> np.ndarray:
    """Probabilities by which the first `right` inputs of each class are right, others wrong."""
    y = np.repeat(np.arange(CLASSES), PER_CLASS)
    is_right = np.tile(np.arange(PER_CLASS), CLASSES) < np.repeat(right, PER_CLASS)
    return np.eye(CLASSES)[np.where(is_right, y, (y + 1) % CLASSES)]


@pytest.fixture(scope="module")
def repaired(data):
    """Two rounds, of which the first is kept; the second is better on the test part, and worse on
    the diagnosis part."""
    before, after, last = map(predictions, (BEFORE, AFTER, (10,) * CLASSES))
    rows = [measure(data, before, each) for each in (before, after, last)]
    shares = zip((0.7, 0.9, 0.8), (0.0, 0.01, 0.02), strict=True)
    for number, (row, (accuracy, broken)) in enumerate(zip(rows, shares, strict=True)):
        row |= {"round": number, "diagnosis accuracy": accuracy, BROKEN: broken}
    suspects = pd.DataFrame({"index": [5, 3], "label": [0, 0], "suggested": [2, 1]})
    return SimpleNamespace(
        rounds=pd.DataFrame(rows),
        result=rows[1],
        chosen=(np.array([4, 2]), np.array([9])),
        kept=1,
        reason="round 1 is best, p = 0.01",
        notes=("a note",),
        suspects=suspects,
        faults=pd.DataFrame({"label": [7], "kind": ["under-fitted"]}),
        seconds=12.34,
        model=None,
    )


def test_the_facts_are_those_of_the_test_part(repaired, data):
    found = json.loads(json.dumps(facts(repaired, data)))
    assert found["accuracy"] == {"before": sum(BEFORE) / 80, "after": sum(AFTER) / 80}
    assert (found["repaired"], found["broken"]) == (7, 1 + 2 + 3 + 4 + 5)
    assert (found["kept_round"], found["rounds"], found["reason"]) == (1, 2, repaired.reason)
    assert (found["inputs_used"], found["suspects"], found["seconds"]) == (2, 2, 12.3)
    assert found["held_out"] is True
    assert found["notes"] == ["a note"]
    assert found["data_notes"] == list(data.notes)


def test_classes_at_zero_and_worse_classes_are_named(repaired, data):
    found = facts(repaired, data)
    assert found["classes_at_zero"] == [{"class": "digit 7", "pool_inputs": 0, "suspects": 0}]
    falls = [(row["class"], row["before"], row["after"]) for row in found["classes_worse"]]
    assert falls == [(f"digit {k}", 0.9, AFTER[k] / 10) for k in (5, 4, 3, 2, 1)]


def test_a_class_at_zero_is_the_second_line_with_its_inputs_in_the_pool(repaired, data):
    assert lines(facts(repaired, data))[1] == (
        "class digit 7 stays at 0 %: the pool has no input of it"
    )
    for count, words in ((1, "1 input"), (12, "12 inputs")):
        labels = np.concatenate([data.pool.y[count:], [7] * count])
        other = replace(data, pool=Part(data.pool.x, labels))
        assert lines(facts(repaired, other))[1].endswith(f"the pool has {words} of it")
    suspects = pd.DataFrame({"index": [1, 2], "label": [7, 7], "suggested": [0, 0]})
    aside = SimpleNamespace(**{**vars(repaired), "suspects": suspects})
    assert "the pool has 12 inputs of it, 2 of these set aside" in lines(facts(aside, other))[1]
    fallen = replace_result(repaired, measure(data, predictions(BEFORE), predictions((0,) * 8)))
    first = lines(facts(fallen, data))
    assert first[0].startswith("Accuracy fell from 70.0 % to 0.0 %: ")
    assert first[1].startswith("class digit 0 falls to 0 %")
    assert first[6] == "and 3 more classes at 0 %"


def replace_result(repaired, result):
    return SimpleNamespace(**{**vars(repaired), "result": {**repaired.result, **result}})


def test_at_most_five_worse_classes_are_in_the_line(repaired, data):
    line = next(each for each in lines(facts(repaired, data)) if "worse" in each)
    assert "digit 5 (90.0 -> 40.0 %)" in line
    assert "digit 1 (90.0 -> 80.0 %)" in line
    assert "more" not in line
    after = predictions((8, 8, 7, 6, 5, 4, 1, 0))
    result = replace_result(repaired, measure(data, predictions(BEFORE), after))
    line = next(each for each in lines(facts(result, data)) if "worse" in each)
    assert line.endswith(", and 2 more")
    assert line.count("->") == 5
    same = replace_result(repaired, measure(data, predictions(BEFORE), predictions(BEFORE)))
    assert not any("worse" in each for each in lines(facts(same, data)))


def test_the_first_line_is_one_sentence_with_what_the_repair_came_to(repaired, data):
    found = facts(repaired, data)
    assert (
        found["summary"]
        == lines(found)[0]
        == (
            "Accuracy fell from 70.0 % to 60.0 %: 7 test inputs repaired, 15 broken; "
            "round 1 of 2 was kept."
        )
    )
    assert lines(found)[2] == repaired.reason
    same = replace_result(repaired, measure(data, predictions(BEFORE), predictions(BEFORE)))
    assert facts(same, data)["summary"].startswith("Accuracy stays at 70.0 %: 0 test inputs")


def test_a_returned_original_is_the_first_line_with_the_reason(repaired, data):
    reason = "the original is returned: no round is better than the original beyond chance"
    original = measure(data, predictions(BEFORE), predictions(BEFORE))
    returned = replace_result(repaired, original)
    returned.kept, returned.reason = 0, reason
    shown = lines(facts(returned, data))
    assert shown[0] == (
        "Accuracy stays at 70.0 %: the original model is returned, because no round is better "
        "than the original beyond chance."
    )
    assert not any(reason in line for line in shown)


def test_figures_of_data_that_the_model_may_have_seen_are_called_so(repaired, data):
    seen = facts(repaired, replace(data, held_out=False))["summary"]
    assert seen.startswith("Accuracy on data that the model may have seen fell from 70.0 %")
    assert "seen" not in facts(repaired, data)["summary"]


def test_the_recommended_limit_is_of_the_best_round_on_the_diagnosis_part(repaired, data):
    """Whatever the test part says: there, the last round is the best."""
    strict = SimpleNamespace(
        **{**vars(repaired), "kept": 0, "result": dict(repaired.rounds.loc[0])}
    )
    found = facts(strict, data, max_broken=0.005)
    best = {"round": 1, "diagnosis_accuracy": 0.9, "max_broken": 0.01}
    assert found["round_over_limit"] == best
    assert any("--max-broken 0.01 allows round 1" in line for line in lines(found))
    assert facts(repaired, data, max_broken=0.01)["round_over_limit"] is None
    assert facts(strict, data)["round_over_limit"] is None, "nothing was ruled out"


def test_suspects_are_told_by_the_row_of_the_callers_pool_and_by_name(repaired, data):
    assert suspect_inputs(repaired, data).to_dict("list") == {
        "index": [1005, 1003],
        "label": ["digit 0", "digit 0"],
        "suggested": ["digit 2", "digit 1"],
    }
    line = next(each for each in lines(facts(repaired, data)) if "suspects.csv" in each)
    assert line.startswith("the model learned from 2 inputs of the pool; 2 were set aside")
    none = SimpleNamespace(**{**vars(repaired), "suspects": repaired.suspects[:0]})
    assert not any("suspects.csv" in each for each in lines(facts(none, data)))
    assert [*suspect_inputs(none, data)] == ["index", "label", "suggested"]


def test_json_has_null_for_nan_and_plain_numbers():
    text = json_text({"a": np.float64("nan"), "b": np.int64(3), "c": (np.True_,)})
    assert json.loads(text) == {"a": None, "b": 3, "c": [True]}


def test_without_a_terminal_each_quarter_is_one_line():
    shown = []
    with output.share_bar(shown.append, terminal=False) as progress:
        for share in (0.0, 0.1, 0.3, 0.4, 0.8, 0.9, 1.0, 1.0):
            progress(share)
    assert [line.split(" %")[0] for line in shown] == ["25", "75", "100"]
    assert "left" in shown[0]
    assert "left" not in shown[-1]


def test_the_time_left_is_by_the_speed_since_the_work_began_to_advance(monkeypatch):
    """Ten seconds of preparations do not count; a resumed repair starts at its share."""
    clock = iter([0, 10, 12, 14])
    monkeypatch.setattr(output.time, "monotonic", lambda: next(clock))
    left = output._time_left()
    assert [left(share) for share in (0.2, 0.2, 0.4, 0.6)] == [
        None,
        None,
        pytest.approx(6),
        pytest.approx(4),
    ]


def test_in_a_terminal_a_bar_with_the_time_left_is_drawn(capsys):
    shown = []
    with output.share_bar(shown.append, terminal=True) as progress:
        assert capsys.readouterr().err == ""
        progress(0.0)
        assert "0 %|" in capsys.readouterr().err
        progress(0.5)
        assert "left" in capsys.readouterr().err
        progress(1.0)
    assert "100 %|" in capsys.readouterr().err
    assert shown == []
