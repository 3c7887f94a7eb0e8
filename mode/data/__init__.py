"""Data sets, their four parts, and faults planted into them."""

from mode.data.archives import SOURCES
from mode.data.loader import load_data
from mode.data.parts import Data, Part, Streamed
from mode.data.planted import PLANTED, plant
from mode.data.schema import PARTS
from mode.data.stores import open_pool

load = load_data

__all__ = [
    "PARTS",
    "PLANTED",
    "SOURCES",
    "Data",
    "Part",
    "Streamed",
    "load",
    "load_data",
    "open_pool",
    "plant",
]
