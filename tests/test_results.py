"""The committed tables are what their rows say."""

from pathlib import Path

import pytest

from mode import checks, results
from mode.studies import STUDIES, tabulate, tabulated

RESULTS = Path(__file__).parents[1] / "results"
COMMITTED = tabulated(RESULTS)


def test_a_study_names_its_folders_of_every_data_set(tmp_path):
    for folder in ("selection-mnist", "selection-fashion_mnist", "selectors-mnist", "publication"):
        (tmp_path / "runs" / folder).mkdir(parents=True)
    both = ["selection-fashion_mnist", "selection-mnist"]
    assert tabulated(tmp_path, ["selection"]) == both
    assert tabulated(tmp_path, ["selection-mnist", "publication"]) == ["publication", both[1]]


@pytest.mark.parametrize("study", COMMITTED)
def test_every_committed_table_is_redone_from_its_rows(study, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / study).symlink_to(RESULTS / "runs" / study)
    tabulate(tmp_path, study)
    redone = {p.name: p.read_text() for p in (tmp_path / "tables" / study).glob("*.csv")}
    kept = {p.name: p.read_text() for p in (RESULTS / "tables" / study).glob("*.csv")}
    assert redone == kept


@pytest.mark.parametrize("study", COMMITTED)
def test_a_changed_row_changes_a_table(study, tmp_path):
    rows = results.read_rows(RESULTS / "runs" / study)
    last = rows.index[rows["round"] == rows["round"].max()][0]
    rows.loc[last, "accuracy"] += 0.1
    results.write_rows(rows, tmp_path / "runs" / study / "all.csv")
    tabulate(tmp_path, study)
    redone = {p.name: p.read_text() for p in (tmp_path / "tables" / study).glob("*.csv")}
    kept = {p.name: p.read_text() for p in (RESULTS / "tables" / study).glob("*.csv")}
    assert redone != kept


@pytest.mark.parametrize("study", COMMITTED)
def test_every_figure_of_a_committed_study_is_there(study):
    name = study if study in STUDIES else study.rpartition("-")[0]
    drawn = {path.stem for path in (RESULTS / "figures" / study).glob("*.svg")}
    tables = {path.stem for path in (RESULTS / "tables" / study).glob("*.csv")}
    assert drawn == set(STUDIES[name].figures) & tables
    assert drawn


def test_no_rows_is_one_clear_error(tmp_path):
    with pytest.raises(checks.InputError) as error:
        tabulate(tmp_path)
    place = tmp_path / "runs" / "publication"
    assert (
        str(error.value)
        == f"there must be rows of finished runs (.csv). Received: none in {place}."
    )
