"""What watching costs: paired fits with and without the callback, alternating in one process.

    python -m benchmarks.diagnosis_overhead --out results/benchmarks.csv

A pair compares the epochs after the first, which compiles; the static check is timed alone.
"""

import argparse
import time
from statistics import median

import keras
import numpy as np
import pandas as pd

from benchmarks.measuring import row
from benchmarks.running import keep, shown
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
    out = layers.Dense(10, "softmax")(layers.GlobalAveragePooling2D()(layers.ReLU()(h)))
    return keras.Model(i, out), (32, 32, 3)


def tiny():
    """The smallest network that is one: 4-4-2."""
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, "relu"), layers.Dense(2, "softmax")]
    )
    return model, (4,)


# steps an epoch, and the share of the training time that watching may take
CASES = {"lenet5": (lenet5, 200, 0.05), "resnet": (resnet, 80, 0.05), "tiny": (tiny, 3000, 0.10)}
STATIC = 0.05  # seconds for 100 layers


class _Clock(keras.callbacks.Callback):
    """Seconds from the end of the first epoch to the end of the last."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            self.began = time.perf_counter()
        self.seconds = time.perf_counter() - self.began


def pairs_of(name: str, pairs: int) -> list[tuple[float, float]]:
    """Return for each pair the seconds of two epochs, unwatched and watched."""
    build, steps, _ = CASES[name]
    draw, found = np.random.default_rng(0), []
    model, shape = build()
    x = draw.normal(size=(32 * steps, *shape)).astype("float32")
    y = draw.integers(0, 2, 32 * steps)
    model.compile("adam", "sparse_categorical_crossentropy")
    for pair in range(pairs):
        seconds = {}
        for watched in (False, True) if pair % 2 else (True, False):
            # the clock comes last, so that it also counts what the diagnosis does
            callbacks = [*([Diagnosis()] if watched else []), clock := _Clock()]
            model.fit(x, y, epochs=3, batch_size=32, verbose=0, callbacks=callbacks)
            seconds[watched] = clock.seconds
        found.append((seconds[False], seconds[True]))
    return found


def overhead(name: str, pairs: int) -> dict:
    """Return one row: seconds of a watched and an unwatched fit, medians of the pairs."""
    found, allowed = pairs_of(name, pairs), CASES[name][2]
    ratio = median(watched / alone for alone, watched in found)
    alone, watched = (median(part) for part in zip(*found, strict=True))
    steps = f"{2 * CASES[name][1]} steps of 32, median of {pairs} pairs"
    made = row("diagnosis", f"watching {name}, {steps}", watched, alone, peer="the fit unwatched")
    holds = "yes" if ratio <= 1 + allowed else "no"
    # the median of the pairs' ratios, which slow drifts of the machine leave alone
    target = {"target": f"at most {allowed:.0%} more time", "holds": holds}
    return made | {"ratio": 1 / ratio} | target


def static_check(count: int = 100) -> dict:
    """Return one row: the static check of a model of `count` layers, data included."""
    stack = [layers.Dense(32, "relu") for _ in range(count)]
    model = keras.Sequential([keras.Input((32,)), *stack, layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = np.random.default_rng(0).normal(size=(1000, 32)).astype("float32"), np.arange(1000) % 2
    seconds = []
    for _ in range(6):  # the first fills caches
        began = time.perf_counter()
        check(model, x, y)
        seconds.append(time.perf_counter() - began)
    found = median(seconds[1:])
    made = row("diagnosis", f"static check of {count} layers", found, STATIC, peer="the target")
    target = f"under {STATIC * 1000:.0f} ms"
    return made | {"target": target, "holds": "yes" if found < STATIC else "no"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="results/benchmarks.csv")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=sorted(CASES))
    options = parser.parse_args()
    rows = [static_check(), *(overhead(name, options.pairs) for name in options.cases)]
    frame = pd.DataFrame(rows).round(4)
    keep(frame, options.out)
    print(shown(frame))


if __name__ == "__main__":
    main()
