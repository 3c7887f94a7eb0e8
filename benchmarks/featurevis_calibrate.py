"""From the zoos' rows to `mode/featurevis/thresholds.json` and the tables, in seconds.

`python -m benchmarks.featurevis_calibrate`. The rules are fitted to all classifiers there are: the
zoo, the fresh ones, and the first blind ones as audited again. Every figure under "reached" is from
classifiers whose architecture the rule had not seen (leave one architecture out); "blind" is what
the rules of that day said, "unseen" what today's say of networks that nothing here was fitted to.
"""

import json
import sys
from pathlib import Path

import click
import numpy as np
import pandas as pd
from scipy.optimize import lsq_linear
from scipy.special import softmax
from scipy.stats import rankdata, spearmanr
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from mode.featurevis import verdict
from mode.seeds import generator

LEAST_RECOGNIZED = 0.25  # half of what the poorer ready prior reaches, and a prior is too poor
CERTAIN = 0.45  # probability below which the verdict is "cannot tell"
BEYOND = 0.05  # error above the largest a verdict was seen with: linear rules hold no further
RUNS, TABLES = Path("results/runs/featurevis"), Path("results/tables")
# Noise is not asked about: how a network takes it says more of its kind than of its training.
ERROR = ["error", "shifted_error"]
GAP = ["over_confidence", "confidence_wrong", "shifted_error"]
ALIKE = ["unevenness", "unevenness_more", "diversity_ratio", "over_confidence"]
FOREIGN = ["error", "over_confidence"]
VERDICT = ["over_confidence", "over_confidence_more", "confidence", "confidence_more",
           "error_more", "shifted_error_more", "implausibility", "unevenness",
           "diversity_ratio", "gap_estimate", "islands"]  # fmt: skip
SAID = ["error", "low", "high", "overfitting", "homogeneity", "verdict", "other_verdict"]
ZOOS = ("zoo", "fresh", "blind_again")
DRAWS = 200  # resamplings of the classifiers, for an interval


def everything(runs: Path) -> pd.DataFrame:
    """Return the classifiers of all zoos whose audits had something to judge."""
    rows = pd.concat([load(runs / f"{name}.csv") for name in ZOOS], ignore_index=True)
    rows = rows[rows["error_more"].notna()].reset_index(drop=True)
    unlearned = (rows["condition"] == "few") & (rows["truth"] == "fine")
    return rows.assign(truth=rows["truth"].mask(unlearned, None))  # not even its few images


def load(path: Path) -> pd.DataFrame:
    """Return the zoo with truth, gap and the features that the rules look at."""
    rows = pd.read_csv(path).drop(columns=SAID, errors="ignore")
    model_scores, reference = (_of(rows, who) for who in ("own", "reference"))
    features = pd.concat([model_scores, (model_scores - reference).add_suffix("_more")], axis=1)
    ratio = model_scores["diversity"].clip(lower=1e-3) / reference["diversity"].clip(lower=1e-3)
    features["diversity_ratio"] = np.log(ratio)
    other = _of(rows, "other").add_prefix("other_")
    head = rows[[c for c in rows if not c.startswith(("own_", "reference_", "other_"))]].copy()
    head["true_error"] = 1 - head["test_accuracy"]
    head["gap"] = head["train_accuracy"] - head["test_accuracy"]
    head["truth"] = [truth(r) for r in head.itertuples()]
    return pd.concat([head, features, other], axis=1)


def _of(rows: pd.DataFrame, who: str) -> pd.DataFrame:
    columns = [c for c in rows if c.startswith(f"{who}_")]
    return rows[columns].rename(columns=lambda c: c.removeprefix(f"{who}_"))


def truth(row) -> str | None:
    """Return what is wrong with a classifier; None where fine and over-fitted both fit.

    Over-fitted is a gap over 10 points, or over 5 where there were few images to learn from.
    """
    if row.noise >= 0.2:
        return "label noise"
    if row.condition == "under":
        return "under-fitted"
    if row.gap > (0.05 if row.condition == "few" else 0.10):
        return "over-fitted"
    return None if row.gap > 0.05 else "fine"


