"""Where the steps cannot be watched, the static and the metric rules still speak."""

import importlib.util
import json
import os
import subprocess
import sys

OTHER = [name for name in ("jax", "torch") if importlib.util.find_spec(name)]


def _run(backend: str) -> dict:
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "tests.diagnosis.other_backend"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_without_a_watched_step_the_report_says_what_is_missing():
    # TensorFlow's own compiled steps are as closed as another backend's
    told = _run(OTHER[0] if OTHER else "tensorflow")
    reason = f"backend {OTHER[0]!r}, not 'tensorflow'" if OTHER else ""
    reason = reason or "the model is compiled with jit_compile=True"
    assert told["missing"] == [f"not recorded: gradients and activations ({reason})"]
    assert told["static"] == ["activation_mismatch", "lr_low"]
    assert told["alarms"] == ["activation_mismatch", "lr_low", "loss_not_decreasing"]
    assert told["level"] == "bad"
