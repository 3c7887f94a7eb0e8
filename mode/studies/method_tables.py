"""The tables that single comparisons have beside those of every one."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mode import seeds, stats
from mode.studies.comparison import (
    CELL,
    UNPLANTED,
    against,
    comparison_tables,
    control_of,
    final_rows,
    seed_means,
    with_fault,
)
from mode.studies.tables import stacked

RECOMMENDED = "recommended"
DEFAULT = "default repair"
CLEAN_POOL = "under_trained"  # the scenario of `wrong_labels` without wrong labels
EFFECTS = [0.002, 0.003, 0.005, 0.01]
MATCHED = "class-matched random for "
RETRAINED = ", recommended retraining"


def metrics_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the tables of `comparison_tables`: do the metrics differ, on states and on pixels?"""
    return comparison_tables(rows, {"states": ", states$", "pixels": ", pixels$"})


def maps_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the tables of `comparison_tables`, and `least_similar`: the publication's question
    whether the inputs least similar to DHCI serve better than those most similar to DHMI and DHWI.
    """
    tables = comparison_tables(rows)
    if "against_control" not in tables:
        return tables
    finals = final_rows(rows)
    pair = finals[finals["method"].isin(["by fault", "dhci, least similar"])]
    return {**tables, "least_similar": against(pair, "by fault", by=CELL)}


def retraining_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the tables of `comparison_tables`: do the retrainings differ, for each choice?"""
    choices = rows["method"].str.partition(", ")[0].unique()
    return comparison_tables(rows, {choice: f"^{choice}, " for choice in choices})


def layers_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the tables of `comparison_tables`, the manipulation check and the ablation of layers.

    `layer_overlap`: which share of the first choice by the chosen layer another layer makes too.
    `layers_chosen`: the share of the rounds in which each layer was chosen.
    `against_chosen`: each layer against the chosen one, metric by metric.
    """
    finals = final_rows(rows)
    split = finals["method"].str.extract(r"^(?P<metric>\w+): (?P<compared>.+)$")
    layered = with_fault(finals).assign(**split).dropna(subset=["compared"])
    metrics = list(layered["metric"].unique())
    tables = comparison_tables(rows, {metric: f"^{metric}: " for metric in metrics})
    overlap = layered.groupby(["metric", "compared"], sort=False)["overlap"]
    made = rows[(rows["round"] > 0) & rows["method"].str.endswith(": chosen")]
    chosen = made.groupby("scenario", sort=False)["layer"].value_counts(normalize=True)
    tables = {
        **tables,
        "layer_overlap": overlap.agg(["mean", "min", "max"]).reset_index(),
        "layers_chosen": chosen.rename("share").reset_index(),
    }
    if "against_control" not in tables:
        return tables
    cells = [
        against(layered[layered["metric"] == metric], f"{metric}: chosen", by=CELL[:-1])
        for metric in metrics
    ]
    return {**tables, "against_chosen": stacked(cells)}


def wrong_labels_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the tables of `comparison_tables` and two more.

    `damage`: for each method, what it gives in a pool with wrong labels against what it gives in
    the same pool without any. Columns beside those of `against`: pool (a scenario), kind
    ("uniform", "systematic") and percent of its wrong labels; those of the clean pool are empty
    and 0.
    `against_default`: each method against the default repair, pool by pool.
    """
    tables = comparison_tables(rows)
    if "against_control" not in tables:
        return tables
    finals, swapped = final_rows(rows), {"scenario": "method", "method": "scenario"}
    damage = against(finals.rename(columns=swapped), CLEAN_POOL, by=CELL)
    damage = damage.rename(columns={"scenario": "method", "method": "pool"})
    wrong = damage["pool"].str.extract(r"^pool_(?P<kind>\w+)_(?P<percent>\d+)$")
    wrong = wrong.assign(kind=wrong["kind"].fillna(""), percent=wrong["percent"].fillna(0))
    damage = damage.assign(**wrong.astype({"percent": int}))
    return {**tables, "damage": damage, "against_default": against(finals, DEFAULT, by=CELL)}


