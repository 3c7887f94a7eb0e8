"""A second blind check: architectures of other kinds, trained first, audited by frozen rules.

`python -m benchmarks.featurevis_unseen train --data FOLDER --models FOLDER` makes the declared
fifteen and their truth; `... audit --models FOLDER` adds what `audit` says of each, once. Group
normalization, mixing of tokens, depthwise without normalization, ConvNeXt blocks and attention
occur in no zoo that a rule was fitted to.
"""

from pathlib import Path

import click
import keras
import numpy as np
import pandas as pd
from keras import layers
from tqdm import tqdm

from benchmarks.featurevis_blind import CONDITIONS, DEFAULTS, OPTIMIZERS, audited
from benchmarks.featurevis_zoo import OUT, SETS, _load, accuracy, chosen
from mode.featurevis import load_prior
from mode.featurevis.fitting import batches, classifier_step, run_steps
from mode.featurevis.reference import reinitialize
from mode.seeds import derive, generator

UNSEEN = CONDITIONS | {
    "fine": {"each": [1500, 3500], "steps": [2000], "regularized": [False, True]},
    "under": {"each": [1500, 3000], "steps": [60, 120], "rate": [0.3, 1.0]},
}


def _group_residual(x):
    x = layers.Conv2D(16, 3, strides=2, padding="same")(x)
    for strides in (1, 2):
        x = layers.Conv2D(24, 3, strides=strides, padding="same")(x)
        y = layers.ReLU()(layers.GroupNormalization(4)(x))
        y = layers.Conv2D(24, 3, padding="same")(y)
        x = layers.Add()([x, y])
    return layers.GlobalAveragePooling2D()(layers.ReLU()(layers.GroupNormalization(4)(x)))


def _tokens(x, width):
    x = layers.Conv2D(width, 4, strides=4)(x)
    return layers.Reshape((-1, width))(x)


def _mixer(x):
    x = _tokens(x, 32)
    for _ in range(2):
        y = layers.Permute((2, 1))(layers.LayerNormalization()(x))
        y = layers.Dense(49)(layers.Dense(32, "gelu")(y))
        x = layers.Add()([x, layers.Permute((2, 1))(y)])
        y = layers.Dense(64, "gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(32)(y)])
    return layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))


def _plain_depthwise(x):
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(x)
    for width in (32, 48):
        x = layers.DepthwiseConv2D(5, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(layers.Conv2D(width, 1, activation="relu")(x))
    return layers.Dense(48, "relu")(layers.Flatten()(x))


def _convnext(x):
    x = layers.LayerNormalization()(layers.Conv2D(24, 2, strides=2)(x))
    for _ in range(2):
        y = layers.LayerNormalization()(layers.DepthwiseConv2D(7, padding="same")(x))
        y = layers.Dense(24)(layers.Dense(72, "gelu")(y))
        x = layers.AveragePooling2D(2)(layers.Add()([x, y]))
    return layers.LayerNormalization()(layers.GlobalAveragePooling2D()(x))


def _transformer(x):
    x = layers.Conv2D(8, 3, padding="same", activation="gelu")(x)
    x = _tokens(x, 32)
    place = layers.Permute((2, 1))(layers.Dense(49)(layers.Permute((2, 1))(x)))
    x = layers.Add()([x, place])  # a token learns from the others by their place
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(2, 16)(y, y)])
        y = layers.Dense(64, "gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(32)(y)])
    return layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))


ARCHITECTURES = {
    "group-residual": _group_residual,
    "mixer": _mixer,
    "plain-depthwise": _plain_depthwise,
    "convnext": _convnext,
    "transformer": _transformer,
}


def members() -> list[dict]:
    """Return the declared fifteen: each architecture in three conditions, data sets in turn."""
    cells = [
        (condition, architecture)
        for i, condition in enumerate(UNSEEN)
        for k, architecture in enumerate(ARCHITECTURES)
        if (i + 2 * k) % 5 < 3
    ]
    return [_member(c, list(SETS)[n % 2], a) for n, (c, a) in enumerate(cells)]


def _member(condition: str, dataset: str, architecture: str) -> dict:
    name = f"unseen-{condition}-{dataset}-{architecture}"
    pick = generator(0, "unseen", name)
    plan = {k: pick.choice(v).item() for k, v in UNSEEN[condition].items()}
    plan |= {"optimizer": pick.choice(["adamw", "nadam"]).item()}
    cell = {"name": name, "condition": condition, "dataset": dataset, "architecture": architecture}
    return cell | DEFAULTS | plan


def trained(member: dict, x: np.ndarray, labels: np.ndarray) -> keras.Model:
    """Return the member, trained as its row says."""
    seed = derive(0, "unseen training", member["name"])
    inputs = keras.Input((28, 28, 1))
    hidden = ARCHITECTURES[member["architecture"]](inputs)
    hidden = layers.Dropout(0.3)(hidden) if member["regularized"] else hidden
    model = reinitialize(keras.Model(inputs, layers.Dense(10, "softmax")(hidden)), seed=seed)
    step = classifier_step(
        model, OPTIMIZERS[member["optimizer"]](member["rate"] * 2e-3), logits=False
    )
    rows = batches(len(x), 64, member["steps"], generator(seed, "batches"))
    run_steps(step, (x, labels), rows)
    return model


@click.group()
def main() -> None:
    """Train the declared classifiers, then audit them."""


@main.command()
@click.option("--data", envvar="MODE_DATA", required=True, help="folder with mnist.npz ...")
@click.option("--models", required=True, help="folder for classifiers and truth.csv")
def train(data: str, models: str) -> None:
    """Train those that are not yet there."""
    folder = Path(models)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "truth.csv"
    done = set(pd.read_csv(path)["name"]) if path.exists() else set()
    held = {k: _load(data, v) for k, v in SETS.items()}
    left = [m for m in members() if m["name"] not in done]
    for member in tqdm(sorted(left, key=lambda m: m["steps"])):  # the quick ones first
        x, y, x_test, y_test = held[member["dataset"]]
        index, labels = chosen(member, x, y)
        model = trained(member, x[index], labels)
        model.save(folder / f"{member['name']}.keras")
        row = member | {
            "train_accuracy": accuracy(model, x[index], labels),
            "test_accuracy": accuracy(model, x_test, y_test),
        }
        pd.DataFrame([row]).to_csv(path, mode="a", header=not path.exists(), index=False)
        keras.backend.clear_session()


@main.command()
@click.option("--models", required=True, help="folder with classifiers and truth.csv")
@click.option("--out", default=str(OUT), help="folder for unseen.csv")
def audit(models: str, out: str) -> None:
    """Audit each through the prior of its domain and the other, with the rules as they are."""
    priors = {k: load_prior(k) for k in SETS}
    path = Path(out) / "unseen.csv"
    rows = pd.read_csv(path).to_dict("records") if path.exists() else []
    done = {row["name"] for row in rows}
    listed = pd.read_csv(Path(models) / "truth.csv").to_dict("records")
    for row in tqdm([r for r in listed if r["name"] not in done]):
        model = keras.saving.load_model(Path(models) / f"{row['name']}.keras")
        rows.append(row | audited(model, priors, row["dataset"]))
        pd.DataFrame(rows).to_csv(path, index=False)
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
