"""Choose from a pool that stays where it is: measured block by block, only the best k are kept."""

from mode.streaming.best import Block, best
from mode.streaming.near import Near
from mode.streaming.spreading import connected

__all__ = ["Block", "Near", "best", "connected"]