def choices_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the tables of `comparison_tables`, and `against_mode`: each variant of MODE against
    MODE as this package corrects it."""
    tables = comparison_tables(rows)
    if "against_control" not in tables:
        return tables
    finals = with_fault(final_rows(rows))
    variants = finals[finals["method"].str.startswith("mode")]
    return {**tables, "against_mode": against(variants, "mode", by=CELL[:-1])}


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
        **comparison_tables(rows, {"by heat map": "^mode, ", "by margin": "^margin, "}),
        "alpha_by_classes": means.sort_values(keys, ignore_index=True),
    }


def inputs_needed(rows: pd.DataFrame, *, goal: str = "random") -> pd.DataFrame:
    """Return, for each scenario, how few inputs bring a method to the final accuracy of `goal`.

    Between two rounds accuracy is taken to grow evenly; the median is over the seeds, a method that
    never gets there counting as infinitely many. `share` is of the inputs that `goal` used, `low`
    to `high` its 95 % interval where all seeds get there.
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
    cells = []
    for names, part in pd.DataFrame(budgets).groupby([*CELL, "method"], sort=False):
        share = (part["inputs"] / part["of"]).to_numpy()
        ends = (np.nan, np.nan)
        if np.isfinite(share).all():
            ends = stats.median_interval(share, seeds.generator(0, "inputs", *map(str, names)))[:2]
        row = dict(zip([*CELL, "method"], names, strict=True))
        row |= {"inputs": part["inputs"].median(), "of": part["of"].median(), "goal": goal}
        cells.append(row | {"share": np.median(share), "low": ends[0], "high": ends[1]})
    return pd.DataFrame(cells)


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


def powers(finals: pd.DataFrame) -> pd.DataFrame:
    """Return the spread over the seeds of the paired differences from the control; and the chance
    to find a mean difference of each size of EFFECTS with the seeds there are."""
    rows = []
    for names, part in with_fault(finals).groupby(CELL[:-1], sort=False):
        control = control_of(part)
        wide = seed_means(part).pivot(index="seed", columns="method", values="final")
        gains = wide.drop(columns=control).sub(wide[control], axis=0)
        spread, count = float(np.sqrt(gains.var().mean())), len(gains)
        if not spread > 0:
            continue
        named = dict(zip(CELL[:-1], names, strict=True)) | {"seeds": count, "sd": spread}
        for effect in EFFECTS:
            chance = stats.power(effect, count, sd=spread, comparisons=gains.shape[1])
            rows.append({**named, "effect": effect, "power": chance})
    return pd.DataFrame(rows)


def selection_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the tables of the main comparison, by name."""
    tables = comparison_tables(rows)
    if "against_control" not in tables:
        return tables
    finals = final_rows(rows)
    healthy = finals[finals["scenario"] == UNPLANTED]
    before = healthy[healthy["method"] == RECOMMENDED]
    before = before.assign(method="unrepaired", final=before["initial"])
    harm = pd.concat([healthy[healthy["method"] == RECOMMENDED], before])
    return {
        **tables,
        "against_recommended": against(finals, RECOMMENDED, by=CELL),
        "harm_without_fault": against(harm, "unrepaired", by=CELL),
        "inputs_needed": inputs_needed(rows),
        "power": powers(finals),
    }


def equal_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the tables of the comparison with equal steps.

    `against_matched`: each targeted method against random inputs of exactly its labels.
    `against_retrained_random`: each selector with the recommended retraining against random inputs
    with the same.
    `against_default`: each method against the default repair.
    """
    selectors = r"^(?:targeted_random|random|mode|margin|entropy|badge|misclassified_then_\w+)"
    questions = {"plain retraining": f"{selectors}$"}
    questions["recommended retraining"] = f"{selectors}{RETRAINED}$"
    tables = comparison_tables(rows, questions)
    if "against_control" not in tables:
        return tables
    finals = with_fault(final_rows(rows))
    names = finals["method"].drop_duplicates()
    pairs = [
        against(
            finals[finals["method"].isin([name, name.removeprefix(MATCHED)])], name, by=CELL[:3]
        )
        for name in names[names.str.startswith(MATCHED)]
    ]
    retrained = finals[finals["method"].str.contains(questions["recommended retraining"])]
    return {
        **tables,
        "against_matched": stacked(pairs),
        "against_retrained_random": against(retrained, f"random{RETRAINED}", by=CELL[:-1]),
        "against_default": against(finals, DEFAULT, by=CELL[:-1]),
    }
