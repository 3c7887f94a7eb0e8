"""The same batches through arrays, tf.data, a generator and a PyDataset give the same record."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mode.diagnosis import Diagnosis, check
from mode.diagnosis.repair.rebuild import _with_scaled_inputs
from tests.diagnosis.conftest import classifier
from tests.tolerance import FLOAT32

BATCH, EPOCHS = 40, 6


class Rows(keras.utils.PyDataset):
    """Batches cut out of arrays."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x) // BATCH

    def __getitem__(self, i):
        part = slice(i * BATCH, (i + 1) * BATCH)
        return self.x[part], self.y[part]


def _generator(x, y):
    rows = Rows(x, y)
    while True:
        yield from (rows[i] for i in range(len(rows)))


FEEDS = {
    "arrays": lambda x, y: {"x": x, "y": y, "batch_size": BATCH, "shuffle": False},
    "tf.data": lambda x, y: {"x": tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH)},
    "generator": lambda x, y: {"x": _generator(x, y), "steps_per_epoch": len(x) // BATCH},
    "PyDataset": lambda x, y: {"x": Rows(x, y), "shuffle": False},
}


def _report(feed, x, y):
    keras.utils.set_random_seed(5)
    model = classifier(activation="sigmoid", optimizer=keras.optimizers.SGD(0.1))
    options = {"epochs": EPOCHS, "verbose": 0, "callbacks": [watch := Diagnosis(every=1)]}
    model.fit(**FEEDS[feed](x, y), **options)
    return watch.report


@pytest.fixture(scope="module")
def by_arrays(two_classes):
    return _report("arrays", *two_classes)


@pytest.mark.parametrize("feed", [name for name in FEEDS if name != "arrays"])
def test_a_feed_gives_what_the_arrays_give(feed, by_arrays, two_classes):
    report = _report(feed, *two_classes)
    assert report.record.total_steps == EPOCHS * len(two_classes[0]) // BATCH
    np.testing.assert_allclose(report.record.losses, by_arrays.record.losses, **FLOAT32)
    np.testing.assert_allclose(report.record.values, by_arrays.record.values, rtol=1e-3, atol=1e-5)
    found, expected = report.record.inputs[0], by_arrays.record.inputs[0]
    np.testing.assert_allclose(found.mean, expected.mean, **FLOAT32)
    symptoms = [f.symptom for f in report.alarms]
    assert symptoms == [f.symptom for f in by_arrays.alarms]
    assert symptoms[0] == "activation_mismatch"


def test_the_inputs_recorded_are_the_inputs_fed(by_arrays, two_classes):
    x, _ = two_classes
    np.testing.assert_allclose(by_arrays.record.inputs[0].mean, x.mean(axis=0), **FLOAT32)
    np.testing.assert_allclose(by_arrays.record.inputs[0].std, x.std(axis=0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("order", [1, -1])
def test_inputs_by_name_are_those_of_the_model(order):
    """Words are looked up by an embedding, numbers are not: neither order nor alphabet tells."""
    rng = np.random.default_rng(0)
    words = keras.Input((4,), dtype="int32", name="words")
    numbers = keras.Input((3,), name="numbers")
    looked_up = keras.layers.Flatten()(keras.layers.Embedding(5000, 2)(words))
    joined = keras.layers.Concatenate()([looked_up, numbers])
    model = keras.Model([words, numbers], keras.layers.Dense(1, "sigmoid")(joined))
    model.compile("adam", "binary_crossentropy")
    arrays = {"words": rng.integers(0, 5000, (80, 4)), "numbers": rng.normal(size=(80, 3))}
    x, y = dict([*arrays.items()][::order]), rng.integers(0, 2, 80)
    model.fit(x, y, verbose=0, callbacks=[watch := Diagnosis(every=1)])
    findings = [*check(model, x, y), *watch.report.findings]
    assert "unnormalized_input" not in {finding.symptom for finding in findings}
    assert [m.std.max() > 1000 for m in watch.report.record.inputs] == [True, False]
    layers = _with_scaled_inputs(model, x).layers
    scaled = [layer for layer in layers if isinstance(layer, keras.layers.Normalization)]
    assert [layer.mean.shape[-1] for layer in scaled] == [3]
