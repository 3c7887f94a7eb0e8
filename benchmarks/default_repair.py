"""The default repair of eleven faulty classifiers beside plain training of the same seconds.

`python -m benchmarks.default_repair` repairs each classifier of `faulty_classifiers` in a new
process, with no option but the seed, and trains plainly for as many seconds as that took,
compilation included. The repair is the first to run, so that plain training may find loops that
are compiled already. Rows are kept classifier by classifier; the table has medians over seeds.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import keras
import numpy as np
import pandas as pd

from benchmarks import faulty_classifiers
from benchmarks.faulty_classifiers import CLASSIFIERS, Faulty
from benchmarks.measurements import clocked, in_new_process
from mode import checks, results
from mode.data import Data, load
from mode.faults import accuracy_by_label, transitions
from mode.models import predict
from mode.repair import repair
from mode.repair.rivals import (
    FINE_TUNED,
    FROM_SCRATCH,
    REPAIR,
    compare,
    fine_tuned,
    from_scratch,
    train_and_pool,
)

MAX_BROKEN = 0.01
LIMITED = f"{REPAIR}, max_broken={MAX_BROKEN}"
CLEAN_POOL = f"{REPAIR}, clean pool"
RIVALS = {FINE_TUNED: fine_tuned, FROM_SCRATCH: from_scratch}
WRONG_LABELS = "CNN, clothing, wrong labels in the pool"
TRAIN_ONLY = "CNN, digits, missing class, only x_train given"
# Ways as the table calls them; each has a column of accuracies.
SHORT = {REPAIR: "repair", FINE_TUNED: "fine-tuning", FROM_SCRATCH: "from scratch"}
SHORT |= {LIMITED: f"max_broken {MAX_BROKEN}", CLEAN_POOL: "repair, clean pool"}
BREAKING = (REPAIR, FINE_TUNED, FROM_SCRATCH, LIMITED)


def train_only(seed: int) -> Faulty:
    """The digits model without a class, whose user has no data but its training and test data."""
    model, data = faulty_classifiers.cnn_without_a_class(seed)
    return model, {key: data[key] for key in ("x_train", "y_train", "x_test", "y_test")}


CASES: dict[str, Callable[[int], Faulty]] = {**CLASSIFIERS, TRAIN_ONLY: train_only}


@dataclass(frozen=True)
class Measured:
    """The model that a way made, its seconds, the inputs of the pool that it used, and of a repair
    the round that it kept."""

    model: keras.Model
    seconds: float
    inputs: int
    kept: float = np.nan


def rows(name: str, seed: int) -> pd.DataFrame:
    """Return a row for each way of improving one classifier."""
    model, arrays = CASES[name](seed)
    data = load(arrays, seed=seed)
    made = {REPAIR: _repaired(model, data, seed)}
    seconds = made[REPAIR].seconds
    new = len(train_and_pool(data)) - len(data.train)
    for way, trained in RIVALS.items():
        took, rival = clocked(lambda t=trained: t(model, data, seconds, seed=seed))
        made[way] = Measured(rival, took, new)
    made[LIMITED] = _repaired(model, data, seed, max_broken=MAX_BROKEN)
    if name == WRONG_LABELS:
        clean = load(faulty_classifiers.clothing_without_wrong_labels(seed), seed=seed)
        made[CLEAN_POOL] = _repaired(model, clean, seed)
    return measured(model, made, data).assign(classifier=name, seed=seed)[COLUMNS]


def _repaired(model: keras.Model, data: Data, seed: int, **options) -> Measured:
    seconds, repaired = clocked(lambda: repair(model, data, seed=seed, **options))
    used = np.unique(np.concatenate([np.zeros(0, int), *repaired.chosen[: repaired.kept]]))
    return Measured(repaired.model, seconds, len(used), repaired.kept)


COLUMNS = ["classifier", "way", "seed", "accuracy before", "accuracy", "repaired", "broken"]
COLUMNS += ["right before", "wrong before", "share of right broken", "broken on diagnosis"]
COLUMNS += ["worst class", "accuracy of worst class before", "accuracy of worst class"]
COLUMNS += ["inputs used", "kept round", "seconds"]


def measured(before: keras.Model, made: dict[str, Measured], data: Data) -> pd.DataFrame:
    """Return a row for each way: what `compare` says, shares of what was right before that broke,
    and the class that was the least accurate on the test split before."""
    test, diagnosis = data.test, data.diagnosis
    initial, on_diagnosis = predict(before, test.x), predict(before, diagnosis.x)
    by_class = accuracy_by_label(test.y, initial, data.classes)["accuracy"]
    right, worst = int((initial.argmax(axis=1) == test.y).sum()), int(by_class.idxmin())
    table = compare(before, {way: (m.model, m.seconds) for way, m in made.items()}, data)
    table["accuracy before"] = right / len(test)
    table["right before"], table["wrong before"] = right, len(test) - right
    table["share of right broken"] = table["broken"] / max(1, right)
    table["worst class"], table["accuracy of worst class before"] = worst, by_class[worst]
    outcomes = []
    for m in made.values():
        after = accuracy_by_label(test.y, predict(m.model, test.x), data.classes)["accuracy"]
        moved = transitions(diagnosis.y, on_diagnosis, predict(m.model, diagnosis.x), data.classes)
        broken = moved.broken / max(1, moved.broken + moved.still_right)
        row = {"accuracy of worst class": after[worst], "broken on diagnosis": broken}
        outcomes.append(row | {"inputs used": m.inputs, "kept round": m.kept})
    table = pd.concat([table, pd.DataFrame(outcomes)], axis=1)
    return table.round({"seconds": 1}).round(6)


def tabulated(measured: pd.DataFrame) -> pd.DataFrame:
    """Return one row per classifier: medians over the seeds of accuracy and of right inputs broken,
    way by way, then of the class that was the least accurate before, and the repair's seconds."""
    values = [name for name in COLUMNS[3:] if name not in ("worst class", "kept round")]
    wide = measured.pivot_table(values, "classifier", "way", "median")
    table = pd.DataFrame({"before": wide["accuracy before", REPAIR]})
    for way in SHORT:
        if ("accuracy", way) in wide:
            table[SHORT[way]] = wide["accuracy", way]
    for way in BREAKING:
        table[f"broken by {SHORT[way]}"] = wide["broken", way]
    table["share of right broken by repair"] = wide["share of right broken", REPAIR]
    table["worst class, before"] = wide["accuracy of worst class before", REPAIR]
    for way in (REPAIR, *RIVALS):
        table[f"worst class, {SHORT[way]}"] = wide["accuracy of worst class", way]
    table["seconds"] = wide["seconds", REPAIR]
    table["seeds"] = measured.groupby("classifier")["seed"].nunique()
    return table.loc[[name for name in CASES if name in table.index]].reset_index()


