"""`train` equals a loop of `train_on_batch` over the same batches, whatever the model."""

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from keras import layers, losses, ops, optimizers

from mode import seeds
from mode.models import build, loops, predict, train
from tests.tolerance import FLOAT32

GENERATOR = np.random.default_rng(0)
X = GENERATOR.random((150, 6), dtype=np.float32)
Y = ((X[:, 0] > X[:, 1]).astype(int) + (X[:, 2] > 0.6)).astype(int)
IMAGES = GENERATOR.random((40, 8, 8, 1), dtype=np.float32)


def dense(*stack, last="softmax", units=3) -> keras.Model:
    """Names are given, or none of these models would share a compiled loop with another."""
    ends = layers.Dense(8, "relu", name="first"), layers.Dense(units, last, name="last")
    return keras.Sequential(
        [keras.Input((6,), name="inputs"), ends[0], *stack, ends[1]], name="dense"
    )


def per_row(y_true, y_pred):
    """Squared error, each row for itself."""
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def per_batch(y_true, y_pred):
    """One number a batch: the error of its worst row."""
    return ops.max(per_row(y_true, y_pred))


class Weighted(losses.Loss):
    """A loss object that Keras does not know, with a setting that is not in its config."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, y_true, y_pred):
        return self.factor * per_row(y_true, y_pred)


class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.first, self.second = layers.Dense(8, "relu"), layers.Dense(3, "softmax")

    def call(self, inputs):
        return self.second(self.first(inputs))


def subclassed() -> keras.Model:
    model = Net()
    model(X[:2])
    return model


def convolutional() -> keras.Model:
    stack = [layers.Conv2D(3, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten()]
    return keras.Sequential([keras.Input((8, 8, 1)), *stack, layers.Dense(3, "softmax")])


def regularised() -> keras.Model:
    return dense(layers.Dense(5, kernel_regularizer="l2", activity_regularizer="l2"))


SPARSE = "sparse_categorical_crossentropy"
SCHEDULE = optimizers.schedules.ExponentialDecay(0.05, 3, 0.5)
CASES = {  # name: model, optimizer, loss, form of the labels
    "dense": (dense, "adam", SPARSE, "integer"),
    "one-hot": (dense, "adam", "categorical_crossentropy", "one-hot"),
    "momentum": (dense, lambda: optimizers.SGD(0.1, momentum=0.9), SPARSE, "integer"),
    "schedule": (dense, lambda: optimizers.Adam(SCHEDULE), SPARSE, "integer"),
    "logits": (
        lambda: dense(last=None),
        "adam",
        losses.SparseCategoricalCrossentropy(from_logits=True),
        "integer",
    ),
    "binary": (lambda: dense(last="sigmoid", units=1), "adam", "binary_crossentropy", "column"),
    "smoothed": (dense, "adam", losses.CategoricalCrossentropy(label_smoothing=0.1), "one-hot"),
    "summed": (dense, "sgd", losses.SparseCategoricalCrossentropy(reduction="sum"), "integer"),
    "own loss": (dense, "adam", per_row, "one-hot"),
    "own loss of a batch": (dense, "adam", per_batch, "one-hot"),
    "own loss object": (dense, "adam", Weighted(3.0), "one-hot"),
    "batch normalization": (
        lambda: dense(layers.BatchNormalization(name="normalized")),
        "adam",
        SPARSE,
        "integer",
    ),
    "regularised": (regularised, "adam", SPARSE, "integer"),
    "convolutional": (convolutional, "adam", SPARSE, "integer"),
    "subclassed": (subclassed, "adam", SPARSE, "integer"),
}
FORMS = {
    "integer": lambda y: y,
    "one-hot": lambda y: np.eye(3, dtype=np.float32)[y],
    "column": lambda y: (y > 0).astype(np.float32)[:, None],
}


def compiled(case: str) -> keras.Model:
    make, optimizer, loss, _ = CASES[case]
    keras.utils.set_random_seed(1)
    model = make()
    model.compile(optimizer() if callable(optimizer) else optimizer, loss)
    return model


def slow(model: keras.Model, x, targets, *, epochs: int, batch_size: int, seed: int) -> list:
    """Train `model` itself, batch by batch, in the order that `train` documents."""
    model.run_eagerly = len(x) < 12 * batch_size  # a few steps take less time than a compilation
    order = seeds.generator(seed, "order")
    for _ in range(epochs):
        permutation = order.permutation(len(x))
        for start in range(0, len(x), batch_size):
            chosen = permutation[start : start + batch_size]
            model.train_on_batch(x[chosen], targets[chosen])
    return model.get_weights()


def close(model: keras.Model, weights: list) -> None:
    """Moving statistics, which `train` estimates again at its end, are left out."""
    for mine, expected in zip(model.variables, weights, strict=True):
        if "moving_" not in mine.path:
            np.testing.assert_allclose(mine.numpy(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_train_equals_a_loop_over_the_batches(case):
    x = IMAGES if case == "convolutional" else X
    y = Y[: len(x)]
    targets = FORMS[CASES[case][3]](y)
    options = {"epochs": 2, "batch_size": 32, "seed": 5}  # the last batch has 22 or 8 inputs
    given = y if CASES[case][3] != "column" else targets
    model = compiled(case)
    before = model.get_weights()
    once = train(model, x, given, **options)
    twice = train(once, x, targets, **options)  # one-hot rows where the loss takes them
    oracle = compiled(case)
    oracle.set_weights(before)
    close(once, slow(oracle, x, targets, **options))
    assert any((w != b).any() for w, b in zip(once.get_weights(), before, strict=True))
    close(twice, slow(oracle, x, targets, **options))  # the optimizer's state was carried on
    for weights, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, kept)


@pytest.mark.parametrize(("batch_size", "n"), [(9999, 150), (32, 1), (2, 140)])
def test_any_batch_size_and_number_of_inputs(batch_size, n):
    model, oracle = compiled("dense"), compiled("dense")
    options = {"epochs": 1, "batch_size": batch_size, "seed": 0}
    close(train(model, X[:n], Y[:n], **options), slow(oracle, X[:n], Y[:n], **options))


@pytest.mark.parametrize(
    ("last", "units", "loss"),
    [
        ("softmax", 3, losses.SparseCategoricalCrossentropy()),
        (None, 3, losses.SparseCategoricalCrossentropy(from_logits=True)),
        ("sigmoid", 1, losses.BinaryCrossentropy()),
        (None, 1, losses.BinaryCrossentropy(from_logits=True)),
    ],
)
def test_a_model_that_is_not_compiled_gets_adam_and_the_loss_of_its_output(last, units, loss):
    model = dense(last=last, units=units)
    assert not model.compiled
    y = Y if units == 3 else FORMS["column"](Y)
    options = {"epochs": 2, "batch_size": 32, "seed": 0}
    trained = train(model, X, y, **options)
    assert not model.compiled
    oracle = keras.models.clone_model(model)
    oracle.set_weights(model.get_weights())
    oracle.compile("adam", loss)
    close(trained, slow(oracle, X, y, **options))


def test_subclassed_logits_that_are_not_compiled_are_trained_as_logits():
    class Logits(Net):
        def call(self, inputs):
            return 9 * inputs[:, :3] + 0 * super().call(inputs)

    model = Logits()
    model(X[:2])
    assert train(model, X, Y, epochs=0).loss.get_config()["from_logits"] is True


def test_models_that_differ_only_in_their_own_code_do_not_share_a_loop():
    """Two losses of one name, and two classes of one name, each with its own result."""

    def scaled(factor):
        return lambda y_true, y_pred: factor * per_row(y_true, y_pred)

    def network(scale):
        class Same(Net):
            def call(self, inputs):
                return ops.softmax(scale * super().call(inputs))

        return Same()

    for make in (
        lambda factor: (dense(), scaled(factor)),
        lambda factor: (dense(), Weighted(factor)),
        lambda factor: (network(factor), "mse"),
    ):
        for factor in (1.0, 4.0):
            results = []
            for run in (lambda m: train(m, X, Y, epochs=1).get_weights(), None):
                keras.utils.set_random_seed(3)
                model, loss = make(factor)
                model(X[:2])
                model.compile(optimizers.SGD(0.1), loss)
                targets = FORMS["one-hot"](Y)
                options = {"epochs": 1, "batch_size": 32, "seed": 0}
                results.append(run(model) if run else slow(model, X, targets, **options))
            for mine, expected in zip(*results, strict=True):
                np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-4)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    model = compiled("dense")
    one, two, other = (train(model, X, Y, seed=seed) for seed in (1, 1, 2))
    for first, second in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    assert any((a != b).any() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def test_dropout_depends_on_the_seed_alone():
    keras.utils.set_random_seed(9)
    model = dense(layers.Dropout(0.5, seed=4))
    model.compile("adam", SPARSE)
    trained = []
    for global_seed, seed in ((1, 1), (2, 1), (1, 2)):
        keras.utils.set_random_seed(global_seed)
        trained.append(train(model, X, Y, epochs=2, batch_size=150, seed=seed).get_weights()[0])
    np.testing.assert_array_equal(trained[0], trained[1])
    assert (trained[0] != trained[2]).any(), "with one batch an epoch, order does not matter"
    undropped = dense()
    undropped.compile("adam", SPARSE)
    undropped.set_weights(model.get_weights())
    plain = train(undropped, X, Y, epochs=2, batch_size=150, seed=1).get_weights()[0]
    assert abs(trained[0] - plain).max() > 1e-3, "it drops"


@pytest.mark.parametrize("average", [0.0, 0.5])
def test_statistics_of_batch_normalization_are_those_of_the_weights(average):
    """After one step or a thousand: the mean and variance of what the layer receives."""
    keras.utils.set_random_seed(1)
    model = dense(layers.Dropout(0.5, name="dropped"), layers.BatchNormalization(name="normalized"))
    model.compile("adam", SPARSE)
    trained = train(model, X + 5, Y, epochs=4, weight_averaging=average)
    received = trained.layers[0](X + 5).numpy()
    normalization = trained.layers[2]
    np.testing.assert_allclose(normalization.moving_mean, received.mean(axis=0), rtol=0.02)
    np.testing.assert_allclose(
        normalization.moving_variance, received.var(axis=0), rtol=0.05, atol=1e-4
    )
    assert (normalization.momentum, trained.layers[1].rate) == (0.99, 0.5)
    assert not model.layers[2].moving_mean.numpy().any()


def test_statistics_of_a_frozen_batch_normalization_stay():
    model = compiled("batch normalization")
    model.layers[1].trainable = False
    model.compile("adam", SPARSE)
    trained = train(model, X + 5, Y, epochs=1)
    assert not trained.layers[1].moving_mean.numpy().any()


def falling(truth, prediction):
    return ops.mean(-prediction)


def one_weight() -> keras.Model:
    """y = w x with w = 0 at first; its gradient is -1 whatever w is."""
    weight = layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="weight")
    model = keras.Sequential([keras.Input((1,), name="inputs"), weight], name="one_weight")
    model.compile(optimizers.SGD(1.0), falling)
    return model


def one_value(model) -> float:
    return float(model.get_weights()[0].squeeze())


@pytest.mark.parametrize(
    ("average", "mean"), [(0.0, 256), (0.25, 256), (0.5, (192 + 256) / 2), (1.0, 160)]
)
def test_the_average_is_over_the_last_share_of_the_snapshots(average, mean):
    """Each step adds 1, so that after each of four epochs of 64 steps w is 64, 128, 192, 256."""
    ones = np.ones((64, 1), np.float32)
    options = {"epochs": 4, "batch_size": 1, "weight_averaging": average}
    trained = train(one_weight(), ones, np.ones(64, int), **options)
    assert one_value(trained) == pytest.approx(mean)
    assert int(trained.optimizer.iterations) == 256


@pytest.mark.parametrize("kind", ["dense", "batch normalization"])
def test_averaged_weights_lie_among_those_of_the_training(kind):
    model = compiled(kind)
    plain, last, mean = (
        train(model, X, Y, epochs=5, batch_size=30, **options)  # an epoch is one call
        for options in ({}, {"weight_averaging": 0.0}, {"weight_averaging": 0.6})
    )
    for one, other in zip(plain.get_weights(), last.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    snapshots = [
        [
            variable.numpy()
            for variable in train(model, X, Y, epochs=n, batch_size=30).trainable_variables
        ]
        for n in (3, 4, 5)
    ]
    for found, *seen in zip(mean.trainable_variables, *snapshots, strict=True):
        np.testing.assert_allclose(found.numpy(), np.mean(seen, axis=0), **FLOAT32)
    assert np.isfinite(predict(mean, X)).all()


@pytest.mark.parametrize(("decay", "total"), [(0.0, 4.0), (1.0, 2.5), (0.5, 3.5)])
def test_the_learning_rate_falls_to_zero_over_the_last_share(decay, total):
    """One step a call, and each adds the rate: 1, 3/4, 1/2, 1/4 where it falls from the start."""
    one = np.ones((1, 1), np.float32)
    trained = train(one_weight(), one, np.ones(1, int), epochs=4, batch_size=1, decay=decay)
    assert one_value(trained) == pytest.approx(total)
    assert float(trained.optimizer.learning_rate) == 1.0


def test_a_schedule_of_the_optimizer_goes_on_instead():
    model = compiled("schedule")
    plain, decayed = (train(model, X, Y, decay=decay) for decay in (0.0, 1.0))
    for one, other in zip(plain.get_weights(), decayed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_frequency_says_how_often_an_input_is_seen():
    """The weight grows by each input's value: that of the first is seen, the others' are not."""
    values = np.array([[1.0], [100.0], [100.0], [100.0]], np.float32)
    only = np.array([1.0, 0.0, 0.0, 0.0])
    options = {"epochs": 3, "batch_size": 1}
    trained = train(one_weight(), values, np.ones(4, int), frequency=only, **options)
    assert one_value(trained) == pytest.approx(12), "an epoch has as many inputs as before"
    thrice = np.array([3.0, 1.0, 1.0, 1.0])
    trained = train(one_weight(), values, np.ones(4, int), frequency=thrice, epochs=30)
    assert one_value(trained) == pytest.approx(30 * (2 + 2 * 100) / 4, rel=0.1)


def test_training_ends_after_the_seconds_and_says_how_far_it_is():
    ones, shares = np.ones((64, 1), np.float32), []
    options = {"epochs": 10_000, "batch_size": 1, "seconds": 0.5}
    trained = train(one_weight(), ones, np.ones(64, int), progress=shares.append, **options)
    assert 64 <= int(trained.optimizer.iterations) < 64 * 10_000
    assert shares[0] == 0
    assert (np.diff(shares) > 0).all()
    assert shares[-1] < 1


@pytest.mark.parametrize("wrap", [lambda loss: [loss], lambda loss: (loss,)])
def test_a_list_of_one_loss_is_that_loss(wrap):
    model, listed = compiled("dense"), compiled("dense")
    listed.compile("adam", wrap(SPARSE))
    for mine, expected in zip(
        train(listed, X, Y).get_weights(), train(model, X, Y).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, expected)


def test_two_threads_train_what_each_alone_would():
    model, other = compiled("dense"), (Y + 1) % 3
    alone = [train(model, X, y, epochs=40).get_weights() for y in (Y, other)]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda y: train(model, X, y, epochs=40).get_weights(), (Y, other)))
    for mine, expected in zip(both, alone, strict=True):
        for one, two in zip(mine, expected, strict=True):
            np.testing.assert_array_equal(one, two)


def test_compiled_loops_are_forgotten_after_a_few_architectures():
    for units in range(4, 6 + loops.KEPT):
        model = keras.Sequential([keras.Input((6,)), layers.Dense(units), layers.Dense(3)])
        train(model, X[:8], Y[:8], epochs=0)
    assert len(loops.TRAINERS) == loops.KEPT


def test_without_a_copy_the_model_itself_gets_the_same_weights():
    model = compiled("dense")
    trained = train(model, X, Y)
    assert train(model, X, Y, copy=False) is model
    for mine, expected in zip(model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, expected)


def test_frozen_layers_stay_frozen():
    model = compiled("dense")
    model.layers[0].trainable = False
    model.compile("adam", SPARSE)
    trained = train(model, X, Y)
    np.testing.assert_array_equal(trained.get_weights()[0], model.get_weights()[0])
    assert (trained.get_weights()[2] != model.get_weights()[2]).any()


def test_nothing_that_was_given_is_changed():
    model = compiled("momentum")
    model.fit(X, Y, verbose=0)
    arrays = [X, Y, *model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]
    before = [array.tobytes() for array in arrays]
    train(model, X, Y)
    arrays = [X, Y, *model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]
    assert [array.tobytes() for array in arrays] == before


def test_no_epochs_is_a_copy():
    model = compiled("dense")
    copy = train(model, X, Y, epochs=0)
    assert copy is not model
    np.testing.assert_array_equal(copy.get_weights()[0], model.get_weights()[0])


def test_it_learns_the_digits(trained, digits):
    accuracy = (predict(trained, digits.test.x).argmax(axis=1) == digits.test.y).mean()
    assert accuracy > 0.85


def test_train_refuses_what_does_not_fit(refused):
    model = build("published", shape=(6, 1, 1), classes=3)
    x = X.reshape(150, 6, 1, 1)
    assert refused(train, model, X, Y) == (
        "the inputs must have shape ('n', 6, 1, 1). Received: shape (150, 6)."
    )
    assert refused(train, model, x, Y + 1) == (
        "y must be from 0 to 2. Received: labels from 1 to 3."
    )
    assert refused(train, model, x, Y[:9]) == (
        "x and y must have the same length. Received: x: 150, y: 9."
    )
    assert refused(train, model, x[:0], Y[:0]) == "x must not be empty. Received: length 0."
    assert refused(train, model, np.where(x == x[3, 2], np.nan, x), Y) == (
        "x must be finite. Received: nan at index (3, 2, 0, 0), 1 in all."
    )
    assert refused(train, model, x, Y, epochs=-1) == (
        "epochs must be a whole number of at least 0. Received: -1."
    )
    assert refused(train, model, x, Y, batch_size=0) == (
        "batch_size must be a whole number of at least 1. Received: 0."
    )
    assert refused(train, model, x, Y, weight_averaging=1.5) == (
        "weight_averaging must be a number from 0 to 1. Received: 1.5."
    )
    assert refused(train, model, x, Y, seed=-1) == (
        "seed must be a whole number of at least 0. Received: -1."
    )


def test_inputs_are_augmented_anew_in_every_epoch():
    asked = []

    def darker(inputs, generator):
        asked.append(generator.random())
        assert inputs.shape[1:] == X.shape[1:]
        return inputs * np.float32(0.5)

    model = compiled("dense")
    half = train(model, X, Y, epochs=2, seed=1, augment=darker)
    same = train(model, X * np.float32(0.5), Y, epochs=2, seed=1)
    for a, b in zip(half.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, **FLOAT32)
    assert len(set(asked)) == len(asked) >= 2
