"""Tables of `benchmarks.estimation` from its rows."""

from pathlib import Path

import numpy as np
import pandas as pd

from mode import results
from mode.estimation.calibration import DEFAULT
from mode.estimation.methods import ESTIMATORS
from mode.seeds import generator

METHODS = (DEFAULT, *ESTIMATORS)
LARGE = 0.1  # an error that should have been abstained from
DRAWS = 500  # resamplings of the classifiers, for an interval
# Target -> what is aimed at, and whether that is the most allowed or the least.
AIMS = {
    "mean miss without a shift (points)": (1.0, "at most"),
    "worse than the best method in its worst family (points)": (0.5, "at most"),
    "error as a share of ATC's": (0.8, "at most"),
    "coverage of the 90 % interval": (0.85, "at least"),
    "abstained where the error is above 10 points": (0.8, "at least"),
}
# The classifiers that the default was chosen on; all others were left out.
CHOSEN_ON = (("mnist", "mlp"), ("fashion_mnist", "mlp"), ("cifar10", "mlp"), ("mnist", "lenet"))


def marked(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a column `part`: chosen on, or left out."""
    pairs = zip(rows["data"], rows["architecture"], strict=True)
    return rows.assign(part=["chosen on" if p in CHOSEN_ON else "left out" for p in pairs])


def misses(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the mean absolute error of every method in points, by part and family of shifts."""
    errors = 100 * rows[list(METHODS)].sub(rows["truth"], axis=0).abs()
    errors = pd.concat([rows[["part", "family"]], errors], axis=1)
    whole = errors.assign(family="all")
    both = pd.concat([errors, whole])
    both = pd.concat([both, both.assign(part="all")])
    table = both.groupby(["part", "family"])[list(METHODS)].mean()
    return table.assign(sets=both.groupby(["part", "family"]).size()).round(3).reset_index()


def abstentions(rows: pd.DataFrame) -> pd.DataFrame:
    """Return by part and family: how often it abstains, what it misses and covers where it does
    not, and how many of the large errors it abstained from."""
    error = (rows[DEFAULT] - rows["truth"]).abs()
    facts = rows.assign(error=error, covered=error <= rows["half_width"], large=error > LARGE)
    both = pd.concat([facts, facts.assign(family="all")])
    both = pd.concat([both, both.assign(part="all")])
    table = []
    for (part, family), group in both.groupby(["part", "family"]):
        answered = group[~group["abstained"]]
        table.append(
            {
                "part": part, "family": family, "sets": len(group),
                "abstained": group["abstained"].mean(), "covered": answered["covered"].mean(),
                "missed_points": 100 * answered["error"].mean(), "large": group["large"].sum(),
                "large_abstained": group.loc[group["large"], "abstained"].mean(),
            }
        )  # fmt: skip
    return pd.DataFrame(table).round(4)


def targets(rows: pd.DataFrame) -> pd.DataFrame:
    """Return by part a row per target: the value, and its 95 % interval over classifiers."""
    table, stream = [], generator(0, "estimation targets")
    for part, group in [*rows.groupby("part"), ("all", rows)]:
        models = [model for _, model in group.groupby(["data", "architecture"])]
        draws = []
        for _ in range(DRAWS):
            chosen = stream.integers(0, len(models), len(models))
            draws.append(_reached(pd.concat([models[i] for i in chosen])))
        values, samples = _reached(group), pd.DataFrame(draws)
        for target, (aim, side) in AIMS.items():
            low, high = np.nanquantile(samples[target], [0.025, 0.975])
            row = {"part": part, "target": target, "side": side, "aim": aim}
            table.append(row | {"value": values[target], "low": low, "high": high})
            table[-1]["classifiers"] = len(models)
    return pd.DataFrame(table).round(4)


def _reached(rows: pd.DataFrame) -> dict[str, float]:
    errors = 100 * rows[list(METHODS)].sub(rows["truth"], axis=0).abs()
    families = errors.groupby(rows["family"]).mean()
    error, answered = (rows[DEFAULT] - rows["truth"]).abs(), ~rows["abstained"]
    atc = errors[["atc_confidence", "atc_entropy"]].mean().min()
    large = rows.loc[error > LARGE, "abstained"]
    values = (
        families.loc["no shift", DEFAULT],
        (families[DEFAULT] - families.min(axis=1)).max(),
        errors[DEFAULT].mean() / atc,
        (error <= rows["half_width"])[answered].mean(),
        large.mean() if len(large) else np.nan,
    )
    return dict(zip(AIMS, values, strict=True))


def write_tables(out: Path) -> list[Path]:
    """Write the tables from the rows in `out`/runs/estimation; return their paths."""
    rows = marked(results.read_rows(out / "runs" / "estimation"))
    tables = {
        "estimation": misses(rows),
        "estimation_abstention": abstentions(rows),
        "estimation_targets": targets(rows),
    }
    return [
        results.write_rows(table, out / "tables" / f"{name}.csv") for name, table in tables.items()
    ]
