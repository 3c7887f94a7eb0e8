"""No fix proposes what the program has already."""

import keras
import pytest

from mode.diagnosis import Diagnosis
from tests.diagnosis.conftest import classifier


@pytest.mark.parametrize(
    ("optimizer", "proposed"), [(keras.optimizers.SGD, True), (keras.optimizers.Nadam, False)]
)
def test_adam_is_proposed_only_to_who_has_something_else(optimizer, proposed, two_classes):
    watch = Diagnosis()
    classifier(optimizer=optimizer(1e-6)).fit(*two_classes, epochs=20, verbose=0, callbacks=[watch])
    codes = {fix.code for finding in watch.report.findings for fix in finding.fixes}
    assert "raise_learning_rate" in codes
    assert ("change_optimizer" in codes) is proposed
