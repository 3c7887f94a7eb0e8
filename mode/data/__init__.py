"""Data sets, their four parts, and faults planted into them."""

from mode.data.loading import load
from mode.data.parts import PARTS, Data, Part
from mode.data.planted import PLANTED, plant

__all__ = ["PARTS", "PLANTED", "Data", "Part", "load", "plant"]
