"""The report's claims and its peers, each as one line with its number, from the rows of the runs.

Its interval of 90 % (classifiers resampled) decides: it holds, does not hold, or is not shown.

`python -m benchmarks.featurevis_claims` writes `results/tables/featurevis_claims.csv`; seconds.
"""

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from benchmarks.featurevis_calibrate import RUNS, TABLES, area, load
from mode.seeds import generator

DRAWS = 300  # resamplings of the classifiers, for an interval of 90 %
CONVERGED = LEAKED = 0.8  # AUROC above which a sign tells
REPRODUCED = 0.9  # nearest training image / nearest unseen image, below which images are reproduced


def interval(statistic: Callable, rows: pd.DataFrame) -> tuple[float, float]:
    """Return the 90 % interval of a statistic of `rows`, which are resampled."""
    stream = generator(0, "claims")
    draws = []
    while len(draws) < DRAWS:
        value = statistic(rows.iloc[stream.integers(0, len(rows), len(rows))])
        if np.isfinite(value):  # not so where all that were drawn are of one kind
            draws.append(value)
    low, high = np.quantile(draws, [0.05, 0.95])
    return float(low), float(high)


def line(
    claim: str, measure: str, statistic: Callable, rows: pd.DataFrame, limit: float, sign: int = 1
) -> tuple:
    """Return claim, measure, value, low, high, number of classifiers and the verdict.

    "holds" if the interval is above `limit` (below it for sign -1), "does not hold" if it is on the
    other side, "not shown" if the limit lies inside.
    """
    low, high = interval(statistic, rows)
    above, below = low > limit, high < limit
    holds, fails = (above, below) if sign > 0 else (below, above)
    verdict = "holds" if holds else "does not hold" if fails else "not shown"
    value = float(statistic(rows))
    return claim, measure, round(value, 3), round(low, 3), round(high, 3), len(rows), verdict


def areas(truth: Callable, score: str, sign: int = 1) -> Callable:
    """Return a statistic: the AUROC of `sign` times the score, NaN with one kind only."""
    return lambda rows: area(truth(rows), sign * rows[score])


def ranks(score: str) -> Callable:
    return lambda rows: spearmanr(rows[score], rows["gap"])[0]


def wide(rows) -> pd.Series:
    return rows["gap"] > 0.1


def alike(rows) -> pd.Series:
    return rows["condition"] == "homogeneous"


def noisy(rows) -> pd.Series:
    return rows["truth"] == "label noise"


def on_the_zoo(zoo: pd.DataFrame) -> list[tuple]:
    """Return claims (a) and (c), and the measured scores, over all architectures."""
    clean, over = zoo[~noisy(zoo)], zoo[zoo["truth"] == "over-fitted"]

    def better(rows):
        return ranks("over_confidence_more")(rows) - ranks("over_confidence")(rows)

    return [
        line("(a) over-fitted: restarts converge", "AUROC of -D, gap over 10 points",
             areas(wide, "diversity", -1), zoo, CONVERGED),
        line("(a) homogeneous: restarts converge", "AUROC of -D, homogeneous or not",
             areas(alike, "diversity", -1), zoo, CONVERGED),
        line("(a) homogeneous, against the reference model",
             "AUROC of -D / D of the reference model",
             areas(alike, "diversity_ratio", -1), zoo, CONVERGED),
        line("(c) over-fitted: other classes appear", "AUROC of cross-talk, without label noise",
             areas(wide, "cross_talk"), clean, LEAKED),
        line("(c) label noise: other classes appear", "AUROC of cross-talk, label noise or not",
             areas(noisy, "cross_talk"), zoo, LEAKED),
        line("O tells the gap without data", "Spearman with the gap",
             ranks("over_confidence"), zoo, 0.9),
        line("O minus the reference model's tells it better", "difference of the Spearmans",
             better, zoo, 0.0),
        line("errors that keep to regions tell homogeneous sets", "AUROC among over-fitted",
             areas(alike, "unevenness"), over, 0.93),
    ]  # fmt: skip


def of_peers(zoo: pd.DataFrame, peers: pd.DataFrame) -> list[tuple]:
    """Return claim (b), WeightWatcher and the pixel prototypes, where they were run."""
    both = zoo.merge(peers, on="name")
    lines = []
    for name, sign in (("alpha", 1), ("prototype", -1)):
        rows = both[both[name].notna()].assign(value=lambda r, n=name, s=sign: s * r[n])
        title = "WeightWatcher: mean alpha" if name == "alpha" else "pixel prototypes"
        lines += [
            line(title, "Spearman with the gap", ranks("value"), rows, 0.9),
            line(title, "AUROC, gap over 10 points", areas(wide, "value"), rows, 0.8),
        ]
    for kind, rows in both.groupby("condition"):
        claim = f"(b) {kind}: training images are reproduced"
        result = line(claim, "nearest training / unseen", lambda r: r["nearest_ratio"].mean(),
                      rows, REPRODUCED, -1)  # fmt: skip
        # Mislabeled images of a class show others, as its preferred inputs do: no fair comparison.
        lines.append((*result[:-1], "confounded") if kind == "noisy" else result)
    return lines


MEASURES = {
    "diversity": ("diversity of restarts D", "(a)"),
    "between_networks": ("distance between networks", "(a)"),
    "nearest_ratio": ("nearest training / unseen", "(b)"),
    "cross_talk": ("cross-talk", "(c)"),
}


def of_the_report(report: pd.DataFrame) -> list[tuple]:
    """Return the claims on the report's own experiment by group: mean, least, most of three."""
    lines = []
    for group, rows in report.groupby("group", sort=False):
        for name, (measure, claim) in MEASURES.items():
            values = rows[name].agg(["mean", "min", "max"]).round(3)
            lines.append((f"report's experiment, {group}", measure, *values, len(rows), claim))
    return lines


@click.command()
@click.option("--runs", default=str(RUNS))
@click.option("--tables", default=str(TABLES))
def main(runs: str, tables: str) -> None:
    folder = Path(runs)
    zoo = load(folder / "zoo.csv")
    lines = on_the_zoo(zoo) + of_the_report(pd.read_csv(folder / "report.csv"))
    if (folder / "peers.csv").exists():
        lines += of_peers(zoo, pd.read_csv(folder / "peers.csv"))
    columns = ["claim", "measure", "value", "low", "high", "classifiers", "verdict"]
    table = pd.DataFrame(lines, columns=columns)
    Path(tables).mkdir(parents=True, exist_ok=True)
    table.to_csv(Path(tables) / "featurevis_claims.csv", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