def plain(names: list[str], scaler: StandardScaler, intercept: float, slopes) -> dict:
    """Return a rule on the features as they are from one on the scaled features."""
    raw = np.asarray(slopes) / scaler.scale_
    start = float(intercept - raw @ scaler.mean_)
    return {"intercept": start, "coefficients": dict(zip(names, raw.tolist(), strict=True))}


def line(rows: pd.DataFrame, names: list[str], target: str, weight: float = 1.0) -> dict:
    scaler = StandardScaler().fit(rows[names])
    model = Ridge(weight).fit(scaler.transform(rows[names]), rows[target])
    return plain(names, scaler, model.intercept_, model.coef_)


def rising(rows: pd.DataFrame, names: list[str], target: str) -> dict:
    """Return the line of least absolute error among those that fall with no feature."""
    x = np.column_stack([np.ones(len(rows)), rows[names]])
    y, weight = rows[target].to_numpy(), np.ones(len(rows))
    limits = [-1.0, *[0.0] * len(names)], [1.0, *[np.inf] * len(names)]
    for _ in range(30):  # reweighted squares approach absolute ones
        slopes = lsq_linear(x * weight[:, None], y * weight, bounds=limits).x
        weight = 1 / np.sqrt(np.maximum(np.abs(y - x @ slopes), 0.005))
    return {"intercept": float(slopes[0]),
            "coefficients": dict(zip(names, slopes[1:].tolist(), strict=True))}  # fmt: skip


def chance(rows: pd.DataFrame, names: list[str], target: pd.Series, strength=0.3) -> dict:
    """Return logistic rules: one for a yes-or-no target, else one a class."""
    scaler = StandardScaler().fit(rows[names])
    model = LogisticRegression(C=strength, max_iter=2000, class_weight="balanced")
    model.fit(scaler.transform(rows[names]), target)
    if len(model.classes_) == 2:
        return plain(names, scaler, model.intercept_[0], model.coef_[0])
    return {
        name: plain(names, scaler, start, slopes)
        for name, start, slopes in zip(model.classes_, model.intercept_, model.coef_, strict=True)
    }


def apply(rule: dict, rows: pd.DataFrame) -> np.ndarray:
    needed = rows[list(rule["coefficients"])].to_dict("records")
    return np.array([verdict.linear(rule, row) for row in needed])


def calibrated(rows: pd.DataFrame) -> dict:
    """Return all rules fitted to `rows`, without the intervals."""
    book = {"error": {}, "gap": line(rows, GAP, "gap"), "range": {}}
    for name in sorted({*ERROR, *GAP, *ALIKE, *VERDICT} - {"gap_estimate"}):
        book["range"][name] = {"low": rows[name].min(), "high": rows[name].max()}
    for name in (*rows["dataset"].unique(), "any"):
        of_dataset = rows if name == "any" else rows[rows["dataset"] == name]
        book["error"][name] = rising(of_dataset, ERROR, "true_error")
    labeled = rows[rows["truth"].notna()].copy()
    labeled["gap_estimate"] = apply(book["gap"], labeled)
    book["homogeneous"] = chance(rows, ALIKE, rows["condition"] == "homogeneous")
    book["verdict"] = chance(labeled, VERDICT, labeled["truth"], strength=1.0)
    book["reach"] = (labeled.groupby("truth")["true_error"].max() + BEYOND).to_dict()
    book["foreign"] = chance(*_domains(rows), strength=30)
    return book


def _domains(rows: pd.DataFrame) -> tuple:
    away = rows[[f"other_{name}" for name in FOREIGN]].set_axis(FOREIGN, axis=1)
    both = pd.concat([rows[FOREIGN], away], ignore_index=True)
    return both, FOREIGN, pd.Series(np.arange(len(both)) >= len(rows))


