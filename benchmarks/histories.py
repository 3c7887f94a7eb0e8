"""Over-fitting told from curves alone, on the simulated histories of OverfitGuard.

`python -m benchmarks.histories --checkout DIR --out results` reads the 419 labeled histories of a
checkout of asgaardlab/OverfitGuard (arXiv 2401.10359; nothing of it is committed), writes a row
for each and the table. The 40 real histories of that repository are not read.

The one limit that was fitted, `history_rise`, is fitted anew without the histories of each data
set in turn, and those are then judged by it. Two harder forms stand beside the published one:
every tenth epoch, and the same with noise.
"""

import json
from pathlib import Path

import click
import numpy as np
import pandas as pd

from mode import checks, seeds
from mode.diagnosis.facts.training import empty_record
from mode.diagnosis.history import diagnose_history
from mode.diagnosis.limits import LIMITS
from mode.diagnosis.rules.history import relapse

FOLDERS = {"overfit": True, "non_overfit": False}
NOISE = 0.01  # of each loss: what the validation loss of some thousand rows has
FORMS = ("as published", "every 10th epoch", "every 10th epoch, noise 1 %")
SIMPLE = 1.2  # the last validation loss over its best, as a plain rule would have it


def read(checkout: Path) -> list[tuple[str, bool, dict[str, list[float]]]]:
    """Return name, label and curves of each simulated history, by name.

    Raises:
        InputError: for a folder that is no checkout of OverfitGuard.
    """
    folder = checkout / "data" / "training" / "dataset_exp4"
    paths = [(path, FOLDERS[name]) for name in FOLDERS for path in folder.glob(f"{name}/*.json")]
    if not paths:
        checks.fail("checkout must be one of asgaardlab/OverfitGuard", str(checkout))
    histories = []
    for path, label in sorted(paths, key=lambda entry: entry[0].name):
        log = json.loads(path.read_text())
        curves = {"loss": log[log["train_metric"]], "val_loss": log[log["monitor_metric"]]}
        histories.append((path.stem.removeprefix("training_log_"), label, curves))
    return histories


def in_form(curves: dict, form: str, name: str, seed: int) -> dict[str, list[float]]:
    """Return the curves as published, or shortened, or shortened and noisy."""
    if form == FORMS[0]:
        return curves
    short = {key: np.array(values)[::10] for key, values in curves.items()}
    if form == FORMS[2]:
        draw = seeds.generator(seed, "histories", name)
        short = {k: v * (1 + NOISE * draw.standard_normal(len(v))) for k, v in short.items()}
    return {key: values.tolist() for key, values in short.items()}


def rows(checkout: Path, seed: int = 0) -> pd.DataFrame:
    """Return a row for each history and form: its label and what is told of it."""
    verdicts = []
    for name, label, curves in read(checkout):
        for form in FORMS:
            shaped = in_form(curves, form, name, seed)
            epochs = tuple(
                {"loss": a, "val_loss": b} for a, b in zip(*shaped.values(), strict=True)
            )
            lost = relapse(empty_record(epochs=epochs))
            held = np.array(shaped["val_loss"])
            alarms = [finding.symptom for finding in diagnose_history(shaped).alarms]
            verdicts.append({
                "form": form, "history": name, "data set": name.split("_")[0], "overfit": label,
                "share": 0.0 if lost is None else round(lost.share, 4),
                "over best": round(float(held[-1] / held.min()), 4),
                "alarms": " ".join(alarms),
            })  # fmt: skip
    return pd.DataFrame(verdicts).sort_values(["form", "history"], kind="stable", ignore_index=True)


def fit_limit(shares: np.ndarray, labels: np.ndarray) -> float:
    """Return the limit of best F1 on these histories, in the middle of the best ones."""
    ends = np.unique(np.concatenate([[0.0], shares, [1.0]]))
    middles = (ends[1:] + ends[:-1]) / 2
    scores = np.array([f1(shares > middle, labels)[2] for middle in middles])
    best = middles[scores == scores.max()]
    return float(best[len(best) // 2])


def f1(predicted: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Return precision, recall and F1 of the histories that are told to over-fit."""
    right = float((predicted & labels).sum())
    precision, recall = right / max(predicted.sum(), 1), right / max(labels.sum(), 1)
    return precision, recall, 2 * right / max(predicted.sum() + labels.sum(), 1)


def cross_validated(histories: pd.DataFrame) -> np.ndarray:
    """Return what is told of each history by a limit fitted without those of its data set."""
    flags = np.zeros(len(histories), bool)
    for name in histories["data set"].unique():
        of = (histories["data set"] == name).to_numpy()
        rest = histories[~of]
        flags[of] = histories.share[of] > fit_limit(rest.share.to_numpy(), rest.overfit.to_numpy())
    return flags


def table(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return precision, recall and F1 by form and rule."""
    lines = []
    for form in FORMS:
        part = verdicts[verdicts.form == form]
        labels = part.overfit.to_numpy(bool)
        rules = {
            f"committed limit {LIMITS.history_rise}": part.alarms.fillna("").str.contains("over"),
            "limit fitted on the other data sets": cross_validated(part),
            f"last validation loss over {SIMPLE} x its best": part["over best"] > SIMPLE,
        }
        for rule, says in rules.items():
            precision, recall, score = f1(np.asarray(says, bool), labels)
            lines.append({
                "form": form, "rule": rule, "histories": len(part), "overfit": int(labels.sum()),
                "precision": round(precision, 3), "recall": round(recall, 3), "F1": round(score, 3),
            })  # fmt: skip
    return pd.DataFrame(lines)


@click.command()
@click.option("--checkout", required=True, type=Path, help="A checkout of asgaardlab/OverfitGuard.")
@click.option("--out", default="results", show_default=True, type=Path)
@click.option("--seed", default=0, show_default=True, help="Of the noise.")
def main(checkout: Path, out: Path, seed: int) -> None:
    """Write runs/diagnosis-histories/overfitguard.csv and tables/diagnosis_histories.csv."""
    made = rows(checkout, seed)
    path = out / "runs" / "diagnosis-histories" / "overfitguard.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    made.to_csv(path, index=False)
    summary = table(made)
    (out / "tables").mkdir(parents=True, exist_ok=True)
    summary.to_csv(out / "tables" / "diagnosis_histories.csv", index=False)
    click.echo(summary.to_string(index=False))


if __name__ == "__main__":
    main()
