"""Where the audit does not hold: classifiers of photographs (CIFAR-10) through a prior of these.

`python -m benchmarks.featurevis_photographs --data FOLDER --prior FOLDER` resumes where it stopped;
the prior is one that `benchmarks.featurevis_priors cifar10` trained. Twelve
classifiers are declared before they are run: four architectures, each trained on many images, on
few, and briefly. They see the first 30,000 training images; the prior and its reference classifier
saw the last 20,000. One row a classifier: truth, verdict, and the scores that would be used.
`tables()` and the command `--only-table` sum them up.
"""

from pathlib import Path

import click
import keras
import numpy as np
import pandas as pd
from keras import layers
from scipy.stats import spearmanr
from tqdm import tqdm

from benchmarks.featurevis_zoo import OUT, accuracy
from mode.featurevis import audit, load_prior
from mode.featurevis.fitting import batches, classifier_step, run_steps
from mode.featurevis.prior import Prior
from mode.featurevis.reference import reinitialize
from mode.seeds import derive, generator

CONDITIONS = {
    "many": {"images": 30_000, "steps": 500},
    "few": {"images": 600, "steps": 300},
    "brief": {"images": 30_000, "steps": 30},
}
SCORES = ("error", "confidence", "over_confidence", "cross_talk", "diversity")
TABLE = Path("results/tables/featurevis_photographs.csv")


def _dense(x):
    return layers.Dense(128, "relu")(layers.Dense(256, "relu")(layers.Flatten()(x)))


def _convolutional(x):
    for width in (16, 32, 64):
        x = layers.MaxPooling2D()(layers.Conv2D(width, 3, padding="same", activation="relu")(x))
    return layers.Dense(64, "relu")(layers.Flatten()(x))


def _normalized(x):
    for width in (16, 32, 64):
        x = layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return layers.GlobalAveragePooling2D()(x)


def _residual(x):
    x = layers.Conv2D(24, 5, strides=2, padding="same", activation="relu")(x)
    for _ in range(2):
        y = layers.Conv2D(24, 3, padding="same", activation="relu")(x)
        x = layers.ReLU()(layers.Add()([x, layers.Conv2D(24, 3, padding="same")(y)]))
    return layers.Flatten()(layers.MaxPooling2D(4)(x))


ARCHITECTURES = {
    "dense": _dense,
    "convolutional": _convolutional,
    "batch-normalized": _normalized,
    "residual": _residual,
}


def members() -> list[dict]:
    """Return the declared twelve."""
    return [
        {"name": f"{condition}-{architecture}", "condition": condition,
         "architecture": architecture, **plan}
        for architecture in ARCHITECTURES
        for condition, plan in CONDITIONS.items()
    ]  # fmt: skip


def trained(member: dict, x: np.ndarray, y: np.ndarray) -> keras.Model:
    """Return the member, trained as its row says."""
    seed = derive(0, "photographs", member["name"])
    inputs = keras.Input(x.shape[1:])
    hidden = ARCHITECTURES[member["architecture"]](inputs)
    model = reinitialize(keras.Model(inputs, layers.Dense(10, "softmax")(hidden)), seed=seed)
    step = classifier_step(model, keras.optimizers.Adam(1e-3), logits=False)
    rows = batches(len(x), 64, member["steps"], generator(seed, "batches"))
    run_steps(step, (x, y.astype(np.int32)), rows)
    return model


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how many verdicts were refused, and how each score follows the truth."""
    gap = rows["train_accuracy"] - rows["test_accuracy"]
    missed = 100 * (rows["error"] - (1 - rows["test_accuracy"])).abs()
    lines = [
        ("share of audits that refuse a verdict", (rows["verdict"] == "cannot tell").mean()),
        ("mean miss of the uncorrected error on the prior's images, points", missed.mean()),
        ("largest miss of it, points", missed.max()),
    ]
    lines += [
        (f"Spearman of {name} with the gap", spearmanr(rows[f"score_{name}"], gap)[0])
        for name in SCORES
    ]
    result = pd.DataFrame(lines, columns=["measure", "value"])
    return result.assign(value=result["value"].round(3), classifiers=len(rows))


@click.command()
@click.option("--data", envvar="MODE_DATA", help="folder with cifar10.npz")
@click.option("--prior", help="folder of the prior")
@click.option("--out", default=str(OUT), help="folder for photographs.csv")
@click.option("--table", "path", default=str(TABLE))
@click.option("--only-table", is_flag=True, help="sum up the rows there are")
def main(data: str, prior: str, out: str, path: str, only_table: bool) -> None:
    rows = Path(out) / "photographs.csv"
    if not only_table:
        run(data, load_prior(prior), rows)
    summary = table(pd.read_csv(rows))
    summary.to_csv(path, index=False)
    print(summary.to_string(index=False))


def run(data: str, prior: Prior, path: Path) -> None:
    """Train and audit those that have no row in `path` yet."""
    done = pd.read_csv(path).to_dict("records") if path.exists() else []
    names = {row["name"] for row in done}
    with np.load(Path(data) / "cifar10.npz") as stored:
        x, y = stored["x_train"][:30_000] / np.float32(255), stored["y_train"][:30_000].ravel()
        x_test, y_test = stored["x_test"] / np.float32(255), stored["y_test"].ravel()
    for member in tqdm([m for m in members() if m["name"] not in names]):
        count = member["images"]
        model = trained(member, x[:count], y[:count])
        result = audit(model, prior)
        values = result.scores.set_index("score")["value"]
        row = member | {
            "train_accuracy": accuracy(model, x[: min(count, 5000)], y[: min(count, 5000)]),
            "test_accuracy": accuracy(model, x_test, y_test),
            "verdict": result.verdict, "error": round(result.error, 5),
        }  # fmt: skip
        row |= {f"score_{name}": round(float(values[name]), 5) for name in SCORES}
        done.append(row)
        pd.DataFrame(done).to_csv(path, index=False)
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
