"""A blind check: classifiers declared before they are run, each audited as a user would do it.

`python -m benchmarks.featurevis_blind --data FOLDER` resumes where it stopped. Neither the four
architectures nor the optimizers, sizes and seeds occur in the zoo or the fresh one; code and
thresholds of `blind.csv` are those of the commit that first declared it. One row a classifier: its
truth, what `audit` says through the prior of its domain and through the other, and the scores
behind it. `--again` audits the saved classifiers with the code as it is now, into
`blind_again.csv`: no longer blind, since the errors found there were fixed.
"""

from pathlib import Path

import click
import keras
import numpy as np
import pandas as pd
from keras import layers
from tqdm import tqdm

from benchmarks.featurevis_zoo import OUT, SETS, _load, accuracy, chosen
from mode.featurevis import audit, load_prior, verdict
from mode.featurevis.fitting import batches, classifier_step, run_steps
from mode.featurevis.reference import reinitialize
from mode.seeds import derive, generator

CONDITIONS = {
    "fine": {"each": [1200, 3000], "regularized": [False, True]},
    "few": {"each": [12, 30, 70], "steps": [600], "regularized": [False, True]},
    "homogeneous": {"each": [25, 60], "around": [1, 3], "steps": [600]},
    "noisy": {"each": [250], "noise": [0.25, 0.45], "steps": [2500]},
    "under": {"each": [1500, 3000], "steps": [20, 50, 100], "rate": [0.3, 1.0]},
}
DEFAULTS = {"each": 3000, "noise": 0.0, "steps": 1200, "regularized": False, "rate": 1.0,
            "around": 1}  # fmt: skip
OPTIMIZERS = {
    "rmsprop": keras.optimizers.RMSprop,
    "adamw": keras.optimizers.AdamW,
    "nadam": keras.optimizers.Nadam,
}


