"""The zoo: classifiers whose faults are known, each trained and measured, one row a classifier.

`python -m benchmarks.featurevis_zoo --data FOLDER --models FOLDER` resumes where it stopped;
`--zoo fresh` makes the one of other architectures that no rule is fitted to. Both lists are fixed
by `members()` before anything is run. Classifiers see images 0 to 40,000 of the
training files, truth is the test set, priors and their classifiers saw 40,000 to 60,000.
"""

import itertools
from pathlib import Path

import click
import keras
import numpy as np
import pandas as pd
from keras import layers
from tqdm import tqdm

from mode.featurevis import load_prior, targets
from mode.featurevis.fitting import batches, classifier_step, run_steps
from mode.featurevis.probe_set import (
    make_probe_set,
    predict_preferred,
    predict_probe_set,
    preferred_inputs_of,
    preferred_scores,
    sample_scores,
)
from mode.featurevis.reference import reference_model, reinitialize
from mode.seeds import derive, generator

SETS = {"digits": "mnist", "fashion": "fashion_mnist"}
OUT = Path("results/runs/featurevis")


def members(zoo: str = "zoo") -> list[dict]:
    """Return the declared members of "zoo" (to calibrate on) or "fresh" (to check on).

    The fresh ones come shuffled, so that a run which is stopped early has some of every kind.
    """
    replicates, conditions, architectures = ZOOS[zoo]
    cells = list(itertools.product(replicates, conditions, SETS, architectures))
    if zoo == "fresh":
        cells = [cells[i] for i in generator(0, "order").permutation(len(cells))]
    return [
        _member({"replicate": r, "condition": c, "dataset": d, "architecture": a}, conditions[c])
        for r, c, d, a in cells
    ]


def _member(cell: dict, choices: dict) -> dict:
    name = "-".join(str(v) for v in cell.values())
    pick = generator(0, "zoo", _stream(name))
    plan = {k: pick.choice(v).item() for k, v in choices.items()}
    plan |= {"optimizer": pick.choice(["adam", "sgd"]).item()}
    return {"name": name, **cell, **DEFAULTS, **plan}


def _stream(name: str) -> str:
    """Return what seeds a member: its name as it was spelled when the rows were made."""
    return name.replace("normalized", "normalised")


DEFAULTS = {"each": 4000, "noise": 0.0, "steps": 1500, "regularized": False, "rate": 1.0,
            "around": 1}  # fmt: skip
CONDITIONS = {
    "fine": {"each": [1500, 4000], "regularized": [False, True]},
    "few": {"each": [10, 20, 50, 100], "steps": [400], "regularized": [False, True]},
    "homogeneous": {"each": [20, 50, 100], "steps": [400], "regularized": [False, True]},
    "noisy": {"each": [200, 400], "noise": [0.25, 0.4], "steps": [3000]},
    "under": {"each": [1000, 4000], "steps": [15, 40, 80], "rate": [0.3, 1.0]},
}
FRESH = {  # homogeneous sets are drawn from the `around` times as many nearest images
    "fine": {"each": [2000, 4000], "regularized": [False, True]},
    "few": {"each": [15, 40, 80], "steps": [500], "regularized": [False, True]},
    "homogeneous": {"each": [30, 80], "around": [2, 4], "steps": [500]},
    "noisy": {"each": [300], "noise": [0.3, 0.5], "steps": [3000]},
    "under": {"each": [2000, 4000], "steps": [10, 30, 60], "rate": [0.5, 1.0]},
}


def _dense(activation):
    def build(x):
        x = layers.Flatten()(x)
        for width in (128, 64):
            x = layers.Dense(width, activation)(x)
        return x

    return build


def _lenet(x):
    for width in (6, 16):
        x = layers.Conv2D(width, 5, activation="tanh")(x)
        x = layers.AveragePooling2D(2)(x)
    x = layers.Flatten()(x)
    return layers.Dense(84, "tanh")(layers.Dense(120, "tanh")(x))


