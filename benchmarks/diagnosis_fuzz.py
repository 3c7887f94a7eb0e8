"""Random models under diagnosis: no new exception, the same weights, the same exceptions.

python -m benchmarks.diagnosis_fuzz --models 1000
"""

import argparse
import gc
import warnings

import keras
import numpy as np

from mode import seeds
from mode.diagnosis import Diagnosis

layers = keras.layers
ACTIVATIONS = ("relu", "tanh", "sigmoid", "linear", "softmax", "elu", "exponential", "selu", "gelu")
LOSSES = (
    *("mse", "mae", "huber", "poisson", "hinge", "kl_divergence", "mean_squared_logarithmic_error"),
    *("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"),
)
OPTIMISERS = ("sgd", "adam", "rmsprop", "adagrad", "nadam")


def sample(draw: np.random.Generator) -> dict:
    """Return a random specification: input, layers, output, loss, target, optimiser, rate."""
    return {
        "input": str(draw.choice(["table", "sequence", "image", "tokens"])),
        "hidden": [str(draw.choice(ACTIVATIONS)) for _ in range(draw.integers(0, 4))],
        "extras": [str(e) for e in draw.choice(["norm", "drop", "none", "branch"], 2)],
        "units": int(draw.integers(1, 5)),
        "last": str(draw.choice(ACTIVATIONS)),
        "loss": str(draw.choice(LOSSES)),
        "target": str(draw.choice(["real", "labels", "one_hot", "binary", "signed", "nan"])),
        "optimiser": str(draw.choice(OPTIMISERS)),
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
        {"class_name": spec["optimiser"], "config": {"learning_rate": spec["rate"]}}
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


def compare(spec: dict, arrays) -> str:
    """Return what differs between a training alone and a watched one, "" where nothing does."""
    alone, expected = train(spec, arrays, [])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="diagnosis failed")
        watched, received = train(spec, arrays, [watch := Diagnosis(every=spec["every"])])
    failed = [f.text for f in watch.report.findings if " failed: " in f.text]
    if failed:
        return failed[0]
    if type(expected) is not type(received):
        return f"exception {expected!r} became {received!r}"
    same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(alone, watched, strict=True))
    return "" if same or expected is not None else "weights differ"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="go on from this model")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    wrong = 0
    # collecting after every few thousand graph objects takes half of the time
    gc.freeze()
    gc.disable()
    for i in range(options.first, options.models):
        draw = seeds.generator(options.seed, "fuzz", i)
        spec = sample(draw)
        difference = compare(spec, data(spec, draw))
        if i % 20 == 19:
            keras.utils.clear_session()  # which collects too
        if difference:
            wrong += 1
            print(f"{i}: {difference} {spec}", flush=True)
        if i % 50 == 49:
            print(f"{i + 1 - options.first} models, {wrong} differ", flush=True)
    print(f"{options.models - options.first} models, {wrong} differ")


if __name__ == "__main__":
    main()
