"""The recorder: it measures what a slow second implementation measures, and disturbs nothing."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from mode.checks import InputError
from mode.diagnosis import Diagnosis
from mode.diagnosis.recorder import graph_hooks
from tests.diagnosis.conftest import classifier
from tests.tolerance import FLOAT32

LAYERS = keras.layers


def _plain():
    return classifier(LAYERS.Dense(8, "tanh"), LAYERS.Dropout(0.3))


def _conv():
    return classifier(
        LAYERS.Reshape((6, 1)),
        LAYERS.Conv1D(4, 3),
        LAYERS.BatchNormalization(),
        LAYERS.ReLU(),
        LAYERS.Flatten(),
    )


def _recurrent():
    return classifier(LAYERS.Reshape((6, 1)), LAYERS.GRU(4, dropout=0.2))


def _constants():
    """TensorFlow merges the constants of neighbors here; a second reader of the layers' outputs
    would stop that, and change the last bit of the weights."""
    return classifier(
        LAYERS.Rescaling(1 / 3),
        LAYERS.Normalization(mean=0.3, variance=0.2),
        *(LAYERS.Dense(8, "gelu"), LAYERS.Dropout(0.3)),
        *(LAYERS.Rescaling(3.3), LAYERS.Rescaling(1 / 7)),
        *(LAYERS.Dense(8, "silu"), LAYERS.Dropout(0.2)),
    )


class Scaling(keras.Model):
    """A step of its own, whose gradients end in constants that the optimizer's meet."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply([0.37 * g / 3 for g in gradients], self.trainable_variables)
        return {"loss": loss}


def _scaled_gradients():
    inputs = keras.Input((6,))
    hidden = LAYERS.Dense(8, "relu", kernel_regularizer="l2")(inputs)
    model = Scaling(inputs, LAYERS.Dense(2, "softmax")(hidden))
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return model


def _residual():
    """Of batches of unknown length, gradients ask for the shapes of what is added."""
    inputs = keras.Input((6,))
    start = LAYERS.Conv2D(4, 1)(LAYERS.Reshape((3, 2, 1))(inputs))
    first = LAYERS.BatchNormalization()(LAYERS.Conv2D(8, 3, padding="same")(start))
    second = LAYERS.Conv2D(8, 3, padding="same", use_bias=False)(LAYERS.ReLU()(first))
    added = LAYERS.Add()([LAYERS.BatchNormalization()(second), LAYERS.Conv2D(8, 1)(start)])
    pooled = LAYERS.GlobalAveragePooling2D()(LAYERS.ReLU()(added))
    model = keras.Model(inputs, LAYERS.Dense(2, "softmax")(pooled))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def _after(build, x, y, callbacks, batch=32):
    keras.utils.set_random_seed(3)
    model = build()
    model.fit(x, y, epochs=2, batch_size=batch, verbose=0, callbacks=callbacks)
    drawn = keras.ops.convert_to_numpy(keras.random.normal((3,)))
    return [
        *model.get_weights(),
        *(v.numpy() for v in model.optimizer.variables),
        drawn,
        np.random.rand(2),  # noqa: NPY002
    ]


BUILDS = (_plain, _conv, _recurrent, _constants, _scaled_gradients, _residual)


@pytest.mark.parametrize(
    ("build", "batch"), [*((build, 32) for build in BUILDS), (_plain, 48), (_residual, 48)]
)
def test_training_is_the_same_bit_for_bit(build, batch, two_classes):
    """Of 320 rows, batches of 48 leave a smaller one, so that their length is not known before."""
    plain, watched = (_after(build, *two_classes, c, batch) for c in ([], [Diagnosis()]))
    for a, b in zip(plain, watched, strict=True):
        np.testing.assert_array_equal(a, b)


def test_gradient_update_and_activation_match_an_eager_step(two_classes):
    x, y = two_classes[0][:32], two_classes[1][:32]
    keras.utils.set_random_seed(1)
    model = classifier(LAYERS.Dense(8, "relu", name="hidden"), optimizer=keras.optimizers.SGD(0.1))
    hidden = model.get_layer("hidden")
    with tf.GradientTape() as tape:
        active = hidden(x)
        loss = tf.reduce_mean(
            keras.losses.sparse_categorical_crossentropy(y, model.layers[-1](active))
        )
    gradient = tape.gradient(loss, hidden.kernel.value).numpy()
    expected = {
        "gradient": np.sqrt(np.mean(gradient**2)),
        "update": 0.1 * np.sqrt(np.mean(gradient**2)),
        "activation": np.sqrt(np.mean(active.numpy() ** 2)),
    }
    model.fit(
        x, y, epochs=1, batch_size=32, verbose=0, shuffle=False, callbacks=[watch := Diagnosis()]
    )
    record = watch.report.record
    found = {
        r.phase: record.column("rms")[0, i]
        for i, r in enumerate(record.rows)
        if "hidden" in r.layer
    }
    for phase, value in expected.items():
        assert found[phase] == pytest.approx(value, rel=1e-4)
    assert record.losses[0] == pytest.approx(float(loss), rel=1e-4)


