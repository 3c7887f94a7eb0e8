"""A training that is cut short by a limit of time is not judged as a finished one."""

import keras
import numpy as np
import pytest

from mode.checks import InputError
from mode.diagnosis import Diagnosis


def _slow_training(**options):
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(2000, 4)).astype("float32")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1e-3), "mse")
    watch = Diagnosis(**options)
    history = model.fit(x, x @ np.ones((4, 1)), epochs=3, verbose=0, callbacks=[watch])
    return watch.report, history.epoch


def test_what_a_limit_of_time_cuts_short_is_not_called_unfinished():
    whole, _ = _slow_training()
    cut, epochs = _slow_training(seconds=1e-6)
    assert "slow_convergence" in {f.symptom for f in whole.findings}
    assert not cut.alarms
    assert len(epochs) == 1
    assert any("the limit of this training" in f.text for f in cut.findings)


def test_a_limit_that_is_no_time_is_refused():
    with pytest.raises(InputError, match="seconds must be a positive number"):
        Diagnosis(seconds=0)
