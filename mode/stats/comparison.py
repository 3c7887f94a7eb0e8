"""Each method against a control: does it differ, by how much, and is it shown to be equivalent?

Mean, interval, p and equivalence come from one test, the paired t-test over the blocks. A block is
a mean over many test inputs, and over faults where there are several, so a normal distribution of
their differences is a fair assumption.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mode import checks
from mode.stats.blocks import differences, paired
from mode.stats.power import LEVEL

RESAMPLES = 9999
PERCENTILE = "percentile interval: ties leave BCa undefined"


def significant(p: Any) -> Any:
    """Return whether p, corrected for the number of comparisons, is at most LEVEL (0.05).

    The one rule of all tables, figures and sentences; without a p nothing is significant.

    Example:
        >>> significant(0.05), significant(float("nan"))
        (True, False)
    """
    return p <= LEVEL


def compare(
    table: pd.DataFrame,
    *,
    value: str,
    method: str,
    block: str | Sequence[str],
    control: str,
    margin: float = 0.0,
) -> pd.DataFrame:
    """Return one row for each method except the control: the test of its paired differences.

    Columns: `method`, `control`, `n` blocks, `mean difference` (method - control) with its 95 %
    interval `low` to `high`; the two-sided `p` of the paired t-test; `holm p` corrected over the
    rows of this table; `significant` (holm p <= 0.05); `equivalent` within `margin`, which has
    the unit of `value`: two one-sided tests (TOST) at 0.05, uncorrected, which is the 90 % interval
    lying within the margin. A method that is not significant is not shown to differ; only one that
    is equivalent is shown to be as good. The interval is not corrected: it may exclude zero
    where `significant` is False, never the other way round.

    Example:
        >>> table = pd.DataFrame({"seed": [*range(8)] * 2, "method": ["mode"] * 8 + ["random"] * 8})
        >>> table["points"] = [3, 5, 4, 6, 5, 3, 4, 7] + [1, 2, 3, 1, 2, 2, 3, 1]
        >>> comparison = compare(
        ...     table, value="points", method="method", block="seed", control="random"
        ... )
        >>> comparison[["method", "n", "mean difference", "holm p", "significant"]].round(4)
          method  n  mean difference  holm p  significant
        0   mode  8             2.75  0.0047         True

    Raises:
        InputError: as `paired`, and for an unknown control or a negative margin.
    """
    wide = paired(table, value=value, method=method, block=block)
    control = checks.one_of("control", str(control), wide.columns)
    checks.number("margin", margin, 0)
    rows = [
        {
            "method": name,
            "control": control,
            **paired_t_test(differences(wide, name, control), margin),
        }
        for name in wide.columns.drop(control)
    ]
    comparisons = pd.DataFrame(rows)
    corrected = holm(comparisons["p"])
    comparisons.insert(comparisons.columns.get_loc("p") + 1, "holm p", corrected)
    comparisons.insert(comparisons.columns.get_loc("p") + 2, "significant", significant(corrected))
    return comparisons


def paired_t_test(gains: np.ndarray, margin: float = 0.0) -> dict[str, Any]:
    """Return `n`, `mean difference`, `low`, `high`, `p`, `margin` and `equivalent` of paired
    differences (n,), as `compare` names them.

    Without any spread the interval has no width; p is then 1 at a mean of zero and else 0.

    Example:
        >>> t_test = paired_t_test(np.array([0.1, 0.2, 0.3]))
        >>> round(t_test["mean difference"], 3), round(t_test["low"], 3), round(t_test["p"], 3)
        (0.2, -0.048, 0.074)
    """
    from scipy.stats import t

    n, mean = len(gains), float(gains.mean())
    error, freedom = gains.std(ddof=1) / np.sqrt(n) if np.ptp(gains) else 0.0, n - 1
    reach, narrow = (float(t.isf(tail, freedom) * error) for tail in (LEVEL / 2, LEVEL))
    p = 2 * t.sf(abs(mean) / error, freedom) if error else float(mean == 0)
    return {
        "n": n,
        "mean difference": mean,
        "low": mean - reach,
        "high": mean + reach,
        "p": float(p),
        "margin": margin,
        "equivalent": abs(mean) + narrow < margin,
    }


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