def shown(table: pd.DataFrame) -> str:
    """Return the table as the README shows it: accuracies in %, counts of test inputs."""
    columns = {"classifier": "classifier", "before": "before"}
    columns |= {SHORT[way]: SHORT[way] for way in (REPAIR, *RIVALS)}
    columns |= {
        f"broken by {SHORT[way]}": f"broken by {SHORT[way]}" for way in (REPAIR, FINE_TUNED)
    }
    columns |= {SHORT[LIMITED]: "repair with max_broken 0.01", "seconds": "seconds"}
    columns |= {"seeds": "seeds"}
    lines = ["| " + " | ".join(columns.values()) + " |", "|---" + "|--:" * (len(columns) - 1) + "|"]
    for _, row in table.iterrows():
        cells = [_cell(name, row[name]) for name in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(name: str, value) -> str:
    if name == "classifier":
        return value
    counts = name in ("seconds", "seeds") or name.startswith("broken")
    return f"{value:.0f}" if counts else f"{100 * value:.1f}"


def file_name(name: str, seed: int) -> str:
    """Return the name of the file of one classifier's rows.

    Example:
        >>> file_name("MLP, table, rare class", 0)
        'mlp_table_rare_class,seed=0.csv'
    """
    return f"{re.sub('[^a-z0-9]+', '_', name.lower())},seed={seed}.csv"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, metavar="NAME", help="A classifier; may be repeated.")
@click.option("--seeds", "count", default=1, show_default=True, help="How many seeds.")
@click.option("--out", default="results", show_default=True, help="A results folder.")
def main(only: tuple[str, ...], count: int, out: str) -> None:
    """Repair each classifier, one process after the other, and write rows and the table; those that
    are finished are kept."""
    try:
        for name in only:
            checks.one_of("classifier", name, CASES)
        checks.number("seeds", count, 1, integer=True)
    except checks.InputError as error:
        raise click.ClickException(str(error)) from error
    folder = Path(out) / "runs" / "default_repair"
    for seed in range(count):
        for name in only or CASES:
            place = folder / file_name(name, seed)
            if not place.exists():
                click.echo(f"{name}, seed {seed} ...", err=True)
                results.write_rows(in_new_process(rows, name, seed), place, keep_volatile=True)
            click.echo(place.read_text(encoding="utf-8"))
    table = tabulated(results.read_rows(folder))
    text = table.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    results.write_text(text, Path(out) / "tables" / "default_repair.csv")
    click.echo(shown(table))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main(prog_name="python -m benchmarks.default_repair")
