"""Rows of compared methods -> tables. Arithmetic only; no Keras."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mode import stats
from mode.studies.tables import EQUIVALENT, stacked

CELL = ["data", "classes", "batch", "scenario"]
CONTROLS = ("targeted_random", "random")
UNPLANTED = "no_planted_fault"
AGAIN = " again"
RECOMMENDED = "recommended"
EFFECTS = [0.002, 0.003, 0.005, 0.01]
SHOWN = ["initial", "final", "area", "worst accuracy", "repaired", "broken", "overlap"]


def final_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each cell, seed and method: before, after, and on the way.

    `area` is the mean accuracy over the rounds; a repair that stopped early keeps its last one.
    """
    keys = [*CELL, "seed", "method"]
    rounds = rows["round"].max()
    ordered = rows.sort_values("round", kind="stable").groupby(keys, sort=False)
    finals = ordered.last().rename(columns={"accuracy": "final"})
    after = rows[rows["round"] > 0].groupby(keys, sort=False)["accuracy"]
    missing = (rounds - after.size()).reindex(finals.index, fill_value=rounds)
    total = after.sum().reindex(finals.index, fill_value=0.0)
    finals["area"] = (total + missing * finals["final"]) / rounds
    return finals.assign(initial=ordered["accuracy"].first()).reset_index()


def control_of(finals: pd.DataFrame) -> str:
    """Return the method that the others are compared with: targeted random, else random, else
    the study's first method."""
    methods = list(finals["method"].unique())
    return next((name for name in CONTROLS if name in methods), methods[0])


def against(
    finals: pd.DataFrame, control: str, *, by: Sequence[str], value: str = "final"
) -> pd.DataFrame:
    """Return each method against `control`, paired by scenario and seed, in every cell of `by`.

    Columns: `by`, method, n, its means, median difference with its 95 % interval (BCa), a12,
    p (signed rank), holm p over the methods of the cell, significant, note.
    """
    cells = []
    for names, part in finals.groupby(list(by), sort=False):
        if part["method"].nunique() < 2:
            continue
        means = part.groupby("method", sort=False)[SHOWN].mean()
        if part.groupby(["scenario", "seed"]).ngroups < 2:
            compared = _untested(part, control, value)
        else:
            blocks: dict[str, Any] = {
                "value": value,
                "method": "method",
                "block": ["scenario", "seed"],
            }
            compared = stats.compare(part, **blocks, control=control)
        table = means.join(compared.set_index("method").drop(columns="control")).reset_index()
        table.insert(0, "control", control)
        for column, name in zip(reversed(by), reversed(names), strict=True):
            table.insert(0, column, name)
        cells.append(table)
    return stacked(cells)


def differ(finals: pd.DataFrame) -> pd.DataFrame:
    """Return Friedman's test over the methods, blocks are the scenarios with a fault, and seeds."""
    cells = []
    for names, part in with_fault(finals).groupby(CELL[:-1], sort=False):
        if part["method"].nunique() > 2 and part.groupby(["scenario", "seed"]).ngroups > 1:
            test = stats.friedman(part, value="final", method="method", block=["scenario", "seed"])
            cells.append(test.assign(**dict(zip(CELL[:-1], names, strict=True))))
    return stacked(cells)


def ranked(finals: pd.DataFrame) -> pd.DataFrame:
    """Return the mean ranks over scenarios with a fault and seeds, and Nemenyi's difference."""
    cells = []
    for names, part in with_fault(finals).groupby(CELL[:-1], sort=False):
        blocks = part.groupby(["scenario", "seed"]).ngroups
        if part["method"].nunique() < 2 or blocks < 2:
            continue
        ranks = stats.mean_ranks(part, value="final", method="method", block=["scenario", "seed"])
        apart = stats.critical_difference(part["method"].nunique(), blocks)
        named = dict(zip(CELL[:-1], names, strict=True))
        cells.append(ranks.assign(**{"critical difference": apart, "n": blocks}, **named))
    return stacked(cells)


def by_inputs(rows: pd.DataFrame) -> pd.DataFrame:
    """Return mean accuracy over the seeds by method and inputs, in rounds that all seeds had."""
    keys = [*CELL, "method", "round", "inputs"]
    grouped = rows.groupby(keys, sort=False)
    means = grouped[["accuracy", "worst accuracy"]].mean().assign(n=grouped.size()).reset_index()
    everyone = means.groupby([*CELL, "method"], sort=False)["n"].transform("max")
    return means[means["n"] == everyone].reset_index(drop=True)


