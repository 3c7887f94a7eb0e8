"""Which part of the audit does the work, and what simpler ways reach, from the committed rows.

`python -m benchmarks.featurevis_components` writes two tables in seconds. `components`: how well
over-confidence on labeled samples alone, the scores of activation maximization alone, and both
follow the gap, each judged by a rule that had not seen the architecture. `baselines`: how far the
audit, the uncorrected error on the prior's samples and the 20,000 images miss the test error.
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from benchmarks.featurevis_calibrate import RUNS, TABLES, apply, area, everything, line
from benchmarks.featurevis_claims import interval

OVER_CONFIDENCE = ["over_confidence"]
SAMPLES = ["over_confidence", "confidence_wrong", "shifted_error"]  # the audit's rule for the gap
ASCENT = ["diversity", "cross_talk", "preferred_confidence", "effort", "robustness", "rise"]
PARTS = {
    "over-confidence on labeled samples": OVER_CONFIDENCE,
    "all scores of labeled samples (the audit's)": SAMPLES,
    "activation maximization": ASCENT,
    "activation maximization, against the reference model": [f"{k}_more" for k in ASCENT],
    "labeled samples and activation maximization": SAMPLES + ASCENT,
}
IMAGES, TEST = 20_000, 10_000  # that a prior was trained on; that the truth is measured on


def left_out(rows: pd.DataFrame, names: list[str]) -> np.ndarray:
    """Return the gap of each classifier estimated by a line that had not seen its architecture."""
    estimate = np.zeros(len(rows))
    for name in rows["architecture"].unique():
        unseen = (rows["architecture"] == name).to_numpy()
        estimate[unseen] = apply(line(rows[~unseen], names, "gap"), rows[unseen])
    return estimate


def components(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per part: rank correlation with the gap and AUROC, with intervals of 90 %."""
    lines = []
    for part, names in PARTS.items():
        judged = rows.assign(estimate=left_out(rows, names))
        for measure, statistic in (("Spearman with the gap", _rank), ("AUROC, gap over 10", _area)):
            value, (low, high) = statistic(judged), interval(statistic, judged)
            lines.append((part, len(names), measure, value, low, high, len(judged)))
    columns = ["part", "scores", "measure", "value", "low", "high", "classifiers"]
    return pd.DataFrame(lines, columns=columns).round(3)


def _rank(rows) -> float:
    return spearmanr(rows["estimate"], rows["gap"])[0]


def _area(rows) -> float:
    return area(rows["gap"] > 0.1, rows["estimate"])


def baselines(rows: pd.DataFrame, audited: pd.DataFrame) -> pd.DataFrame:
    """Return one row per way to the test error: mean and largest miss in points.

    The 20,000 images are not measured again: a share p of n images is missed by sqrt(2 / pi) of its
    standard error on average, and the test set is a sample too. The largest of that many is the
    expected one of the classifier with the largest standard error, times 3.
    """
    both = rows.merge(audited[["name", "error"]], on="name", suffixes=("", "_audit"))
    truth = both["true_error"]
    deviation = np.sqrt(truth * (1 - truth) * (1 / IMAGES + 1 / TEST))
    lines = []
    for way, missed in {
        "the audit": both["error_audit"] - truth,
        "error on the prior's samples, uncorrected": both["error"] - truth,
        "always the mean error of the other classifiers": _mean_of_others(truth) - truth,
    }.items():
        points = 100 * missed.abs().to_frame("missed")
        low, high = interval(lambda r: r["missed"].mean(), points)
        worst = points["missed"].max()
        lines.append((way, points["missed"].mean(), low, high, worst, len(both), "measured"))
    mean, worst = 100 * np.sqrt(2 / np.pi) * deviation.mean(), 300 * deviation.max()
    name = "error on the 20,000 labeled images of the prior"
    lines.append((name, mean, np.nan, np.nan, worst, len(both), "expected of a binomial"))
    columns = ["way", "mean_miss", "low", "high", "largest_miss", "classifiers", "how"]
    return pd.DataFrame(lines, columns=columns).round(2)


def _mean_of_others(values: pd.Series) -> pd.Series:
    return (values.sum() - values) / (len(values) - 1)


def unclear(classifiers: pd.DataFrame, unseen: pd.DataFrame) -> pd.DataFrame:
    """Return per set and label, "no clear label" included, how often each verdict was given."""
    parts = []
    for name, rows in (("left out", classifiers), ("unseen", unseen)):
        label = rows["truth"].fillna("no clear label")
        counts = pd.crosstab(label, rows["verdict"]).rename_axis(index="label").reset_index()
        counts.insert(0, "set", name)
        parts.append(counts)
    return pd.concat(parts, ignore_index=True).fillna(0)


@click.command()
@click.option("--runs", default=str(RUNS))
@click.option("--tables", default=str(TABLES))
def main(runs: str, tables: str) -> None:
    rows, folder = everything(Path(runs)), Path(tables)
    audited, unseen = (
        pd.read_csv(TABLES / f"featurevis_{name}.csv") for name in ("classifiers", "unseen")
    )
    results = {
        "components": components(rows),
        "baselines": baselines(rows, audited),
        "labels": unclear(audited, unseen),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in results.items():
        if name == "labels":
            counts = table.columns[2:]
            table[counts] = table[counts].astype(int)
        table.to_csv(folder / f"featurevis_{name}.csv", index=False)
        print(table.to_string(index=False))


if __name__ == "__main__":
    main()
