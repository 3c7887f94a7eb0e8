"""How many blocks a comparison needs before it is run."""

from bisect import bisect_left

import pandas as pd

from mode import checks

LEVEL = 0.05


def power(
    effect: float, blocks: int, *, sd: float, comparisons: int = 1, level: float = LEVEL
) -> float:
    """Return the chance that a paired t-test over `blocks` blocks finds a mean difference `effect`.

    `sd` is the standard deviation of the paired differences, in the unit of `effect`; the test is
    two-sided at level / comparisons, Holm's first and hardest step. From the noncentral t
    distribution with noncentrality effect / sd * sqrt(blocks).

    Example:
        >>> round(power(0.5, 10, sd=1), 2), round(power(0.5, 40, sd=1), 2)
        (0.29, 0.87)

    Raises:
        InputError: for an sd below 1e-12, fewer than two blocks or one comparison, or a level
            outside [0.0001, 0.5].
    """
    checks.number("effect", effect)
    checks.number("blocks", blocks, 2, integer=True)
    checks.number("sd", sd, 1e-12)
    checks.number("comparisons", comparisons, 1, integer=True)
    checks.number("level", level, 1e-4, 0.5)
    from scipy.stats import nct, t

    freedom = blocks - 1
    critical = t.ppf(1 - level / comparisons / 2, freedom)
    shift = abs(effect) / sd * blocks**0.5
    return float(nct.sf(critical, freedom, shift) + nct.sf(critical, freedom, -shift))


def blocks_for_power(
    effects: list[float],
    *,
    sd: float = 0.45,
    comparisons: int = 9,
    level: float = LEVEL,
    target: float = 0.8,
) -> pd.DataFrame:
    """Return for each effect the blocks that give at least `target` power.

    Columns: `effect` and `blocks`, by `power`. The defaults are accuracy in percentage points.

    Example:
        >>> blocks_for_power([1.0, 0.5], sd=1)
           effect  blocks
        0     1.0      17
        1     0.5      57

    Raises:
        InputError: as `power`, and for effects below sd / 100 or a target outside [0.05, 0.99].
    """
    checks.number("sd", sd, 1e-12)
    checks.number("target", target, 0.05, 0.99)
    rows = []
    for effect in effects:
        checks.number("effect", effect, sd / 100)

        def enough(blocks: int, effect: float = effect) -> bool:
            reached = power(effect, blocks, sd=sd, comparisons=comparisons, level=level)
            return reached >= target

        most = 2
        while not enough(most):
            most *= 2
        blocks = 2 + bisect_left(range(2, most), True, key=enough)
        rows.append({"effect": effect, "blocks": blocks})
    return pd.DataFrame(rows)
