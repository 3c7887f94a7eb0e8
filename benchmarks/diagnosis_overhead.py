"""What watching costs: paired epochs with and without the callback, alternating in one process.

    python -m benchmarks.diagnosis_overhead --out results/runs/diagnosis_overhead

The ratio is that of processor seconds of one more `fit` of each pair; compilation is in both.
"""

import argparse
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mode.diagnosis import Diagnosis, check

layers = keras.layers


def lenet5():
    """LeNet-5 on 28 x 28 images."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, activation="tanh", padding="same"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, "tanh"),
            layers.Dense(84, "tanh"),
            layers.Dense(10, "softmax"),
        ]
    )
    return model, (28, 28, 1)


def resnet():
    """A residual network of six convolutions on 32 x 32 images."""
    i = keras.Input((32, 32, 3))
    h = layers.Conv2D(16, 3, padding="same", use_bias=False)(i)
    for _ in range(3):
        z = layers.ReLU()(layers.BatchNormalization()(h))
        z = layers.Conv2D(16, 3, padding="same", use_bias=False)(z)
        z = layers.ReLU()(layers.BatchNormalization()(z))
        h = layers.Add()([h, layers.Conv2D(16, 3, padding="same", use_bias=False)(z)])
    out = layers.Dense(10, "softmax")(layers.GlobalAveragePooling2D(2)(layers.ReLU()(h)))
    return keras.Model(i, out), (32, 32, 3)


def tiny():
    """The smallest network that is one: 4-4-2."""
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, "relu"), layers.Dense(2, "softmax")]
    )
    return model, (4,)


CASES = {"lenet5": (lenet5, 300), "resnet": (resnet, 100), "tiny": (tiny, 3000)}


class _Clock(keras.callbacks.Callback):
    """Times of the epochs after the first, which compiles."""

    def __init__(self):
        super().__init__()
        self.marks = []

    def on_epoch_begin(self, epoch, logs=None):
        self.marks.append((time.process_time(), time.perf_counter()))


def measure(name: str, pairs: int) -> list[dict]:
    """Return one row a pair: processor and wall seconds of the epochs after the first."""
    build, steps = CASES[name]
    draw, rows = np.random.default_rng(0), []
    model, shape = build()
    x = draw.normal(size=(32 * steps, *shape)).astype("float32")
    y = draw.integers(0, 2, 32 * steps)
    model.compile("adam", "sparse_categorical_crossentropy")
    for pair in range(pairs):
        seconds = {}
        for watched in (False, True) if pair % 2 else (True, False):
            clock = _Clock()
            callbacks = [clock, Diagnosis()] if watched else [clock]
            model.fit(x, y, epochs=3, batch_size=32, verbose=0, callbacks=callbacks)
            (_, _), (c1, w1), (c2, w2) = clock.marks
            seconds |= {f"processor {watched}": c2 - c1, f"wall {watched}": w2 - w1}
        rows.append({"case": name, "pair": pair, "steps": steps} | seconds)
    return rows


def static_milliseconds(count: int = 100) -> float:
    """Return the time of the static check of a model of `count` layers."""
    model = keras.Sequential(
        [keras.Input((32,)), *[layers.Dense(32, "relu") for _ in range(count)]]
    )
    model.add(layers.Dense(2, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = np.random.default_rng(0).normal(size=(1000, 32)).astype("float32"), np.arange(1000) % 2
    check(model, x, y)
    best = np.inf
    for _ in range(5):
        began = time.process_time()
        check(model, x, y)
        best = min(best, time.process_time() - began)
    return 1000 * best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="results/runs/diagnosis_overhead")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=sorted(CASES))
    options = parser.parse_args()
    frame = pd.DataFrame([r for name in options.cases for r in measure(name, options.pairs)])
    frame["ratio"] = frame["processor True"] / frame["processor False"]
    Path(options.out).mkdir(parents=True, exist_ok=True)
    frame.to_csv(Path(options.out) / "overhead.csv", index=False)
    print(frame.groupby("case").ratio.median())
    print(f"static check of 100 layers: {static_milliseconds():.1f} ms")


if __name__ == "__main__":
    main()
