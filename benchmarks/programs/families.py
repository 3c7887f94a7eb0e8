# ruff: noqa: C408, E501, F403, F405
"""Families of faults: activations, initial weights, rates, data, labels, validation."""

from benchmarks.programs.base import *

FLAT = "loss_not_decreasing accuracy_not_increasing constant_output underfitting slow_convergence"
SLOPE = "vanishing_gradient vanishing_activation dead_relu saturated_activation bad_initialization unchanged_weights"
HIDDEN = "change_hidden_activation add_batchnorm change_initializer change_depth"
BURST = "numerical_error exploding_activation exploding_gradient exploding_weights large_loss loss_increasing dead_relu"


def _deep(n, activation, units=16, shape=(8,), classes=3, optimizer="adam", **options):
    return net(
        shape,
        *[dense(units, activation, **options) for _ in range(n)],
        dense(classes, "softmax"),
        loss=SCCE,
        optimizer=optimizer,
    )


def _good(shape=(8,), classes=3, units=32):
    return lambda: net(
        shape,
        dense(units),
        dense(units),
        dense(classes, "softmax"),
        loss=SCCE,
        optimizer=adam(0.005),
    )


def _uniform(size):
    return keras.initializers.RandomUniform(-size, size, seed=1)


def _blobs(classes=3):
    return lambda: split(*blobs(classes=classes))


def _circles_3():
    return split(*circles())


def _with_nan():
    x, y = blobs()
    x = x.copy()
    x[::40, 2] = np.nan
    return split(x, y)


def _nan_image():
    x, y = digits(False)
    x = x.copy()
    x[::50, 3, 3] = np.nan
    return split(x, y)


def _one_class():
    x, _ = blobs()
    return split(x, np.zeros(len(x), int))


def _labels_from_one():
    x, y = blobs(classes=4)
    return split(x, y + 1)


def _divided_labels():
    x, y = digits()
    return split(x, (one_hot(y, 10) / 255).astype("float32"))


def _huge(rate, optimizer="adam"):
    def build():
        made = adam(rate) if optimizer == "adam" else sgd(rate)
        return net((64,), dense(32), dense(10, "softmax"), loss=SCCE, optimizer=made)

    return build


def _house_scaled():
    x, y = house()
    return split(standard(x), standard(y))


def _regressor(shape, rate=0.01, units=32, optimizer=None):
    return lambda: net(
        shape,
        dense(units),
        dense(units),
        dense(1, "linear"),
        loss=MSE,
        optimizer=optimizer() if optimizer else adam(rate),
        metrics=(),
    )


def _conv_digits(optimizer=None, last="softmax", drop=0.0):
    stack = [
        layers.Conv2D(8, 3, activation="relu"),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Flatten(),
    ]
    stack += [layers.Dropout(drop)] if drop else []
    return net((8, 8, 1), *stack, dense(10, last), loss=SCCE, optimizer=optimizer or adam(0.003))


def _few(n):
    x, y = blobs(n=1000, features=20, classes=2, std=9.0)
    return Task(x[:n], y[:n], x[n:], y[n:])


