"""Seconds of one maximization of 160 codes beside tf-keras-vis, in one process, best of three.

Both climb the class scores of the same classifier through the same generator for 60 steps; each
library pays for its own tracing. Needs `pip install tf-keras-vis`. Prints one CSV row a library.
"""

import time
from pathlib import Path

import click
import keras
import numpy as np
import pandas as pd
from tf_keras_vis.activation_maximization import ActivationMaximization
from tf_keras_vis.utils.scores import CategoricalScore

from benchmarks.featurevis_zoo import build
from mode.featurevis import load_prior, maximize
from mode.featurevis.prior import sample

STEPS, RESTARTS, UNITS = 60, 16, list(range(10))


def peer(classifier: keras.Model, prior) -> np.ndarray:
    """Return the 160 codes found by tf-keras-vis, without modifiers and regularizers."""
    code = keras.Input((prior.latent,))
    logits = keras.Model(classifier.inputs, classifier.layers[-2].output)
    joined = keras.Model(code, logits(prior.decoder(code)))
    units = np.repeat(UNITS, RESTARTS).tolist()
    start = sample(prior, len(units), seed=0)[0]
    climb = ActivationMaximization(joined, clone=False)
    return climb(
        CategoricalScore(units), seed_input=start, input_range=None, input_modifiers=None,
        regularizers=None, steps=STEPS, optimizer=keras.optimizers.Adam(0.15),
    )  # fmt: skip


def seconds(*runs, repeats: int = 3) -> list[float]:
    """Return the best time of each, taken in turns so that a busy moment hits both."""
    times = []
    for _ in range(repeats):
        for run in runs:
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
    return [min(times[i :: len(runs)]) for i in range(len(runs))]


@click.command()
@click.option("--out", default="results/runs/featurevis/speed.csv")
def main(out: str) -> None:
    prior = load_prior("digits")
    rows = []
    for architecture in ("mlp-relu", "convolutional"):
        model = build(architecture, False, 0)
        hidden = keras.layers.Dense(10)(model.layers[-2].output)
        whole = keras.Model(model.inputs, keras.layers.Softmax()(hidden))
        ours, theirs = seconds(
            lambda m=whole: maximize(m, prior, UNITS, restarts=RESTARTS, progress=False),
            lambda m=whole: peer(m, prior),
        )
        rows.append((architecture, ours, theirs, theirs / ours))
    names = ["architecture", "seconds_mode", "seconds_tf_keras_vis", "ratio"]
    table = pd.DataFrame(rows, columns=names).round(2)
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(out, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