def with_fault(finals: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the scenarios in which there is something to repair."""
    return finals[finals["scenario"] != UNPLANTED]


def negative_controls(finals: pd.DataFrame) -> pd.DataFrame:
    """Return each repeated method against the one it repeats: neither may differ."""
    repeated = [method for method in finals["method"].unique() if method.endswith(AGAIN)]
    pairs = {again: again.removesuffix(AGAIN) for again in repeated}
    cells = []
    for again, method in pairs.items():
        pair = finals[finals["method"].isin([again, method])]
        if pair["method"].nunique() == 2:
            cells.append(against(with_fault(pair), method, by=CELL[:-1]))
    return stacked(cells)


def comparison_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the tables of any comparison of methods, by name."""
    finals = final_rows(rows)
    control = control_of(finals)
    return {
        "against_control": against(with_fault(finals), control, by=CELL[:-1]),
        "by_scenario": against(finals, control, by=CELL),
        "differ": differ(finals),
        "mean_ranks": ranked(finals),
        "accuracy_by_inputs": by_inputs(rows),
        "negative_controls": negative_controls(finals),
    }


def _untested(part: pd.DataFrame, control: str, value: str) -> pd.DataFrame:
    """One seed has differences, but no test."""
    finals = part.set_index("method")[value]
    gains = (finals - finals[control]).drop(control).rename("median difference").reset_index()
    none = dict.fromkeys(("low", "high", "a12", "p", "holm p"), np.nan)
    return gains.assign(n=1, control=control, significant=False, note="one block, no test", **none)


def layers_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the tables of `comparison_tables`, the manipulation check and the ablation of layers.

    `layer_overlap`: which share of the first choice by the chosen layer another layer makes too.
    `layers_chosen`: the share of the rounds in which each layer was chosen.
    `layer_equivalence`: each layer against the chosen one, within EQUIVALENT.
    """
    finals = final_rows(rows)
    split = finals["method"].str.extract(r"^(?P<metric>\w+): (?P<compared>.+)$")
    layered = with_fault(finals).assign(**split).dropna(subset=["compared"])
    keys = ["metric", "compared"]
    overlap = layered.groupby(keys, sort=False)["overlap"].agg(["mean", "min", "max"])
    cells = []
    for metric, part in layered.groupby("metric", sort=False):
        if part.groupby(["scenario", "seed"]).ngroups > 1:
            names: dict[str, Any] = {"value": "final", "method": "compared"}
            names |= {"block": ["scenario", "seed"], "control": "chosen"}
            region = stats.equivalence(part, **names, margin=EQUIVALENT)
            cells.append(region.assign(metric=metric))
    made = rows[(rows["round"] > 0) & rows["method"].str.endswith(": chosen")]
    chosen = made.groupby("scenario", sort=False)["layer"].value_counts(normalize=True)
    extra = {"layer_overlap": overlap.reset_index(), "layer_equivalence": stacked(cells)}
    return {
        **comparison_tables(rows),
        **extra,
        "layers_chosen": chosen.rename("share").reset_index(),
    }


def alpha_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the tables of `comparison_tables`, and the best share for each number of classes."""
    finals = final_rows(rows)
    split = finals["method"].str.extract(r"^(?P<selector>\w+), alpha (?P<alpha>[\d.]+)$")
    mixed = finals.assign(**split).dropna(subset=["alpha"])
    # Where a selector chooses nothing, all selectors are the random method.
    nothing = finals[finals["method"] == "random"].assign(alpha="0.0")
    ends = [nothing.assign(selector=name) for name in mixed["selector"].unique()]
    keys = ["data", "classes", "selector", "alpha"]
    shares = pd.concat([*ends, mixed]).groupby(keys, sort=False)
    means = shares[["final", "worst accuracy", "broken"]].mean().reset_index()
    return {
        **comparison_tables(rows),
        "alpha_by_classes": means.sort_values(keys, ignore_index=True),
    }


def inputs_needed(rows: pd.DataFrame, *, goal: str = "random") -> pd.DataFrame:
    """Return, for each scenario, how few inputs bring a method to the final accuracy of `goal`.

    Between two rounds accuracy is taken to grow evenly; the median is over the seeds, a method that
    never gets there counting as infinitely many. `share` is of the inputs that `goal` used.
    """
    budgets = []
    for names, cell in rows.groupby([*CELL, "seed"], sort=False):
        goal_row = cell[cell["method"] == goal].sort_values("round").iloc[-1]
        for method, part in cell.groupby("method", sort=False):
            needed = reached(part["inputs"], part["accuracy"], goal_row["accuracy"])
            identity = dict(zip([*CELL, "seed"], names, strict=True))
            budgets.append(
                {**identity, "method": method, "inputs": needed, "of": goal_row["inputs"]}
            )
    keys = [*CELL, "method"]
    table = pd.DataFrame(budgets).groupby(keys, sort=False)[["inputs", "of"]].median().reset_index()
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


def powers(finals: pd.DataFrame, control: str = "targeted_random") -> pd.DataFrame:
    """Return the spread of the paired differences, and the chance to find an effect of each size
    in one scenario with the seeds there are."""
    rows = []
    for names, part in with_fault(finals).groupby(CELL[:-1], sort=False):
        wide = part.pivot(index=["scenario", "seed"], columns="method", values="final")
        gains = wide.drop(columns=control).sub(wide[control], axis=0)
        spread = float(np.sqrt(gains.groupby("scenario").var().mean().mean()))
        seeds = part["seed"].nunique()
        if seeds < 2 or not spread > 0:
            continue
        named = dict(zip(CELL[:-1], names, strict=True))
        for effect in EFFECTS:
            power_table = stats.power(effect, seeds, sd=spread, comparisons=gains.shape[1])
            rows.append(
                {**named, "seeds": seeds, "sd": spread, "effect": effect, "power": power_table}
            )
    return pd.DataFrame(rows)


def selection_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the tables of the main comparison, by name."""
    finals = final_rows(rows)
    healthy = finals[finals["scenario"] == UNPLANTED]
    before = healthy[healthy["method"] == RECOMMENDED]
    before = before.assign(method="unrepaired", final=before["initial"])
    harm = pd.concat([healthy[healthy["method"] == RECOMMENDED], before])
    return {
        **comparison_tables(rows),
        "against_recommended": against(finals, RECOMMENDED, by=CELL),
        "harm_without_fault": against(harm, "unrepaired", by=CELL),
        "inputs_needed": inputs_needed(rows),
        "power": powers(finals),
    }
