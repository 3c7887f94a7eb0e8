# ruff: noqa: F403, F405
"""Healthy programs: nothing is wrong, each reaches its goal."""

from benchmarks.programs.base import *


def _p(name, task, build, measure, threshold, feed="arrays", **fit):
    return Program(name, task, build, (measure, threshold), {"epochs": 15, **fit}, feed=feed)


def _hot(pair, classes):
    return split(pair[0], one_hot(pair[1], classes))


def _residual():
    i = keras.Input((8, 8, 1))
    h = layers.Conv2D(12, 3, padding="same", use_bias=False)(i)
    for _ in range(2):
        z = layers.ReLU()(layers.BatchNormalization()(h))
        z = layers.Conv2D(12, 3, padding="same", use_bias=False)(z)
        z = layers.ReLU()(layers.BatchNormalization()(z))
        h = layers.Add()([h, layers.Conv2D(12, 3, padding="same")(z)])
    model = keras.Model(i, dense(10, "softmax")(layers.GlobalAveragePooling2D()(layers.ReLU()(h))))
    model.compile(adam(0.005), SCCE, metrics=["accuracy"])
    return model


def _two():
    a, b = keras.Input((6,)), keras.Input((4,))
    h = layers.Concatenate()([dense(16)(a), dense(16)(b)])
    model = keras.Model([a, b], dense(1, "sigmoid")(dense(24)(h)))
    model.compile(adam(0.01), BCE, metrics=["accuracy"])
    return model


def _two_heads():
    i = keras.Input((6,))
    h = dense(32)(dense(32)(i))
    model = keras.Model(
        i,
        {"value": dense(1, "linear", name="value")(h), "high": dense(1, "sigmoid", name="high")(h)},
    )
    model.compile(adam(0.005), {"value": MSE, "high": BCE})
    return model


def _two_head_task():
    x, y = friedman()
    t = split(x, y)
    return Task(
        t.x,
        {"value": t.y, "high": (t.y > 0).astype("float32")},
        t.test_x,
        {"value": t.test_y, "high": (t.test_y > 0).astype("float32")},
    )


def value_explained(model, task):
    p = model.predict(task.test_x, verbose=0)["value"]
    return float(1 - np.mean((p - task.test_y["value"]) ** 2) / np.var(task.test_y["value"]))


def _attention():
    i = keras.Input((15,))
    h = layers.Embedding(50, 16)(i)
    h = layers.LayerNormalization()(layers.Add()([h, layers.MultiHeadAttention(2, 8)(h, h)]))
    model = keras.Model(i, dense(1, "sigmoid")(layers.GlobalAveragePooling1D()(h)))
    model.compile(adam(0.003), BCE, metrics=["accuracy"])
    return model


def _autoencoder_task():
    x, _ = digits()
    return split(x, x)


def _sequence_task():
    x, _ = sums()
    return split(x, (np.cumsum(x[:, :, 0], 1) > 0).astype("float32")[..., None])


def sequence_accuracy(model, task):
    return float(np.mean((model.predict(task.test_x, verbose=0) > 0.5) == (task.test_y > 0.5)))


class Small(keras.Model):
    def __init__(self):
        super().__init__()
        self.one, self.two = dense(32), dense(3, "softmax")

    def call(self, x):
        return self.two(self.one(x))


def _subclassed():
    model = Small()
    model.compile(adam(0.01), SCCE, metrics=["accuracy"])
    return model


def _counts():
    g = np.random.default_rng(0)
    x = g.normal(size=(1200, 4)).astype("float32")
    return split(x, g.poisson(np.exp(0.6 * x[:, :1] + 0.4 * x[:, 1:2] + 0.5)).astype("float32"))


def _normalizing():
    layer = layers.Normalization()
    layer.adapt(house()[0])
    return net(
        (4,), layer, dense(32), dense(1, "linear"), loss=MSE, optimizer=adam(0.01), metrics=()
    )


def _schedule():
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 200, 0.9)
    return net(
        (64,), dense(32), dense(10, "softmax"), loss=SCCE, optimizer=keras.optimizers.Adam(rate)
    )


def _signed():
    x, y = moons()
    return split(x, (2 * y - 1).astype("float32")[:, None])


def _logits(loss=None):
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def _soft():
    x, y = blobs()
    return split(x, (one_hot(y, 3) * 0.9 + 0.1 / 3).astype("float32"))


