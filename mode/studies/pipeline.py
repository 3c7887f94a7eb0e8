"""Rows -> tables -> figures, each step from the files of the one before."""

import os
from collections.abc import Iterable, Mapping
from inspect import signature
from pathlib import Path

import pandas as pd

from mode import checks, results
from mode.studies.registry import QUESTIONS, STUDIES, Study


def committed() -> Path:
    """Return the folder of the committed results: the checkout's `results/`.

    Raises:
        InputError: when there is no checkout.
    """
    folders = [
        place / "results" for place in (Path(__file__).parents[2], Path.cwd(), Path("..").resolve())
    ]
    for folder in folders:
        if (folder / "runs").is_dir():
            return folder
    hint = "Name a folder made by `python -m mode reproduce --out DIR`."
    return checks.fail("the committed results must be beside the package", "none", hint)


def tabulated(out: str | os.PathLike, studies: Iterable[str] = ()) -> list[str]:
    """Return the folders of a results folder that hold rows: of `studies`, of all where none.

    A study names its folders of every data set; a folder's own name is taken too.

    Raises:
        InputError: for an unknown study, or where there are no rows.
    """
    studies, runs = tuple(studies), Path(out) / "runs"
    for study in studies:
        _study(study)
    folders = sorted(path.name for path in runs.glob("*") if path.name.split("-")[0] in STUDIES)
    selected = [f for f in folders if not studies or f in studies or f.split("-")[0] in studies]
    of = f"of {', '.join(studies)}" if studies else "of a study"
    return selected or checks.fail(f"there must be rows {of}", f"none in {runs}")


def tabulate(
    out: str | os.PathLike, folder: str = "publication", runs: Iterable[str] | None = None
) -> Mapping[str, pd.DataFrame]:
    """Make a study's tables from runs/<folder>/ and write them to tables/<folder>/.

    Args:
        out: a results folder.
        folder: a study's name, and for other data than the digits "-" and the data's name.
        runs: the runs wanted; all finished ones where None.

    Raises:
        InputError: for an unknown study, or one without finished runs.
    """
    tables = made(out, folder, runs)
    for table, frame in tables.items():
        text = frame.to_csv(index=False, lineterminator="\n", float_format="%.6g")
        results.write_text(text, Path(out) / "tables" / folder / f"{table}.csv")
    return tables


def made(
    source: str | os.PathLike, folder: str, runs: Iterable[str] | None = None
) -> Mapping[str, pd.DataFrame]:
    """Return the same tables without writing them; those that have no row are left out.

    Raises:
        InputError: as `tabulate`.
    """
    study = _study(folder)
    tables = study.tables(results.read_rows(Path(source) / "runs" / folder, runs))
    return {table: frame for table, frame in tables.items() if len(frame)}


def made_where_run(
    source: str | os.PathLike, studies: Iterable[str], data: str
) -> Mapping[str, Mapping[str, pd.DataFrame]]:
    """Return study -> its tables, of those `studies` that have rows on the data set `data`."""
    folders = {name: f"{name}-{data}" for name in studies}
    present = {n: f for n, f in folders.items() if (Path(source) / "runs" / f).is_dir()}
    return {name: made(source, folder) for name, folder in present.items()}


def draw(out: str | os.PathLike, folder: str = "publication") -> list[Path]:
    """Draw a study's figures from tables/<folder>/ to figures/<folder>/, as svg and png.

    Raises:
        InputError: for an unknown study, or one without tables.
    """
    from mode.figures import FIGURES, save

    study = _study(folder)
    tables, figures = Path(out) / "tables" / folder, Path(out) / "figures" / folder
    present = {table: tables / f"{table}.csv" for table in study.figures}
    present = {table: path for table, path in present.items() if path.exists()}
    if not present:
        checks.fail(f"there must be tables of {folder!r}", f"none in {tables}")
    drawn = []
    for table, path in present.items():
        frame = pd.read_csv(path, keep_default_na=False)
        function = FIGURES[study.figures[table]]
        titled = "question" in signature(function).parameters
        options = {"question": QUESTIONS.get(table, study.question)} if titled else {}
        drawn += save(function, frame, figures / table, **options)
    return drawn


def _study(folder: str) -> Study:
    return STUDIES[checks.one_of("study", folder.split("-")[0], STUDIES)]
