"""Weights & Biases' own Keras callback behind the diagnosis (`pip install wandb`), offline."""

import keras
import pytest

from mode.diagnosis import Diagnosis
from tests.diagnosis.conftest import classifier

wandb = pytest.importorskip("wandb")
tracking = pytest.importorskip("wandb.integration.keras")


def test_wandb_records_what_stands_before_it(monkeypatch, tmp_path, two_classes):
    model = classifier(keras.layers.Dense(8, "relu", name="hidden"))
    logged = {}
    with wandb.init(mode="offline", dir=str(tmp_path)):
        monkeypatch.setattr(wandb, "log", logged.update)
        order = [Diagnosis(log=True), tracking.WandbMetricsLogger()]
        history = model.fit(*two_classes, epochs=2, verbose=0, callbacks=order).history
    for name in ("loss", "diag/hidden/grad_norm", "diag/hidden/dead_units", "diag/out/grad_norm"):
        assert logged[f"epoch/{name}"] == pytest.approx(history[name][-1])
