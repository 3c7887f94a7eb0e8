"""Feature visualization: what a classifier has learned, estimated without data by a generator.

prior -> maximization -> scores -> verdict | dissection. Importing this package loads no Keras;
the names below load it when they are first used, and `mode.featurevis.scores` never does.
"""

from importlib import import_module

from mode import checks

_MODULES = {
    "Prior": "prior",
    "load_prior": "prior",
    "save_prior": "prior",
    "fit_prior": "fitting",
    "PRESETS": "maximization",
    "PreferredInputs": "maximization",
    "maximize": "maximization",
    "Audit": "audits",
    "audit": "audits",
    "ablate": "dissection",
    "ablation_effect": "dissection",
    "dissect": "dissection",
    "Feedback": "class_feedback",
    "feedback": "class_feedback",
    "visualize": "report",
}
__all__ = sorted(_MODULES)


def __getattr__(name: str):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _check_backend(name)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def _check_backend(name: str) -> None:
    import keras

    if (backend := keras.backend.backend()) != "tensorflow":
        hint = "Set the environment variable KERAS_BACKEND=tensorflow before Keras is imported."
        checks.fail(f"{name} needs Keras with its TensorFlow backend", backend, hint)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
