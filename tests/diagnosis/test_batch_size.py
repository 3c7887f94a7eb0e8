"""The fix of the batch size rests on the size that was recorded, and no trial repeats a plan."""

import keras
import numpy as np
import pytest

from mode.diagnosis import Diagnosis, autorepair
from mode.diagnosis.findings import Plan
from mode.diagnosis.repair import trials
from tests.diagnosis.conftest import classifier

LAYERS = keras.layers


def _slow(x, y, batch_size):
    model = classifier(optimizer=keras.optimizers.SGD(1e-3))
    watch = Diagnosis()
    model.fit(x, y, batch_size=batch_size, epochs=20, verbose=0, callbacks=[watch])
    return watch.report


@pytest.mark.parametrize(("rows", "used", "wanted"), [(320, 320, 32), (64, 32, 8), (160, 100, 25)])
def test_too_large_a_batch_is_to_be_smaller_than_the_recorded_one(rows, used, wanted, two_classes):
    report = _slow(two_classes[0][:rows], two_classes[1][:rows], used)
    assert report.record.batch == used
    fixes = [f for finding in report.findings for f in finding.fixes]
    batches = {f.line: f.apply(Plan()).batch_size for f in fixes if f.code == "change_batch_size"}
    assert batches == {f"batch_size={wanted}": wanted}


def test_a_batch_of_one_row_cannot_be_smaller(two_classes):
    report = _slow(two_classes[0][:2], two_classes[1][:2], 1)
    assert report.record.batch == 1
    codes = {f.code for finding in report.findings for f in finding.fixes}
    assert "train_longer" in codes
    assert "change_batch_size" not in codes


def test_a_repair_tries_no_plan_that_is_the_present_one(two_classes, monkeypatch):
    plans = []
    trained = trials._train

    def watched(job, plan, *args, **options):
        plans.append(plan)
        return trained(job, plan, *args, **options)

    monkeypatch.setattr(trials, "_train", watched)
    x, y = two_classes[0][:80], np.random.default_rng(0).integers(0, 2, 80)
    source = classifier(LAYERS.Dense(64, "relu"), optimizer=keras.optimizers.SGD(1e-5))
    repair = autorepair(source, (x, y), trials=10, epochs=5)
    found = {attempt.fix for attempt in repair.history}
    assert "change_batch_size" in found
    assert "widen_layer" not in found  # the layer is wide enough
    tried = plans[:-1]  # the last one trains the best plan in full
    assert all(plan not in tried[:i] for i, plan in enumerate(tried))
