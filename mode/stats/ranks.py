"""All methods at once: do they differ at all, and how do they rank?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mode import checks
from mode.stats.blocks import paired
from mode.stats.power import LEVEL


def friedman(
    table: pd.DataFrame, *, value: str, method: str, block: str | Sequence[str]
) -> pd.DataFrame:
    """Return one row: `methods`, `n` blocks, Friedman's `chi2`, its `p` and `kendall w`.

    p is from the chi-squared distribution with methods - 1 degrees of freedom, corrected for ties.
    Kendall's W, from 0 to 1, is how far the blocks agree on the order of the methods.

    Example:
        >>> table = pd.DataFrame({"seed": [0, 0, 0, 1, 1, 1], "method": list("abcabc")})
        >>> table["score"] = [1, 2, 3, 1, 2, 3]
        >>> friedman(table, value="score", method="method", block="seed").round(3)
           methods  n  chi2      p  kendall w
        0        3  2   4.0  0.135        1.0

    Raises:
        InputError: as `paired`, and for fewer than three methods.
    """
    from scipy.stats import friedmanchisquare

    wide = paired(table, value=value, method=method, block=block)
    blocks, methods = wide.shape
    if methods < 3:
        checks.fail(
            "table must hold at least 3 methods", f"{methods}", "Compare two with compare()."
        )
    chi2, p = 0.0, 1.0
    if (wide.nunique(axis=1) > 1).any():  # else every rank is tied and chi2 is 0 / 0
        chi2, p = friedmanchisquare(*wide.to_numpy().T)
    row = {"methods": methods, "n": blocks, "chi2": chi2, "p": p}
    return pd.DataFrame([row | {"kendall w": chi2 / (blocks * (methods - 1))}])


def mean_ranks(
    table: pd.DataFrame,
    *,
    value: str,
    method: str,
    block: str | Sequence[str],
    larger_is_better: bool = True,
) -> pd.DataFrame:
    """Return one row for each method, best first: `method` and `mean rank` over the blocks.

    Rank 1 is the best. Ties within a block share their mean rank; methods with equal mean ranks
    are in order of name.

    Example:
        >>> table = pd.DataFrame({"seed": [0, 0, 1, 1], "method": [*"abab"], "score": [1, 2, 3, 4]})
        >>> mean_ranks(table, value="score", method="method", block="seed")
          method  mean rank
        0      b        1.0
        1      a        2.0

    Raises:
        InputError: as `paired`.
    """
    wide = paired(table, value=value, method=method, block=block)
    ranks = wide.rank(axis=1, ascending=not larger_is_better).mean()
    by_method = pd.DataFrame({"method": ranks.index, "mean rank": ranks.to_numpy()})
    return by_method.sort_values(["mean rank", "method"], ignore_index=True)


def nemenyi(
    table: pd.DataFrame, *, value: str, method: str, block: str | Sequence[str]
) -> pd.DataFrame:
    """Return Nemenyi's p for every pair of methods, (methods, methods), for a ranks diagram.

    A test of ranks alone, and a weak one over many methods: compare methods by `compare`.

    Example:
        >>> table = pd.DataFrame({"seed": [0, 0, 1, 1], "method": [*"abab"], "score": [1, 2, 3, 4]})
        >>> nemenyi(table, value="score", method="method", block="seed").round(3)
                    a      b
        method
        a       1.000  0.157
        b       0.157  1.000

    Raises:
        InputError: as `paired`.
    """
    from scipy.stats import studentized_range

    wide = paired(table, value=value, method=method, block=block)
    blocks, methods = wide.shape
    ranks = wide.rank(axis=1).mean().to_numpy()
    apart = np.abs(ranks[:, None] - ranks) / _rank_error(methods, blocks)
    p = studentized_range.sf(apart, methods, np.inf)
    return pd.DataFrame(p, index=wide.columns, columns=wide.columns).rename_axis(columns=None)


def critical_difference(methods: int, blocks: int, level: float = LEVEL) -> float:
    """Return the distance of mean ranks from which Nemenyi's test tells two methods apart.

    Example:
        >>> round(critical_difference(methods=9, blocks=15), 2)
        3.1

    Raises:
        InputError: for fewer than two methods or one block, or a level outside [0.0001, 0.5].
    """
    checks.number("methods", methods, 2, integer=True)
    checks.number("blocks", blocks, 1, integer=True)
    checks.number("level", level, 1e-4, 0.5)
    from scipy.stats import studentized_range

    return float(studentized_range.isf(level, methods, np.inf) * _rank_error(methods, blocks))


def _rank_error(methods: int, blocks: int) -> float:
    """Return the unit of studentized mean-rank distances (Demsar, JMLR 2006, section 3.2.2)."""
    return (methods * (methods + 1) / (12 * blocks)) ** 0.5
