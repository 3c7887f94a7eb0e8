"""What a program is, and the small data sets the programs are made of."""

from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

layers = keras.layers


@dataclass(frozen=True)
class Task:
    """Training and test data: arrays, or lists of arrays for several inputs or outputs."""

    x: object
    y: object
    test_x: object
    test_y: object


@dataclass(frozen=True)
class Program:
    """A training program. `build()` returns a compiled model; a healthy one has no symptoms.

    `goal` is (measure, threshold): measure(model, task) of at least the threshold is reached by
    the fixed form: `fixed()` builds its model, `fixed_task` its data, `fixed_fit` its options.
    """

    name: str
    task: Callable[[], Task]
    build: Callable
    goal: tuple[Callable, float]
    fit: dict = field(default_factory=dict)
    symptoms: str = ""
    fixes: str = ""
    fixed: Callable | None = None
    fixed_task: Callable | None = None
    fixed_fit: dict = field(default_factory=dict)
    source: str = ""
    validation: str = "test"  # "train" hands training rows in as validation
    feed: str = "arrays"  # "arrays", "tf.data", "generator"

    @property
    def faulty(self) -> bool:
        """Whether something is wrong with it."""
        return bool(self.symptoms)


def split(x, y, seed: int = 0, test: float = 0.25) -> Task:
    """Return a task from arrays or lists of arrays, shuffled the same way."""
    several = isinstance(x, list | tuple), isinstance(y, list | tuple)
    xs, ys = (list(v) if s else [v] for v, s in zip((x, y), several, strict=True))
    parts = train_test_split(*xs, *ys, test_size=test, random_state=seed)
    train, held = parts[::2], parts[1::2]

    def pick(rows, part, many):
        chosen = rows[part]
        return chosen if many else chosen[0]

    a, b = slice(0, len(xs)), slice(len(xs), None)
    return Task(
        pick(train, a, several[0]),
        pick(train, b, several[1]),
        pick(held, a, several[0]),
        pick(held, b, several[1]),
    )


def one_hot(y, classes: int):
    return np.eye(classes, dtype="float32")[np.asarray(y, int)]


def standard(x):
    x = np.asarray(x, "float32")
    return (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-7)


# data sets: each returns (x, y) as float32 inputs and whole-number or real targets


def iris():
    x, y = datasets.load_iris(return_X_y=True)
    return x.astype("float32"), y


def wine():
    x, y = datasets.load_wine(return_X_y=True)
    return x.astype("float32"), y


def cancer():
    x, y = datasets.load_breast_cancer(return_X_y=True)
    return x.astype("float32"), y


def digits(flat: bool = True, scale: float = 16.0):
    x, y = datasets.load_digits(return_X_y=True)
    x = (x / scale).astype("float32")
    return (x if flat else x.reshape(-1, 8, 8, 1)), y


def blobs(n=1000, features=8, classes=3, seed=0, std=2.0):
    x, y = datasets.make_blobs(n, features, centers=classes, cluster_std=std, random_state=seed)
    return standard(x), y


def circles(n=1000, seed=0, noise=0.08):
    x, y = datasets.make_circles(n, noise=noise, factor=0.45, random_state=seed)
    return x.astype("float32"), y


def moons(n=1000, seed=0):
    x, y = datasets.make_moons(n, noise=0.12, random_state=seed)
    return x.astype("float32"), y


def sine(n=1000, seed=0):
    g = np.random.default_rng(seed)
    x = g.uniform(-3, 3, (n, 1)).astype("float32")
    return x, (np.sin(2 * x) + g.normal(0, 0.05, x.shape)).astype("float32")


def friedman(n=1200, seed=0, scale=1.0):
    x, y = datasets.make_friedman1(n, n_features=6, noise=0.3, random_state=seed)
    y = (y - y.mean()) / y.std() * scale
    return x.astype("float32"), y.astype("float32")[:, None]


def quintic(n=1000, seed=0):
    g = np.random.default_rng(seed)
    x = g.uniform(-1.5, 1.5, (n, 1)).astype("float32")
    y = x**5 - 3 * x**3 + x
    return x, y.astype("float32")


def house(n=1200, seed=0):
    """Raw columns of very different scale, a price as the target."""
    g = np.random.default_rng(seed)
    area, rooms, year = g.uniform(400, 4000, n), g.integers(1, 8, n), g.integers(1900, 2020, n)
    income = g.lognormal(10.5, 0.4, n)
    price = 50 * area + 8000 * rooms + 300 * (year - 1900) + 1.2 * income + g.normal(0, 5000, n)
    return np.stack([area, rooms, year, income], 1).astype("float32"), price.astype("float32")[
        :, None
    ]


