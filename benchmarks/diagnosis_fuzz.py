"""Random models under diagnosis: no new exception, the same weights, the same exceptions.

python -m benchmarks.diagnosis_fuzz --models 1000
"""

import argparse
import gc
import warnings
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mode import seeds
from mode.diagnosis import Diagnosis

layers = keras.layers
ACTIVATIONS = ("relu", "tanh", "sigmoid", "linear", "softmax", "elu", "exponential", "selu", "gelu")
LOSSES = (
    *("mse", "mae", "huber", "poisson", "hinge", "kl_divergence", "mean_squared_logarithmic_error"),
    *("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"),
)
OPTIMIZERS = ("sgd", "adam", "rmsprop", "adagrad", "nadam")


def sample(draw: np.random.Generator) -> dict:
    """Return a random specification: input, layers, output, loss, target, optimizer, rate."""
    return {
        "input": str(draw.choice(["table", "sequence", "image", "tokens"])),
        "hidden": [str(draw.choice(ACTIVATIONS)) for _ in range(draw.integers(0, 4))],
        "extras": [str(e) for e in draw.choice(["norm", "drop", "none", "branch"], 2)],
        "units": int(draw.integers(1, 5)),
        "last": str(draw.choice(ACTIVATIONS)),
        "loss": str(draw.choice(LOSSES)),
        "target": str(draw.choice(["real", "labels", "one_hot", "binary", "signed", "nan"])),
        "optimizer": str(draw.choice(OPTIMIZERS)),
        "rate": float(10.0 ** draw.uniform(-5, 1)),
        "every": int(draw.integers(1, 5)),
        # compiling takes most of the time, and a last, smaller batch is compiled apart
        "eagerly": bool(draw.random() < 0.6),
        "rows": int(draw.choice([32, 40], p=[0.85, 0.15])),
    }


def build(spec: dict):
    """Return the compiled model of a specification, weights seeded alike at each call."""
    keras.utils.set_random_seed(11)
    x = i = keras.Input(
        {"table": (5,), "sequence": (6, 3), "image": (8, 8, 1), "tokens": (6,)}[spec["input"]]
    )
    if spec["input"] == "tokens":
        x = layers.Embedding(12, 4)(x)
    if spec["input"] in ("sequence", "tokens"):
        x = (layers.GRU(4) if "norm" in spec["extras"] else layers.LSTM(3))(x)
    if spec["input"] == "image":
        x = layers.Flatten()(layers.Conv2D(2, 3)(x))
    for activation in spec["hidden"]:
        h = layers.Dense(6, activation)(x)
        h = layers.BatchNormalization()(h) if "norm" in spec["extras"] else h
        h = layers.Dropout(0.4)(h) if "drop" in spec["extras"] else h
        x = layers.Concatenate()([h, x]) if "branch" in spec["extras"] else h
    model = keras.Model(i, layers.Dense(spec["units"], spec["last"])(x))
    optimizer = keras.optimizers.get(
        {"class_name": spec["optimizer"], "config": {"learning_rate": spec["rate"]}}
    )
    model.compile(optimizer, spec["loss"], run_eagerly=spec["eagerly"])
    return model


def data(spec: dict, draw: np.random.Generator):
    """Return inputs and targets of a specification; they need not fit the model."""
    rows = spec["rows"]
    shape = {"table": (5,), "sequence": (6, 3), "image": (8, 8, 1), "tokens": (6,)}[spec["input"]]
    x = draw.normal(size=(rows, *shape)).astype("float32")
    if spec["input"] == "tokens":
        x = draw.integers(0, 12, (rows, 6)).astype("float32")
    label = draw.integers(0, spec["units"] + 1, rows)
    targets = {
        "real": draw.normal(size=(rows, spec["units"])).astype("float32"),
        "labels": label,
        "one_hot": np.eye(spec["units"], dtype="float32")[label % spec["units"]],
        "binary": (label > 0).astype("float32")[:, None],
        "signed": np.where(label > 0, 1.0, -1.0).astype("float32")[:, None],
        "nan": np.full((rows, spec["units"]), np.nan, "float32"),
    }
    return x, targets[spec["target"]]


def train(spec: dict, arrays, callbacks) -> tuple:
    """Return the weights after a few steps and the exception that ended them, if any."""
    model = build(spec)
    try:
        model.fit(*arrays, epochs=2, batch_size=16, verbose=0, callbacks=callbacks)
    except Exception as error:
        return model.get_weights(), error
    return model.get_weights(), None


def compare(spec: dict, arrays) -> dict[str, str]:
    """Return how a watched training compares with the same one alone.

    `raised` names the exception that both end with, `told` says whether the watched one's carries
    findings, `difference` what differs; "" where there is none. Weights after an exception are not
    compared: which of a step's operations ran before it is a matter of threads.
    """
    alone, expected = train(spec, arrays, [])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="diagnosis failed")
        watched, received = train(spec, arrays, [watch := Diagnosis(every=spec["every"])])
    failed = [f.text for f in watch.report.findings if " failed: " in f.text]
    same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(alone, watched, strict=True))
    if failed:
        difference = failed[0]
    elif type(expected) is not type(received):
        difference = f"exception {expected!r} became {received!r}"
    else:
        difference = "" if same or expected is not None else "weights differ"
    return {
        "raised": type(expected).__name__ if expected else "",
        "told": "yes" if any("Diagnosis" in n for n in getattr(received, "__notes__", ())) else "",
        "difference": difference,
    }


def run(models: int, seed: int, path: Path) -> pd.DataFrame:
    """Add one row per model to `path`, where those it holds already are left out."""
    names = ("input", "hidden", "last", "loss", "target", "optimizer", "eagerly")
    rows = pd.read_csv(path, keep_default_na=False) if path.exists() else pd.DataFrame()
    # collecting after every few thousand graph objects takes half of the time
    gc.freeze()
    gc.disable()
    for i in range(len(rows), models):
        draw = seeds.generator(seed, "fuzz", i)
        spec = sample(draw)
        compared = compare(spec, data(spec, draw))
        described = {name: spec[name] for name in names} | {"hidden": " ".join(spec["hidden"])}
        rows = pd.concat([rows, pd.DataFrame([{"model": i, **described, **compared}])])
        rows.to_csv(path, index=False)
        if i % 20 == 19:
            keras.utils.clear_session()  # which collects too
        if compared["difference"]:
            print(f"{i}: {compared['difference']} {spec}", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="results/runs/diagnosis/fuzz.csv")
    options = parser.parse_args()
    rows = run(options.models, options.seed, Path(options.out))
    counts = {name: int((rows[name] != "").sum()) for name in ("raised", "told", "difference")}
    print(f"{len(rows)} models: {counts['difference']} differ; ", end="")
    print(f"{counts['raised']} end with an exception, {counts['told']} of these with findings")


if __name__ == "__main__":
    main()
