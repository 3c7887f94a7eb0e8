"""Each method against a control: is it different, by how much, or is it the same?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mode import checks, seeds
from mode.stats.blocks import differences, paired
from mode.stats.power import LEVEL, blocks_needed

RESAMPLES = 9999
PERCENTILE = "percentile interval: ties leave BCa undefined"


def compare(
    table: pd.DataFrame,
    *,
    value: str,
    method: str,
    block: str | Sequence[str],
    control: str,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Return one row for each method but the control, judged by its paired differences from it.

    Columns: `method`, `control`, `n` blocks, `median difference` (method - control) with its
    bootstrap interval `low` to `high` at 1 - `level`, `a12`, the signed-rank `p`, `holm p`
    corrected over the rows of this table, `significant` (holm p <= level), and a `note` where the
    numbers need one: above all when so few blocks differ that no result could be significant.

    Example:
        >>> table = pd.DataFrame({"seed": [*range(8)] * 2, "method": ["mode"] * 8 + ["random"] * 8})
        >>> table["points"] = [3, 5, 4, 6, 5, 3, 4, 7] + [1, 2, 3, 1, 2, 2, 3, 1]
        >>> found = compare(table, value="points", method="method", block="seed", control="random")
        >>> found[["method", "n", "median difference", "holm p", "significant"]]
          method  n  median difference    holm p  significant
        0   mode  8                2.5  0.007812         True

    Raises:
        InputError: as `paired`, and for an unknown control or a level outside [0.0001, 0.5].
    """
    wide, control = _with_control(table, value, method, block, control)
    checks.number("level", level, 1e-4, 0.5)
    checks.number("resamples", resamples, 1, integer=True)
    methods = wide.columns.drop(control)
    rows = []
    for name in methods:
        gains = differences(wide, name, control)
        stream = seeds.generator(seed, "bootstrap", value, name, control)
        low, high, remark = median_interval(gains, stream, level=level, resamples=resamples)
        row = {"method": name, "control": control, "n": len(gains)}
        row |= {"median difference": float(np.median(gains)), "low": low, "high": high}
        row |= {"a12": a12(wide[name], wide[control]), "p": signed_rank(gains)}
        notes = filter(None, [_too_few(gains, len(methods), level), remark])
        rows.append(row | {"holm p": np.nan, "significant": False, "note": "; ".join(notes)})
    comparisons = pd.DataFrame(rows)
    comparisons["holm p"] = holm(comparisons["p"])
    comparisons["significant"] = comparisons["holm p"] <= level
    return comparisons


