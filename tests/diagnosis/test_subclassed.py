"""Subclassed models, whose layers can be edited only as long as they are not built."""

import keras
import numpy as np
import pytest

from mode.diagnosis import Diagnosis, autorepair, check
from mode.diagnosis.findings import Plan
from mode.diagnosis.repair.rebuild import rebuild

LAYERS = keras.layers


class Chain(keras.Model):
    def __init__(self, activation="sigmoid"):
        super().__init__()
        self.hidden = [LAYERS.Dense(8, activation, name="first"), LAYERS.Dropout(0.9)]
        self.last = LAYERS.Dense(2, "softmax")

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.last(x)


def chain(rate=1e-6):
    model = Chain()
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    return model


def test_options_are_set_under_the_names_of_the_source():
    source = chain()
    names = [layer.name for layer in (*source.hidden, source.last)]
    plan = Plan().edit(["first"], activation="relu", units=3).edit([names[1]], rate=0.25)
    made = rebuild(source, plan, None, chain)
    assert [layer.name for layer in (*made.hidden, made.last)] == names
    made(np.ones((1, 4), "float32"))
    assert made.hidden[0].kernel.shape == (4, 3)
    assert made.hidden[0].activation is keras.activations.relu
    assert (made.hidden[1].rate, source.hidden[1].rate) == (0.25, 0.9)
    assert source.hidden[0].activation is keras.activations.sigmoid


@pytest.mark.parametrize(
    ("options", "built"), [({"units": 3}, True), ({"class_name": "LSTM"}, False)]
)
def test_what_cannot_be_set_is_refused(options, built):
    def build():
        model = chain()
        if built:
            model(np.ones((1, 4), "float32"))
        return model

    with pytest.raises(ValueError, match=f"{next(iter(options))} of first cannot be set"):
        rebuild(chain(), Plan().edit(["first"], **options), None, build)
    with pytest.raises(ValueError, match="calls its layers itself"):
        rebuild(chain(), Plan().insert(["first"], "Dropout", rate=0.1), None, build)


def test_a_subclassed_model_is_repaired(two_classes):
    x, y = two_classes
    held = (x[240:], y[240:])
    repaired = autorepair(chain, (x[:240], y[:240]), validation=held, trials=2, epochs=10)
    assert repaired.skill > repaired.before + 0.3
    assert repaired.changes


class Autoencoder(keras.Model):
    """Encodes and decodes images of 4 x 3, as tutorials do."""

    def __init__(self):
        super().__init__()
        self.encoder = keras.Sequential([LAYERS.Flatten(), LAYERS.Dense(8, "relu")])
        self.decoder = keras.Sequential([LAYERS.Dense(12, "sigmoid"), LAYERS.Reshape((4, 3))])

    def call(self, x):
        return self.decoder(self.encoder(x))


def test_a_dense_layer_before_a_reshape_is_compared_with_no_target():
    x = np.random.default_rng(0).random((60, 4, 3)).astype("f4")
    model = Autoencoder()
    model.compile("adam", "mse")
    model.fit(x, x, verbose=0, callbacks=[watch := Diagnosis(every=1)])
    findings = [*check(model, x, x), *watch.report.findings]
    assert "shape_mismatch" not in {finding.symptom for finding in findings}
