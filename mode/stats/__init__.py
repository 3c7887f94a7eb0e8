"""Comparisons of methods over the blocks they share: a long table goes in, a table comes out.

A *block* is what pairs the methods: a seed (`block` names one column or several). Every function
refuses a table in which a method lacks a block, since an unpaired test of paired runs mistakes the
difference between seeds for noise of the methods.
"""

from mode.stats.blocks import paired
from mode.stats.comparison import (
    compare,
    holm,
    mcnemar,
    median_interval,
    significant,
)
from mode.stats.power import blocks_for_power, power
from mode.stats.publication import publication_tests, published_tables
from mode.stats.ranks import critical_difference, friedman, mean_ranks, nemenyi

__all__ = [
    "blocks_for_power",
    "compare",
    "critical_difference",
    "friedman",
    "holm",
    "mcnemar",
    "mean_ranks",
    "median_interval",
    "nemenyi",
    "paired",
    "power",
    "publication_tests",
    "published_tables",
    "significant",
]
