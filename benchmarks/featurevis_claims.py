"""The report's claims and its peers, each as one line with its number, from the rows of the runs.

`python benchmarks/featurevis_claims.py` writes `results/tables/featurevis_claims.csv`; seconds.
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from featurevis_calibrate import RUNS, TABLES, load
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score


def line(claim: str, measure: str, value: float, count: int, holds: bool | str) -> tuple:
    said = {True: "holds", False: "does not hold"}.get(holds, holds)
    return claim, measure, round(float(value), 3), count, said


def area(truth, values) -> float:
    return roc_auc_score(np.asarray(truth), np.asarray(values))


def on_the_zoo(zoo: pd.DataFrame) -> list[tuple]:
    """Return claims (a) and (c), and the measured scores, over all architectures."""
    wide, alike = zoo["gap"] > 0.1, zoo["condition"] == "homogeneous"
    noise = zoo["truth"] == "label noise"
    over, n = zoo["truth"] == "over-fitted", len(zoo)
    same, ratio = -zoo["diversity"], -zoo["diversity_ratio"]
    talk = zoo["cross_talk"]
    clean = ~noise
    return [
        line("(a) over-fitted: restarts converge", "AUROC of -D, gap over 10 points",
             area(wide, same), n, area(wide, same) > 0.8),
        line("(a) homogeneous: restarts converge", "AUROC of -D, homogeneous or not",
             area(alike, same), n, area(alike, same) > 0.8),
        line("(a) homogeneous, against the reference model",
             "AUROC of -D / D of the reference model",
             area(alike, ratio), n, area(alike, ratio) > 0.8),
        line("(c) over-fitted: other classes appear", "AUROC of cross-talk, without label noise",
             area(wide[clean], talk[clean]), int(clean.sum()),
             area(wide[clean], talk[clean]) > 0.8),
        line("(c) label noise: other classes appear", "AUROC of cross-talk, label noise or not",
             area(noise, talk), n, area(noise, talk) > 0.8),
        line("O tells the gap without data", "Spearman with the gap",
             spearmanr(zoo["over_confidence"], zoo["gap"])[0], n,
             spearmanr(zoo["over_confidence"], zoo["gap"])[0] > 0.9),
        line("O minus the reference model's tells it better", "Spearman with the gap",
             spearmanr(zoo["over_confidence_more"], zoo["gap"])[0], n,
             spearmanr(zoo["over_confidence_more"], zoo["gap"])[0]
             > spearmanr(zoo["over_confidence"], zoo["gap"])[0]),
        line("errors that keep to regions tell homogeneous sets", "AUROC among over-fitted",
             area(alike[over], zoo["unevenness"][over]), int(over.sum()),
             area(alike[over], zoo["unevenness"][over]) > 0.93),
    ]  # fmt: skip


def of_peers(zoo: pd.DataFrame, peers: pd.DataFrame) -> list[tuple]:
    """Return claim (b), WeightWatcher and the pixel prototypes, where they were run."""
    both = zoo.merge(peers, on="name")
    wide = both["gap"] > 0.1
    lines = []
    for name, sign in (("alpha", 1), ("prototype", -1)):
        kept = both[both[name].notna()]
        truth, values = wide[both[name].notna()], sign * kept[name]
        title = "WeightWatcher: mean alpha" if name == "alpha" else "pixel prototypes"
        rho = spearmanr(values, kept["gap"])[0]
        lines += [
            line(title, "Spearman with the gap", rho, len(kept), "beside it"),
            line(title, "AUROC, gap over 10 points", area(truth, values), len(kept), "beside it"),
        ]
    for kind, rows in both.groupby("condition"):
        near = rows["nearest_ratio"].mean()
        claim = f"(b) {kind}: training images are reproduced"
        # Mislabeled images of a class show others, as its preferred inputs do: no fair comparison.
        holds = "confounded" if kind == "noisy" else near < 0.9
        lines.append(line(claim, "nearest training / unseen", near, len(rows), holds))
    return lines


def of_the_report(report: pd.DataFrame) -> list[tuple]:
    """Return the claims on the report's own experiment, group by group."""
    lines = []
    for group, rows in report.groupby("group", sort=False):
        n = len(rows)
        title = f"report's experiment, {group}"
        lines += [
            line(title, "diversity of restarts D", rows["diversity"].mean(), n, "(a)"),
            line(title, "distance between networks", rows["between_networks"].mean(), n, "(a)"),
            line(title, "nearest training / unseen", rows["nearest_ratio"].mean(), n, "(b)"),
            line(title, "cross-talk", rows["cross_talk"].mean(), n, "(c)"),
        ]
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
    columns = ["claim", "measure", "value", "classifiers", "verdict"]
    table = pd.DataFrame(lines, columns=columns)
    Path(tables).mkdir(parents=True, exist_ok=True)
    table.to_csv(Path(tables) / "featurevis_claims.csv", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
