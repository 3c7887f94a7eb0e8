# ruff: noqa: F403, F405
"""Programs written after the rules were frozen; no limit was chosen with them in sight."""

from sklearn import datasets

from benchmarks.programs.base import *
from benchmarks.programs.families import BURST, FLAT, HIDDEN, SLOPE
from benchmarks.programs.stackoverflow import OUT_FIX, OUTPUT, SCALE_FIX


def _f(
    name,
    task,
    build,
    measure,
    threshold,
    symptoms,
    fixes,
    fixed=None,
    feed="arrays",
    validation="test",
    fixed_task=None,
    **fit,
):
    return Program(
        name,
        task,
        build,
        (measure, threshold),
        {"epochs": 12, **fit},
        symptoms,
        fixes,
        fixed,
        fixed_task=fixed_task,
        feed=feed,
        validation=validation,
    )


def _h(name, task, build, measure, threshold, feed="arrays", **fit):
    return Program(name, task, build, (measure, threshold), {"epochs": 15, **fit}, feed=feed)


def diabetes():
    x, y = datasets.load_diabetes(return_X_y=True)
    return standard(x), y.astype("float32")[:, None]


def gauss(n=1000, classes=4, seed=3):
    x, y = datasets.make_gaussian_quantiles(
        n_samples=n, n_features=4, n_classes=classes, random_state=seed
    )
    return x.astype("float32"), y


def informative(n=1200, classes=3, seed=5):
    x, y = datasets.make_classification(
        n, 12, n_informative=8, n_classes=classes, class_sep=2.0, flip_y=0.0, random_state=seed
    )
    return standard(x), y


def swiss(n=1000, seed=2):
    x, t = datasets.make_swiss_roll(n, noise=0.1, random_state=seed)
    return standard(x), ((t - t.mean()) / t.std()).astype("float32")[:, None]


def peaks(n=1000, length=16, seed=4):
    g = np.random.default_rng(seed)
    x = g.normal(0, 0.3, (n, length, 1)).astype("float32")
    y = g.integers(0, 2, n)
    at = g.integers(2, length - 2, n)
    x[np.arange(n), at, 0] += np.where(y == 1, 2.5, -2.5)
    return x, y


def three_inputs():
    g = np.random.default_rng(7)
    a, b, c = (g.normal(size=(1000, k)).astype("float32") for k in (3, 4, 2))
    return [a, b, c], ((a[:, 0] + b[:, 0] * 2 - c[:, 1]) * 2).astype("float32")[:, None]


def _three(last="linear", loss=MSE, rate=0.01):
    i = [keras.Input((k,)) for k in (3, 4, 2)]
    h = layers.Concatenate()([dense(12)(t) for t in i])
    model = keras.Model(i, dense(1, last)(dense(16)(h)))
    model.compile(adam(rate), loss)
    return model


def _nested(last="softmax"):
    block = keras.Sequential([keras.Input((12,)), dense(24), dense(16)])
    i = keras.Input((12,))
    model = keras.Model(i, dense(3, last)(block(i)))
    model.compile(adam(0.01), SCCE, metrics=["accuracy"])
    return model


def _good3():
    return net((12,), dense(32), dense(3, "softmax"), loss=SCCE, optimizer=adam(0.01))


def _scaled_columns():
    x, y = informative()
    return split((x * np.logspace(-3, 4, 12)).astype("float32"), y)


def _labels(n=3):
    return lambda: split(*informative(classes=n))


def _hot():
    x, y = informative()
    return split(x, one_hot(y, 3))


def _naned():
    x, y = three_inputs()
    x[1] = x[1].copy()
    x[1][::30, 2] = np.inf
    return split(x, y)


def _log_loss(truth, predicted):
    return -keras.ops.mean(
        truth * keras.ops.log(predicted) + (1 - truth) * keras.ops.log(1 - predicted)
    )


