"""Feature visualisation: what a classifier has learned, told through a generator, without its data.

prior -> maximisation -> scores -> verdict | dissection. Importing this package loads no Keras;
the names below load it when they are first used, and `mode.featurevis.scores` never does.
"""

from importlib import import_module

_HOME = {
    "Prior": "prior",
    "load_prior": "prior",
    "save_prior": "storage",
    "fit_prior": "fitting",
    "PRESETS": "maximisation",
    "Stimuli": "maximisation",
    "maximise": "maximisation",
    "Audit": "auditing",
    "audit": "auditing",
    "ablate": "dissection",
    "dissect": "dissection",
    "visualise": "report",
}
__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
