"""Rows on disk, and the record of a run."""

import json

import numpy as np
import pandas as pd
import pytest

from mode import results

ROWS = pd.DataFrame(
    {
        "round": [0, 1],
        "kind": ["", "under-fitted"],
        "accuracy": [1 / 3, np.nextafter(0.7, 1)],
        "seconds": [0.1, 0.2],
    }
)


def test_rows_come_back_as_they_were_but_for_what_is_volatile(tmp_path):
    before = ROWS.copy()
    results.write_rows(ROWS, tmp_path / "deep" / "a.csv")
    found = results.read_rows(tmp_path / "deep")
    pd.testing.assert_frame_equal(found, ROWS.drop(columns="seconds"), check_exact=True)
    assert found["kind"][0] == ""
    pd.testing.assert_frame_equal(ROWS, before)
    results.write_rows(ROWS, tmp_path / "b.csv", keep_volatile=True)
    assert "seconds" in results.read_rows(tmp_path)


def test_the_same_rows_are_the_same_bytes_and_leave_no_other_file(tmp_path):
    one, two = (results.write_rows(ROWS, tmp_path / name) for name in ("a.csv", "b.csv"))
    assert one.read_bytes() == two.read_bytes()
    assert b"\r" not in one.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv"]


def test_a_missing_number_stays_one(tmp_path):
    results.write_rows(ROWS.assign(accuracy=[np.nan, 0.5]), tmp_path / "a.csv")
    found = results.read_rows(tmp_path)
    assert found["accuracy"].isna().tolist() == [True, False]
    assert found["accuracy"].dtype == float


def test_finished_runs_are_read_in_name_order(tmp_path):
    for name in ("b.csv", "a.csv", f"c{results.PARTIAL}"):
        results.write_rows(ROWS.assign(run=name), tmp_path / name)
    assert results.read_rows(tmp_path)["run"].tolist() == ["a.csv"] * 2 + ["b.csv"] * 2
    assert len(results.read_partial(tmp_path / f"c{results.PARTIAL}")) == 2


def test_a_writer_that_dies_leaves_the_old_file(tmp_path, monkeypatch):
    path = results.write_text("old", tmp_path / "a.csv")

    def dies(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", dies)
    with pytest.raises(KeyboardInterrupt):
        results.write_text("new", path)
    assert path.read_text() == "old"
    assert list(tmp_path.glob("*.csv")) == [path], "what was being written is not taken for a run"


def test_no_rows_are_refused(tmp_path, refused):
    assert refused(results.read_rows, tmp_path) == (
        f"there must be rows of finished runs (.csv). Received: none in {tmp_path}."
    )


def test_a_record_says_what_made_the_rows(tmp_path):
    path = results.write_record(tmp_path / "a.json", {"seed": 3, "out": tmp_path}, {"all": 1.5})
    record = json.loads(path.read_text())
    assert record["parameters"] == {"seed": 3, "out": str(tmp_path)}
    assert record["seconds"] == {"all": 1.5}
    assert record["versions"]["numpy"] == np.__version__
    assert record["processors"] >= 1