PROGRAMS = [
    Program(
        "deep-exponential-8",
        _blobs(),
        lambda: _deep(8, "exponential"),
        (accuracy, 0.9),
        dict(epochs=10),
        f"{BURST} {FLAT}",
        f"{HIDDEN} clip_gradient",
        fixed=_good(),
    ),
    Program(
        "deep-exponential-11",
        _circles_3,
        lambda: _deep(11, "exponential", shape=(2,), classes=2),
        (accuracy, 0.9),
        dict(epochs=10),
        f"{BURST} {FLAT}",
        f"{HIDDEN} clip_gradient",
        fixed=_good((2,), 2),
    ),
    Program(
        "deep-sigmoid-11",
        _blobs(),
        lambda: _deep(11, "sigmoid"),
        (accuracy, 0.9),
        dict(epochs=20),
        f"{SLOPE} {FLAT}",
        HIDDEN,
        fixed=_good(),
    ),
    Program(
        "deep-sigmoid-14-sgd",
        _circles_3,
        lambda: _deep(14, "sigmoid", shape=(2,), classes=2, optimizer=sgd(0.05)),
        (accuracy, 0.9),
        dict(epochs=20),
        f"{SLOPE} {FLAT}",
        HIDDEN,
        fixed=_good((2,), 2),
    ),
    Program(
        "deep-relu-small-uniform",
        _blobs(),
        lambda: _deep(8, "relu", kernel_initializer=_uniform(0.05)),
        (accuracy, 0.9),
        dict(epochs=8),
        f"{SLOPE} {FLAT}",
        "change_initializer add_batchnorm change_hidden_activation",
        fixed=_good(),
    ),
    Program(
        "deep-relu-small-uniform-sgd",
        _circles_3,
        lambda: _deep(
            8, "relu", shape=(2,), classes=2, optimizer=sgd(0.05), kernel_initializer=_uniform(0.05)
        ),
        (accuracy, 0.9),
        dict(epochs=15),
        f"{SLOPE} {FLAT}",
        "change_initializer add_batchnorm change_hidden_activation",
        fixed=_good((2,), 2),
    ),
    Program(
        "narrow-relu-15",
        _circles_3,
        lambda: _deep(15, "relu", units=5, shape=(2,), classes=2, optimizer=sgd(0.05)),
        (accuracy, 0.9),
        dict(epochs=15),
        f"{SLOPE} {FLAT}",
        f"{HIDDEN} widen_layer",
        fixed=_good((2,), 2),
    ),
    Program(
        "tanh-oscillating",
        _circles_3,
        lambda: net(
            (2,),
            dense(16, "tanh", kernel_initializer=_uniform(3)),
            dense(16, "tanh", kernel_initializer=_uniform(3)),
            dense(1, "sigmoid"),
            loss=BCE,
            optimizer=sgd(3.0, momentum=0.9),
        ),
        (accuracy, 0.95),
        dict(epochs=15),
        f"oscillating_loss lr_high {FLAT} saturated_activation exploding_weights large_loss bad_initialization loss_increasing",
        "lower_learning_rate reduce_momentum change_optimizer change_initializer",
        fixed=_good((2,), 2),
    ),
    Program(
        "tanh-large-init",
        _blobs(),
        lambda: net(
            (8,),
            dense(32, "tanh", kernel_initializer=_uniform(8)),
            dense(32, "tanh", kernel_initializer=_uniform(8)),
            dense(3, "softmax"),
            loss=SCCE,
            optimizer=sgd(0.001),
        ),
        (accuracy, 0.93),
        dict(epochs=10),
        f"bad_initialization saturated_activation {FLAT} lr_low",
        "change_initializer add_batchnorm",
        fixed=_good(),
    ),
    Program(
        "zero-init",
        lambda: split(*digits()),
        lambda: net(
            (64,),
            dense(32, kernel_initializer="zeros"),
            dense(10, "softmax", kernel_initializer="zeros"),
            loss=SCCE,
        ),
        (accuracy, 0.9),
        dict(epochs=10),
        f"bad_initialization {FLAT} dead_relu vanishing_gradient unchanged_weights",
        "change_initializer",
        fixed=_good((64,), 10),
    ),
    Program(
        "constant-init",
        lambda: split(*digits()),
        lambda: net((64,), dense(32, kernel_initializer="ones"), dense(10, "softmax"), loss=SCCE),
        (accuracy, 0.9),
        dict(epochs=10),
        f"bad_initialization {FLAT}",
        "change_initializer",
        fixed=_good((64,), 10),
    ),
    Program(
        "large-init-relu",
        lambda: split(*digits()),
        lambda: _deep(
            4,
            "relu",
            32,
            (64,),
            10,
            optimizer=sgd(0.01),
            kernel_initializer=keras.initializers.RandomNormal(stddev=3.0, seed=1),
        ),
        (accuracy, 0.9),
        dict(epochs=6),
        f"bad_initialization {BURST} {FLAT}",
        "change_initializer add_batchnorm",
        fixed=_good((64,), 10),
    ),
    Program(
        "rate-huge-adam",
        lambda: split(*digits()),
        _huge(3.0),
        (accuracy, 0.9),
        dict(epochs=12),
        f"lr_high {BURST} {FLAT} oscillating_loss",
        "lower_learning_rate",
        fixed=_good((64,), 10),
    ),
    Program(
        "rate-huge-sgd",
        lambda: split(*digits()),
        _huge(50.0, "sgd"),
        (accuracy, 0.9),
        dict(epochs=12),
        f"lr_high {BURST} {FLAT} oscillating_loss",
        "lower_learning_rate",
        fixed=_good((64,), 10),
    ),
    Program(
        "rate-high-conv",
        lambda: split(*digits(False)),
        lambda: _conv_digits(adam(0.3)),
        (accuracy, 0.9),
        dict(epochs=8),
        f"lr_high {BURST} {FLAT} oscillating_loss",
        "lower_learning_rate",
        fixed=lambda: _conv_digits(),
        fixed_fit=dict(epochs=12),
    ),
    Program(
        "rate-tiny-adam",
        lambda: split(*digits()),
        _huge(1e-7),
        (accuracy, 0.9),
        dict(epochs=10),
        f"lr_low {FLAT} unchanged_weights",
        "raise_learning_rate",
        fixed=_good((64,), 10),
    ),
    Program(
        "rate-small-sgd",
        lambda: split(*digits()),
        _huge(1e-5, "sgd"),
        (accuracy, 0.9),
        dict(epochs=10),
        f"lr_low {FLAT} unchanged_weights",
        "raise_learning_rate change_optimizer",
        fixed=_good((64,), 10),
    ),
    Program(
        "rate-negative",
        lambda: split(*digits()),
        _huge(-1000.0, "sgd"),
        (accuracy, 0.9),
        dict(epochs=5),
        f"lr_negative {BURST}",
        "fix_learning_rate",
        fixed=_good((64,), 10),
    ),
    Program(
        "rate-negative-small",
        lambda: split(*friedman()),
        _regressor((6,), -0.001),
        (explained, 0.8),
        dict(epochs=5),
        f"lr_negative {BURST}",
        "fix_learning_rate",
        fixed=_regressor((6,)),
        fixed_fit=dict(epochs=60),
    ),
    Program(
        "rate-zero",
        lambda: split(*digits()),
        _huge(0.0, "sgd"),
        (accuracy, 0.9),
        dict(epochs=5),
        f"lr_negative lr_low unchanged_weights {FLAT}",
        "fix_learning_rate raise_learning_rate",
        fixed=_good((64,), 10),
        fixed_fit=dict(epochs=15),
    ),
    Program(
        "rate-high-regression",
        lambda: split(*friedman()),
        _regressor((6,), optimizer=lambda: sgd(2.0)),
        (explained, 0.8),
        dict(epochs=15),
        f"lr_high {BURST} {FLAT}",
        "lower_learning_rate clip_gradient change_optimizer",
        fixed=_regressor((6,)),
        fixed_fit=dict(epochs=60),
    ),
    Program(
        "nan-input",
        _with_nan,
        lambda: _good()(),
        (accuracy, 0.9),
        dict(epochs=8),
        "nan_in_input numerical_error",
        "clean_data",
        fixed=_good(),
        fixed_task=_blobs(),
    ),
    Program(
        "nan-images",
        _nan_image,
        lambda: _conv_digits(),
        (accuracy, 0.9),
        dict(epochs=8),
        "nan_in_input numerical_error",
        "clean_data",
        fixed=lambda: _conv_digits(),
        fixed_task=lambda: split(*digits(False)),
        fixed_fit=dict(epochs=12),
    ),
    Program(
        "raw-house",
        lambda: split(*house()),
        _regressor((4,), 0.001),
        (explained, 0.8),
        dict(epochs=30),
        f"unnormalized_input target_scale {BURST} {FLAT}",
        "normalize_input scale_target add_batchnorm",
        fixed=_regressor((4,)),
        fixed_task=_house_scaled,
    ),
    Program(
        "raw-house-sgd",
        lambda: split(house()[0], standard(house()[1])),
        _regressor((4,), optimizer=lambda: sgd(0.01)),
        (explained, 0.8),
        dict(epochs=20),
        f"unnormalized_input {BURST} {FLAT}",
        "normalize_input add_batchnorm",
        fixed=_regressor((4,)),
        fixed_task=_house_scaled,
    ),
    Program(
        "target-scale-house",
        lambda: split(standard(house()[0]), house()[1]),
        _regressor((4,), 0.001),
        (explained, 0.8),
        dict(epochs=30),
        f"target_scale {BURST} {FLAT}",
        "scale_target",
        fixed=_regressor((4,)),
        fixed_task=_house_scaled,
    ),
    Program(
        "raw-wine",
        lambda: split(*wine()),
        lambda: net((13,), dense(16), dense(3, "softmax"), loss=SCCE),
        (accuracy, 0.93),
        dict(epochs=40, batch_size=16),
        f"unnormalized_input {FLAT} dead_relu",
        "normalize_input add_batchnorm",
        fixed=lambda: net((13,), dense(16), dense(3, "softmax"), loss=SCCE, optimizer=adam(0.01)),
        fixed_task=lambda: split(standard(wine()[0]), wine()[1]),
    ),
    Program(
        "raw-cancer-sigmoid",
        lambda: split(*cancer()),
        lambda: net(
            (30,), dense(16, "sigmoid"), dense(1, "sigmoid"), loss=BCE, optimizer=sgd(0.01)
        ),
        (accuracy, 0.94),
        dict(epochs=20),
        f"unnormalized_input saturated_activation {FLAT}",
        "normalize_input add_batchnorm",
        fixed=lambda: net((30,), dense(16), dense(1, "sigmoid"), loss=BCE, optimizer=adam(0.01)),
        fixed_task=lambda: split(standard(cancer()[0]), cancer()[1]),
    ),
    Program(
        "raw-pixels-sgd",
        lambda: split(*digits(True, 1 / 16)),
        lambda: net((64,), dense(64), dense(10, "softmax"), loss=SCCE, optimizer=sgd(0.1)),
        (accuracy, 0.9),
        dict(epochs=10),
        f"unnormalized_input {BURST} {FLAT}",
        "normalize_input add_batchnorm",
        fixed=_good((64,), 10),
        fixed_task=lambda: split(*digits()),
    ),
    Program(
        "one-class",
        _one_class,
        lambda: _good()(),
        (accuracy, 0.9),
        dict(epochs=5),
        "single_class_target bad_labels constant_output",
        "fix_labels more_data",
        fixed=_good(),
        fixed_task=_blobs(),
    ),
    Program(
        "labels-from-one",
        _labels_from_one,
        lambda: _good(classes=4)(),
        (accuracy, 0.85),
        dict(epochs=8),
        "target_out_of_range bad_labels numerical_error",
        "fix_labels fix_units",
        fixed=_good(classes=4),
        fixed_task=_blobs(4),
    ),
    Program(
        "labels-divided",
        _divided_labels,
        lambda: net((64,), dense(32), dense(10, "softmax"), loss=CCE),
        (accuracy, 0.9),
        dict(epochs=10),
        "bad_labels target_not_distribution target_mismatch",
        "fix_labels",
        fixed=lambda: net((64,), dense(32), dense(10, "softmax"), loss=CCE),
        fixed_task=lambda: split(digits()[0], one_hot(digits()[1], 10)),
        fixed_fit=dict(epochs=20),
    ),
    Program(
        "too-few-units",
        _blobs(6),
        lambda: _good(classes=3)(),
        (accuracy, 0.85),
        dict(epochs=5),
        "target_out_of_range fix_units bad_labels numerical_error shape_mismatch",
        "fix_units fix_labels",
        fixed=_good(classes=6),
    ),
    Program(
        "dropout-0.8",
        lambda: split(*digits(False)),
        lambda: _conv_digits(drop=0.95),
        (accuracy, 0.9),
        dict(epochs=4),
        "high_dropout underfitting slow_convergence",
        "lower_dropout",
        fixed=lambda: _conv_digits(),
        fixed_fit=dict(epochs=12),
    ),
    Program(
        "no-softmax",
        lambda: split(*digits()),
        lambda: net((64,), dense(32), dense(10, "linear"), loss=SCCE),
        (accuracy, 0.9),
        dict(epochs=12),
        "missing_softmax activation_mismatch output_not_distribution output_out_of_range",
        "change_output_activation use_from_logits",
        fixed=_good((64,), 10),
    ),
    Program(
        "linear-stack",
        _circles_3,
        lambda: net((2,), dense(32, "linear"), dense(32, "linear"), dense(2, "softmax"), loss=SCCE),
        (accuracy, 0.9),
        dict(epochs=20),
        "missing_activation",
        "add_activation change_hidden_activation",
        fixed=_good((2,), 2),
        fixed_fit=dict(epochs=30),
    ),
    Program(
        "linear-conv",
        lambda: split(*digits(False)),
        lambda: net(
            (8, 8, 1),
            layers.Conv2D(8, 3),
            layers.Flatten(),
            dense(32, "linear"),
            dense(10, "softmax"),
            loss=SCCE,
        ),
        (accuracy, 0.9),
        dict(epochs=12),
        "missing_activation",
        "add_activation change_hidden_activation",
        fixed=lambda: _conv_digits(),
    ),
    Program(
        "validation-from-training",
        lambda: split(*blobs()),
        _good(),
        (accuracy, 0.9),
        dict(epochs=10),
        "validation_overlap suspicious_validation",
        "fix_validation_split",
        validation="train",
        fixed=_good(),
    ),
    Program(
        "bottleneck-one",
        _blobs(6),
        lambda: net((8,), dense(32), dense(1), dense(32), dense(6, "softmax"), loss=SCCE),
        (accuracy, 0.9),
        dict(epochs=15),
        f"bottleneck {FLAT} dead_relu",
        "widen_layer",
        fixed=_good(classes=6),
    ),
    Program(
        "momentum-0.999",
        lambda: split(*digits()),
        lambda: net(
            (64,), dense(32), dense(10, "softmax"), loss=SCCE, optimizer=sgd(0.1, momentum=0.999)
        ),
        (accuracy, 0.9),
        dict(epochs=10),
        f"oscillating_loss lr_high {BURST} {FLAT}",
        "reduce_momentum lower_learning_rate change_optimizer",
        fixed=_good((64,), 10),
    ),
    Program(
        "over-fitting",
        lambda: _few(60),
        lambda: net(
            (20,), dense(256), dense(256), dense(2, "softmax"), loss=SCCE, optimizer=adam(0.003)
        ),
        (accuracy, 0.92),
        dict(epochs=60),
        "overfitting",
        "early_stopping add_dropout regularize reduce_model more_data",
        fixed=lambda: net((20,), dense(16), dense(2, "softmax"), loss=SCCE, optimizer=adam(0.01)),
        fixed_task=lambda: _few(600),
        fixed_fit=dict(epochs=10),
    ),
    Program(
        "rnn-relu-rate",
        lambda: split(*waves()),
        lambda: net(
            (20, 1),
            layers.SimpleRNN(
                32,
                activation="relu",
                kernel_initializer=_uniform(2),
                recurrent_initializer=_uniform(1),
            ),
            dense(1, "linear"),
            loss=MSE,
            optimizer=sgd(0.1),
            metrics=(),
        ),
        (explained, 0.9),
        dict(epochs=8),
        f"{BURST} {FLAT}",
        "change_hidden_activation clip_gradient lower_learning_rate change_recurrent_layer change_initializer",
        fixed=lambda: net(
            (20, 1), layers.LSTM(16), dense(1, "linear"), loss=MSE, optimizer=adam(0.01), metrics=()
        ),
        fixed_fit=dict(epochs=15),
    ),
    Program(
        "embedding-softmax-one",
        lambda: split(*tokens()),
        lambda: net(
            (15,),
            layers.Embedding(50, 8),
            layers.GlobalAveragePooling1D(),
            dense(1, "softmax"),
            loss=BCE,
        ),
        (accuracy, 0.9),
        dict(epochs=15),
        "activation_mismatch constant_output loss_metric_disagree accuracy_not_increasing",
        "change_output_activation change_loss",
        fixed=lambda: net(
            (15,),
            layers.Embedding(50, 8),
            layers.GlobalAveragePooling1D(),
            dense(1, "sigmoid"),
            loss=BCE,
            optimizer=adam(0.01),
        ),
    ),
    Program(
        "lstm-categorical-one",
        lambda: split(*sums()),
        lambda: net((12, 3), layers.LSTM(12), dense(1, "sigmoid"), loss=CCE),
        (accuracy, 0.88),
        dict(epochs=6),
        "loss_mismatch zero_loss activation_mismatch unchanged_weights",
        "change_loss fix_units",
        fixed=lambda: net(
            (12, 3), layers.LSTM(12), dense(1, "sigmoid"), loss=BCE, optimizer=adam(0.01)
        ),
        fixed_fit=dict(epochs=15),
    ),
    Program(
        "tfdata-rate",
        lambda: split(*digits(False)),
        lambda: _conv_digits(adam(1.0)),
        (accuracy, 0.9),
        dict(epochs=6),
        f"lr_high {BURST} {FLAT} oscillating_loss",
        "lower_learning_rate",
        feed="tf.data",
        fixed=lambda: _conv_digits(),
        fixed_fit=dict(epochs=12),
    ),
    Program(
        "generator-raw",
        lambda: split(*wine()),
        lambda: net((13,), dense(16), dense(3, "softmax"), loss=SCCE, optimizer=sgd(0.05)),
        (accuracy, 0.93),
        dict(epochs=30),
        f"unnormalized_input {BURST} {FLAT}",
        "normalize_input add_batchnorm",
        feed="generator",
        fixed=lambda: net((13,), dense(16), dense(3, "softmax"), loss=SCCE, optimizer=adam(0.01)),
        fixed_task=lambda: split(standard(wine()[0]), wine()[1]),
    ),
]
