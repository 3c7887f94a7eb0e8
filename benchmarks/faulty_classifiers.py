"""Eleven faulty classifiers as users have them: plain Keras code, trained by `fit`.

Each function of CLASSIFIERS returns a compiled, trained model and the arrays of
`mode.load_data`. What is wrong differs: a class is rare or missing in training, training ended
early, or labels of the pool are wrong. The last one is the LeNet-5 of `head_to_head`, which this
package builds and trains. Data sets are found as `mode.load_data` finds them.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import layers

from mode.data.archives import load_keras_dataset

Arrays = dict[str, np.ndarray]
Faulty = tuple[keras.Model, Arrays]
WRONG_LABELS = 0.1


def resnet_on_clothing(seed: int) -> Faulty:
    """A functional ResNet on Fashion-MNIST; class 6 has 10 training images."""
    data = _split("fashion_mnist", seed, train=3000, pool=10_000, diagnosis=2000, rare={6: 10})
    return _fitted(_resnet((28, 28, 1), (16, 32)), data, seed, epochs=5), data


def lstm_on_rows(seed: int) -> Faulty:
    """An LSTM that reads MNIST images row by row, trained for one epoch."""
    data = _split("mnist", seed, train=4000, pool=10_000, diagnosis=2000)
    data = {key: x[..., 0] if key.startswith("x") else x for key, x in data.items()}
    model = keras.Sequential(
        [keras.Input((28, 28)), layers.LSTM(64), layers.Dense(10, activation="softmax")]
    )
    return _fitted(model, data, seed, epochs=1), data


def mlp_on_table(seed: int) -> Faulty:
    """A dense network on a table of 20 numbers; class 2 of five has 10 training rows."""
    from sklearn.datasets import make_classification

    shape = {"n_features": 20, "n_informative": 12, "n_classes": 5, "n_clusters_per_class": 3}
    x, y = make_classification(14_000, **shape, class_sep=1.5, random_state=seed)
    parts = _parts(x.astype(np.float32), y, seed, train=2000, pool=6000, diagnosis=1000)
    data = _rare(parts, {2: 10})
    model = keras.Sequential(
        [
            keras.Input((20,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(5, activation="softmax"),
        ]
    )
    return _fitted(model, data, seed, epochs=5), data


def cnn_without_a_class(seed: int) -> Faulty:
    """A convolutional network on MNIST with batch normalization and dropout; training has no 7."""
    data = _split("mnist", seed, train=5000, pool=25_000, diagnosis=4000, rare={7: 0})
    return _fitted(_cnn(), data, seed, epochs=4), data


def resnet_on_photographs(seed: int) -> Faulty:
    """A small ResNet with random flips on CIFAR-10; classes 3 and 5 have 50 images each."""
    rare = {3: 50, 5: 50}
    data = _split("cifar10", seed, train=8000, pool=20_000, diagnosis=4000, rare=rare)
    model = _resnet((32, 32, 3), (16, 32, 64), layers.RandomFlip("horizontal", seed=seed))
    return _fitted(model, data, seed, epochs=3), data


def cnn_with_wrong_labels(seed: int) -> Faulty:
    """A convolutional network on Fashion-MNIST; a tenth of the pool's labels are wrong."""
    data = clothing_without_wrong_labels(seed)
    model = _fitted(_cnn(normalize=False), data, seed, epochs=2)
    return model, data | {"y_pool": wrong_labels(data["y_pool"], WRONG_LABELS, seed)}


def clothing_without_wrong_labels(seed: int) -> Arrays:
    """Return the arrays of `cnn_with_wrong_labels` with the right labels of the pool."""
    return _split("fashion_mnist", seed, train=2000, pool=20_000, diagnosis=3000)


def sigmoid_on_cells(seed: int) -> Faulty:
    """A network with one sigmoid output on the breast-cancer table, trained for two epochs."""
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
    data = _parts(x, y, seed, train=100, pool=180, diagnosis=110)
    model = keras.Sequential(
        [
            keras.Input((30,)),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    return _fitted(model, data, seed, epochs=2, loss="binary_crossentropy"), data


def mlp_on_wines(seed: int) -> Faulty:
    """A dense network on the wine table, as little data as users have: 45 training rows, a pool of
    45 and no diagnosis part; trained for eight epochs."""
    from sklearn.datasets import load_wine

    x, y = load_wine(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
    data = _parts(x, y, seed, train=45, pool=45)
    hidden, output = layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")
    return _fitted(
        keras.Sequential([keras.Input((13,)), hidden, output]), data, seed, epochs=8
    ), data


def mobilenet_on_photographs(seed: int) -> Faulty:
    """MobileNetV2 of keras.applications at 32 x 32 on CIFAR-10, trained for three epochs."""
    data = _split("cifar10", seed, train=8000, pool=20_000, diagnosis=4000)
    build = keras.applications.MobileNetV2
    keras.utils.set_random_seed(seed)
    model = build((32, 32, 3), alpha=0.35, weights=None, classes=10)
    return _fitted(model, data, seed, epochs=3), data


def transformer_on_tokens(seed: int) -> Faulty:
    """A small transformer on sequences of 40 tokens; class 1 of four has 20 training rows."""
    x, y = _sentences(14_000, seed)
    parts = _parts(x, y, seed, train=2000, pool=6000, diagnosis=1500)
    data = _rare(parts, {1: 20})
    tokens = keras.Input((40,), dtype="int32")
    h = layers.Embedding(200, 32)(tokens)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 16)(h, h))
    h = layers.LayerNormalization()(h + layers.Dense(32)(layers.Dense(64, activation="relu")(h)))
    output = layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling1D()(h))
    return _fitted(keras.Model(tokens, output), data, seed, epochs=4), data