def signed_rank(differences: Any) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test, exact with ties too.

    Zeros are dropped; tied sizes share their mean rank. The distribution of the rank sum over all
    2**n signs is built one rank at a time, O(n**3), where a table would hold for untied ranks
    only. Without a difference other than zero p is 1.

    Example:
        >>> signed_rank([1, 2, 3, 4, 5])  # 2 of the 2**5 signs are as extreme
        0.0625

    Raises:
        InputError: for values that are no finite numbers, or more than one axis.
    """
    from scipy.stats import rankdata

    moved = checks.numeric("differences", differences, ndim=1)
    moved = moved[moved != 0]
    ranks = np.rint(2 * rankdata(np.abs(moved))).astype(int)  # doubled: mean ranks become whole
    chance = np.ones(1)
    for rank in np.sort(ranks):
        wider = np.zeros(len(chance) + rank)
        wider[: len(chance)] = chance / 2  # this rank counts as negative
        wider[rank:] += chance / 2
        chance = wider
    observed = ranks[moved > 0].sum()
    return float(min(1, 2 * min(chance[: observed + 1].sum(), chance[observed:].sum())))


def mcnemar(before: Any, after: Any) -> float:
    """Return the probability, were neither better, that `after` is right so much more often.

    The exact one-sided test of McNemar (1947, Psychometrika 12) over the same inputs: those that
    only one of the two gets right fall to either side like a coin.

    Args:
        before, after: (n,) booleans, whether each input is predicted right.

    Example:
        >>> mcnemar([False] * 6 + [True], [True] * 7)
        0.015625
        >>> mcnemar([True, False], [True, False])
        1.0

    Raises:
        InputError: where the two differ in length.
    """
    from scipy.stats import binomtest

    checks.same_length(before=before, after=after)
    before, after = np.asarray(before, bool), np.asarray(after, bool)
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    return float(binomtest(gained, gained + lost, alternative="greater").pvalue) if gained else 1.0


def holm(p: Any) -> np.ndarray:
    """Return the p values, (m,), corrected by Holm's step-down method, in their own order.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        array([0.03, 0.06, 0.06])

    Raises:
        InputError: for values that are no finite numbers, or more than one axis.
    """
    p = checks.numeric("p", p, ndim=1)
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.minimum(corrected, 1)


def a12(first: Any, second: Any) -> float:
    """Return Vargha and Delaney's A12: the chance that a value of `first` exceeds one of `second`.

    Ties count half, and pairing is ignored. Cliff's delta is 2 A12 - 1.

    Example:
        >>> a12([3, 4], [1, 3])
        0.875

    Raises:
        InputError: for an empty sample, values that are no finite numbers, or more than one axis.
    """
    first = checks.numeric("first", checks.not_empty("first", first), ndim=1)
    second = checks.numeric("second", checks.not_empty("second", second), ndim=1)
    return float((1 + np.sign(first[:, None] - second).mean()) / 2)


def median_interval(
    differences: Any,
    generator: np.random.Generator,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> tuple[float, float, str]:
    """Return low and high of the median's bootstrap interval at 1 - `level`, and a remark or "".

    The interval is bias-corrected and accelerated (BCa). Acceleration needs a median that moves
    when a value is left out; where ties hold it still the interval is the percentile one, and the
    remark says so. Equal values have an interval of no width.

    Example:
        >>> median_interval([0.3] * 8, np.random.default_rng(0))
        (0.3, 0.3, '')
        >>> low, high, _ = median_interval(range(20), np.random.default_rng(0), resamples=999)
        >>> low < 9.5 < high
        True

    Raises:
        InputError: for no values, values that are no finite numbers, or more than one axis.
    """
    values = checks.numeric("differences", checks.not_empty("differences", differences), ndim=1)
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0]), ""
    from scipy.stats import bootstrap

    moves = np.ptp([np.median(np.delete(values, i)) for i in range(len(values))]) > 0
    low_high = bootstrap(
        (values,),
        np.median,
        n_resamples=resamples,
        confidence_level=1 - level,
        method="BCa" if moves else "percentile",
        rng=generator,
    ).confidence_interval
    return float(low_high.low), float(low_high.high), "" if moves else PERCENTILE


def equivalence(
    table: pd.DataFrame,
    *,
    value: str,
    method: str,
    block: str | Sequence[str],
    control: str,
    margin: float,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Return one row for each method but the control: do they differ by less than `margin`?

    Two one-sided paired t-tests (TOST): `p` is the larger of the two, uncorrected, and the method
    is `equivalent` when p <= level, that is when the interval `low` to `high` of the `mean
    difference` at 1 - 2 `level` (90 %) lies within -margin to margin, which has the unit of
    `value`. Not equivalent does not mean different.

    Example:
        >>> table = pd.DataFrame({"seed": [*range(8)] * 2, "method": ["mode"] * 8 + ["random"] * 8})
        >>> table["points"] = [90.1, 90.2, 89.9, 90.0, 90.1, 90.0, 89.9, 90.1] + [90.0] * 8
        >>> found = equivalence(
        ...     table, value="points", method="method", block="seed", control="random", margin=0.2
        ... )
        >>> found[["mean difference", "low", "high", "equivalent"]].round(3)
           mean difference    low   high  equivalent
        0            0.038 -0.034  0.109        True

    Raises:
        InputError: as `compare`, and for a negative margin.
    """
    from scipy.stats import t

    wide, control = _with_control(table, value, method, block, control)
    checks.number("margin", margin, 0)
    checks.number("level", level, 1e-4, 0.5)
    rows = []
    for name in wide.columns.drop(control):
        gains = differences(wide, name, control)
        mean, error = gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))
        reach = t.ppf(1 - level, len(gains) - 1) * error
        # Without spread the statistic is infinite, and on the margin itself undecided.
        slack = margin - abs(mean)
        statistic = slack / error if error else np.inf * slack if slack else 0.0
        p = float(t.sf(statistic, len(gains) - 1))
        row = {"method": name, "control": control, "n": len(gains), "mean difference": mean}
        row |= {"low": mean - reach, "high": mean + reach, "margin": margin}
        rows.append(row | {"p": p, "equivalent": p <= level})
    return pd.DataFrame(rows)


def _with_control(
    table: pd.DataFrame, value: str, method: str, block: str | Sequence[str], control: str
) -> tuple[pd.DataFrame, str]:
    wide = paired(table, value=value, method=method, block=block)
    return wide, checks.one_of("control", str(control), wide.columns)


def _too_few(gains: np.ndarray, comparisons: int, level: float) -> str:
    needed, moved = blocks_needed(comparisons, level), np.count_nonzero(gains)
    if moved >= needed:
        return ""
    return (
        f"{moved} of {len(gains)} blocks differ, fewer than the {needed} without which "
        f"{comparisons} comparisons cannot be significant"
    )
