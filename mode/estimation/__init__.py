"""Estimate the accuracy of a classifier on inputs without labels.

outputs -> label_shift, methods, shift -> calibration on made shifts -> conclusion. All of it but
`keras_outputs`, `inputs` and `estimates` is arithmetic on arrays. Importing this package loads no
Keras; the names below load it when they are first used.
"""

from importlib import import_module

_MODULES = {
    "ESTIMATORS": "methods",
    "Estimate": "conclusion",
    "estimate": "estimates",
    "estimate_files": "command",
}
__all__ = sorted(_MODULES)


def __getattr__(name: str):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
