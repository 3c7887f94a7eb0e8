"""Shared small data sets and models; one thread, since two workers share two cores."""

import os
import random
import shutil
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

from mode.checks import InputError  # noqa: E402
from mode.data import Data, Part, load  # noqa: E402

FEW = {"train": 120, "pool": 160, "diagnosis": 80, "test": 80}
SIZES = {"train": 400, "pool": 600, "diagnosis": 300, "test": 300}


def pytest_collection_modifyitems(items):
    """The embedded digits must suffice: what needs full MNIST or a browser runs where it is."""
    lacking = {
        "mnist": "" if _has_mnist() else "MODE_DATA names no folder with mnist.npz",
        "browser": _no_browser(),
    }
    for item in items:
        for marker, reason in lacking.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def _has_mnist() -> bool:
    return (Path(os.environ.get("MODE_DATA", "")) / "mnist.npz").is_file()


def _no_browser() -> str:
    """Say what a test in a browser lacks, "" where it has all."""
    packages = ("playwright", "voila", "ipywidgets", "jupyterlab")
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    return "" if shutil.which("chromium") else "no chromium; Debian: apt-get install chromium"


@pytest.fixture(autouse=True)
def _same_weights():
    """Keras takes the seeds of initializers from Python's generator; without this, they differ."""
    random.seed(0)


@pytest.fixture(scope="session")
def refused():
    """Call a function that must refuse its input; return the whole message, which is one line."""

    def refused(function, *arguments, **options) -> str:
        with pytest.raises(InputError) as caught:
            function(*arguments, **options)
        message = str(caught.value)
        assert "\n" not in message
        return message

    return refused


@pytest.fixture(scope="session")
def digits() -> Data:
    return load("digits", seed=0)


@pytest.fixture(scope="session")
def few(digits) -> Data:
    """Every fourth pixel of a few hundred digits."""
    parts = {}
    for name, size in FEW.items():
        part = getattr(digits, name).take(np.arange(size))
        parts[name] = Part(part.x[:, ::4, ::4], part.y)
    return Data(**parts, classes=10)


@pytest.fixture(scope="session")
def small(digits) -> Data:
    """A few hundred digits in each part."""
    parts = {name: getattr(digits, name).take(np.arange(size)) for name, size in SIZES.items()}
    return Data(**parts, classes=10)


@pytest.fixture(scope="session")
def under_fitted(small):
    """A network after four epochs: most labels are below theta on both parts."""
    from mode.models import build, train

    return train(build("published", seed=1), small.train.x, small.train.y, epochs=4)


@pytest.fixture(scope="session")
def over_fitted(small):
    """A network that knows its 400 inputs by heart."""
    from mode.models import build, train

    return train(build("published", seed=1), small.train.x, small.train.y, epochs=60)


@pytest.fixture(scope="session")
def trained(digits):
    """A good network, on all of the training part."""
    from mode.models import build, train

    return train(build("demo", seed=0), digits.train.x, digits.train.y, epochs=20)
