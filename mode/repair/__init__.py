"""MODE's repair loop, its arms, its control, and the published experiment.

The package itself can be called: `mode.repair(model, data)` is `mode.repair.repair(model, data)`.
"""

import sys
from types import ModuleType

from mode.repair.arms import ARMS, arms
from mode.repair.comparing import compare_arms
from mode.repair.experiment import METRICS, compare_metrics, initial_model, protocol_recipe
from mode.repair.loop import Repair, control, drawable, repair, run
from mode.repair.recipe import DEFECTS, PROTOCOLS, RECIPES, Defects, Recipe
from mode.repair.rounds import measure
from mode.repair.scenarios import MAIN, SCENARIOS, Scenario, faulty_model

__all__ = [
    "ARMS",
    "DEFECTS",
    "MAIN",
    "METRICS",
    "PROTOCOLS",
    "RECIPES",
    "SCENARIOS",
    "Defects",
    "Recipe",
    "Repair",
    "Scenario",
    "arms",
    "compare_arms",
    "compare_metrics",
    "control",
    "drawable",
    "faulty_model",
    "initial_model",
    "measure",
    "protocol_recipe",
    "repair",
    "run",
]


class _Callable(ModuleType):
    """A package that is called as the function it is named after."""

    __call__ = staticmethod(repair)


sys.modules[__name__].__class__ = _Callable
