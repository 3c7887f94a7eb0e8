# ruff: noqa: C408, E501, F403, F405
"""Faults of questions on Stack Overflow, rewritten on small data (the number is the question's)."""

from benchmarks.programs.base import *

OUTPUT = (
    "activation_mismatch missing_softmax loss_mismatch output_out_of_range output_not_distribution"
)
SCALE_FIX = "normalize_input add_batchnorm"
OUT_FIX = "change_output_activation change_loss"


def _iris_hot():
    x, y = iris()
    return split(x, one_hot(y, 3))


def _digits_hot(flat=True, scale=16.0):
    x, y = digits(flat, scale)
    return split(x, one_hot(y, 10))


def _hot(make, classes, clean=True):
    x, y = make()
    return split(standard(x) if clean else x, one_hot(y, classes))


def _functional_two(last="sigmoid", units=1, loss=BCE, rate=1e-3):
    a, b = keras.Input((6,), name="left"), keras.Input((4,), name="right")
    h = layers.Concatenate()([dense(16)(a), dense(16)(b)])
    model = keras.Model([a, b], dense(units, last)(dense(24)(h)))
    model.compile(adam(rate), loss, metrics=["accuracy"])
    return model


def _functional_house(last="linear", loss=MSE):
    i = keras.Input((6,))
    model = keras.Model(i, dense(1, last)(dense(32)(dense(32)(i))))
    model.compile("adam", loss)
    return model


def _gru(last="linear", units=1):
    return net((20, 1), layers.GRU(16), dense(units, last), loss=MSE, metrics=())


def _lstm_class(last="sigmoid", loss=BCE, units=1):
    return net((12, 3), layers.LSTM(16), dense(units, last), loss=loss)


def _conv(classes=10, last="softmax"):
    return net(
        (8, 8, 1),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        dense(32),
        dense(classes, last),
        loss=CCE,
    )


def _shifted_sine():
    x, y = sine()
    return split(x, y)