def _convolutional(x):
    for width in (16, 32):
        x = layers.Conv2D(width, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    return layers.Dense(64, "relu")(layers.Flatten()(x))


def _normalized(x):
    for width in (16, 32):
        x = layers.Conv2D(width, 3, strides=2, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return layers.Dense(64, "relu")(layers.Flatten()(x))


def _residual(x):
    x = layers.Conv2D(16, 5, strides=2, padding="same", activation="relu")(x)
    for _ in range(2):
        y = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
        y = layers.Conv2D(16, 3, padding="same")(y)
        x = layers.ReLU()(layers.Add()([x, y]))
    return layers.Flatten()(layers.MaxPooling2D()(x))


ARCHITECTURES = {
    "mlp-relu": _dense("relu"),
    "mlp-tanh": _dense("tanh"),
    "lenet": _lenet,
    "convolutional": _convolutional,
    "batch-normalized": _normalized,
    "residual": _residual,
}


def _wide(x):
    return layers.Dense(300, "elu")(layers.Flatten()(x))


def _deep(x):
    x = layers.Flatten()(x)
    for _ in range(3):
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(layers.Dense(96)(x)))
    return x


def _separable(x):
    x = layers.Conv2D(16, 5, strides=2, activation="gelu")(x)
    x = layers.SeparableConv2D(32, 3, activation="gelu")(x)
    x = layers.MaxPooling2D()(x)
    return layers.Dense(48, "gelu")(layers.Flatten()(x))


def _stacked(x):
    for width in (8, 16):
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    return layers.Dense(100, "relu")(layers.Flatten()(x))


STRANGERS = {"wide": _wide, "deep": _deep, "separable": _separable, "stacked": _stacked}
ZOOS = {
    "zoo": (range(2), CONDITIONS, ARCHITECTURES),
    "fresh": (range(10, 11), FRESH, STRANGERS),
}


def build(architecture: str, regularized: bool, seed: int) -> keras.Model:
    """Return the untrained classifier, 28 x 28 x 1 to 10 probabilities."""
    inputs = keras.Input((28, 28, 1))
    x = (ARCHITECTURES | STRANGERS)[architecture](inputs)
    x = layers.Dropout(0.4)(x) if regularized else x
    penalty = keras.regularizers.L2(1e-3) if regularized else None
    outputs = layers.Dense(10, "softmax", kernel_regularizer=penalty)(x)
    return reinitialize(keras.Model(inputs, outputs), seed=seed)


def chosen(member: dict, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices and labels that the member is trained on."""
    pick = generator(0, "zoo data", _stream(member["name"]))
    parts = []
    for label in range(10):
        rows = pick.permutation(np.flatnonzero(y == label))
        if member["condition"] == "homogeneous":  # the nearest images to one of the class
            gaps = ((x[rows] - x[rows[0]]) ** 2).sum(axis=(1, 2, 3))
            rows = rows[np.argsort(gaps, kind="stable")][: member["each"] * member["around"]]
            rows = rows if member["around"] == 1 else pick.permutation(rows)
        parts.append(rows[: member["each"]])
    index = np.concatenate(parts)
    labels = y[index].astype(np.int32)
    flipped = pick.random(len(index)) < member["noise"]  # always to another class
    labels[flipped] = (labels[flipped] + pick.integers(1, 10, flipped.sum())) % 10
    return index, labels


def trained(member: dict, x: np.ndarray, labels: np.ndarray) -> keras.Model:
    """Return the member, trained as its row says."""
    seed = derive(0, "zoo training", _stream(member["name"]))
    model = build(member["architecture"], member["regularized"], seed)
    adam = member["optimizer"] == "adam"
    rate = member["rate"] * (1e-3 if adam else 0.05)
    kind = keras.optimizers.Adam(rate) if adam else keras.optimizers.SGD(rate, momentum=0.9)
    step = classifier_step(model, kind, logits=False)
    rows = batches(len(x), 64, member["steps"], generator(seed, "batches"))
    run_steps(step, (x, labels), rows)
    return model


def accuracy(model, x, y) -> float:
    return float((model.predict(x, 1000, verbose=0).argmax(axis=1) == y).mean())


def measured(model, prior, probe_set, *, with_reference: bool) -> dict:
    """Return raw scores of `model` (own_...) and of its reference model (reference_...)."""
    row = {}
    sure = probe_set.reference.argmax(axis=1) == probe_set.classes
    models = {"own": model}
    if with_reference:
        how = targets.logits_of(model, probe_set.images[:8])[1] == "as given"
        models["reference"] = reference_model(
            model, probe_set.images[sure], probe_set.classes[sure], logits=how, seed=0
        )
    for who, one in models.items():
        read = targets.logits_of(one, probe_set.images[:8])[0]
        row |= _prefixed(who, sample_scores(predict_probe_set(read, probe_set), probe_set))
        preferred = preferred_inputs_of(one, read, prior, probe_set, seed=0)
        predictions = predict_preferred(preferred, read, prior, np.arange(10))
        extra, _ = preferred_scores(predictions, probe_set)
        row |= _prefixed(who, extra)
    return row


def _prefixed(who: str, scores: dict) -> dict:
    return {f"{who}_{k}": round(float(v), 5) for k, v in scores.items()}


@click.command()
@click.option("--data", envvar="MODE_DATA", required=True, help="folder with mnist.npz ...")
@click.option("--models", required=True, help="folder for the trained classifiers")
@click.option("--zoo", default="zoo", type=click.Choice(["zoo", "fresh"]))
@click.option("--out", default=str(OUT), help="folder for zoo.csv or fresh.csv")
@click.option("--limit", default=1000, help="how many new rows at most")
def main(data: str, models: str, zoo: str, out: str, limit: int) -> None:
    path, folder = Path(out) / f"{zoo}.csv", Path(models)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    done = set(pd.read_csv(path)["name"]) if path.exists() else set()
    held = {k: _load(data, v) for k, v in SETS.items()}
    priors = {k: load_prior(k) for k in SETS}
    probe_sets = {k: make_probe_set(p, seed=0) for k, p in priors.items()}
    for member in tqdm([m for m in members(zoo) if m["name"] not in done][:limit]):
        x, y, x_test, y_test = held[member["dataset"]]
        index, labels = chosen(member, x, y)
        model = trained(member, x[index], labels)
        model.save(folder / f"{member['name']}.keras")
        row = member | {
            "train_accuracy": accuracy(model, x[index], labels),
            "test_accuracy": accuracy(model, x_test, y_test),
        }
        row |= measured(
            model, priors[member["dataset"]], probe_sets[member["dataset"]], with_reference=True
        )
        other = next(k for k in SETS if k != member["dataset"])
        crossed = measured(model, priors[other], probe_sets[other], with_reference=False)
        row |= {f"other_{k.removeprefix('own_')}": v for k, v in crossed.items()}
        pd.DataFrame([row]).to_csv(path, mode="a", header=not path.exists(), index=False)
        keras.backend.clear_session()


def _load(folder: str, name: str) -> tuple:
    with np.load(Path(folder) / f"{name}.npz") as stored:
        x, y = stored["x_train"][:40_000] / np.float32(255), stored["y_train"][:40_000]
        return x[..., None], y, stored["x_test"][..., None] / np.float32(255), stored["y_test"]


if __name__ == "__main__":
    main()
