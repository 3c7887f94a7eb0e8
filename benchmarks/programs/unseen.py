# ruff: noqa: F403, F405
"""A second held-out set: written and run once before any rule was changed in its light.

After that run two programs got a stronger fault, since what they had did no harm: in
`u-half-precision-rate` the rate was 3, in `u-siamese-root` the distances were squared.
"""

from benchmarks.programs.base import *
from benchmarks.programs.families import BURST, FLAT, HIDDEN, SLOPE
from benchmarks.programs.heldout import peaks
from benchmarks.programs.stackoverflow import OUT_FIX, OUTPUT, SCALE_FIX

RATE_DOWN = "lower_learning_rate change_optimizer clip_gradient"
RATE_UP = "raise_learning_rate change_optimizer train_longer"


def _f(name, task, build, goal, symptoms, fixes, fixed=None, *, fixed_task=None, **options):
    """Return a faulty program; `options` are feed, validation, fixed_fit and those of `fit`."""
    keywords = {k: options.pop(k) for k in ("feed", "validation", "fixed_fit") if k in options}
    fit = {"epochs": 12, **options}
    fixed = fixed or build
    return Program(
        name, task, build, goal, fit, symptoms, fixes, fixed, fixed_task=fixed_task, **keywords
    )


def _h(name, task, build, goal, *, feed="arrays", **options):
    return Program(name, task, build, goal, {"epochs": 15, **options}, feed=feed)


def _model(inputs, outputs, loss, *, optimizer=None, metrics=()):
    model = keras.Model(inputs, outputs)
    model.compile(optimizer or adam(0.005), loss, metrics=list(metrics))
    return model


# models: each with its fault as an option


def bidirectional(last="sigmoid", units=1, loss=BCE, rate=0.005):
    i = keras.Input((15,), dtype="int32")
    h = layers.Bidirectional(layers.LSTM(12))(layers.Embedding(50, 8)(i))
    return _model(i, dense(units, last)(h), loss, optimizer=adam(rate), metrics=["accuracy"])


def gated_sums(last="softmax", rate=0.01):
    i = keras.Input((12, 3))
    h = layers.Bidirectional(layers.GRU(10))(i)
    return _model(i, dense(3, last)(h), SCCE, optimizer=adam(rate), metrics=["accuracy"])


def two_towers(last="linear", loss=MSE):
    a, b = keras.Input((6,)), keras.Input((4,))
    h = layers.Concatenate()([dense(24)(a), dense(24)(b)])
    return _model([a, b], dense(1, last)(dense(24)(h)), loss)


def two_heads(last="linear"):
    i = keras.Input((6,))
    h = dense(32)(dense(32)(i))
    outputs = [dense(1, last, name="level")(h), dense(1, "sigmoid", name="high")(h)]
    return _model(i, outputs, [MSE, BCE])


class Stack(keras.Model):
    """Hidden layers of one width, called one after the other."""

    def __init__(self, depth, activation, classes=3):
        super().__init__()
        self.hidden = [dense(16, activation) for _ in range(depth)]
        self.last = dense(classes, "softmax")

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.last(x)


def stack(depth=2, activation="relu", optimizer=None):
    model = Stack(depth, activation)
    model.compile(optimizer or adam(0.01), SCCE, metrics=["accuracy"])
    return model


def relative_error(truth, predicted):
    return keras.ops.mean(keras.ops.abs((truth - predicted) / truth))


def log_cosh(truth, predicted):
    gap = keras.ops.abs(predicted - truth)
    return keras.ops.mean(gap + keras.ops.log1p(keras.ops.exp(-2 * gap)) - 0.6931)


def counts_net(loss, last="linear"):
    return net((5,), dense(24), dense(1, last), loss=loss, optimizer=adam(0.01), metrics=())


def half_precision(rate=0.005):
    policy = "mixed_float16"
    stack = [dense(32, dtype=policy), dense(16, dtype=policy), dense(3, "softmax")]
    optimizer = keras.optimizers.LossScaleOptimizer(adam(rate))
    return net((8,), *stack, loss=SCCE, optimizer=optimizer)


def frozen_base(rate=0.005):
    base = keras.Sequential([keras.Input((64,)), dense(256), dense(128)])
    base.trainable = False
    i = keras.Input((64,))
    return _model(
        i, dense(10, "softmax")(base(i)), SCCE, optimizer=adam(rate), metrics=["accuracy"]
    )


def waveform(last="sigmoid", units=1, loss=BCE):
    stack = [layers.Conv1D(12, 5, activation="relu"), layers.GlobalMaxPooling1D()]
    return net((16, 1), *stack, dense(units, last), loss=loss, optimizer=adam(0.01))


