"""Output of the commands: a study's progress and tables, and the list of all names."""

import ast
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pandas as pd

from mode import notebooks
from mode.studies.registry import STUDIES

HEADINGS = {
    "table_1": "Table 1, with layer selection",
    "table_2": "Table 2, without layer selection",
}
COLUMNS = ["metric", "initial", "final", "control", "finished_early", "final - control"]


def names() -> dict[str, list[str]]:
    """Return heading -> one line per name under it, for `python -m mode list`."""
    # Imported here because `reproduce` must not load Keras.
    from mode.data import PLANTED, SOURCES
    from mode.distances import DISTANCES
    from mode.figures import FIGURES
    from mode.figures.names import method_words
    from mode.models import MODELS
    from mode.repair import DEFECTS, RECIPES

    return {
        "Studies": [f"{name}: {study.question}" for name, study in STUDIES.items()],
        "Notebooks": [f"{name}: {notebooks.title(name)}" for name in notebooks.names()],
        "Data sets": [*SOURCES, "PATH.npz"],
        "Planted faults": list(PLANTED),
        "Models": list(MODELS),
        "Metrics": list(DISTANCES),
        "Recipes": [f"{name}: {method_words(name)}" for name in RECIPES],
        "Defects of the published protocol": [f"{k}: {v}" for k, v in DEFECTS.items()],
        "Figures": list(FIGURES),
    }


@contextmanager
def study_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function (running, done, total) that draws a progress bar with the time left."""
    from tqdm import tqdm

    bar = None

    def update(running: str, done: int, total: int) -> None:
        nonlocal bar
        if bar is None:  # not before the input was validated
            bar = tqdm(total=total, initial=done, unit="run", dynamic_ncols=True)
        bar.set_description(running, refresh=False)
        bar.update(done - bar.n)
        bar.refresh()

    try:
        yield update
    finally:
        if bar is not None:
            bar.close()


def literal(text: str):
    """Return a parameter's value as Python reads it; text that is no literal stays text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def summary(tables: Mapping[str, pd.DataFrame], out: str | os.PathLike, folder: str) -> str:
    """Return the published tables as text (accuracies in percent), and where all files are."""
    parts = []
    for name, table in tables.items():
        number, protocol = name[:7], name[8:]
        if number in HEADINGS:
            parts += [f"{HEADINGS[number]}, {protocol} protocol (accuracy, %)", _per_cent(table)]
    if "against_control" in tables:
        parts += [
            "Each method against its control (accuracy, %)",
            _methods(tables["against_control"]),
        ]
    places = ", ".join(f"{part}/{folder}/" for part in ("runs", "tables", "figures", "executed"))
    return "\n".join([*parts, f"Everything lies in {os.path.abspath(out)}: {places}"])


def _methods(table: pd.DataFrame) -> str:
    columns = ["method", "n", "initial", "final", "mean difference", "low", "high"]
    text = table.sort_values("mean difference")[[*columns, "holm p"]]
    for column in columns[2:]:
        text[column] = text[column].map(
            lambda value: "" if pd.isna(value) else f"{100 * value:.2f}"
        )
    return text.to_string(index=False, na_rep="") + "\n"


def _per_cent(table: pd.DataFrame) -> str:
    text = table[COLUMNS].copy()
    for column in ("initial", "final", "control", "final - control"):
        text[column] = text[column].map(lambda value: f"{100 * value:.2f}")
    low, high = (table[side].map(lambda value: f"{100 * value:+.2f}") for side in ("low", "high"))
    text["95 % interval"] = low + " to " + high
    return text.to_string(index=False) + "\n"
