"""Picture quality: the default ascent beside DGN-AM's settings, on the same classifiers.

`python -m benchmarks.featurevis_pictures --models FOLDER`, the folder of `featurevis_zoo.py`. Of
each class 16 images are made under each preset; the prior's reference classifier, which neither
ascent climbs, predicts their classes. One row a classifier and preset, a table of means and paired
differences with 95 % bootstrap intervals over classifiers.
"""

from pathlib import Path

import click
import keras
import numpy as np
import pandas as pd
from scipy.special import softmax
from tqdm import tqdm

from benchmarks.featurevis_zoo import ARCHITECTURES, OUT, SETS
from mode.featurevis import load_prior, maximize, scores
from mode.featurevis.probe_set import make_probe_set
from mode.seeds import generator

TABLE = Path("results/tables/featurevis_pictures.csv")
PRESETS = ("default", "dgn-am")
MEASURES = ("recognized", "reference_probability", "own_probability", "diversity")


def of(model, prior, probe_set, preset: str) -> dict:
    """Return how the reference classifier and the model predict the preferred inputs."""
    maximized = maximize(model, prior, restarts=16, seed=0, preset=preset, progress=False)
    flat = maximized.images.reshape(-1, *maximized.images.shape[2:])
    expected = np.repeat(np.arange(10), 16)
    rows = np.arange(len(expected))
    reference = softmax(np.asarray(prior.reference_classifier(flat, training=False)), axis=-1)
    return {
        "recognized": float((reference.argmax(axis=1) == expected).mean()),
        "reference_probability": float(reference[rows, expected].mean()),
        "own_probability": float(np.asarray(model(flat, training=False))[rows, expected].mean()),
        "diversity": float(
            scores.diversity(maximized.images, probe_set.images, probe_set.classes).mean()
        ),
    }


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row a measure: the mean of each preset, and the paired difference's interval."""
    pick, lines = generator(0, "pictures"), []
    for measure in MEASURES:
        both = rows.pivot(index="name", columns="preset", values=measure)
        gap = (both["default"] - both["dgn-am"]).to_numpy()
        means = gap[pick.integers(0, len(gap), (5000, len(gap)))].mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        ends = both["default"].mean(), both["dgn-am"].mean(), gap.mean(), low, high
        lines.append((measure, *ends, len(gap)))
    names = ["measure", "default", "dgn_am", "difference", "low", "high", "classifiers"]
    return pd.DataFrame(lines, columns=names).round(4)


@click.command()
@click.option("--models", default=None, help="folder with the zoo's classifiers; else the table")
@click.option("--runs", default=str(OUT), help="folder for pictures.csv")
@click.option("--table", default=str(TABLE))
def main(models: str | None, runs: str, table: str) -> None:
    path = Path(runs) / "pictures.csv"
    if models:
        measured(Path(models)).to_csv(path, index=False)
    means = summary(pd.read_csv(path))
    means.to_csv(table, index=False)
    print(means.to_string(index=False))


def measured(models: Path) -> pd.DataFrame:
    """Return the rows: healthy and few-image classifiers of every architecture, alternately."""
    rows = []
    for dataset in SETS:
        prior = load_prior(dataset)
        probe_set = make_probe_set(prior, seed=0)
        for i, architecture in enumerate(tqdm(ARCHITECTURES)):
            name = f"0-{('fine', 'few')[i % 2]}-{dataset}-{architecture}"
            model = keras.saving.load_model(models / f"{name}.keras")
            for preset in PRESETS:
                rows.append({"name": name, "preset": preset} | of(model, prior, probe_set, preset))
            keras.backend.clear_session()
    return pd.DataFrame(rows).round(4)


if __name__ == "__main__":
    main()
