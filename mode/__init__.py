"""MODE: debug a Keras classifier: find its faults, repair it, and check and diagnose its training.

Importing this package loads neither TensorFlow nor matplotlib nor numpy; each public name is
imported where it is first used.

Example:
    >>> import mode
    >>> mode.load_data("digits")
    Data(train 1,500, pool 2,000, diagnosis 500, test 1,000; inputs 28 x 28 x 1; 10 classes)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mode import repair
    from mode.data import Data, load_data
    from mode.diagnosis import Diagnosis, autorepair, check, diagnose_history
    from mode.estimation import estimate
    from mode.featurevis import audit
    from mode.models import load_model

__version__ = "0.2.0"

# Public name -> the module that defines it.
_PUBLIC = {
    "Data": "mode.data",
    "Diagnosis": "mode.diagnosis",
    "audit": "mode.featurevis",
    "autorepair": "mode.diagnosis",
    "check": "mode.diagnosis",
    "diagnose_history": "mode.diagnosis",
    "estimate": "mode.estimation",
    "load_data": "mode.data",
    "load_model": "mode.models",
}

__all__ = [
    "Data",
    "Diagnosis",
    "audit",
    "autorepair",
    "check",
    "diagnose_history",
    "estimate",
    "load_data",
    "load_model",
    "repair",
]


def __getattr__(name: str) -> Any:
    if name == "repair":
        return import_module("mode.repair")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'mode' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
