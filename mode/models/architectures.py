"""The networks of the study; names and initial weights depend on nothing but the arguments."""

import keras
from keras import layers

from mode import checks, seeds


def _dense(units: int, activation: str, name: str, seed: int) -> layers.Layer:
    initializer = keras.initializers.GlorotUniform(seed=seeds.derive(seed, "initial", name))
    return layers.Dense(units, activation, kernel_initializer=initializer, name=name)


def _conv(filters: int, name: str, seed: int, padding: str = "valid") -> layers.Layer:
    initializer = keras.initializers.GlorotUniform(seed=seeds.derive(seed, "initial", name))
    return layers.Conv2D(
        filters, 5, padding=padding, activation="relu", kernel_initializer=initializer, name=name
    )


def _multilayer(hidden: int, seed: int) -> list[layers.Layer]:
    return [layers.Flatten(name="flatten")] + [
        _dense(28, "relu", f"hidden_{number}", seed) for number in range(1, hidden + 1)
    ]


def published(seed: int) -> list[layers.Layer]:
    """28 - 28 - classes: the network behind the replication's tables."""
    return _multilayer(2, seed)


def demo(seed: int) -> list[layers.Layer]:
    """28 - 28 - 28 - classes: the network of the replication's demonstration."""
    return _multilayer(3, seed)


def lenet5(seed: int) -> list[layers.Layer]:
    """LeNet-5 (LeCun et al. 1998) with relu and max pooling, as it is used today."""
    return [
        _conv(6, "conv_1", seed, padding="same"),
        layers.MaxPooling2D(name="pool_1"),
        _conv(16, "conv_2", seed),
        layers.MaxPooling2D(name="pool_2"),
        layers.Flatten(name="flatten"),
        _dense(120, "relu", "hidden_1", seed),
        _dense(84, "relu", "hidden_2", seed),
    ]


def small_cnn(seed: int) -> list[layers.Layer]:
    """Two blocks of convolution, batch normalization and pooling, for small photographs."""
    blocks: list[layers.Layer] = []
    for number, filters in ((1, 16), (2, 32)):
        blocks += [
            _conv(filters, f"conv_{number}", seed, padding="same"),
            layers.BatchNormalization(name=f"norm_{number}"),
            layers.MaxPooling2D(name=f"pool_{number}"),
        ]
    return [*blocks, layers.Flatten(name="flatten"), _dense(64, "relu", "hidden_1", seed)]


MODELS = {"published": published, "demo": demo, "lenet5": lenet5, "small_cnn": small_cnn}


def build(
    name: str = "published",
    *,
    seed: int = 0,
    shape: tuple[int, ...] = (28, 28, 1),
    classes: int = 10,
) -> keras.Model:
    """Return the untrained network `name`, compiled with Adam and sparse cross entropy.

    Args:
        name: a name of MODELS.
        seed: decides the initial weights; each layer has a stream of its own.
        shape: of one input, without the batch axis.
        classes: units of the softmax output layer.

    Raises:
        InputError: for an unknown name or fewer than two classes.
    """
    hidden = MODELS[checks.one_of("model", name, MODELS)](seed)
    checks.number("classes", classes, 2, integer=True)
    output = _dense(classes, "softmax", "output", seed)
    model = keras.Sequential([keras.Input(shape, name="inputs"), *hidden, output], name=name)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