A = accuracy
PROGRAMS = [
    _f(
        "h-three-inputs-sigmoid",
        lambda: split(*three_inputs()),
        lambda: _three("sigmoid"),
        explained,
        0.9,
        f"{OUTPUT} target_out_of_range",
        OUT_FIX,
        _three,
    ),
    _f(
        "h-three-inputs-inf",
        _naned,
        _three,
        explained,
        0.9,
        "nan_in_input numerical_error",
        "clean_data",
        _three,
        fixed_task=lambda: split(*three_inputs()),
    ),
    _f(
        "h-nested-linear-out",
        _labels(),
        lambda: _nested("linear"),
        A,
        0.85,
        OUTPUT,
        f"{OUT_FIX} use_from_logits",
        _good3,
    ),
    _f(
        "h-columns-scale",
        _scaled_columns,
        lambda: net((12,), dense(32), dense(3, "softmax"), loss=SCCE, optimizer=sgd(0.05)),
        A,
        0.85,
        f"unnormalized_input {BURST} {FLAT}",
        SCALE_FIX,
        _good3,
        fixed_task=lambda: split(*informative()),
    ),
    _f(
        "h-tanh-out-classes",
        _hot,
        lambda: net((12,), dense(32), dense(3, "tanh"), loss=CCE),
        A,
        0.85,
        f"{OUTPUT} numerical_error",
        OUT_FIX,
        _good3,
        fixed_task=lambda: split(*informative()),
    ),
    _f(
        "h-hot-sparse",
        _hot,
        lambda: net((12,), dense(32), dense(3, "softmax"), loss=SCCE),
        A,
        0.85,
        f"{OUTPUT} shape_mismatch target_mismatch",
        f"{OUT_FIX} fix_labels",
        _good3,
        fixed_task=lambda: split(*informative()),
    ),
    _f(
        "h-mse-softmax-real",
        lambda: split(*swiss()),
        lambda: net((3,), dense(32), dense(1, "softmax"), loss=MSE, metrics=()),
        explained,
        0.8,
        f"{OUTPUT} constant_output {FLAT}",
        OUT_FIX,
    ),
    _f(
        "h-diabetes-raw-target",
        lambda: split(*diabetes()),
        lambda: net(
            (10,), dense(32), dense(1, "linear"), loss=MSE, optimizer=sgd(0.05), metrics=()
        ),
        explained,
        0.3,
        f"target_scale {BURST} {FLAT}",
        "scale_target lower_learning_rate clip_gradient",
    ),
    _f(
        "h-elu-deep-sigmoid-mix",
        lambda: split(*gauss()),
        lambda: net(
            (4,),
            *[dense(12, "sigmoid") for _ in range(9)],
            dense(4, "softmax"),
            loss=SCCE,
            optimizer="rmsprop",
        ),
        A,
        0.75,
        f"{SLOPE} {FLAT}",
        HIDDEN,
        epochs=20,
    ),
    _f(
        "h-rmsprop-rate",
        _labels(),
        lambda: net(
            (12,),
            dense(32),
            dense(3, "softmax"),
            loss=SCCE,
            optimizer=keras.optimizers.RMSprop(2.0),
        ),
        A,
        0.85,
        f"lr_high {BURST} {FLAT} oscillating_loss underfitting",
        "lower_learning_rate",
        _good3,
    ),
    _f(
        "h-adam-rate-tiny",
        _labels(),
        lambda: net((12,), dense(32), dense(3, "softmax"), loss=SCCE, optimizer=adam(2e-7)),
        A,
        0.85,
        f"lr_low {FLAT} unchanged_weights",
        "raise_learning_rate",
        _good3,
    ),
    _f(
        "h-zero-hidden-tanh",
        _labels(),
        lambda: net(
            (12,),
            dense(32, "tanh", kernel_initializer="zeros"),
            dense(16, "tanh", kernel_initializer="zeros"),
            dense(3, "softmax"),
            loss=SCCE,
        ),
        A,
        0.85,
        f"bad_initialization {FLAT} {SLOPE}",
        "change_initializer",
        _good3,
    ),
    _f(
        "h-conv1d-big-init",
        lambda: split(*peaks()),
        lambda: net(
            (16, 1),
            layers.Conv1D(
                8,
                3,
                activation="relu",
                kernel_initializer=keras.initializers.RandomNormal(stddev=20.0, seed=2),
            ),
            layers.Flatten(),
            dense(16, kernel_initializer=keras.initializers.RandomNormal(stddev=20.0, seed=3)),
            dense(1, "sigmoid"),
            loss=BCE,
            optimizer=sgd(0.01),
        ),
        A,
        0.9,
        f"bad_initialization {BURST} {FLAT}",
        "change_initializer add_batchnorm",
    ),
    _f(
        "h-gru-linear-bce",
        lambda: split(*peaks()),
        lambda: net((16, 1), layers.GRU(12), dense(1, "linear"), loss=BCE),
        A,
        0.9,
        f"{OUTPUT} numerical_error",
        f"{OUT_FIX} use_from_logits",
    ),
    _f(
        "h-lstm-rate-high",
        lambda: split(*peaks()),
        lambda: net((16, 1), layers.LSTM(12), dense(1, "sigmoid"), loss=BCE, optimizer=adam(5.0)),
        A,
        0.9,
        f"lr_high {BURST} {FLAT} saturated_activation oscillating_loss",
        "lower_learning_rate",
    ),
    _f(
        "h-custom-log",
        lambda: split(
            informative(classes=2)[0], informative(classes=2)[1].astype("float32")[:, None]
        ),
        lambda: net((12,), dense(32), dense(1, "sigmoid"), loss=_log_loss, optimizer=adam(0.5)),
        A,
        0.85,
        f"unsafe_operation lr_high {BURST} {FLAT}",
        "guard_operation lower_learning_rate",
        epochs=25,
    ),
    _f(
        "h-dropout-tfdata",
        _labels(),
        lambda: net(
            (12,),
            dense(32),
            layers.Dropout(0.9),
            dense(16),
            layers.Dropout(0.9),
            dense(3, "softmax"),
            loss=SCCE,
        ),
        A,
        0.85,
        f"high_dropout {FLAT}",
        "lower_dropout",
        _good3,
        feed="tf.data",
    ),
    _f(
        "h-linear-quantiles",
        lambda: split(*gauss()),
        lambda: net(
            (4,), dense(64, None), dense(32, None), dense(16, None), dense(4, "softmax"), loss=SCCE
        ),
        A,
        0.75,
        f"missing_activation {FLAT}",
        "add_activation change_hidden_activation",
        epochs=20,
    ),
    _f(
        "h-multilabel-softmax-bce",
        lambda: split(*multi_label(labels=6, seed=2)),
        lambda: net((10,), dense(64), dense(6, "softmax"), loss=BCE),
        label_accuracy,
        0.86,
        OUTPUT,
        OUT_FIX,
        lambda: net((10,), dense(64), dense(6, "sigmoid"), loss=BCE, optimizer=adam(0.01)),
    ),
    _f(
        "h-overlap",
        _labels(),
        _good3,
        A,
        0.8,
        "validation_overlap suspicious_validation",
        "fix_validation_split",
        validation="train",
    ),
    _f(
        "h-sequence-relu-out",
        lambda: split(*waves(seed=9)),
        lambda: net((20, 1), layers.SimpleRNN(16), dense(1, "relu"), loss=MSE, metrics=()),
        explained,
        0.9,
        f"{OUTPUT} dead_relu target_out_of_range constant_output",
        OUT_FIX,
        epochs=15,
    ),
    _f(
        "h-short-sgd",
        lambda: split(*digits()),
        lambda: net((64,), dense(24), dense(10, "softmax"), loss=SCCE, optimizer=sgd(0.01)),
        A,
        0.9,
        f"slow_convergence lr_low {FLAT}",
        "train_longer raise_learning_rate change_optimizer",
        epochs=2,
    ),
    _h("h-nested", _labels(), _nested, A, 0.85),
    _h("h-three-inputs", lambda: split(*three_inputs()), _three, explained, 0.9),
    _h(
        "h-diabetes",
        lambda: split(diabetes()[0], (diabetes()[1] - 152) / 77),
        lambda: net(
            (10,), dense(8), dense(1, "linear"), loss=MSE, optimizer=adam(0.003), metrics=()
        ),
        explained,
        0.3,
        epochs=20,
    ),
    _h(
        "h-gauss",
        lambda: split(*gauss()),
        lambda: net(
            (4,), dense(64), dense(32), dense(4, "softmax"), loss=SCCE, optimizer=adam(0.01)
        ),
        A,
        0.75,
        epochs=30,
    ),
    _h(
        "h-peaks-conv",
        lambda: split(*peaks()),
        lambda: net(
            (16, 1),
            layers.Conv1D(8, 3, activation="relu"),
            layers.GlobalMaxPooling1D(),
            dense(1, "sigmoid"),
            loss=BCE,
            optimizer=adam(0.02),
        ),
        A,
        0.9,
        epochs=20,
    ),
    _h(
        "h-peaks-gru",
        lambda: split(*peaks()),
        lambda: net((16, 1), layers.GRU(16), dense(2, "softmax"), loss=SCCE, optimizer=adam(0.02)),
        A,
        0.9,
        feed="tf.data",
        epochs=20,
    ),
    _h(
        "h-swiss",
        lambda: split(*swiss()),
        lambda: net(
            (3,),
            dense(48),
            dense(48),
            dense(1, "linear"),
            loss="mae",
            optimizer=adam(0.01),
            metrics=(),
        ),
        explained,
        0.8,
        epochs=40,
    ),
    _h(
        "h-informative-sgd",
        _labels(),
        lambda: net(
            (12,), dense(48), dense(3, "softmax"), loss=SCCE, optimizer=sgd(0.1, momentum=0.9)
        ),
        A,
        0.85,
        feed="generator",
    ),
    _h(
        "h-hot-smoothing",
        _hot,
        lambda: net(
            (12,),
            dense(48),
            dense(3, "softmax"),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
            optimizer=adam(0.01),
        ),
        A,
        0.85,
    ),
    _h(
        "h-multilabel",
        lambda: split(*multi_label(labels=6, seed=2)),
        lambda: net((10,), dense(64), dense(6, "sigmoid"), loss=BCE, optimizer=adam(0.01)),
        label_accuracy,
        0.86,
        epochs=20,
    ),
]