def estimates(by_prior: dict, rows: pd.DataFrame) -> np.ndarray:
    values = np.zeros(len(rows))
    for name, group in rows.groupby("dataset"):
        rule = by_prior.get(name, by_prior["any"])
        values[(rows["dataset"] == name).to_numpy()] = apply(rule, group)
    return values


def judged(book: dict, rows: pd.DataFrame) -> pd.DataFrame:
    """Return what the rules say of each row."""
    plain_rows, limits = rows, book["range"]
    rows = rows.assign(**{k: rows[k].clip(v["low"], v["high"]) for k, v in limits.items()})
    verdicts = rows[
        ["name", "architecture", "dataset", "condition", "truth", "true_error", "gap"]
    ].copy()
    verdicts["error"] = np.clip(estimates(book["error"], rows), 0, 1)
    pooled = {"any": book["error"]["any"]}
    verdicts["error_any"] = np.clip(estimates(pooled, rows), 0, 1)
    verdicts["overfitting"] = apply(book["gap"], rows)
    verdicts["homogeneity"] = apply(book["homogeneous"], rows)
    full = rows.assign(gap_estimate=verdicts["overfitting"])
    logits = pd.DataFrame({k: apply(r, full) for k, r in book["verdict"].items()}, index=rows.index)
    share = softmax(logits, axis=1)
    best = logits.idxmax(axis=1)
    sure = (share.max(axis=1) >= CERTAIN) & (verdicts["error"] <= best.map(book["reach"]))
    verdicts["verdict"] = best.where(sure, "cannot tell")
    verdicts["outside"] = [verdict.outside(r, limits) for r in plain_rows.to_dict("records")]
    verdicts["foreign_own"] = apply(book["foreign"], plain_rows)
    away = rows[[f"other_{name}" for name in FOREIGN]].set_axis(FOREIGN, axis=1)
    verdicts["foreign_other"] = apply(book["foreign"], away)
    return verdicts


def held_out(rows: pd.DataFrame) -> pd.DataFrame:
    """Return every row judged by rules that had not seen its architecture."""
    groups = [
        judged(calibrated(rows[rows["architecture"] != name]), rows[rows["architecture"] == name])
        for name in rows["architecture"].unique()
    ]
    return pd.concat(groups).loc[rows.index]


def quantile(verdicts: pd.DataFrame, column: str) -> float:
    """Return the multiple of the scale that covers 90 % of left-out classifiers.

    Of an architecture, that is, and in 90 % of the architectures: a fresh one may be as strange as
    the strangest of those.
    """
    unit = verdicts[column].map(lambda error: verdict.half_width(error, {"quantile": 1.0}))
    ratio = (verdicts[column] - verdicts["true_error"]).abs() / (unit * (1 + verdicts["outside"]))
    return float(ratio.groupby(verdicts["architecture"]).quantile(0.9).quantile(0.9))


def widened(book: dict, verdicts: pd.DataFrame) -> dict:
    """Return the rules of the error, each with the quantile that `verdicts` ask for."""
    rules = {}
    for name, rule in book["error"].items():
        of_dataset, column = (verdicts, "error_any") if name == "any" else (
            verdicts[verdicts["dataset"] == name], "error")  # fmt: skip
        rules[name] = rule | {"quantile": quantile(of_dataset, column)}
    return book | {"error": rules}


def bounded(verdicts: pd.DataFrame, book: dict) -> pd.DataFrame:
    """Return the judged rows with the interval of each estimated error.

    An architecture's own misses say nothing about how wide its intervals are.
    """
    width = pd.Series(0.0, index=verdicts.index)
    for name, group in verdicts.groupby("architecture"):
        rules = widened(book, verdicts[verdicts["architecture"] != name])["error"]
        width[group.index] = [
            verdict.half_width(r.error, rules[r.dataset], r.outside) for r in group.itertuples()
        ]
    low, high = (verdicts["error"] - width).clip(lower=0), (verdicts["error"] + width).clip(upper=1)
    return verdicts.assign(low=low, high=high)


