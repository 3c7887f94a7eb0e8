"""Small classifiers of every kind that is accepted, each with a little data of its own."""

from collections.abc import Callable

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_breast_cancer

from mode.data import Data, Part
from mode.models import build

SIZES = {"train": 48, "pool": 48, "diagnosis": 40, "test": 24}


def cut(x: np.ndarray, y: np.ndarray, classes: int) -> Data:
    """The first inputs in four parts."""
    starts = np.cumsum([0, *SIZES.values()])
    parts = {
        name: Part(x[start : start + size], y[start : start + size])
        for (name, size), start in zip(SIZES.items(), starts, strict=False)
    }
    return Data(**parts, classes=classes)


def drawn(*shape: int, classes: int = 3) -> Data:
    """Inputs in [0, 1] of the shape, brighter with the class."""
    generator = np.random.default_rng(0)
    y = np.arange(sum(SIZES.values())) % classes
    x = generator.random((len(y), *shape), dtype=np.float32) / 2
    return cut(x + (y / classes / 2).reshape(-1, *[1] * len(shape)).astype(np.float32), y, classes)


def digits(side: int = 28) -> Data:
    return drawn(side, side, 1)


def tokens() -> Data:
    data = drawn(12)
    parts = {
        name: Part((getattr(data, name).x * 40).astype(np.int32), getattr(data, name).y)
        for name in SIZES
    }
    return Data(**parts, classes=3)


def breast_cancer() -> Data:
    x, y = load_breast_cancer(return_X_y=True)
    return cut(((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32), y, 2)


def ready(model: keras.Model, loss: str = "sparse_categorical_crossentropy") -> keras.Model:
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


def softmax(units: int = 3) -> layers.Layer:
    return layers.Dense(units, "softmax", name="output")


def stacked(*stack: layers.Layer, shape: tuple, dtype: str = "float32") -> keras.Model:
    inputs = keras.Input(shape, dtype=dtype, name="inputs")
    return keras.Sequential([inputs, *stack], name="stacked")


def residual() -> keras.Model:
    """Two convolutions around a skip."""
    x = inputs = keras.Input((8, 8, 3))
    x = kept = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(x)
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", name="inner")(x))
    x = layers.ReLU()(layers.Add(name="add")([x, kept]))
    x = layers.SeparableConv2D(6, 3, name="separable")(x)
    return ready(keras.Model(inputs, softmax()(layers.GlobalAveragePooling2D()(x))))


def mobile_net() -> keras.Model:
    """Its first four inverted residuals, behind which images of 32 x 32 are 4 x 4 cells."""
    options = {"input_shape": (32, 32, 3), "alpha": 0.35, "weights": None, "include_top": False}
    whole = keras.applications.MobileNetV2(**options)
    pooled = layers.GlobalAveragePooling2D()(whole.get_layer("block_3_project_BN").output)
    return ready(keras.Model(whole.input, softmax()(pooled)))


class Positions(layers.Layer):
    """Adds a learned vector to each place of a sequence."""

    def __init__(self, count: int, units: int, **options):
        super().__init__(**options)
        self.count, self.units = count, units
        self.table = layers.Embedding(count, units, name="table")

    def build(self, shape):
        self.table.build((None,))
        super().build(shape)

    def call(self, inputs):
        return inputs + self.table(keras.ops.arange(self.count))

    def get_config(self):
        return super().get_config() | {"count": self.count, "units": self.units}


def vision_transformer() -> keras.Model:
    """Patches of 4 x 4, one block of attention."""
    x = inputs = keras.Input((8, 8, 1))
    x = layers.Reshape((4, 6))(layers.Conv2D(6, 4, strides=4, name="patches")(x))
    x = Positions(4, 6, name="positions")(x)
    normal = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 3, name="attention")(normal, normal)])
    x = layers.Add()([x, layers.Dense(6, "gelu", name="feed")(layers.LayerNormalization()(x))])
    return ready(keras.Model(inputs, softmax()(layers.GlobalAveragePooling1D()(x))))


def mixed_precision() -> keras.Model:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        last = [layers.Dense(3, name="output"), layers.Activation("softmax", dtype="float32")]
        return ready(stacked(layers.Dense(8, "relu", name="hidden"), *last, shape=(30,)))
    finally:
        keras.config.set_dtype_policy(before)