def lenet5_on_digits(seed: int) -> Faulty:
    """LeNet-5 trained short of convergence on MNIST; the pool is the training data, again."""
    from benchmarks.head_to_head import parts, short_of_convergence

    data = parts("mnist", seed)
    arrays = {f"{axis}_{name}": getattr(getattr(data, name), axis) for name in data.sizes()
              for axis in "xy"}  # fmt: skip
    return short_of_convergence(data, seed), arrays


CLASSIFIERS: dict[str, Callable[[int], Faulty]] = {
    "ResNet, clothing, rare class": resnet_on_clothing,
    "LSTM, digit rows, short training": lstm_on_rows,
    "MLP, table, rare class": mlp_on_table,
    "CNN, digits, missing class": cnn_without_a_class,
    "ResNet, photographs, two rare classes": resnet_on_photographs,
    "CNN, clothing, wrong labels in the pool": cnn_with_wrong_labels,
    "sigmoid network, table, short training": sigmoid_on_cells,
    "MLP, small table, short training": mlp_on_wines,
    "MobileNetV2, photographs, short training": mobilenet_on_photographs,
    "transformer, tokens, rare class": transformer_on_tokens,
    "LeNet-5, digits, short training": lenet5_on_digits,
}


def wrong_labels(y: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return labels of which a random share is changed to another class."""
    generator = np.random.default_rng(seed)
    wrong = generator.random(len(y)) < share
    shift = generator.integers(1, y.max() + 1, len(y))
    return np.where(wrong, (y + shift) % (y.max() + 1), y)


def _fitted(
    model: keras.Model,
    data: Arrays,
    seed: int,
    *,
    epochs: int,
    loss: str = "sparse_categorical_crossentropy",
) -> keras.Model:
    keras.utils.set_random_seed(seed)
    model = keras.models.clone_model(model)  # draws the initial weights from this seed
    model.compile("adam", loss, metrics=["accuracy"])
    model.fit(data["x_train"], data["y_train"], epochs=epochs, verbose=0)
    return model


def _cnn(*, normalize: bool = True) -> keras.Model:
    def block(filters: int) -> list[layers.Layer]:
        normalization = [layers.BatchNormalization()] if normalize else []
        return [
            layers.Conv2D(filters, 3, padding="same"),
            *normalization,
            layers.Activation("relu"),
            layers.MaxPooling2D(),
        ]

    head = [layers.Dense(50, activation="relu"), layers.Dropout(0.3)]
    output = layers.Dense(10, activation="softmax")
    return keras.Sequential(
        [keras.Input((28, 28, 1)), *block(16), *block(64), layers.Flatten(), *head, output]
    )


def _resnet(
    shape: tuple[int, ...], filters: tuple[int, ...], *augmentation: layers.Layer
) -> keras.Model:
    inputs = h = keras.Input(shape)
    for layer in augmentation:
        h = layer(h)
    for number, width in enumerate(filters):
        shortcut = layers.Conv2D(width, 1, strides=2 if number else 1)(h)
        h = layers.Conv2D(width, 3, strides=2 if number else 1, padding="same")(h)
        h = layers.Activation("relu")(layers.BatchNormalization()(h))
        h = layers.BatchNormalization()(layers.Conv2D(width, 3, padding="same")(h))
        h = layers.Activation("relu")(h + shortcut)
    output = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(h))
    return keras.Model(inputs, output)


def _split(name: str, seed: int, *, rare: dict[int, int] | None = None, **sizes: int) -> Arrays:
    arrays = load_keras_dataset(name)
    x = {part: arrays[f"x_{part}"].astype(np.float32) / 255 for part in ("train", "test")}
    x = {part: array if array.ndim == 4 else array[..., None] for part, array in x.items()}
    y = {part: arrays[f"y_{part}"].reshape(-1).astype(int) for part in ("train", "test")}
    parts = _parts(x["train"], y["train"], seed, **sizes, rest="")
    return _rare(parts | {"x_test": x["test"], "y_test": y["test"]}, rare or {})


def _parts(x: np.ndarray, y: np.ndarray, seed: int, *, rest: str = "test", **sizes: int) -> Arrays:
    """Return disjoint random parts of the given sizes; what is left is the part called `rest`."""
    order = np.random.default_rng(seed).permutation(len(y))
    *places, left = np.split(order, np.cumsum([*sizes.values()]))
    indices = dict(zip(sizes, places, strict=True)) | ({rest: left} if rest else {})
    arrays = {"x": x, "y": y}
    return {f"{a}_{part}": arrays[a][at] for part, at in indices.items() for a in arrays}


def _rare(data: Arrays, counts: dict[int, int]) -> Arrays:
    """Return the data with only so many training rows of some classes."""
    keep = np.ones(len(data["y_train"]), bool)
    for label, count in counts.items():
        keep[np.flatnonzero(data["y_train"] == label)[count:]] = False
    return data | {key: data[key][keep] for key in ("x_train", "y_train")}


def _sentences(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return tokens (n, 40) and labels: of eight words each class has two, which it shares with no
    other. Three words stand at random places of an input; in 30 % one of them is of any class."""
    generator = np.random.default_rng(seed)
    x = generator.integers(8, 200, (count, 40))
    y = generator.integers(0, 4, count)
    places = np.sort(np.argsort(generator.random((count, 40)), axis=1)[:, :3], axis=1)
    rows = np.arange(count)
    for position in range(3):
        x[rows, places[:, position]] = 2 * y + generator.integers(0, 2, count)
    noisy = generator.random(count) < 0.3
    x[rows[noisy], places[noisy, 0]] = generator.integers(0, 8, noisy.sum())
    return x.astype(np.int32), y
