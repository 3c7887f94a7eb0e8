"""Seconds of one full audit with its reference model on the cores at hand; one row an architecture.

The classifiers, 28 x 28 x 1 to 10 probabilities, are trained for a moment on samples of the prior,
so that no data is needed and no audit stops early. Loading the prior is not counted, tracing is.
"""

import os
import time
from pathlib import Path

import click
import keras
import pandas as pd
from keras import layers

from benchmarks.featurevis_zoo import build
from mode.featurevis import audit, load_prior
from mode.featurevis.fitting import batches, classifier_step, run_steps
from mode.featurevis.probe_set import ProbeSet, make_probe_set
from mode.featurevis.reference import multiplications, reinitialize, training_steps
from mode.seeds import generator

TARGET = 15  # seconds on 2 cores


def wide_convolutional(first: int, second: int) -> keras.Model:
    """Return an untrained network of two 3 x 3 convolutions with max-pooling and a dense layer."""
    x = inputs = keras.Input((28, 28, 1))
    for width in (first, second):
        x = layers.MaxPooling2D()(layers.Conv2D(width, 3, activation="relu")(x))
    x = layers.Dense(128, "relu")(layers.Flatten()(x))
    return reinitialize(keras.Model(inputs, layers.Dense(10, "softmax")(x)), seed=0)


MODELS = {
    "dense 128-64": lambda: build("mlp-relu", False, 0),
    "LeNet-5": lambda: build("lenet", False, 0),
    "convolutional 32-64": lambda: wide_convolutional(32, 64),
    "convolutional 64-128": lambda: wide_convolutional(64, 128),
}


def learn(model: keras.Model, probe_set: ProbeSet, steps: int = 100) -> None:
    """Train `model` on the prior's samples and the classes they were drawn for."""
    step = classifier_step(model, keras.optimizers.Adam(1e-3), logits=False)
    rows = batches(len(probe_set.images), 64, steps, generator(0, "speed of audits"))
    run_steps(step, (probe_set.images, probe_set.classes.astype("int32")), rows)


@click.command()
@click.option("--out", default="results/runs/featurevis/audit_speed.csv")
def main(out: str) -> None:
    prior = load_prior("digits")
    probe_set = make_probe_set(prior, seed=1)
    rows = []
    for name, make in MODELS.items():
        keras.backend.clear_session()
        model = make()
        learn(model, probe_set)
        wall, busy = time.perf_counter(), time.process_time()
        result = audit(model, prior)
        wall, busy = time.perf_counter() - wall, time.process_time() - busy
        rows.append({
            "architecture": name, "parameters": model.count_params(),
            "multiplications": int(multiplications(model)),
            "reference_steps": training_steps(model), "seconds": round(wall, 2),
            "cpu_seconds": round(busy, 2), "cores": os.cpu_count(),
            "reference": result.scores["reference"].notna().all(), "within_target": wall <= TARGET,
        })  # fmt: skip
    table = pd.DataFrame(rows)
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(out, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
