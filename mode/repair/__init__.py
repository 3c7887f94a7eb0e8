"""MODE's repair loop and its control.

The package itself can be called: `mode.repair(model, data)` is `mode.repair.repair(model, data)`.
"""

import sys
from types import ModuleType

from mode.repair.loop import control, drawable, repair, run
from mode.repair.recipe import DEFECTS, PROTOCOLS, RECIPES, Defects, Recipe
from mode.repair.result import Repair
from mode.repair.round import measure

__all__ = [
    "DEFECTS",
    "PROTOCOLS",
    "RECIPES",
    "Defects",
    "Recipe",
    "Repair",
    "control",
    "drawable",
    "measure",
    "repair",
    "run",
]


class _Callable(ModuleType):
    """A package that is called as the function it is named after."""

    __call__ = staticmethod(repair)


sys.modules[__name__].__class__ = _Callable
