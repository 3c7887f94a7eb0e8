"""MODE's repair loop, its arms, its control, and the published experiment."""

from mode.repair.experiment import METRICS, compare_metrics, initial_model, protocol_recipe
from mode.repair.loop import Repair, control, drawable, measure, repair, run
from mode.repair.recipe import DEFECTS, PROTOCOLS, RECIPES, Defects, Recipe

__all__ = [
    "DEFECTS",
    "METRICS",
    "PROTOCOLS",
    "RECIPES",
    "Defects",
    "Recipe",
    "Repair",
    "compare_metrics",
    "control",
    "drawable",
    "initial_model",
    "measure",
    "protocol_recipe",
    "repair",
    "run",
]