def audited(path: Path) -> pd.DataFrame:
    """Return the rows of a blind check as `bounded` returns those of the zoo.

    What was said is in the rows, as the audits of that day said it; the pooled rule said nothing.
    """
    rows = pd.read_csv(path)
    rows["true_error"] = 1 - rows["test_accuracy"]
    rows["gap"] = rows["train_accuracy"] - rows["test_accuracy"]
    rows["truth"] = [truth(r) for r in rows.itertuples()]
    home = rows["own_error"].notna() & rows["reference_error"].isna()
    return rows.assign(
        error_any=np.nan, foreign_own=home.astype(float) - 0.5,
        foreign_other=(rows["other_verdict"] == "cannot tell").astype(float) - 0.5,
    )  # fmt: skip


def targets(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return one row a target: what was aimed at, what was reached, and the 95 % interval of that,
    classifiers resampled."""
    table, stream = _reached(verdicts), generator(0, "targets")
    samples = (
        verdicts.iloc[stream.integers(0, len(verdicts), len(verdicts))] for _ in range(DRAWS)
    )
    draws = [_reached(sample.reset_index(drop=True))["reached"] for sample in samples]
    low, high = np.nanquantile(draws, [0.025, 0.975], axis=0)
    return table.assign(low=low, high=high).round(4)


def _reached(verdicts: pd.DataFrame) -> pd.DataFrame:
    wide = verdicts["gap"] > 0.10
    missed = (verdicts["error"] - verdicts["true_error"]).abs()
    inside = verdicts["true_error"].between(verdicts["low"], verdicts["high"])
    labeled = verdicts[verdicts["truth"].notna()]
    answered = verdicts[verdicts["homogeneity"].notna()]  # nothing is said of an abstention
    over = answered[answered["truth"] == "over-fitted"]
    rows = [
        ("AUROC, gap over 10 points", 0.97, area(wide, verdicts["overfitting"])),
        ("Spearman with the gap", 0.90, spearmanr(verdicts["overfitting"], verdicts["gap"])[0]),
        ("mean absolute error of the test error, points", 2.5, 100 * missed.mean()),
        ("the same with the pooled rule, points", 2.5,
         100 * (verdicts["error_any"] - verdicts["true_error"]).abs().mean()),
        ("coverage of the 90 % interval", 0.85, inside[answered.index].mean()),
        ("AUROC, homogeneous", 0.93, _alike(answered)),
        ("AUROC, homogeneous among over-fitted", 0.93, _alike(over)),
        ("four-way balanced accuracy", 0.80,
         balanced_accuracy_score(labeled["truth"], labeled["verdict"])),
        ("abstention across domains", 0.90, np.mean(verdicts["foreign_other"] > 0)),
        ("abstention at home", 0.10, np.mean(verdicts["foreign_own"] > 0)),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["target", "aim", "reached"])


def by_architecture(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return one row an architecture: how far errors were missed, how many verdicts right."""
    labeled = verdicts["truth"].notna()
    rows = verdicts.assign(
        missed=100 * (verdicts["error"] - verdicts["true_error"]).abs(),
        inside=verdicts["true_error"].between(verdicts["low"], verdicts["high"]),
        right=(verdicts["verdict"] == verdicts["truth"]) & labeled, judged=labeled,
    )  # fmt: skip
    groups = rows.groupby("architecture", sort=False)
    table = groups.agg(classifiers=("name", "size"), missed_points=("missed", "mean"),
                       inside=("inside", "sum"), right=("right", "sum"),
                       known=("judged", "sum"))  # fmt: skip
    return table.round(2).reset_index()


def _alike(verdicts: pd.DataFrame) -> float:
    return area(verdicts["condition"] == "homogeneous", verdicts["homogeneity"])


def area(kind, score) -> float:
    """Return the AUROC: of all pairs of one of the kind and one that is not, the share in which the
    first has the higher score. From ranks, a twentieth of scikit-learn's time for one."""
    kind, ranks = np.asarray(kind, bool), rankdata(score)
    count = kind.sum()
    pairs = count * (len(kind) - count)
    return float((ranks[kind].sum() - count * (count + 1) / 2) / pairs) if pairs else np.nan


HIDDEN = ["error_any", "foreign_own", "foreign_other", "outside"]
BLIND = ["name", "architecture", "dataset", "condition", "optimizer", "truth", "true_error",
         "gap", "error", "low", "high", "overfitting", "homogeneity", "verdict",
         "other_verdict"]  # fmt: skip


def single_scores(rows: pd.DataFrame) -> pd.DataFrame:
    """Return for each raw score alone: Spearman with the gap and three AUROCs."""
    over = rows["truth"] == "over-fitted"
    names = [c for c in rows.columns[list(rows).index("gap") + 2 :] if not c.startswith("other_")]
    rows_of_scores = []
    for name in names:
        values = rows[name]
        alike = rows["condition"] == "homogeneous"
        rows_of_scores.append((
            name, spearmanr(values, rows["gap"])[0], area(rows["gap"] > 0.1, values),
            area(rows["truth"] == "label noise", values),
            area(alike[over], values[over]),
        ))  # fmt: skip
    columns = ["score", "spearman_gap", "auroc_gap", "auroc_noise", "auroc_homogeneous"]
    return pd.DataFrame(rows_of_scores, columns=columns).round(3)


@click.command()
@click.option("--runs", default=str(RUNS), help="folder with zoo.csv, and fresh.csv where made")
@click.option("--tables", default=str(TABLES))
@click.option("--thresholds", default=str(verdict.THRESHOLDS), show_default=False)
def main(runs: str, tables: str, thresholds: str) -> None:
    rows = everything(Path(runs))
    verdicts, book = held_out(rows), calibrated(rows)
    book = widened(book, verdicts)
    parts = [_of(pd.read_csv(Path(runs) / f"{name}.csv"), "reference") for name in ZOOS]
    references = pd.concat(parts).dropna()
    book["mean_reference"] = references.mean().to_dict()
    book["failed_reference"] = float(references["error"].max()) + BEYOND
    book |= {
        "certain": CERTAIN,
        "least_recognized": LEAST_RECOGNIZED,
        "made_by": "python -m benchmarks.featurevis_calibrate",
    }
    Path(thresholds).write_text(json.dumps(_rounded(book), indent=1) + "\n")
    folder = Path(tables)
    folder.mkdir(parents=True, exist_ok=True)
    verdicts = bounded(verdicts, book)
    reached = targets(verdicts)
    for name in ("blind", "unseen"):
        path = Path(runs) / f"{name}.csv"
        if path.exists():
            strangers = audited(path)
            by_strangers = targets(strangers)
            for column in ("reached", "low", "high"):
                reached[f"{column}_{name}"] = by_strangers[column]
            strangers[BLIND].round(4).to_csv(folder / f"featurevis_{name}.csv", index=False)
            parts = by_architecture(strangers)
            parts.to_csv(folder / f"featurevis_{name}_architectures.csv", index=False)
    by_architecture(verdicts).to_csv(folder / "featurevis_architectures.csv", index=False)
    reached.to_csv(folder / "featurevis_targets.csv", index=False)
    verdicts.drop(columns=HIDDEN).round(4).to_csv(
        folder / "featurevis_classifiers.csv", index=False
    )
    single = single_scores(load(Path(runs) / "zoo.csv"))
    single.to_csv(folder / "featurevis_scores.csv", index=False)
    labeled = verdicts[verdicts["truth"].notna()]
    table = pd.crosstab(labeled["truth"], labeled["verdict"])
    table.to_csv(folder / "featurevis_verdicts.csv")
    print(reached.to_string(index=False), table.to_string(), sep="\n", file=sys.stdout)


def _rounded(value):
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return round(value, 6) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