PROGRAMS = [
    Program(
        "so-44164749",
        lambda: split(*digits()),
        lambda: net((64,), dense(60), dense(10, "softmax"), loss=SCCE, optimizer=sgd(0.001)),
        (accuracy, 0.9),
        dict(epochs=5, batch_size=256),
        "slow_convergence lr_low loss_not_decreasing underfitting accuracy_not_increasing",
        "raise_learning_rate train_longer change_optimizer change_batch_size",
        fixed=lambda: net((64,), dense(60), dense(10, "softmax"), loss=SCCE),
        fixed_fit=dict(epochs=20, batch_size=32),
        source="44164749",
    ),
    Program(
        "so-59278771",
        _iris_hot,
        lambda: net((4,), dense(10, "sigmoid"), dense(3, "sigmoid"), loss=CCE),
        (accuracy, 0.9),
        dict(epochs=60, batch_size=8),
        OUTPUT,
        OUT_FIX,
        fixed=lambda: net((4,), dense(16), dense(3, "softmax"), loss=CCE, optimizer=adam(0.01)),
        source="59278771",
    ),
    Program(
        "so-34673164",
        lambda: split(*passengers()),
        lambda: net((5,), dense(12, "tanh"), dense(1, "tanh"), loss=MSE, optimizer=sgd(0.01)),
        (accuracy, 0.85),
        dict(epochs=30),
        "unnormalized_input saturated_activation loss_not_decreasing loss_mismatch activation_mismatch accuracy_not_increasing constant_output underfitting",
        f"{SCALE_FIX} {OUT_FIX}",
        fixed=lambda: net((5,), dense(12), dense(1, "sigmoid"), loss=BCE, optimizer=adam(0.01)),
        fixed_task=lambda: split(standard(passengers()[0]), passengers()[1]),
        source="34673164",
    ),
    Program(
        "so-45337371",
        lambda: split(*blobs(classes=2)),
        lambda: net((8,), dense(16), dense(1, "softmax"), loss=BCE),
        (accuracy, 0.9),
        dict(epochs=20),
        f"{OUTPUT} constant_output loss_metric_disagree accuracy_not_increasing",
        OUT_FIX,
        fixed=lambda: net((8,), dense(16), dense(1, "sigmoid"), loss=BCE),
        source="45337371",
    ),
    Program(
        "so-48594888",
        lambda: _digits_hot(False, 1 / 16),
        lambda: net(
            (8, 8, 1),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            dense(32),
            dense(10, "softmax"),
            loss=CCE,
            optimizer=sgd(0.01),
        ),
        (accuracy, 0.9),
        dict(epochs=10),
        "unnormalized_input numerical_error dead_relu loss_not_decreasing exploding_gradient exploding_weights large_loss constant_output accuracy_not_increasing",
        SCALE_FIX,
        fixed=lambda: _conv(),
        fixed_task=lambda: _digits_hot(False),
        fixed_fit=dict(epochs=20),
        source="48594888",
    ),
    Program(
        "so-31627380",
        lambda: _hot(passengers, 2, False),
        lambda: net((5,), dense(32), dense(16), dense(2, "softmax"), loss=CCE, optimizer=sgd(0.01)),
        (accuracy, 0.85),
        dict(epochs=30),
        "unnormalized_input loss_not_decreasing numerical_error dead_relu constant_output accuracy_not_increasing",
        SCALE_FIX,
        fixed=lambda: net(
            (5,), dense(32), dense(16), dense(2, "softmax"), loss=CCE, optimizer=adam(0.01)
        ),
        fixed_task=lambda: _hot(passengers, 2),
        source="31627380",
    ),
    Program(
        "so-58609115",
        lambda: split(*multi_label()),
        lambda: net((10,), dense(64), dense(5, "softmax"), loss=CCE),
        (label_accuracy, 0.88),
        dict(epochs=30),
        f"{OUTPUT} target_not_distribution target_mismatch",
        OUT_FIX,
        fixed=lambda: net((10,), dense(64), dense(5, "sigmoid"), loss=BCE),
        source="58609115",
    ),
    Program(
        "so-41823068",
        lambda: _hot(lambda: blobs(classes=5), 5),
        lambda: net((8,), dense(32), dense(5, "sigmoid"), loss=BCE),
        (accuracy, 0.85),
        dict(epochs=20),
        OUTPUT,
        OUT_FIX,
        fixed=lambda: net((8,), dense(32), dense(5, "softmax"), loss=CCE),
        source="41823068",
    ),
    Program(
        "so-41999686",
        lambda: _digits_hot(),
        lambda: net((64,), dense(32), dense(10, "sigmoid"), loss=MSE, optimizer=sgd(0.01)),
        (accuracy, 0.9),
        dict(epochs=15),
        f"{OUTPUT} slow_convergence loss_not_decreasing underfitting accuracy_not_increasing constant_output",
        f"{OUT_FIX} change_optimizer raise_learning_rate",
        fixed=lambda: net((64,), dense(32), dense(10, "softmax"), loss=CCE),
        fixed_fit=dict(epochs=20),
        source="41999686",
    ),
    Program(
        "so-42472447",
        lambda: split(*wine()),
        lambda: net((13,), dense(20), dense(3, "sigmoid"), loss=SCCE, optimizer=sgd(0.1)),
        (accuracy, 0.9),
        dict(epochs=30),
        f"{OUTPUT} unnormalized_input loss_not_decreasing dead_relu numerical_error",
        f"{OUT_FIX} {SCALE_FIX}",
        fixed=lambda: net((13,), dense(20), dense(3, "softmax"), loss=SCCE, optimizer=adam(0.01)),
        fixed_task=lambda: split(standard(wine()[0]), wine()[1]),
        source="42472447",
    ),
    Program(
        "so-44758894",
        lambda: split(*friedman()),
        lambda: net(
            (6,), dense(32), layers.Activation("relu"), dense(1, "relu"), loss=MSE, metrics=()
        ),
        (explained, 0.8),
        dict(epochs=40),
        f"{OUTPUT} dead_relu constant_output",
        OUT_FIX,
        fixed=lambda: net(
            (6,), dense(32), dense(1, "linear"), loss=MSE, optimizer=adam(0.01), metrics=()
        ),
        source="44758894",
    ),
    Program(
        "so-45378493",
        lambda: split(sums()[0], sums()[1]),
        lambda: net(
            (12, 3),
            layers.Conv1D(16, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            dense(1, "softmax"),
            loss=BCE,
        ),
        (accuracy, 0.88),
        dict(epochs=15),
        f"{OUTPUT} constant_output loss_metric_disagree accuracy_not_increasing",
        OUT_FIX,
        fixed=lambda: net(
            (12, 3),
            layers.Conv1D(16, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            dense(1, "sigmoid"),
            loss=BCE,
        ),
        source="45378493",
    ),
    Program(
        "so-46359741",
        lambda: split(*circles()),
        lambda: net((2,), dense(2, "sigmoid"), dense(1, "sigmoid"), loss=BCE, optimizer=sgd(0.001)),
        (accuracy, 0.95),
        dict(epochs=30),
        "slow_convergence underfitting loss_not_decreasing lr_low accuracy_not_increasing bottleneck constant_output unchanged_weights",
        "widen_layer raise_learning_rate train_longer change_optimizer change_hidden_activation",
        fixed=lambda: net((2,), dense(32), dense(1, "sigmoid"), loss=BCE, optimizer=adam(0.01)),
        source="46359741",
    ),
    Program(
        "so-46869312",
        lambda: split(*waves()),
        lambda: net((20, 1), layers.LSTM(12), dense(1, "tanh"), loss=BCE, metrics=()),
        (explained, 0.9),
        dict(epochs=15),
        f"{OUTPUT} target_mismatch target_out_of_range negative_loss numerical_error",
        "change_loss change_output_activation scale_target",
        fixed=lambda: net(
            (20, 1), layers.LSTM(12), dense(1, "linear"), loss=MSE, optimizer=adam(0.01), metrics=()
        ),
        source="46869312",
    ),
    Program(
        "so-48486598",
        lambda: split(*quintic()),
        lambda: net(
            (1,), dense(32, "linear"), dense(32, "linear"), dense(1, "linear"), loss=MSE, metrics=()
        ),
        (explained, 0.9),
        dict(epochs=60),
        "missing_activation underfitting loss_not_decreasing",
        "add_activation change_hidden_activation",
        fixed=lambda: net(
            (1,),
            dense(32),
            dense(32),
            dense(1, "linear"),
            loss=MSE,
            optimizer=adam(0.01),
            metrics=(),
        ),
        source="48486598",
    ),
    Program(
        "so-49583466",
        _shifted_sine,
        lambda: net(
            (1,),
            dense(20, "sigmoid"),
            dense(20, "sigmoid"),
            dense(1, "sigmoid"),
            loss=MSE,
            optimizer=sgd(0.01),
            metrics=(),
        ),
        (explained, 0.9),
        dict(epochs=2),
        f"{OUTPUT} slow_convergence target_out_of_range loss_not_decreasing",
        f"{OUT_FIX} train_longer",
        fixed=lambda: net(
            (1,),
            dense(40),
            dense(40),
            dense(1, "linear"),
            loss=MSE,
            optimizer=adam(0.01),
            metrics=(),
        ),
        fixed_fit=dict(epochs=60),
        source="49583466",
    ),
    Program(
        "so-50555434",
        lambda: split(*friedman(scale=5)),
        lambda: net((6,), dense(32), dense(1, "sigmoid"), loss=MSE, metrics=()),
        (explained, 0.8),
        dict(epochs=40),
        f"{OUTPUT} target_out_of_range saturated_activation loss_not_decreasing",
        OUT_FIX,
        fixed=lambda: net(
            (6,), dense(32), dense(1, "linear"), loss=MSE, optimizer=adam(0.01), metrics=()
        ),
        source="50555434",
    ),
    Program(
        "so-52566823",
        lambda: split(*waves()),
        lambda: _gru("sigmoid"),
        (explained, 0.9),
        dict(epochs=20),
        f"{OUTPUT} target_out_of_range loss_not_decreasing underfitting",
        OUT_FIX,
        fixed=lambda: net(
            (20, 1), layers.GRU(16), dense(1, "linear"), loss=MSE, optimizer=adam(0.01), metrics=()
        ),
        source="52566823",
    ),
    Program(
        "so-60574843",
        lambda: split(*friedman(scale=3)),
        lambda: _functional_house("sigmoid"),
        (explained, 0.8),
        dict(epochs=40),
        f"{OUTPUT} target_out_of_range loss_not_decreasing",
        OUT_FIX,
        fixed=lambda: _functional_house(),
        source="60574843",
        fixed_fit=dict(epochs=80),
    ),
    Program(
        "so-51185079",
        lambda: split(*sine()),
        lambda: net(
            (1,), dense(32), dense(32), dense(1, "relu"), loss=MSE, optimizer=adam(0.01), metrics=()
        ),
        (explained, 0.9),
        dict(epochs=40),
        f"{OUTPUT} target_out_of_range dead_relu constant_output",
        OUT_FIX,
        fixed=lambda: net(
            (1,),
            dense(32),
            dense(32),
            dense(1, "linear"),
            loss=MSE,
            optimizer=adam(0.01),
            metrics=(),
        ),
        source="51185079",
    ),
    Program(
        "so-58572274",
        lambda: split(*waves()),
        lambda: net((20, 1), layers.LSTM(12), dense(1, "relu"), loss=MSE, metrics=()),
        (explained, 0.9),
        dict(epochs=15),
        f"{OUTPUT} target_out_of_range dead_relu constant_output",
        OUT_FIX,
        fixed=lambda: net(
            (20, 1), layers.LSTM(12), dense(1, "linear"), loss=MSE, optimizer=adam(0.01), metrics=()
        ),
        source="58572274",
    ),
    Program(
        "so-59758722",
        lambda: split(*iris()),
        lambda: net((4,), dense(16), dense(3, "relu"), loss=SCCE),
        (accuracy, 0.9),
        dict(epochs=60, batch_size=16),
        f"{OUTPUT} dead_relu numerical_error constant_output",
        OUT_FIX,
        fixed=lambda: net((4,), dense(16), dense(3, "softmax"), loss=SCCE, optimizer=adam(0.01)),
        source="59758722",
    ),
    Program(
        "so-56774954",
        lambda: split(*friedman()),
        lambda: _functional_house("softmax", "poisson"),
        (explained, 0.8),
        dict(epochs=30),
        f"{OUTPUT} constant_output target_mismatch",
        OUT_FIX,
        fixed=lambda: _functional_house(),
        fixed_fit=dict(epochs=80),
        source="56774954",
    ),
    Program(
        "so-57326611",
        lambda: split(*blobs(classes=2)),
        lambda: net((8,), dense(16), dense(2, "softmax"), loss=BCE),
        (accuracy, 0.9),
        dict(epochs=20),
        f"{OUTPUT} shape_mismatch target_mismatch",
        f"{OUT_FIX} fix_units fix_labels",
        fixed=lambda: net((8,), dense(16), dense(2, "softmax"), loss=SCCE),
        source="57326611",
    ),
    Program(
        "so-61234347",
        lambda: split(*digits()),
        lambda: net(
            (64,),
            *[dense(16, "tanh") for _ in range(7)],
            dense(10, "softmax"),
            loss=SCCE,
            optimizer=sgd(0.01),
        ),
        (accuracy, 0.9),
        dict(epochs=1),
        "slow_convergence loss_not_decreasing underfitting accuracy_not_increasing vanishing_gradient",
        "train_longer change_optimizer raise_learning_rate change_hidden_activation add_batchnorm",
        fixed=lambda: net((64,), dense(32), dense(10, "softmax"), loss=SCCE),
        fixed_fit=dict(epochs=20),
        source="61234347",
    ),
    Program(
        "so-61997645",
        lambda: split(*sums()),
        lambda: _lstm_class("softmax", MSE),
        (accuracy, 0.88),
        dict(epochs=10),
        f"{OUTPUT} constant_output loss_not_decreasing unchanged_weights zero_loss accuracy_not_increasing",
        OUT_FIX,
        fixed=lambda: net(
            (12, 3), layers.LSTM(16), dense(1, "sigmoid"), loss=BCE, optimizer=adam(0.01)
        ),
        source="61997645",
    ),
    Program(
        "so-68938619",
        lambda: split(*waves()),
        lambda: _gru("softmax"),
        (explained, 0.9),
        dict(epochs=10),
        f"{OUTPUT} constant_output loss_not_decreasing unchanged_weights",
        OUT_FIX,
        fixed=lambda: net(
            (20, 1), layers.GRU(16), dense(1, "linear"), loss=MSE, optimizer=adam(0.01), metrics=()
        ),
        source="68938619",
    ),
    Program(
        "so-64395424",
        lambda: split(*moons()),
        lambda: net((2,), dense(16), dense(1, "linear"), loss=BCE),
        (accuracy, 0.95),
        dict(epochs=40),
        f"{OUTPUT} numerical_error",
        f"{OUT_FIX} use_from_logits",
        fixed=lambda: net((2,), dense(16), dense(1, "sigmoid"), loss=BCE, optimizer=adam(0.01)),
        source="64395424",
    ),
    Program(
        "so-69901379",
        lambda: split(friedman()[0], friedman(scale=600)[1] + 1000),
        lambda: net((6,), dense(16), dense(1, "linear"), loss=MSE, optimizer=sgd(0.01), metrics=()),
        (explained, 0.7),
        dict(epochs=20),
        "target_scale numerical_error exploding_gradient exploding_weights large_loss loss_increasing loss_not_decreasing dead_relu constant_output",
        "scale_target lower_learning_rate clip_gradient",
        fixed=lambda: net(
            (6,), dense(32), dense(1, "linear"), loss=MSE, optimizer=adam(0.01), metrics=()
        ),
        fixed_task=lambda: split(*friedman()),
        source="69901379",
    ),
    Program(
        "so-31880720",
        lambda: _hot(cancer, 2, False),
        lambda: net((30,), dense(30), dense(15), dense(2, "softmax"), loss=MSE, optimizer=sgd(0.1)),
        (accuracy, 0.92),
        dict(epochs=20),
        "unnormalized_input loss_mismatch constant_output dead_relu loss_not_decreasing accuracy_not_increasing numerical_error saturated_activation",
        f"{SCALE_FIX} change_loss",
        fixed=lambda: net((30,), dense(30), dense(15), dense(2, "softmax"), loss=CCE),
        fixed_task=lambda: _hot(cancer, 2),
        source="31880720",
    ),
    Program(
        "two-inputs-softmax",
        lambda: split(*pairs()),
        lambda: _functional_two("softmax"),
        (accuracy, 0.85),
        dict(epochs=15),
        f"{OUTPUT} constant_output loss_metric_disagree accuracy_not_increasing",
        OUT_FIX,
        fixed=lambda: _functional_two(rate=0.01),
    ),
    Program(
        "two-inputs-linear",
        lambda: split(*pairs()),
        lambda: _functional_two("linear"),
        (accuracy, 0.85),
        dict(epochs=15),
        f"{OUTPUT} numerical_error",
        f"{OUT_FIX} use_from_logits",
        fixed=lambda: _functional_two(rate=0.01),
    ),
]
