"""The pages say what the committed tables say."""

import doctest
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from benchmarks.sentences import formats, house, tables
from benchmarks.sentences.__main__ import main
from benchmarks.sentences.pages import (
    ANSWERS,
    GENERATED,
    PAGES,
    SUBJECTS,
    answered,
    templates,
    written,
)
from benchmarks.sentences.tables import StatementError

ROOT = Path(__file__).parents[1]
MEASURED = ("README.md", "CLAIMS.md", "results/README.md")


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A copy of the pages, tables and notebooks; the rows are linked."""
    for page in PAGES:
        (tmp_path / page).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / page, tmp_path / page)
    shutil.copytree(ROOT / "results/tables", tmp_path / "results/tables")
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", dirs_exist_ok=True)
    (tmp_path / "results/executed").mkdir()
    for name in ANSWERS.values():
        shutil.copy(ROOT / f"results/executed/{name}.ipynb", tmp_path / "results/executed")
    (tmp_path / "results/runs").symlink_to(ROOT / "results/runs")
    shutil.copy(ROOT / "results/benchmarks.csv", tmp_path / "results")
    for name in ("mode", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def change(folder: Path, name: str, row: dict, column: str, value) -> None:
    """Put a value into one cell of a table: the row that has these values."""
    place = folder / "results" / "tables" / f"{name}.csv"
    table = pd.read_csv(place)
    (index,) = table.index[(table[list(row)] == pd.Series(row)).all(axis=1)]
    table.loc[index, column] = value
    table.to_csv(place, index=False)


def read(page: str, folder: Path = ROOT) -> str:
    return (folder / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_writing_a_page_again_changes_nothing(page):
    """Otherwise call `python -m benchmarks.sentences` and look at what it changed."""
    assert written(page, ROOT) == read(page)


def test_the_answers_of_the_notebooks_are_those_of_the_tables(checkout):
    for path, text in answered(ROOT).items():
        assert path.read_text(encoding="utf-8") == text, "call `python -m benchmarks.sentences`"
    row = {"method": "misclassified_then_margin"}
    change(checkout, "selection-mnist/against_control", row, "mean difference", 0.0188)
    texts = {path.name: text for path, text in answered(checkout).items()}
    name = "08-which-inputs-repair.ipynb"
    first = "".join(json.loads(texts[name])["cells"][0]["source"])
    assert first.count("+1.9") == 1
    assert texts[name] != read(f"notebooks/{name}")


@pytest.mark.parametrize(
    ("low", "high", "p", "least", "expected"),
    [
        (0.01, 0.03, 0.01, 0.0, "holds"),
        (0.01, 0.03, 0.06, 0.0, "not shown"),
        (-0.03, -0.01, 0.01, 0.0, "does not hold"),
        (-0.01, 0.03, 0.5, 0.0, "not shown"),
        (0.01, 0.03, 0.01, 0.015, "not shown"),
        (0.01, 0.03, 0.01, 0.04, "does not hold"),
    ],
)
def test_a_verdict_is_what_the_interval_shows(low, high, p, least, expected):
    row = {"mean difference": (low + high) / 2, "low": low, "high": high, "holm p": p}
    assert tables.verdict([row], least=least) == expected
    clear = {"mean difference": 0.5, "low": 0.4, "high": 0.6, "holm p": 0.001}
    assert tables.verdict([clear, row], least=least) == expected


def test_that_no_method_is_better_takes_intervals_that_end_below_the_margin():
    rows = pd.DataFrame({"mean difference": [-0.02, -0.001], "high": [0.0, 0.001], "holm p": 0.2})
    assert tables.verdict_of_any(rows, margin=0.002) == "does not hold"
    assert tables.verdict_of_any(rows.assign(high=0.003), margin=0.002) == "not shown"
    better = rows.assign(**{"mean difference": 0.01, "holm p": 0.01})
    assert tables.verdict_of_any(better, margin=0.002) == "holds"


def test_every_claim_has_one_of_three_verdicts_and_a_number():
    lines = [line for line in read("CLAIMS.md").splitlines() if line.startswith("| ")]
    claims = [line.strip("| ").split(" | ") for line in lines if not line.startswith("| claim ")]
    assert len(claims) > 40
    assert {len(cells) for cells in claims} == {5}
    assert {cells[-1] for cells in claims} == {"holds", "does not hold", "not shown"}
    assert all(re.search(r"\d", cells[3]) for cells in claims)


def test_the_command_writes_all_sections_of_all_pages(checkout):
    for page in PAGES:
        emptied = GENERATED.sub(r"<!-- from: \1.\2 -->\n<!-- end -->", read(page))
        assert emptied != read(page)
        (checkout / page).write_text(emptied, encoding="utf-8")
    done = CliRunner().invoke(main, ["--folder", str(checkout)])
    assert done.exit_code == 0, done.output
    assert [read(page, checkout) for page in PAGES] == [read(page) for page in PAGES]


def test_a_changed_table_changes_its_numbers_in_every_page(checkout):
    row = {"method": "misclassified_then_margin"}
    change(checkout, "selection-mnist/against_control", row, "mean difference", 0.0188)
    for page in MEASURED:
        before, after = read(page).splitlines(), written(page, checkout).splitlines()
        changed = [new for old, new in zip(before, after, strict=True) if old != new]
        assert changed
        assert all("1.9" in line for line in changed)


def test_the_drawing_has_an_arrow_for_an_import_and_none_beside_a_longer_way(tmp_path):
    for name, text in {
        "top": "from mode.middle import a\nfrom mode.low import b\n",
        "middle": "def a():\n    from mode import low\n",
        "low": "import numpy\n",
    }.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    imported = house.imports(tmp_path)
    assert imported == {"top": {"middle", "low"}, "middle": {"low"}, "low": set()}
    drawn = house.drawing([["top"], ["middle"], ["low"]], imported).splitlines()
    assert [line.strip() for line in drawn if "-->" in line] == ["top --> middle", "middle --> low"]


@pytest.mark.parametrize(
    ("name", "row", "column", "value", "statement"),
    [
        (
            "publication/table_1_corrected",
            {"metric": "dot"},
            "holm p",
            0.01,
            "without defects no metric beats its control",
        ),
        (
            "metrics-mnist/against_control",
            {"method": "canberra, pixels"},
            "mean difference",
            0.01,
            "none of the metrics is above random inputs",
        ),
        (
            "diagnosis_summary",
            {"set": "all"},
            "healthy flagged",
            1,
            "no healthy training is flagged",
        ),
        (
            "featurevis_targets",
            {"target": "Spearman with the gap"},
            "reached_unseen",
            0.95,
            "on unseen classifiers only the rank misses its aim",
        ),
    ],
)
def test_a_table_that_no_longer_supports_a_statement_is_an_error(
    name, row, column, value, statement, checkout
):
    change(checkout, name, row, column, value)
    with pytest.raises(StatementError, match=statement):
        written("CLAIMS.md", checkout)


def test_classifiers_are_counted_from_the_rows(checkout):
    """A further classifier, on which the repair is far behind, is counted and named."""
    place = checkout / "results" / "tables" / "default_repair.csv"
    table = pd.read_csv(place)
    row = table.iloc[[0]].assign(classifier="a new one", repair=0.5)
    pd.concat([table, row]).to_csv(place, index=False)
    page = written("results/README.md", checkout)
    count = formats.word(len(table))  # one of its rows is of a user with less data
    assert f"on {count} faulty classifiers" in page
    assert "a new one (50.0 against" in page


def test_every_template_is_on_a_page():
    sections = {(subject, section) for subject in SUBJECTS for section in templates(subject)}
    shown = {match for page in PAGES for match in GENERATED.findall(read(page))}
    assert shown == sections


@pytest.mark.parametrize("page", MEASURED)
def test_outside_the_generated_sections_stands_no_measured_number(page):
    """No decimal fraction and no percentage, but for options, versions and limits in code."""
    text = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", GENERATED.sub("", read(page)), flags=re.S)
    text = re.sub(
        r"Python \d+\.\d+( to \d+\.\d+)?|at most \d+ %|\d+ % (bootstrap )?intervals|doi\S+",
        "",
        text,
    )
    assert re.findall(r"\d+\.\d+|\d+ %", text) == []


def test_an_unknown_section_is_refused(checkout, refused):
    page = checkout / "README.md"
    page.write_text("<!-- from: repair.tabel -->\n<!-- end -->", encoding="utf-8")
    assert refused(written, "README.md", checkout).endswith("Did you mean 'table'?")


@pytest.mark.parametrize("module", [formats, tables])
def test_examples_give_what_they_show(module, capsys):
    assert doctest.testmod(module).failed == 0, capsys.readouterr().out