def preprocessing() -> keras.Model:
    """Scales inside the model: one given, one learned from data; and random moves in training."""
    scale = layers.Normalization(axis=-1, name="scale")
    scale.adapt(digits(8).train.x)
    moved = layers.RandomTranslation(0.1, 0.1)
    hidden = layers.Conv2D(4, 3, activation="relu", name="conv")
    parts = [layers.Rescaling(2.0), scale, moved, hidden, layers.Flatten(), softmax()]
    return ready(stacked(*parts, shape=(8, 8, 1)))


def nested() -> keras.Model:
    """A Sequential inside a functional model, which closes with another one."""
    inner = stacked(
        layers.Dense(6, "relu", name="a"), layers.Dense(5, "relu", name="b"), shape=(7,)
    )
    inner.name = "inner"
    inputs = keras.Input((30,))
    x = inner(layers.Dense(7, "relu", name="first")(inputs))
    return ready(keras.Model(inputs, keras.Sequential([softmax()], name="head")(x)))


@keras.saving.register_keras_serializable("zoo")
class Subclassed(keras.Model):
    """Two layers in a list and one as an attribute."""

    def __init__(self, units: int = 6, **options):
        super().__init__(**options)
        self.units = units
        self.hidden = [layers.Dense(units, "relu", name=f"hidden_{n}") for n in (1, 2)]
        self.output_layer = softmax()

    def call(self, inputs):
        for layer in self.hidden:
            inputs = layer(inputs)
        return self.output_layer(inputs)

    def get_config(self):
        return super().get_config() | {"units": self.units}


def subclassed() -> keras.Model:
    model = Subclassed()
    model(np.zeros((1, 30), np.float32))
    return ready(model)


def binary() -> keras.Model:
    stack = (layers.Dense(8, "relu", name="hidden"), layers.Dense(1, "sigmoid", name="output"))
    return ready(stacked(*stack, shape=(30,)), "binary_crossentropy")


def sigmoids() -> keras.Model:
    stack = (layers.Dense(8, "relu", name="hidden"), layers.Dense(3, "sigmoid", name="output"))
    return ready(stacked(*stack, shape=(30,)), "binary_crossentropy")


def logits() -> keras.Model:
    stack = (layers.Dense(8, "relu", name="hidden"), layers.Dense(3, name="output"))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    return ready(stacked(*stack, shape=(30,)), loss)


def recurrent() -> keras.Model:
    return ready(stacked(layers.LSTM(5, name="lstm"), softmax(), shape=(7, 4)))


def embedded() -> keras.Model:
    stack = (layers.Embedding(50, 4, mask_zero=True, name="embedding"), layers.GRU(5, name="gru"))
    return ready(stacked(*stack, softmax(), shape=(12,), dtype="int32"))


def published() -> keras.Model:
    return ready(build("published", shape=(28, 28, 1), classes=3))


def lenet5() -> keras.Model:
    return ready(build("lenet5", shape=(28, 28, 1), classes=3))


# Kind -> the model, its data, and the layers that count.
ZOO: dict[str, tuple[Callable, Callable, list[str] | int]] = {
    "MLP": (published, digits, ["hidden_1", "hidden_2", "output"]),
    "LeNet-5": (lenet5, digits, ["conv_1", "conv_2", "hidden_1", "hidden_2", "output"]),
    "ResNet": (residual, lambda: drawn(8, 8, 3), ["stem", "inner", "separable", "output"]),
    "MobileNetV2": (mobile_net, lambda: drawn(32, 32, 3), 13),
    "LSTM": (recurrent, lambda: drawn(7, 4), ["lstm", "output"]),
    "vision transformer": (
        vision_transformer,
        lambda: digits(8),
        ["patches", "positions", "attention", "feed", "output"],
    ),
    "binary sigmoid": (binary, breast_cancer, ["hidden", "output"]),
    "several sigmoids": (sigmoids, lambda: drawn(30), ["hidden", "output"]),
    "logits": (logits, lambda: drawn(30), ["hidden", "output"]),
    "tokens": (embedded, tokens, ["embedding", "gru", "output"]),
    "mixed precision": (mixed_precision, lambda: drawn(30), ["hidden", "output"]),
    "preprocessing": (preprocessing, lambda: digits(8), ["conv", "output"]),
    "nested": (nested, lambda: drawn(30), ["first", "inner/a", "inner/b", "head/output"]),
    "subclassed": (subclassed, lambda: drawn(30), ["hidden_1", "hidden_2", "output"]),
}
