"""The files of a finished repair."""

import json
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mode import results
from mode.data import Data
from mode.models.copies import take_state
from mode.repair import RECIPES, Repair

TABLES = ("rows", "chosen", "suspects", "splits", "faults")
NO_SPLITS = pd.DataFrame(columns=["part", "source", "index"])  # of a named data set


def write(repaired: Repair, model: keras.Model, data: Data, out: Path, options: dict) -> list[Path]:
    """Write the model, the tables and record.json, and return their paths.

    `model`, the caller's, gets the repaired weights, so that its names, dtypes and compile
    settings are those of repaired.keras.
    """
    take_state(model, repaired.model)
    saved = results.write_whole(model.save, out / "repaired.keras")
    rows = repaired.rounds
    if not RECIPES[options["recipe"]].compares:
        rows = rows.drop(columns="layer", errors="ignore")  # it selects none
    named = {
        "rows": rows,
        "chosen": with_class_names(chosen_inputs(repaired, data), data),
        "suspects": suspect_inputs(repaired, data),
        "splits": NO_SPLITS if data.origin is None else data.origin,
        "faults": with_class_names(repaired.faults, data),
    }
    tables = [results.write_rows(named[name], out / f"{name}.csv") for name in TABLES]
    record = {
        **options,
        "kept": repaired.kept,
        "reason": repaired.reason,
        "result": {name: repaired.result[name] for name in repaired.result if name != "seconds"},
        "seconds": repaired.seconds,
        "held_out": data.held_out,
        "data_notes": data.notes,
        "notes": repaired.notes,
    }
    return [saved, *tables, results.write_text(json_text(record) + "\n", out / "record.json")]


def chosen_inputs(repaired: Repair, data: Data) -> pd.DataFrame:
    """Return round, index and label of each chosen input; the index is into the caller's pool."""
    places = data.places("pool")
    rounds = [
        pd.DataFrame({"round": number, "index": places[indices], "label": data.pool.y[indices]})
        for number, indices in enumerate(repaired.chosen, start=1)
    ]
    return pd.concat(rounds) if rounds else pd.DataFrame(columns=["round", "index", "label"])


def suspect_inputs(repaired: Repair, data: Data) -> pd.DataFrame:
    """Return the inputs of the pool that the repair set aside: index into the caller's pool, label
    and suggested label by name."""
    table = repaired.suspects
    indices = data.places("pool")[table["index"].to_numpy(np.int64)]
    names = {name: [data.name(int(k)) for k in table[name]] for name in ("label", "suggested")}
    return pd.DataFrame({"index": indices, **names})


def with_class_names(table: pd.DataFrame, data: Data) -> pd.DataFrame:
    """Return a table that has the column "label" with the names in a column "class"."""
    return table.assign(**{"class": [data.name(int(label)) for label in table["label"]]})


def json_text(values: Any) -> str:
    """Return plain values as JSON, numpy's numbers as Python's, and null for NaN."""
    return json.dumps(_plain(values), indent=1, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
