"""Where the steps cannot be watched, the static and the metric rules still speak."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.diagnosis.other_backend import diagnosed


def check(report: dict, reason: str) -> None:
    assert report["missing"] == [f"not recorded: gradients and activations ({reason})"]
    assert report["static"] == ["activation_mismatch", "lr_low"]
    assert report["alarms"] == ["activation_mismatch", "lr_low", "loss_not_decreasing"]
    assert report["level"] == "bad"


def test_a_compiled_step_of_tensorflow_is_as_closed_as_another_backends():
    check(diagnosed(), "the model is compiled with jit_compile=True")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_without_a_watched_step_the_report_says_what_is_missing(backend):
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "tests.diagnosis.other_backend"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    check(json.loads(done.stdout.splitlines()[-1]), f"backend {backend!r}, not 'tensorflow'")
