"""The main comparison's own tables: the recommended repair against every other arm."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mode import stats
from mode.studies.arm_tables import CELL, NO_ROOM, against, arm_tables, final_rows, with_room

RECOMMENDED = "recommended"
EFFECTS = [0.002, 0.003, 0.005, 0.01]


def inputs_needed(rows: pd.DataFrame, *, goal: str = "random") -> pd.DataFrame:
    """Return, for each scenario, how few inputs bring an arm to the final accuracy of `goal`.

    Between two rounds accuracy is taken to grow evenly; the median is over the seeds, an arm that
    never gets there counting as infinitely many. `share` is of the inputs that `goal` used.
    """
    found = []
    for names, cell in rows.groupby([*CELL, "seed"], sort=False):
        wanted = cell[cell["arm"] == goal].sort_values("round").iloc[-1]
        for arm, part in cell.groupby("arm", sort=False):
            needed = reached(part["inputs"], part["accuracy"], wanted["accuracy"])
            identity = dict(zip([*CELL, "seed"], names, strict=True))
            found.append({**identity, "arm": arm, "inputs": needed, "of": wanted["inputs"]})
    keys = [*CELL, "arm"]
    table = pd.DataFrame(found).groupby(keys, sort=False)[["inputs", "of"]].median().reset_index()
    return table.assign(goal=goal, share=table["inputs"] / table["of"])


def reached(inputs: pd.Series, accuracy: pd.Series, goal: float) -> float:
    """Return the first number of inputs at which the accuracy, drawn as a line, is at `goal`."""
    inputs, accuracy = inputs.to_numpy(float), accuracy.to_numpy(float)
    for left in range(len(inputs)):
        if accuracy[left] >= goal:
            if left == 0:
                return inputs[0]
            rise = (goal - accuracy[left - 1]) / (accuracy[left] - accuracy[left - 1])
            return float(inputs[left - 1] + rise * (inputs[left] - inputs[left - 1]))
    return np.inf


def powers(finals: pd.DataFrame, control: str = "quota_random") -> pd.DataFrame:
    """Return the spread of the paired differences, and the chance to find an effect of each size
    in one scenario with the seeds there are."""
    rows = []
    for names, part in with_room(finals).groupby(CELL[:-1], sort=False):
        wide = part.pivot(index=["scenario", "seed"], columns="arm", values="final")
        gains = wide.drop(columns=control).sub(wide[control], axis=0)
        spread = float(np.sqrt(gains.groupby("scenario").var().mean().mean()))
        seeds = part["seed"].nunique()
        if seeds < 2 or not spread > 0:
            continue
        named = dict(zip(CELL[:-1], names, strict=True))
        for effect in EFFECTS:
            found = stats.power(effect, seeds, sd=spread, comparisons=gains.shape[1])
            rows.append({**named, "seeds": seeds, "sd": spread, "effect": effect, "power": found})
    return pd.DataFrame(rows)


def selection_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the tables of the main comparison, by name."""
    finals = final_rows(rows)
    no_room = finals[finals["scenario"] == NO_ROOM]
    before = no_room[no_room["arm"] == RECOMMENDED]
    before = before.assign(arm="unrepaired", final=before["initial"])
    harm = pd.concat([no_room[no_room["arm"] == RECOMMENDED], before])
    return {
        **arm_tables(rows),
        "against_recommended": against(finals, RECOMMENDED, by=CELL),
        "harm_without_room": against(harm, "unrepaired", by=CELL),
        "inputs_needed": inputs_needed(rows),
        "power": powers(finals),
    }
