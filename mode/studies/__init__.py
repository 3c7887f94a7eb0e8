"""Studies: a grid of notebook runs, resumed, collected, and turned into tables and figures."""

from mode.studies.engine import Outcome, run_study
from mode.studies.pipeline import committed, draw, made_where_run, tabulate, tabulated
from mode.studies.readable import readable
from mode.studies.registry import STUDIES, Study

__all__ = [
    "STUDIES",
    "Outcome",
    "Study",
    "committed",
    "draw",
    "made_where_run",
    "readable",
    "run_study",
    "tabulate",
    "tabulated",
]