def distance(pair, guard):
    square = keras.ops.sum(keras.ops.square(pair[0] - pair[1]), axis=-1, keepdims=True)
    return keras.ops.sqrt(square + guard)


def contrast(truth, gap):
    near = truth * keras.ops.square(gap)
    return keras.ops.mean(near + (1 - truth) * keras.ops.square(keras.ops.relu(1 - gap)))


def plain_contrast(truth, gap):
    return keras.ops.mean(truth * gap + (1 - truth) * keras.ops.relu(1 - gap))


def siamese(guard=1e-6, loss=contrast):
    encoder = keras.Sequential([keras.Input((8,)), dense(24), dense(8, "linear")])
    a, b = keras.Input((8,)), keras.Input((8,))
    gap = layers.Lambda(distance, arguments={"guard": guard}, output_shape=(1,))(
        [encoder(a), encoder(b)]
    )
    return _model([a, b], gap, loss)


def autoencoder(last="linear", width=24):
    return net(
        (64,), dense(48), dense(width), dense(48), dense(64, last),
        loss=MSE, optimizer=adam(0.005), metrics=(),
    )  # fmt: skip


def images(optimizer=None, rate=0.2, norm=True):
    stack = [layers.Conv2D(12, 3, activation="relu")]
    stack += [layers.BatchNormalization()] if norm else []
    stack += [layers.Flatten(), layers.Dropout(rate), dense(10, "softmax")]
    return net((8, 8, 1), *stack, loss=SCCE, optimizer=optimizer or adam(0.005))


def plain_recurrent(activation="tanh", optimizer=None, kind=layers.SimpleRNN):
    return net(
        (60, 3), kind(16, activation=activation), dense(1, "sigmoid"),
        loss=BCE, optimizer=optimizer or adam(0.005),
    )  # fmt: skip


def attention(initializer="glorot_uniform"):
    i = keras.Input((12, 3))
    h = dense(16, kernel_initializer=initializer)(i)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 8)(h, h))
    h = dense(16, kernel_initializer=initializer)(layers.GlobalAveragePooling1D()(h))
    return _model(i, dense(2, "softmax")(h), SCCE, metrics=["accuracy"])


def rings_net(activation="relu"):
    i = keras.Input((2,))
    h = dense(16, activation)(dense(16, activation)(i))
    return _model(i, dense(1, "sigmoid")(h), BCE, optimizer=adam(0.01), metrics=["accuracy"])


def prices(optimizer=None):
    return net(
        (4,), dense(32), dense(1, "linear"), loss=MSE, optimizer=optimizer or adam(0.01),
        metrics=(),
    )  # fmt: skip


def wave_net(last="linear"):
    return net((20, 1), layers.GRU(16), dense(1, last), loss=MSE, optimizer=adam(0.01), metrics=())


def unbalanced(optimizer=None):
    return net((8,), dense(16), dense(2, "softmax"), loss=SCCE, optimizer=optimizer or adam(0.01))


def labels_net(last="sigmoid", loss=BCE):
    return net(
        (10,), dense(48), dense(48), dense(5, last), loss=loss, optimizer=adam(0.005),
        metrics=(),
    )  # fmt: skip


# data


def two_sided(n=1200, seed=11):
    g = np.random.default_rng(seed)
    a, b = g.normal(size=(n, 6)).astype("float32"), g.normal(size=(n, 4)).astype("float32")
    y = 1.5 * a[:, 0] * b[:, 1] + 2 * a[:, 2] - b[:, 0]
    return [a, b], y.astype("float32")[:, None]


def levels(n=1200, seed=12):
    g = np.random.default_rng(seed)
    x = g.normal(size=(n, 6)).astype("float32")
    level = (x[:, 0] * 1.5 + np.abs(x[:, 1]) - x[:, 2]).astype("float32")[:, None]
    return x, [level, (level > 1).astype("float32")]


def counts(n=1200, seed=13):
    """Counts, a quarter of them zero."""
    g = np.random.default_rng(seed)
    x = g.normal(size=(n, 5)).astype("float32")
    mean = np.exp(0.8 * x[:, 0] - 0.5 * x[:, 1] + 0.7)
    return x, g.poisson(mean).astype("float32")[:, None]


