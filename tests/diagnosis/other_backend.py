"""A training whose steps cannot be watched, on any backend, and what its diagnosis must say."""

import keras
import numpy as np

from mode.diagnosis import Diagnosis, check


def diagnosed() -> dict:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(160, 6)).astype("float32")
    y = (x[:, :1] > 0).astype("float32")
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu")])
    model.add(keras.layers.Dense(1, "softmax"))
    closed = keras.backend.backend() == "tensorflow"
    rate = keras.optimizers.SGD(1e-9)
    model.compile(rate, "binary_crossentropy", jit_compile=closed)
    static = [f.symptom for f in check(model, x, y)]
    model.fit(x, y, epochs=6, batch_size=80, verbose=0, callbacks=[watch := Diagnosis()])
    report = watch.report
    return {
        "static": static,
        "alarms": [f.symptom for f in report.alarms],
        "missing": [f.text for f in report.findings if f.symptom == "not_diagnosed"],
        "level": report.outcome.level,
    }


def check_report(report: dict, reason: str) -> None:
    assert report["missing"] == [f"not recorded: gradients and activations ({reason})"]
    assert report["static"] == ["activation_mismatch", "lr_low"]
    assert report["alarms"] == ["activation_mismatch", "lr_low", "loss_not_decreasing"]
    assert report["level"] == "bad"
