"""A batch of one row has equal predictions: that alone does not make an output constant."""

import keras
import numpy as np
import pytest

from mode.diagnosis import Diagnosis
from tests.diagnosis.conftest import classifier


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


def _trained(model, x, y, batch_size):
    watch = Diagnosis()
    model.fit(x, y, batch_size=batch_size, epochs=12, verbose=0, callbacks=[watch])
    return watch.report


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_training_row_by_row_that_learns_has_no_constant_output(batch_size, two_classes):
    x, y = (array[:120] for array in two_classes)
    model = classifier(optimizer=keras.optimizers.Adam(0.01))
    report = _trained(model, x, y, batch_size)
    assert (model.predict(x, verbose=0).argmax(axis=1) == y).mean() > 0.9
    assert "constant_output" not in {f.symptom for f in report.findings}
    assert report.outcome.level in ("good", "fair")


def test_one_that_gives_the_same_for_every_row_still_has_one(two_classes):
    x, y = (array[:120] for array in two_classes)
    model = classifier(optimizer=keras.optimizers.SGD(1e-3))
    report = _trained(model, 0 * x + 1, y, 1)
    assert "constant_output" in {f.symptom for f in report.alarms}
    assert not np.ptp(model.predict(0 * x + 1, verbose=0), axis=0).any()