def relatives(n=1200, seed=14, duplicates=True):
    """Pairs of points: near ones are alike (1), far ones are not; some pairs are duplicates."""
    g = np.random.default_rng(seed)
    centers = g.normal(0, 2, (6, 8))
    first, other = g.integers(0, 6, n), g.integers(0, 6, n)
    second = np.where(g.random(n) < 0.5, first, other)
    a = centers[first] + g.normal(0, 0.3, (n, 8))
    b = centers[second] + g.normal(0, 0.3, (n, 8))
    if duplicates:
        a[::25] = b[::25]
    alike = (first == second).astype("float32")
    alike[::25] = 1.0 if duplicates else alike[::25]
    return [a.astype("float32"), b.astype("float32")], alike[:, None]


def long_sums(seed=15):
    x, y = sums(length=60, seed=seed)
    return (x * 0.5).astype("float32"), y


def three_sums(seed=16):
    x, _ = sums(seed=seed)
    total = x[:, :, 0].sum(1)
    return x, np.digitize(total, np.quantile(total, [0.33, 0.67]))


def itself():
    x, _ = digits()
    x = standard(x)
    return x, x


def spotted():
    (a, b), y = two_sided()
    b = b.copy()
    b[7::40, 2] = np.nan
    return [a, b], y


def _s(make, **options):
    return lambda: split(*make(**options))


def _raw_digits():
    return split(*digits(flat=False, scale=0.0625))


def _priced(scaled):
    x, y = house()
    y = (y - y.mean()) / y.std() if scaled else y
    return split(standard(x), y.astype("float32"))


def _waved(scale):
    return split(*waves(scale=scale))


def _imbalanced(spread):
    x, y = rare()
    return split((x * spread + spread).astype("float32"), y)


def _shifted(by):
    x, y = blobs()
    return split(x, y + by)


def _finite():
    (a, b), y = spotted()
    keep = np.isfinite(b).all(axis=1)
    return split([a[keep], b[keep]], y[keep])


# measures


def first_explained(model, task):
    predicted = np.asarray(model.predict(task.test_x, verbose=0)[0], float)
    truth = task.test_y[0]
    if not np.isfinite(predicted).all():
        return -1.0
    return float(1 - np.mean((truth - predicted) ** 2) / np.var(truth))


def alike(model, task):
    gap = model.predict(task.test_x, verbose=0)
    return float(np.mean((gap < 0.5) == (task.test_y > 0.5))) if np.isfinite(gap).all() else 0.0


