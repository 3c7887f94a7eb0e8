"""Data sets, their four parts, and faults planted into them."""

from mode.data.loading import load_data
from mode.data.opening import open_pool
from mode.data.parts import PARTS, Data, Part, Streamed
from mode.data.planted import PLANTED, plant

load = load_data

__all__ = [
    "PARTS",
    "PLANTED",
    "Data",
    "Part",
    "Streamed",
    "load",
    "load_data",
    "open_pool",
    "plant",
]
