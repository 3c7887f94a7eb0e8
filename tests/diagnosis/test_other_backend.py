"""Where the steps cannot be watched, the static and the metric rules still speak."""

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        # TensorFlow's own compiled steps are as closed as another backend's.
        ("tensorflow", "the model is compiled with jit_compile=True"),
        ("jax", "backend 'jax', not 'tensorflow'"),
        ("torch", "backend 'torch', not 'tensorflow'"),
    ],
)
def test_without_a_watched_step_the_report_says_what_is_missing(backend, reason):
    pytest.importorskip(backend)
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "tests.diagnosis.other_backend"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["missing"] == [f"not recorded: gradients and activations ({reason})"]
    assert report["static"] == ["activation_mismatch", "lr_low"]
    assert report["alarms"] == ["activation_mismatch", "lr_low", "loss_not_decreasing"]
    assert report["level"] == "bad"
