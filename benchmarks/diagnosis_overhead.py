"""What watching costs: a fit with the callback and one without, epoch by epoch in one process.

    python -m benchmarks.diagnosis_overhead --out results/benchmarks.csv

The static check is timed alone.
"""

import argparse
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import keras
import numpy as np
import pandas as pd
from scipy.stats import trim_mean

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


# steps an epoch, pairs of epochs, and the share of the training time that watching may take
CASES = {
    "lenet5": (lenet5, 40, 150, 0.05),
    "resnet": (resnet, 20, 150, 0.05),
    "tiny": (tiny, 200, 300, 0.10),
}
WARM = 2  # epochs that compile
STATIC = 0.05  # seconds for 100 layers


class _Turns:
    """Lets two fits train in turns, an epoch each, first one and then the other first."""

    def __init__(self, epochs: int):
        self.order = [watched for n in range(epochs) for watched in ((n % 2 > 0), (n % 2 == 0))]
        self.changed = threading.Condition()

    def begin(self, watched: bool) -> None:
        with self.changed:
            if not self.changed.wait_for(lambda: self.order[0] == watched, timeout=600):
                raise TimeoutError("the other fit does not end its epoch")

    def end(self) -> None:
        with self.changed:
            self.order.pop(0)
            self.changed.notify_all()


class _Clock(keras.callbacks.Callback):
    """Seconds of each epoch, which waits for its turn."""

    def __init__(self, turns: _Turns, watched: bool):
        super().__init__()
        self.turns, self.watched, self.seconds = turns, watched, []

    def on_epoch_begin(self, epoch, logs=None):
        self.turns.begin(self.watched)
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)
        self.turns.end()


def pairs_of(name: str) -> list[tuple[float, float]]:
    """Return for each pair the seconds of an epoch unwatched and of its neighbour watched.

    Two equal fits take turns, so that what else the machine does slows both alike. The first
    epochs, which compile, are left out.
    """
    build, steps, pairs, _ = CASES[name]
    draw, turns = np.random.default_rng(0), _Turns(pairs + WARM)
    shape = build()[1]
    x = draw.normal(size=(32 * steps, *shape)).astype("float32")
    y = draw.integers(0, 2, 32 * steps)

    def fit(watched: bool) -> list[float]:
        model, _ = build()
        model.compile("adam", "sparse_categorical_crossentropy")
        # the clock comes last, so that it also counts what the diagnosis does
        callbacks = [*([Diagnosis()] if watched else []), clock := _Clock(turns, watched)]
        model.fit(x, y, epochs=pairs + WARM, batch_size=32, verbose=0, callbacks=callbacks)
        return clock.seconds[WARM:]

    with ThreadPoolExecutor(2) as both:
        alone, watched = both.map(fit, (False, True))
    return list(zip(alone, watched, strict=True))


def overhead(name: str) -> dict:
    """Return one row: seconds of an epoch watched and unwatched, and what watching costs.

    `ratio` is the interquartile mean of the pairs' ratios: an epoch during which the machine did
    something else does not count.
    """
    found, (_, steps, pairs, allowed) = np.array(pairs_of(name)), CASES[name]
    alone, watched = trim_mean(found, 0.25)
    more = trim_mean(found[:, 1] / found[:, 0], 0.25)
    case = f"watching {name}, {steps} steps of 32, {pairs} pairs"
    made = row("diagnosis", case, watched, alone, peer="the fit unwatched")
    target = {
        "target": f"at most {allowed:.0%} more time",
        "holds": "yes" if more <= 1 + allowed else "no",
    }
    return made | {"ratio": 1 / more} | target


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
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=sorted(CASES))
    options = parser.parse_args()
    rows = [static_check(), *map(overhead, options.cases)]
    frame = pd.DataFrame(rows).round(4)
    keep(frame, options.out)
    print(shown(frame))


if __name__ == "__main__":
    main()
