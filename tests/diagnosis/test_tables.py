"""The committed tables of the benchmark are what their rows give."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.diagnosis_tables import GROUPS, ablation, rows, tables
from mode.diagnosis.catalog.symptoms import SYMPTOMS

RESULTS = Path(__file__).parents[2] / "results"
NAMES = ("programs", "summary", "symptoms", "ablation", "limits", "published", "tree", "mapping")


@pytest.fixture(scope="module")
def redone():
    return tables(rows(RESULTS / "runs" / "diagnosis"))


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_table_is_redone_from_its_rows(name, redone, tmp_path):
    path = tmp_path / "again.csv"
    redone[f"diagnosis_{name}"].to_csv(path, index=False)
    committed = pd.read_csv(RESULTS / "tables" / f"diagnosis_{name}.csv")
    pd.testing.assert_frame_equal(pd.read_csv(path), committed)


def test_the_groups_of_the_ablation_hold_every_symptom_once():
    named = [code for codes in GROUPS.values() for code in codes]
    assert sorted(named) == sorted(set(SYMPTOMS) - {"not_diagnosed"})


def test_a_group_is_needed_where_nothing_else_names_an_accepted_symptom():
    known = {"what": "diagnose", "faulty": True, "accepted": "dead_relu lr_high"}
    told = ["dead_relu lr_high", "lr_high overfitting", "overfitting"]
    runs = pd.DataFrame([{**known, "program": str(i), "symptoms": t} for i, t in enumerate(told)])
    table = ablation(runs).set_index("rules")
    optimizer = table.loc["architecture, initial weights, optimizer"]
    assert optimizer.to_dict() == {
        "speaks of": 2,
        "comes first": 1,
        "found without it": 1,
        "found only by it": 1,
        "faulty": 3,
    }
