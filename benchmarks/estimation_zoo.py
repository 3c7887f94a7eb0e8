"""The classifiers that `mode.estimate` is measured on: trained once, kept in a folder.

MNIST, Fashion-MNIST and CIFAR-10, four architectures each. For each a second classifier learns
groups of classes from some of their classes alone, so that its other classes are sub-populations
that it never saw (BREEDS: Santurkar, Tsipras and Madry 2021).
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from mode.data.archives import load_keras_dataset
from mode.models import load_model, train
from mode.seeds import derive, generator

SETS = ("mnist", "fashion_mnist", "cifar10")
# Data set -> for each group the classes that are learned, and those that come new.
GROUPS: dict[str, tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]] = {
    "mnist": (((0,), (6,)), ((1,), (7,)), ((3,), (8,)), ((4,), (9,)), ((2,), (5,))),
    "fashion_mnist": (((0, 2), (4, 6)), ((5, 7), (9,)), ((1,), (3,))),
    "cifar10": (((0,), (8,)), ((1,), (9,)), ((3,), (5,)), ((4,), (7,)), ((2,), (6,))),
}
IMAGES = {"mnist": 10_000, "fashion_mnist": 10_000, "cifar10": 14_000}
EPOCHS = {"mnist": 3, "fashion_mnist": 4, "cifar10": 7}


def mlp(shape: tuple[int, ...]) -> list[layers.Layer]:
    return [layers.Flatten(), layers.Dense(256, "relu"), layers.Dense(128, "relu")]


def lenet(shape: tuple[int, ...]) -> list[layers.Layer]:
    return [
        layers.Conv2D(8, 5, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(24, 5, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(120, "relu"),
        layers.Dense(84, "relu"),
    ]


def vgg(shape: tuple[int, ...]) -> list[layers.Layer]:
    blocks = []
    for filters in (16, 32, 64):
        blocks += [
            layers.Conv2D(filters, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
        ]
    return [*blocks, layers.Flatten(), layers.Dropout(0.3), layers.Dense(96, "relu")]


def resnet(shape: tuple[int, ...]) -> keras.Model:
    inputs = keras.Input(shape)
    x = layers.Conv2D(16, 3, padding="same", strides=2)(inputs)
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        skip = layers.Conv2D(filters, 1, strides=strides)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Conv2D(filters, 3, padding="same", strides=strides)(layers.ReLU()(x))
        x = layers.BatchNormalization()(x)
        x = layers.Conv2D(filters, 3, padding="same")(layers.ReLU()(x))
        x = layers.Add()([x, skip])
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.ReLU()(x)))


ARCHITECTURES = {"mlp": mlp, "lenet": lenet, "vgg": vgg, "resnet": resnet}


def arrays(name: str, data_dir: str | None = None) -> tuple[np.ndarray, ...]:
    """Return x_train, y_train, x_test, y_test: images float32 in [0, 1], labels (n,)."""
    raw = load_keras_dataset(name, data_dir)
    made = []
    for part in ("train", "test"):
        x = raw[f"x_{part}"].astype(np.float32) / 255
        made += [x if x.ndim == 4 else x[..., None], raw[f"y_{part}"].reshape(-1).astype(int)]
    return tuple(made)


def grouped(name: str, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the group of each label, -1 for a class of none, and whether its class comes new."""
    group, new = np.full(10, -1), np.zeros(10, bool)
    for number, (learned, unseen) in enumerate(GROUPS[name]):
        group[list(learned + unseen)] = number
        new[list(unseen)] = True
    return group[y], new[y]


def classifier(
    name: str, architecture: str, cache: str | Path, *, groups: bool = False, data_dir=None
) -> keras.Model:
    """Return the trained classifier from the folder `cache`; it is trained where it is not there.

    groups: it tells groups of classes apart and saw only some classes of each.
    """
    path = Path(cache) / f"{name}-{architecture}{'-groups' * groups}.keras"
    if path.exists():
        return load_model(path)
    x, y, _, _ = arrays(name, data_dir)
    if groups:
        y, new = grouped(name, y)
        x, y = x[(y >= 0) & ~new], y[(y >= 0) & ~new]
    few = generator(0, "zoo", name).permutation(len(x))[: IMAGES[name]]
    model = _trained(architecture, x[few], y[few], EPOCHS[name], derive(0, "zoo", path.stem))
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(path)
    return model


def _trained(architecture: str, x: np.ndarray, y: np.ndarray, epochs: int, seed: int):
    keras.utils.set_random_seed(seed)
    body = ARCHITECTURES[architecture](x.shape[1:])
    inside = [body] if isinstance(body, keras.Model) else body
    head = layers.Dense(int(y.max()) + 1, "softmax")
    model = keras.Sequential([keras.Input(x.shape[1:]), *inside, head])
    model.compile("adam", "sparse_categorical_crossentropy")
    return train(model, x, y, epochs=epochs, decay=0.5, seed=seed, copy=False)
