"""Rows -> tables -> figures, each step from the files of the one before."""

import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mode import checks, results
from mode.studies.registry import STUDIES


def tabulate(out: str | os.PathLike, name: str = "publication") -> Mapping[str, pd.DataFrame]:
    """Make a study's tables from runs/<study>/ and write them to tables/<study>/.

    Raises:
        InputError: for an unknown study, or one without finished runs.
    """
    study = STUDIES[checks.one_of("study", name, STUDIES)]
    out = Path(out)
    tables = study.tables(results.read_rows(out / "runs" / name))
    tables = {table: frame for table, frame in tables.items() if len(frame)}
    for table, frame in tables.items():
        text = frame.to_csv(index=False, lineterminator="\n", float_format="%.6g")
        results.write_text(text, out / "tables" / name / f"{table}.csv")
    return tables


def draw(out: str | os.PathLike, name: str = "publication") -> list[Path]:
    """Draw a study's figures from tables/<study>/ to figures/<study>/, as svg and png.

    Raises:
        InputError: for an unknown study, or one without tables.
    """
    from mode.figures import FIGURES, save

    study = STUDIES[checks.one_of("study", name, STUDIES)]
    tables, figures = Path(out) / "tables" / name, Path(out) / "figures" / name
    present = {table: tables / f"{table}.csv" for table in study.figures}
    present = {table: path for table, path in present.items() if path.exists()}
    if not present:
        checks.fail(f"there must be tables of the study {name!r}", f"none in {tables}")
    drawn = []
    for table, path in present.items():
        frame = pd.read_csv(path, keep_default_na=False)
        drawn += save(FIGURES[study.figures[table]], frame, figures / table)
    return drawn
