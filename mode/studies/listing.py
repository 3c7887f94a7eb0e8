"""Everything that has a name, for `python -m mode list`."""

from mode.data import PLANTED, SOURCES
from mode.distances import DISTANCES
from mode.figures import FIGURES
from mode.models import MODELS
from mode.repair import DEFECTS, RECIPES
from mode.studies import notebooks
from mode.studies.registry import STUDIES


def sections() -> dict[str, list[str]]:
    """Return heading -> one line for each name under it."""
    return {
        "Studies": [f"{name}: {study.question}" for name, study in STUDIES.items()],
        "Notebooks": [f"{name}: {notebooks.title(name)}" for name in notebooks.names()],
        "Data sets": [*SOURCES, "PATH.npz"],
        "Planted faults": list(PLANTED),
        "Models": list(MODELS),
        "Metrics": list(DISTANCES),
        "Selectors": list(RECIPES),
        "Defects of the published protocol": [f"{k}: {v}" for k, v in DEFECTS.items()],
        "Figures": list(FIGURES),
    }