def test_nothing_is_left_behind(two_classes):
    model = classifier()
    before = set(vars(model))
    model.fit(*two_classes, epochs=1, verbose=0, callbacks=[Diagnosis()])
    wrapped = {"call", "train_step", "test_step", "compute_loss", "make_train_function"}
    assert not wrapped & set(vars(model))
    assert "apply" not in vars(model.optimizer)
    assert before <= set(vars(model))
    assert all("call" not in vars(layer) for layer in model.layers)


def test_an_exception_passes_unchanged_with_the_finding_added(two_classes):
    x, y = two_classes
    model = classifier(units=2)
    with pytest.raises(Exception, match="label value of 7") as caught:
        model.fit(x, y + 6, epochs=1, verbose=0, callbacks=[watch := Diagnosis()])
    assert "train_step" not in vars(model)
    assert watch.report.findings[0].symptom == "target_out_of_range"
    assert "target_out_of_range" in "".join(caught.value.__notes__)


def test_an_exception_of_another_callback_still_clears_up(two_classes):
    class Failing(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyError("mine")

    model = classifier()
    with contextlib.suppress(KeyError):
        model.fit(*two_classes, epochs=1, verbose=0, callbacks=[Diagnosis(), Failing()])
    assert "train_step" not in vars(model)


def test_two_at_once_are_refused(two_classes):
    model = classifier()
    with pytest.raises(InputError) as caught:
        model.fit(*two_classes, epochs=1, verbose=0, callbacks=[Diagnosis(), Diagnosis()])
    assert str(caught.value) == (
        "a training takes one Diagnosis callback. Received: two on the same model."
    )
    assert "train_step" not in vars(model)


def test_the_first_broken_tensor_is_named_with_its_step(two_classes):
    x, y = two_classes
    x = x.copy()
    x[40, 2] = np.nan  # the second batch of 32
    model = classifier(LAYERS.Dense(8, "tanh"))
    model.fit(
        x, y, epochs=1, batch_size=32, verbose=0, shuffle=False, callbacks=[watch := Diagnosis()]
    )
    assert watch.report.record.broken_step == 2
    found = {f.symptom: f for f in watch.report.findings}
    assert found["numerical_error"].where.phase == "input"
    assert found["numerical_error"].when.step == 2
    assert watch.report.findings[0].symptom == "nan_in_input"


def test_an_xla_model_is_watched_by_its_metrics_and_says_so(two_classes):
    model = classifier()
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=True)
    model.fit(*two_classes, epochs=1, verbose=0, callbacks=[watch := Diagnosis()])
    texts = [f.text for f in watch.report.findings if f.symptom == "not_diagnosed"]
    assert texts == [
        "not recorded: gradients and activations (the model is compiled with jit_compile=True)"
    ]


@pytest.mark.parametrize("width", [None, 1, 2])
def test_targets_of_any_width_that_a_loss_takes_are_watched(two_classes, width):
    """Of a last, smaller batch, so that the number of rows is not known before."""
    x, y = two_classes[0][:40], two_classes[1][:40].astype("float32")
    y = y if width is None else np.repeat(y[:, None], 1, axis=1)
    units, loss = (2, "kl_divergence") if width == 2 else (1, "binary_crossentropy")
    model = classifier(units=units, activation="sigmoid", loss=loss)
    model.fit(x, y, batch_size=16, verbose=0, callbacks=[watch := Diagnosis(every=1)])
    reported, again = watch.report.record.pairs.T
    np.testing.assert_allclose(again, reported, rtol=1e-4)


@pytest.mark.parametrize("read", [False, True])
def test_predictions_that_nothing_reads_are_computed_for_the_reader_alone(read):
    """Keras takes the loss from the logits, so that a step may need no softmax at all."""
    softmax = []

    @tf.function
    def step(logits):
        predictions = tf.nn.softmax(logits)
        if read:
            tf.argmax(predictions, -1) + 0  # a metric
        softmax.append(predictions)
        found = graph_hooks.readable(predictions)
        softmax.append(found)
        return found

    logits = tf.constant([[0.0, 1.0, 3.0]])
    np.testing.assert_allclose(step(logits), tf.nn.softmax(logits), **FLOAT32)
    assert (softmax[0] is softmax[1]) == read


def test_every_record_is_kept_though_they_are_worked_off_together(two_classes, monkeypatch):
    monkeypatch.setattr("mode.diagnosis.callback.GROWTH", 1000)
    model = classifier()
    watch = Diagnosis(every=1)
    model.fit(*two_classes, epochs=2, batch_size=16, verbose=0, callbacks=[watch])
    record = watch.report.record
    assert record.steps.tolist() == list(range(1, record.total_steps + 1))
    assert record.total_steps > 8