A, E = accuracy, explained
FAULTY = [
    _f("u-lstm-relu-out", _s(tokens), lambda: bidirectional("relu"), (A, 0.85), OUTPUT, OUT_FIX,
       bidirectional),
    _f("u-lstm-rate", _s(tokens), lambda: bidirectional(rate=1.0), (A, 0.85),
       f"lr_high {FLAT} {BURST} oscillating_loss", RATE_DOWN, bidirectional),
    _f("u-gru-sigmoids", _s(three_sums), lambda: gated_sums("sigmoid"), (A, 0.8), OUTPUT, OUT_FIX,
       gated_sums),
    _f("u-towers-sigmoid", _s(two_sided), lambda: two_towers("sigmoid"), (E, 0.7),
       f"{OUTPUT} target_out_of_range", OUT_FIX, two_towers),
    _f("u-towers-nan", _s(spotted), two_towers, (E, 0.7), "nan_in_input numerical_error",
       "clean_data", fixed_task=_finite, feed="tf.data"),
    _f("u-heads-relu", _s(levels), lambda: two_heads("relu"), (first_explained, 0.8),
       f"{OUTPUT} target_out_of_range", OUT_FIX, two_heads),
    _f("u-subclass-sigmoids", _s(blobs), lambda: stack(7, "sigmoid", sgd(0.05)), (A, 0.85),
       f"{SLOPE} {FLAT}", f"{HIDDEN} change_optimizer", lambda: stack(7, "relu", sgd(0.05))),
    _f("u-relative-error", _s(counts), lambda: counts_net(relative_error), (E, 0.5),
       f"unsafe_operation {BURST}", "guard_operation change_loss",
       lambda: counts_net("poisson", "exponential")),
    _f("u-poisson-linear", _s(counts), lambda: counts_net("poisson"), (E, 0.5),
       f"{OUTPUT} {BURST} target_mismatch", OUT_FIX,
       lambda: counts_net("poisson", "exponential")),
    _f("u-half-precision-rate", _s(blobs), lambda: half_precision(100.0), (A, 0.85),
       f"lr_high {FLAT} {BURST} oscillating_loss", RATE_DOWN, half_precision),
    _f("u-frozen-base-slow", _s(digits), lambda: frozen_base(1e-7), (A, 0.85),
       f"lr_low {FLAT} unchanged_weights unchanged_output", RATE_UP, frozen_base),
    _f("u-waveform-softmax-one", _s(peaks),
       lambda: waveform("softmax"), (A, 0.9), f"{OUTPUT} constant_output", OUT_FIX, waveform),
    _f("u-siamese-root", _s(relatives), lambda: siamese(0.0, plain_contrast), (alike, 0.9),
       "unsafe_operation numerical_error", "guard_operation", siamese),
    _f("u-autoencoder-sigmoid", _s(itself), lambda: autoencoder("sigmoid"), (E, 0.55),
       f"{OUTPUT} target_out_of_range target_mismatch", OUT_FIX, autoencoder),
    _f("u-autoencoder-one", _s(itself), lambda: autoencoder(width=1), (E, 0.55),
       f"bottleneck {FLAT}", "widen_layer", autoencoder),
    _f("u-images-raw", _raw_digits, lambda: images(sgd(0.05), norm=False), (A, 0.9),
       f"unnormalized_input {FLAT} {BURST}", f"{SCALE_FIX} lower_learning_rate", images,
       feed="tf.data"),
    _f("u-images-dropout", _s(digits, flat=False), lambda: images(rate=0.95), (A, 0.93),
       f"high_dropout {FLAT}", "lower_dropout", images),
    _f("u-recurrent-relu", _s(long_sums), lambda: plain_recurrent("relu", sgd(0.5)), (A, 0.8),
       f"unbounded_rnn_activation lr_high {FLAT} {BURST}",
       f"{RATE_DOWN} change_hidden_activation change_recurrent_layer shorten_sequence",
       lambda: plain_recurrent(kind=layers.GRU)),
    _f("u-attention-constant", _s(sums), lambda: attention("ones"), (A, 0.85),
       f"bad_initialization {FLAT} {SLOPE}", "change_initializer", attention),
    _f("u-rings-linear", _s(circles), lambda: rings_net("linear"), (A, 0.9),
       f"missing_activation {FLAT}", "add_activation", rings_net),
    _f("u-prices-raw", lambda: _priced(False), lambda: prices(sgd()), (E, 0.8),
       f"target_scale {FLAT} {BURST}", "scale_target lower_learning_rate", prices,
       fixed_task=lambda: _priced(True)),
    _f("u-waves-large", lambda: _waved(2000.0), wave_net, (E, 0.7),
       f"target_scale {FLAT} large_loss", "scale_target", fixed_task=lambda: _waved(1.0)),
    _f("u-rare-unscaled", lambda: _imbalanced(500.0), lambda: unbalanced(sgd(0.1)),
       (balanced, 0.75), f"unnormalized_input {FLAT} {BURST}", SCALE_FIX, unbalanced,
       fixed_task=lambda: _imbalanced(1.0), feed="generator"),
    _f("u-labels-from-one", lambda: _shifted(1), stack, (A, 0.85),
       "target_out_of_range bad_labels", "fix_labels fix_units", fixed_task=lambda: _shifted(0)),
    _f("u-multi-label-softmax", _s(multi_label), lambda: labels_net("softmax", CCE),
       (label_accuracy, 0.85), OUTPUT, OUT_FIX, labels_net),
]  # fmt: skip
HEALTHY = [
    _h("u-ok-bidirectional", _s(tokens), bidirectional, (A, 0.85)),
    _h("u-ok-gru-classes", _s(three_sums), gated_sums, (A, 0.8), feed="generator"),
    _h("u-ok-towers", _s(two_sided), two_towers, (E, 0.7)),
    _h("u-ok-heads", _s(levels), two_heads, (first_explained, 0.8)),
    _h("u-ok-subclass", _s(blobs), stack, (A, 0.85), feed="tf.data"),
    _h("u-ok-log-cosh", _s(two_sided), lambda: two_towers(loss=log_cosh), (E, 0.7)),
    _h("u-ok-half-precision", _s(blobs), half_precision, (A, 0.85)),
    _h("u-ok-frozen-base", _s(digits), frozen_base, (A, 0.85)),
    _h("u-ok-siamese", _s(relatives), siamese, (alike, 0.9)),
    _h("u-ok-autoencoder", _s(itself), autoencoder, (E, 0.55), epochs=25),
    _h("u-ok-rare", _s(rare), unbalanced, (balanced, 0.75)),
    _h("u-ok-attention", _s(sums), attention, (A, 0.85)),
    _h("u-ok-counts", _s(counts), lambda: counts_net("poisson", "exponential"), (E, 0.5)),
]
PROGRAMS = [*FAULTY, *HEALTHY]
