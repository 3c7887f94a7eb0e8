"""What a repair of one's own model leaves: files, and lines for the terminal."""

import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mode import results
from mode.data import Data
from mode.models.copies import take_state
from mode.repair import Repair
from mode.repair.rounds import BROKEN


def write(repaired: Repair, given: keras.Model, data: Data, out: Path, options: dict) -> None:
    """Write everything but the report; `given` gets the repaired weights."""
    # The caller's own model gets the weights, so that names, dtypes and compile settings stay.
    take_state(given, repaired.model)
    results.write_whole(given.save, out / "repaired.keras")
    results.write_rows(repaired.rounds, out / "rows.csv")
    pool = data.places("pool")
    none = pd.DataFrame(columns=["round", "index", "label"])
    rounds = [
        pd.DataFrame({"round": number, "index": pool[batch], "label": data.pool.y[batch]})
        for number, batch in enumerate(repaired.chosen, start=1)
    ]
    chosen = pd.concat(rounds) if rounds else none
    for name, table in (("chosen", chosen), ("faults", repaired.faults)):
        named = table.assign(**{"class": [data.name(int(label)) for label in table["label"]]})
        results.write_rows(named, out / f"{name}.csv")
    results.write_rows(data.origin, out / "splits.csv")
    record = {**options, "held_out": data.held_out, "data_notes": list(data.notes)}
    record |= {"kept": repaired.kept, "notes": list(repaired.notes)}
    results.write_text(json.dumps(record, indent=1) + "\n", out / "record.json")


def summary(repaired: Repair, out: Path, *, report: bool = True) -> list[str]:
    """Return what the terminal says at the end."""
    first, last = repaired.rounds.iloc[0], repaired.rounds.iloc[repaired.kept]
    used = sum(map(len, repaired.chosen[: repaired.kept]))
    lines = [
        f"accuracy on the test part: {first['accuracy']:.2%} before, {last['accuracy']:.2%} after",
        f"{last['repaired']} inputs repaired, {last['broken']} broken; "
        f"{used} inputs of the pool used",
        *repaired.notes,
    ]
    given_up = repaired.rounds.iloc[repaired.kept + 1 :]
    if len(given_up):
        best = given_up.loc[given_up["accuracy"].idxmax()]
        lines.append(
            f"--resume --max-broken {np.ceil(1e4 * best[BROKEN]) / 1e4:g} keeps round "
            f"{best['round']}, accuracy {best['accuracy']:.2%}, if no later one breaks as little"
        )
    files = ["repaired.keras", *(["report.html"] if report else []), "rows.csv", "chosen.csv"]
    return [*lines, f"in {out}: {', '.join(files)}, splits.csv, record.json"]
