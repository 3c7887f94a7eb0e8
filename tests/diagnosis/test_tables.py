"""The committed tables of the benchmark are what their rows give."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.diagnosis_tables import rows, tables

RESULTS = Path(__file__).parents[2] / "results"
NAMES = ("programs", "summary", "symptoms", "published", "tree", "mapping")


@pytest.fixture(scope="module")
def redone():
    return tables(rows(RESULTS / "runs" / "diagnosis"))


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_table_is_redone_from_its_rows(name, redone, tmp_path):
    path = tmp_path / "again.csv"
    redone[f"diagnosis_{name}"].to_csv(path, index=False)
    committed = pd.read_csv(RESULTS / "tables" / f"diagnosis_{name}.csv")
    pd.testing.assert_frame_equal(pd.read_csv(path), committed)