def _depthwise(x):
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    for width, strides in ((32, 1), (64, 2)):
        x = layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        x = layers.Conv2D(width, 1, use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    return layers.GlobalAveragePooling2D()(x)


def _wide_gelu(x):
    return layers.Dense(800, "gelu")(layers.Flatten()(x))


def _dropout(x):
    for width in (12, 24):
        x = layers.LeakyReLU()(layers.Conv2D(width, 5, padding="same")(x))
        x = layers.SpatialDropout2D(0.2)(layers.MaxPooling2D()(x))
    x = layers.Dense(80, "relu")(layers.Flatten()(x))
    return layers.Dropout(0.5)(x)


def _branches(x):
    x = layers.AveragePooling2D(2)(layers.Conv2D(12, 3, activation="silu")(x))
    sides = [layers.Conv2D(10, k, padding="same", activation="silu")(x) for k in (1, 3, 5)]
    x = layers.LayerNormalization()(layers.Concatenate()(sides))
    return layers.Dense(64, "silu")(layers.Flatten()(layers.AveragePooling2D(2)(x)))


ARCHITECTURES = {
    "depthwise": _depthwise,
    "wide-gelu": _wide_gelu,
    "dropout": _dropout,
    "branches": _branches,
}


def members() -> list[dict]:
    """Return the declared 24 of the 40 cells: each architecture and data set, three conditions."""
    cells = [
        (c, d, a)
        for i, c in enumerate(CONDITIONS)
        for j, d in enumerate(SETS)
        for k, a in enumerate(ARCHITECTURES)
        if (i + j + k) % 5 < 3
    ]
    order = generator(0, "blind", "order").permutation(len(cells))  # stopped early, some of each
    return [_member(*cells[i]) for i in order]


def _member(condition: str, dataset: str, architecture: str) -> dict:
    name = f"blind-{condition}-{dataset}-{architecture}"
    pick = generator(0, "blind", name)
    plan = {k: pick.choice(v).item() for k, v in CONDITIONS[condition].items()}
    plan |= {"optimizer": pick.choice(list(OPTIMIZERS)).item()}
    cell = {"name": name, "condition": condition, "dataset": dataset, "architecture": architecture}
    return cell | DEFAULTS | plan


def trained(member: dict, x: np.ndarray, labels: np.ndarray) -> keras.Model:
    """Return the member, trained as its row says."""
    seed = derive(0, "blind training", member["name"])
    inputs = keras.Input((28, 28, 1))
    hidden = ARCHITECTURES[member["architecture"]](inputs)
    hidden = layers.Dropout(0.4)(hidden) if member["regularized"] else hidden
    penalty = keras.regularizers.L2(1e-3) if member["regularized"] else None
    outputs = layers.Dense(10, "softmax", kernel_regularizer=penalty)(hidden)
    model = reinitialize(keras.Model(inputs, outputs), seed=seed)
    step = classifier_step(
        model, OPTIMIZERS[member["optimizer"]](member["rate"] * 1e-3), logits=False
    )
    rows = batches(len(x), 64, member["steps"], generator(seed, "batches"))
    run_steps(step, (x, labels), rows)
    return model


def audited(model: keras.Model, priors: dict, home: str) -> dict:
    """Return the audits through the prior of the data and through the other one."""
    other = audit(model, priors[next(k for k in priors if k != home)])
    row = at_home(model, priors[home]) | {"other_verdict": other.verdict}
    return row | _scores("other", other, "value")


def at_home(model: keras.Model, prior) -> dict:
    result = audit(model, prior)
    row = {"error": result.error, "low": result.interval[0], "high": result.interval[1],
           "overfitting": result.overfitting, "homogeneity": result.homogeneity}  # fmt: skip
    row = {k: round(v, 5) for k, v in row.items()} | {"verdict": result.verdict}
    return row | _scores("own", result, "value") | _scores("reference", result, "reference")


def _scores(who: str, result, column: str) -> dict:
    values = result.scores.set_index("score")[column]
    return {f"{who}_{name}": round(float(value), 5) for name, value in values.items()}


@click.command()
@click.option("--data", envvar="MODE_DATA", required=True, help="folder with mnist.npz ...")
@click.option("--out", default=str(OUT), help="folder for blind.csv")
@click.option("--models", default=None, help="folder to keep the trained classifiers in")
@click.option("--again", is_flag=True, help="audit the saved classifiers with the code as it is")
def main(data: str, out: str, models: str | None, again: bool) -> None:
    path = Path(out) / "blind.csv"
    if again:
        repeat(path, Path(models))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    done = set(pd.read_csv(path)["name"]) if path.exists() else set()
    held = {k: _load(data, v) for k, v in SETS.items()}
    priors = {k: load_prior(k) for k in SETS}
    for member in tqdm([m for m in members() if m["name"] not in done]):
        x, y, x_test, y_test = held[member["dataset"]]
        index, labels = chosen(member, x, y)
        model = trained(member, x[index], labels)
        if models:
            Path(models).mkdir(parents=True, exist_ok=True)
            model.save(Path(models) / f"{member['name']}.keras")
        row = member | {
            "train_accuracy": accuracy(model, x[index], labels),
            "test_accuracy": accuracy(model, x_test, y_test),
        }
        row |= audited(model, priors, member["dataset"])
        columns = None if not path.exists() else pd.read_csv(path, nrows=0).columns
        frame = pd.DataFrame([row], columns=columns)
        frame.to_csv(path, mode="a", header=not path.exists(), index=False)
        keras.backend.clear_session()


def repeat(path: Path, models: Path) -> None:
    """Write `blind_again.csv` beside `path`: today's audits of the same classifiers.

    A reference model changed only with batch normalization; these are audited again, elsewhere
    today's rules read the scores of the row, which another audit would only repeat.
    """
    new, rows = path.with_stem("blind_again"), pd.read_csv(path).to_dict("records")
    done = pd.read_csv(new).to_dict("records") if new.exists() else []
    for row in tqdm(rows[len(done) :]):
        model = keras.saving.load_model(models / f"{row['name']}.keras")
        normalized = any(isinstance(x, layers.BatchNormalization) for x in model.layers)
        home = load_prior(row["dataset"])
        row |= at_home(model, home) if normalized else _concluded(row)
        done.append(row)
        pd.DataFrame(done).to_csv(new, index=False)
        keras.backend.clear_session()


def _concluded(row: dict) -> dict:
    model_row, reference = (
        {k.removeprefix(who): v for k, v in row.items() if k.startswith(who)}
        for who in ("own_", "reference_")
    )
    conclusion = verdict.conclude(model_row, reference, row["dataset"])
    return {
        "error": conclusion.error, "low": conclusion.interval[0],
        "high": conclusion.interval[1],
        "overfitting": conclusion.overfitting, "homogeneity": conclusion.homogeneity,
        "verdict": conclusion.verdict,
    }  # fmt: skip


if __name__ == "__main__":
    main()
