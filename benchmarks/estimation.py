"""`mode.estimate` measured: `python -m benchmarks.estimation` writes rows and tables.

Every classifier of the zoo is asked about sets whose labels are known: no shift, ten corruptions
of five strengths, other class shares, and sub-populations that it never saw. A kind of corruption
that is asked about is left out of the shifts that `estimate` makes for itself. CIFAR-10 is the
copy that the data folder holds; the committed rows are of a JPEG copy.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pandas as pd

from benchmarks.estimation_tables import write_tables
from benchmarks.estimation_zoo import ARCHITECTURES, SETS, arrays, classifier, grouped
from mode import results
from mode.estimation import calibration, conclusion, label_shift, made_shifts
from mode.estimation.corruptions import IMAGE_CORRUPTIONS, corrupt
from mode.estimation.keras_outputs import Asked
from mode.estimation.outputs import Labeled, Outputs, fit_temperature
from mode.estimation.shift import Activations, images_apart
from mode.models import predict
from mode.seeds import generator

CACHE = "MODE_ESTIMATION_ZOO"  # names the folder of trained classifiers
LABELED, UNLABELED, UNSHIFTED = 3000, 1000, 4000
STRENGTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
CONCENTRATIONS = (0.1, 0.3, 1, 3, 10)  # of the Dirichlet distribution of class shares
NEW = (0.25, 0.5, 0.75, 1.0)  # shares of inputs from sub-populations that come new
Set = tuple[str, str, float, np.ndarray, np.ndarray]  # family, kind, strength, inputs, labels


def shifted_sets(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Iterator[Set]:
    """Yield the sets without a shift, corrupted, and with other class shares."""
    for number in range(3):
        rows = rng.choice(len(y), min(UNSHIFTED, len(y)), replace=False)
        yield "no shift", "none", number, x[rows], y[rows]
    for kind in IMAGE_CORRUPTIONS:
        for strength in STRENGTHS:
            rows = rng.choice(len(y), UNLABELED, replace=False)
            yield (
                "corruption",
                kind,
                strength,
                corrupt(x[rows], (kind,), strength, (0, 1), rng),
                y[rows],
            )
    for concentration in CONCENTRATIONS:
        chance = rng.dirichlet(np.full(int(y.max()) + 1, concentration))[y]
        rows = rng.choice(len(y), UNLABELED, p=chance / chance.sum())
        yield "class shares", "Dirichlet", concentration, x[rows], y[rows]


def grouped_sets(
    x: np.ndarray, y: np.ndarray, new: np.ndarray, rng: np.random.Generator
) -> Iterator[Set]:
    """Yield sets of which a share is of sub-populations that the classifier never saw."""
    old, fresh = np.flatnonzero(~new), np.flatnonzero(new)
    for share in NEW:
        count = round(share * UNLABELED)
        rows = [rng.choice(fresh, count), rng.choice(old, UNLABELED - count)]
        rows = np.concatenate(rows)
        yield "sub-populations", "new", share, x[rows], y[rows]


def measured(name: str, architecture: str, cache: str, data_dir: str | None) -> pd.DataFrame:
    """Return a row per set of one data set and architecture."""
    _, _, x, y = arrays(name, data_dir)
    rng = generator(0, "estimation", name, architecture)
    order = rng.permutation(len(y))
    labeled, rest = order[:LABELED], order[LABELED:]
    model = classifier(name, architecture, cache, data_dir=data_dir)
    sets = shifted_sets(x[rest], y[rest], rng)
    rows = _rows(model, x[labeled], y[labeled], sets, rng)
    model = classifier(name, architecture, cache, groups=True, data_dir=data_dir)
    y, new = grouped(name, y)
    old = order[(y[order] >= 0) & ~new[order]]
    labeled = old[: len(old) // 2]
    rest = np.setdiff1d(np.flatnonzero(y >= 0), labeled)
    sets = grouped_sets(x[rest], y[rest], new[rest], rng)
    rows += _rows(model, x[labeled], y[labeled], sets, rng)
    return pd.DataFrame(rows).assign(data=name, architecture=architecture)


def _rows(model, x: np.ndarray, y: np.ndarray, sets: Iterator[Set], rng) -> list[dict]:
    """Return a row per set, as `mode.estimate` answers with the set's kind left out."""
    asked, rows = Asked(model, x), np.arange(len(y))[:2000]
    raw = asked.with_activations(predict(model, x), x[rows], rows)
    temperature = fit_temperature(raw.probabilities, y)
    scaled = raw.tempered(temperature)
    labeled = Labeled(scaled.probabilities, scaled.activations, rows, y)
    space = Activations(labeled)

    def described(outputs: Outputs) -> calibration.Description:
        return calibration.describe(labeled, space, outputs.tempered(temperature), rng)

    shifts, made, accuracies = made_shifts.plan(x, rng), [], []
    for inputs, labels in made_shifts.make(shifts, x, y, rng):
        outputs = asked.outputs(inputs)
        accuracies.append((outputs.predictions == labels).mean())
        made.append(described(outputs))
    learned: dict[str, calibration.Calibration] = {}
    answers = []
    for family, kind, strength, inputs, labels in sets:
        if kind not in learned:
            others = [i for i, shift in enumerate(shifts) if kind not in shift.kinds]
            kinds = [shifts[i].kinds for i in others]
            chosen = [made[i] for i in others]
            learned[kind] = calibration.fit(chosen, np.array(accuracies)[others], kinds)
        outputs = asked.with_activations(
            predict(model, inputs), inputs[:400], np.arange(len(inputs))[:400]
        )
        here = described(outputs)
        half = learned[kind].half_width(here)
        weights = label_shift.reweighted(labeled, here.shares).weights[:400]
        images = images_apart(x[:400], inputs[:400], weights, generator(0, "images"))
        answers.append(
            {
                "family": family, "kind": kind, "strength": strength,
                "truth": (outputs.predictions == labels).mean(),
                "calibrated": learned[kind].estimate(here), "half_width": half,
                "abstained": bool(conclusion.abstention_reasons(here, learned[kind], half, images)),
                **here.estimates,
            }
        )  # fmt: skip
    return answers


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data-dir", default=None, help="Folder with mnist.npz, cifar10.npz, ...")
@click.option("--cache", envvar=CACHE, default="zoo", show_default=True, help="Trained models.")
@click.option("--out", default="results", show_default=True, help="Results folder.")
@click.option("--tables", is_flag=True, help="Redo the tables from the rows that are there.")
def main(data_dir: str | None, cache: str, out: str, tables: bool) -> None:
    """Measure every classifier that has no rows yet, then write the tables and the figure."""
    for architecture in ARCHITECTURES if not tables else ():
        for name in SETS:
            path = Path(out) / "runs" / "estimation" / f"{name}-{architecture}.csv"
            if not path.exists():
                rows = measured(name, architecture, cache, data_dir).round(6)
                results.write_rows(rows, path)
                click.echo(f"{path}: {len(rows)} sets")
    for path in write_tables(Path(out)):
        click.echo(path)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main(prog_name="python -m benchmarks.estimation")