def _deep_batchnorm():
    stack = []
    for _ in range(8):
        stack += [
            dense(24, None, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
        ]
    return net((8,), *stack, dense(3, "softmax"), loss=SCCE)


A = accuracy
PROGRAMS = [
    _p(
        "mlp-iris",
        lambda: split(standard(iris()[0]), iris()[1]),
        lambda: net((4,), dense(16), dense(3, "softmax"), loss=SCCE, optimizer=adam(0.01)),
        A,
        0.88,
        epochs=40,
    ),
    _p(
        "mlp-wine-hot",
        lambda: _hot((standard(wine()[0]), wine()[1]), 3),
        lambda: net((13,), dense(16), dense(3, "softmax"), loss=CCE, optimizer=adam(0.01)),
        A,
        0.9,
    ),
    _p(
        "mlp-cancer",
        lambda: split(standard(cancer()[0]), cancer()[1]),
        lambda: net((30,), dense(16), dense(1, "sigmoid"), loss=BCE),
        A,
        0.92,
        epochs=20,
    ),
    _p(
        "logistic-cancer",
        lambda: split(standard(cancer()[0]), cancer()[1]),
        lambda: net((30,), dense(1, "sigmoid"), loss=BCE, optimizer=sgd(0.1)),
        A,
        0.92,
        epochs=20,
    ),
    _p(
        "softmax-regression",
        lambda: split(*digits()),
        lambda: net((64,), dense(10, "softmax"), loss=SCCE, optimizer=adam(0.01)),
        A,
        0.9,
    ),
    _p(
        "mlp-digits-sgd",
        lambda: split(*digits()),
        lambda: net(
            (64,), dense(48), dense(10, "softmax"), loss=SCCE, optimizer=sgd(0.1, momentum=0.9)
        ),
        A,
        0.92,
    ),
    _p(
        "mlp-digits-wide",
        lambda: split(*digits()),
        lambda: net((64,), dense(512), dense(10, "softmax"), loss=SCCE),
        A,
        0.93,
    ),
    _p(
        "conv-digits",
        lambda: split(*digits(False)),
        lambda: net(
            (8, 8, 1),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            dense(32),
            dense(10, "softmax"),
            loss=SCCE,
            optimizer=adam(0.005),
        ),
        A,
        0.9,
    ),
    _p(
        "conv-batchnorm",
        lambda: split(*digits(False)),
        lambda: net(
            (8, 8, 1),
            layers.Conv2D(8, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            dense(10, "softmax"),
            loss=SCCE,
            optimizer=adam(0.005),
        ),
        A,
        0.92,
    ),
    _p(
        "conv-dropout",
        lambda: split(*digits(False)),
        lambda: net(
            (8, 8, 1),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.5),
            dense(10, "softmax"),
            loss=SCCE,
            optimizer=adam(0.005),
        ),
        A,
        0.92,
    ),
    _p("residual", lambda: split(*digits(False)), _residual, A, 0.85, epochs=10),
    _p(
        "logits",
        lambda: split(*digits()),
        lambda: net((64,), dense(32), dense(10, "linear"), loss=_logits(), optimizer=adam(0.005)),
        A,
        0.92,
    ),
    _p(
        "binary-logits",
        lambda: split(*moons()),
        lambda: net(
            (2,),
            dense(32),
            dense(1, "linear"),
            loss=keras.losses.BinaryCrossentropy(from_logits=True),
            optimizer=adam(0.01),
        ),
        A,
        0.95,
        epochs=30,
    ),
    _p(
        "moons-tanh",
        lambda: split(*moons()),
        lambda: net(
            (2,),
            dense(16, "tanh"),
            dense(16, "tanh"),
            dense(1, "sigmoid"),
            loss=BCE,
            optimizer=adam(0.01),
        ),
        A,
        0.95,
        epochs=30,
    ),
    _p(
        "circles-sigmoid",
        lambda: split(*circles()),
        lambda: net(
            (2,), dense(24, "sigmoid"), dense(1, "sigmoid"), loss=BCE, optimizer=adam(0.05)
        ),
        A,
        0.95,
        epochs=30,
    ),
    _p(
        "circles-relu",
        lambda: split(*circles()),
        lambda: net((2,), dense(32), dense(2, "softmax"), loss=SCCE, optimizer=adam(0.01)),
        A,
        0.95,
        epochs=25,
    ),
    _p(
        "blobs-elu",
        lambda: split(*blobs()),
        lambda: net((8,), dense(16, "elu"), dense(3, "softmax"), loss=SCCE, optimizer=adam(0.01)),
        A,
        0.93,
    ),
    _p(
        "blobs-selu",
        lambda: split(*blobs()),
        lambda: net(
            (8,),
            dense(16, "selu", kernel_initializer="lecun_normal"),
            dense(3, "softmax"),
            loss=SCCE,
            optimizer="rmsprop",
        ),
        A,
        0.9,
    ),
    _p(
        "blobs-leaky",
        lambda: split(*blobs(classes=5)),
        lambda: net(
            (8,),
            dense(24, None),
            layers.LeakyReLU(),
            dense(5, "softmax"),
            loss=SCCE,
            optimizer=adam(0.01),
        ),
        A,
        0.9,
    ),
    _p("deep-batchnorm", lambda: split(*blobs()), _deep_batchnorm, A, 0.9, epochs=20),
    _p(
        "deep-relu",
        lambda: split(*blobs()),
        lambda: net(
            (8,),
            *[dense(24, kernel_initializer="he_normal") for _ in range(8)],
            dense(3, "softmax"),
            loss=SCCE,
        ),
        A,
        0.9,
        epochs=20,
    ),
    _p(
        "five-tanh",
        lambda: split(*digits()),
        lambda: net(
            (64,),
            *[dense(32, "tanh") for _ in range(5)],
            dense(10, "softmax"),
            loss=SCCE,
            optimizer=adam(0.003),
        ),
        A,
        0.88,
    ),
    _p(
        "multi-label",
        lambda: split(*multi_label()),
        lambda: net(
            (10,), dense(64), dense(5, "sigmoid"), loss=BCE, optimizer=adam(0.01), metrics=()
        ),
        label_accuracy,
        0.88,
        epochs=20,
    ),
    _p(
        "multi-label-tfdata",
        lambda: split(*multi_label(labels=8)),
        lambda: net(
            (10,),
            dense(64),
            dense(8, "sigmoid"),
            loss=BCE,
            optimizer=adam(0.01),
            metrics=("binary_accuracy",),
        ),
        label_accuracy,
        0.86,
        feed="tf.data",
        epochs=20,
    ),
    _p(
        "sine",
        lambda: split(*sine()),
        lambda: net(
            (1,),
            dense(40),
            dense(40),
            dense(1, "linear"),
            loss=MSE,
            optimizer=adam(0.01),
            metrics=(),
        ),
        explained,
        0.9,
        epochs=40,
    ),
    _p(
        "friedman",
        lambda: split(*friedman()),
        lambda: net(
            (6,), dense(32), dense(1, "linear"), loss=MSE, optimizer=adam(0.01), metrics=()
        ),
        explained,
        0.8,
        epochs=40,
    ),
    _p(
        "friedman-mae",
        lambda: split(*friedman()),
        lambda: net(
            (6,), dense(32), dense(1, "linear"), loss="mae", optimizer=adam(0.01), metrics=("mse",)
        ),
        explained,
        0.8,
        epochs=40,
    ),
    _p(
        "friedman-huber-gen",
        lambda: split(*friedman()),
        lambda: net(
            (6,), dense(32), dense(1, "linear"), loss="huber", optimizer=adam(0.01), metrics=()
        ),
        explained,
        0.8,
        feed="generator",
        epochs=40,
    ),
    _p(
        "linear-regression",
        lambda: split(standard(house()[0]), standard(house()[1])),
        lambda: net((4,), dense(1, "linear"), loss=MSE, optimizer=adam(0.01), metrics=()),
        explained,
        0.9,
        epochs=40,
    ),
    _p(
        "house-scaled",
        lambda: split(standard(house()[0]), standard(house()[1])),
        lambda: net(
            (4,), dense(32), dense(1, "linear"), loss=MSE, optimizer=adam(0.01), metrics=()
        ),
        explained,
        0.9,
        epochs=20,
    ),
    _p(
        "house-normalizing",
        lambda: split(house()[0], standard(house()[1])),
        _normalizing,
        explained,
        0.9,
        epochs=20,
    ),
    _p(
        "counts-poisson",
        _counts,
        lambda: net(
            (4,),
            dense(16),
            dense(1, "exponential"),
            loss="poisson",
            optimizer=adam(0.01),
            metrics=(),
        ),
        explained,
        0.3,
        epochs=20,
    ),
    _p(
        "softplus-positive",
        lambda: split(friedman()[0], np.exp(friedman()[1] * 0.5)),
        lambda: net(
            (6,), dense(32), dense(1, "softplus"), loss=MSE, optimizer=adam(0.01), metrics=()
        ),
        explained,
        0.75,
        epochs=40,
    ),
    _p(
        "lstm-sums",
        lambda: split(*sums()),
        lambda: net((12, 3), layers.LSTM(16), dense(1, "sigmoid"), loss=BCE, optimizer=adam(0.01)),
        A,
        0.88,
    ),
    _p(
        "gru-waves",
        lambda: split(*waves()),
        lambda: net(
            (20, 1), layers.GRU(16), dense(1, "linear"), loss=MSE, optimizer=adam(0.01), metrics=()
        ),
        explained,
        0.9,
    ),
    _p(
        "rnn-waves-tanh",
        lambda: split(*waves()),
        lambda: net(
            (20, 1),
            layers.SimpleRNN(24),
            dense(1, "tanh"),
            loss=MSE,
            optimizer=adam(0.005),
            metrics=(),
        ),
        explained,
        0.9,
    ),
    _p(
        "bidirectional",
        lambda: split(*sums()),
        lambda: net(
            (12, 3),
            layers.Bidirectional(layers.LSTM(8)),
            dense(2, "softmax"),
            loss=SCCE,
            optimizer=adam(0.01),
        ),
        A,
        0.88,
    ),
    _p(
        "sequence-labels",
        _sequence_task,
        lambda: net(
            (12, 3),
            layers.LSTM(24, return_sequences=True),
            dense(1, "sigmoid"),
            loss=BCE,
            optimizer=adam(0.01),
        ),
        sequence_accuracy,
        0.9,
    ),
    _p(
        "embedding-average",
        lambda: split(*tokens()),
        lambda: net(
            (15,),
            layers.Embedding(50, 8),
            layers.GlobalAveragePooling1D(),
            dense(1, "sigmoid"),
            loss=BCE,
            optimizer=adam(0.01),
        ),
        A,
        0.88,
    ),
    _p(
        "embedding-lstm",
        lambda: split(*tokens()),
        lambda: net(
            (15,),
            layers.Embedding(50, 8),
            layers.LSTM(12),
            dense(2, "softmax"),
            loss=SCCE,
            optimizer=adam(0.01),
        ),
        A,
        0.85,
    ),
    _p("attention", lambda: split(*tokens()), _attention, A, 0.85),
    _p(
        "conv1d-sums",
        lambda: split(*sums()),
        lambda: net(
            (12, 3),
            layers.Conv1D(16, 3, activation="relu"),
            layers.GlobalAveragePooling1D(),
            dense(1, "sigmoid"),
            loss=BCE,
            optimizer=adam(0.01),
        ),
        A,
        0.85,
        epochs=25,
    ),
    _p("two-inputs", lambda: split(*pairs()), _two, A, 0.85, epochs=20),
    _p("two-outputs", _two_head_task, _two_heads, value_explained, 0.75, epochs=40),
    _p("subclassed", lambda: split(*blobs()), _subclassed, A, 0.9),
    _p(
        "autoencoder",
        _autoencoder_task,
        lambda: net(
            (64,), dense(24), dense(64, "sigmoid"), loss=MSE, optimizer=adam(0.005), metrics=()
        ),
        explained,
        0.5,
        epochs=25,
    ),
    _p(
        "autoencoder-bce",
        _autoencoder_task,
        lambda: net(
            (64,), dense(24), dense(64, "sigmoid"), loss=BCE, optimizer=adam(0.005), metrics=()
        ),
        explained,
        0.5,
        epochs=25,
    ),
    _p(
        "rare-class",
        lambda: split(*rare()),
        lambda: net((8,), dense(16), dense(1, "sigmoid"), loss=BCE, optimizer=adam(0.01)),
        balanced,
        0.8,
        epochs=20,
    ),
    _p("schedule", lambda: split(*digits()), _schedule, A, 0.9),
    _p(
        "signed-hinge",
        _signed,
        lambda: net(
            (2,), dense(32), dense(1, "tanh"), loss="hinge", optimizer=adam(0.01), metrics=()
        ),
        A,
        0.95,
        epochs=30,
    ),
    _p(
        "soft-labels",
        _soft,
        lambda: net((8,), dense(16), dense(3, "softmax"), loss=CCE, optimizer=adam(0.01)),
        A,
        0.9,
    ),
    _p(
        "conv-tfdata",
        lambda: split(*digits(False)),
        lambda: net(
            (8, 8, 1),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            dense(10, "softmax"),
            loss=SCCE,
            optimizer=adam(0.005),
        ),
        A,
        0.92,
        feed="tf.data",
    ),
    _p(
        "regularised",
        lambda: split(*digits()),
        lambda: net(
            (64,),
            dense(64, kernel_regularizer="l2"),
            dense(10, "softmax"),
            loss=SCCE,
            optimizer=adam(0.005),
        ),
        A,
        0.88,
    ),
]