def passengers(n=1200, seed=0):
    """Raw columns like a passenger list: class, sex, age, fare; survived or not."""
    g = np.random.default_rng(seed)
    level, sex = g.integers(1, 4, n), g.integers(0, 2, n)
    age, fare = g.uniform(1, 75, n), g.lognormal(4.2, 1.2, n)
    score = 2.5 * sex - 1.4 * (level - 2) - 0.05 * (age - 30) - 0.8
    y = (score + g.normal(0, 0.5, n) > 0).astype(int)
    return np.stack([level, sex, age, fare, g.normal(20000, 8000, n)], 1).astype("float32"), y


def multi_label(n=1200, seed=0, labels=5):
    g = np.random.default_rng(seed)
    x = g.normal(size=(n, 10)).astype("float32")
    w = g.normal(size=(10, labels))
    return x, (np.maximum(x, 0) @ w > 0.5).astype("float32")


def sums(n=1200, length=12, seed=0):
    """Sequences whose running sum decides the class."""
    g = np.random.default_rng(seed)
    x = g.normal(size=(n, length, 3)).astype("float32")
    return x, (x[:, :, 0].sum(1) > 0).astype(int)


def tokens(n=1200, length=15, words=50, seed=0):
    """Word sequences; the class is whether more words are from the first half."""
    g = np.random.default_rng(seed)
    bias = g.uniform(0.2, 0.8, n)
    first = g.random((n, length)) < bias[:, None]
    x = np.where(
        first, g.integers(0, words // 2, (n, length)), g.integers(words // 2, words, (n, length))
    )
    return x.astype("int32"), (first.mean(1) > 0.5).astype(int)


def waves(n=1000, length=20, seed=0, scale=1.0):
    """The next value of a noisy wave from the last ones."""
    g = np.random.default_rng(seed)
    start, pace = g.uniform(0, 6.28, (n, 1)), g.uniform(0.2, 0.6, (n, 1))
    t = np.arange(length + 1)
    wave = np.sin(start + pace * t) + g.normal(0, 0.03, (n, length + 1))
    return wave[:, :-1, None].astype("float32"), (wave[:, -1:] * scale).astype("float32")


def pairs(n=1200, seed=0):
    """Two inputs; the class depends on both."""
    g = np.random.default_rng(seed)
    a, b = g.normal(size=(n, 6)).astype("float32"), g.normal(size=(n, 4)).astype("float32")
    return [a, b], ((a[:, 0] + a[:, 1] * b[:, 0] + b[:, 1]) > 0).astype(int)


def rare(n=2000, seed=0):
    """One class in twelve."""
    g = np.random.default_rng(seed)
    x = g.normal(size=(n, 8)).astype("float32")
    score = x[:, 0] + x[:, 1] * 0.8 + g.normal(0, 0.2, n)
    return x, (score > np.quantile(score, 0.92)).astype(int)


# measures


def accuracy(model, task) -> float:
    """Share of right classes on the test data, from probabilities, logits or a sign."""
    return float(np.mean(_classes(model, task) == _labels(task.test_y)))


def _classes(model, task):
    predicted = np.asarray(model.predict(task.test_x, verbose=0))
    if predicted.shape[-1] > 1:
        return predicted.argmax(-1)
    signed = np.min(task.test_y) < 0
    return (predicted.reshape(-1) > (0 if signed or _logits(model) else 0.5)).astype(int)


def _logits(model) -> bool:
    return bool(getattr(model.loss, "_fn_kwargs", {}).get("from_logits", False))


def _labels(y):
    y = np.asarray(y)
    if y.ndim > 1 and y.shape[-1] > 1:
        return y.argmax(-1)
    y = y.reshape(-1)
    return (
        (y > 0).astype(int)
        if y.min() < 0
        else (y > 0.5).astype(int)
        if y.max() <= 1
        else y.astype(int)
    )


def label_accuracy(model, task) -> float:
    """Share of right labels where several may hold."""
    return float(
        np.mean((model.predict(task.test_x, verbose=0) > 0.5) == (np.asarray(task.test_y) > 0.5))
    )


def explained(model, task) -> float:
    """Explained variance on the test data."""
    predicted = np.asarray(model.predict(task.test_x, verbose=0), float)
    truth = np.asarray(task.test_y, float).reshape(predicted.shape)
    if not np.isfinite(predicted).all():
        return -1.0
    return float(1 - np.mean((truth - predicted) ** 2) / np.var(truth))


def balanced(model, task) -> float:
    """Mean accuracy over the classes."""
    truth, guess = _labels(task.test_y), _classes(model, task)
    return float(np.mean([np.mean(guess[truth == c] == c) for c in np.unique(truth)]))


# models


def net(shape, *stack, loss, optimizer="adam", metrics=("accuracy",)):
    """Return a compiled Sequential model."""
    model = keras.Sequential([keras.Input(shape), *stack])
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def dense(units, activation="relu", **options):
    return layers.Dense(units, activation, **options)


def sgd(rate=0.01, **options):
    return keras.optimizers.SGD(rate, **options)


def adam(rate=1e-3):
    return keras.optimizers.Adam(rate)


BCE, CCE, SCCE, MSE = (
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "mse",
)
