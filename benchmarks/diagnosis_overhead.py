"""What watching costs: fits with the callback and without, in turns in one process.

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

from benchmarks.measurements import row
from benchmarks.suite import keep, shown
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


# pairs of epochs, and the share of the training time that watching may take
CASES = {
    "lenet5": (lenet5, 70, 0.05),
    "resnet": (resnet, 30, 0.05),
    "tiny": (tiny, 150, 0.10),
}
STEPS = 160  # an epoch, of which the recorder reads eight and works them off together
WARM = 1  # epochs that compile
WHOLE, WHOLE_PAIRS = 20, 20  # epochs and pairs of whole fits
STATIC = 0.05  # seconds for 100 layers


class _Turns:
    """Lets two fits train in turns, a step each, first one and then the other first."""

    def __init__(self):
        self.done = 0
        self.changed = threading.Condition()

    def wait(self, watched: bool) -> None:
        with self.changed:
            if not self.changed.wait_for(lambda: self._is_next(watched), timeout=600):
                raise TimeoutError("the other fit does not end its step")

    def pass_on(self) -> None:
        with self.changed:
            self.done += 1
            self.changed.notify_all()

    def _is_next(self, watched: bool) -> bool:
        return (self.done + self.done // 2) % 2 == watched


class _Clock(keras.callbacks.Callback):
    """Seconds of each step and of what follows it, up to the next; between them it waits."""

    def __init__(self, turns: _Turns, watched: bool):
        super().__init__()
        self.turns, self.watched, self.seconds = turns, watched, []

    def on_train_begin(self, logs=None):
        self._start()

    def on_train_batch_end(self, batch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)
        self.turns.pass_on()
        if len(self.seconds) < self.params["epochs"] * self.params["steps"]:
            self._start()

    def _start(self):
        self.turns.wait(self.watched)
        self.began = time.perf_counter()


def trained(name: str, epochs: int, *callbacks: keras.callbacks.Callback) -> float:
    """Fit the network of a case to random numbers; return the seconds that took."""
    draw, (model, shape) = np.random.default_rng(0), CASES[name][0]()
    model.compile("adam", "sparse_categorical_crossentropy")
    x = draw.normal(size=(32 * STEPS, *shape)).astype("float32")
    y = draw.integers(0, 2, 32 * STEPS)
    began = time.perf_counter()
    model.fit(x, y, epochs=epochs, batch_size=32, verbose=0, callbacks=list(callbacks))
    return time.perf_counter() - began


def step_by_step(name: str) -> np.ndarray:
    """Return the seconds of each step, unwatched and watched, shape (epochs, steps, 2).

    Two equal fits take turns step by step, so that what else the machine does slows both alike.
    The first epochs, which compile, are left out.
    """
    epochs, turns = CASES[name][1] + WARM, _Turns()

    def fit(watched: bool) -> np.ndarray:
        # the clock comes last, so that it also counts what the diagnosis does
        clock = _Clock(turns, watched)
        trained(name, epochs, *([Diagnosis()] if watched else []), clock)
        return np.reshape(clock.seconds, (epochs, STEPS))[WARM:]

    with ThreadPoolExecutor(2) as both:
        return np.stack(list(both.map(fit, (False, True))), axis=2)


def whole_fits(name: str) -> np.ndarray:
    """Return the seconds of whole fits, unwatched and watched, shape (pairs, 1, 2).

    Compiling and every judgment are in them, and so is what else the machine does.
    """
    pairs = []
    for n in range(WHOLE_PAIRS):
        order = (n % 2 > 0, n % 2 == 0)
        seconds = {w: trained(name, WHOLE, *([Diagnosis()] if w else [])) for w in order}
        pairs.append([(seconds[False], seconds[True])])
    return np.array(pairs)


def overhead(name: str, what: str, seconds: np.ndarray) -> dict:
    """Return one row: seconds unwatched and watched, of an epoch or of a whole fit.

    Args:
        found: the seconds of pairs, shape (pairs, places, 2).

    At each place, the seconds unwatched and what watching adds are interquartile means over the
    pairs: a pair during which the machine did something else does not count. Nor do, step by
    step, the few judgments of some milliseconds; whole fits have them.
    """
    alone = trim_mean(seconds[..., 0], 0.25).sum()
    more = trim_mean(seconds[..., 1] - seconds[..., 0], 0.25).sum()
    allowed = CASES[name][2]
    target = f"at most {allowed:.0%} more time"
    case, peer = f"watching {name}, {what}", "the fit unwatched"
    made = row("diagnosis", case, alone + more, alone, peer=peer)
    return made | {"target": target, "holds": "yes" if more <= allowed * alone else "no"}


def by_step(name: str) -> dict:
    """Return the overhead of a case, step by step."""
    pairs = step_by_step(name)
    return overhead(name, f"{len(pairs)} pairs of {STEPS} steps of 32", pairs)


def by_fit(name: str) -> dict:
    """Return the overhead of a case in whole fits."""
    what = f"{WHOLE_PAIRS} pairs of whole fits of {WHOLE * STEPS} steps of 32"
    return overhead(name, what, whole_fits(name))


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
    middle = median(seconds[1:])
    made = row("diagnosis", f"static check of {count} layers", middle, STATIC, peer="the target")
    target = f"under {STATIC * 1000:.0f} ms"
    return made | {"target": target, "holds": "yes" if middle < STATIC else "no"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="results/benchmarks.csv")
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=sorted(CASES))
    options = parser.parse_args()
    rows = [static_check(), *map(by_step, options.cases)]
    rows += [by_fit(name) for name in options.cases if name == "tiny"]
    frame = pd.DataFrame(rows).round(4)
    keep(frame, options.out)
    print(shown(frame))


if __name__ == "__main__":
    main()
