"""What the tests of MODE's public replication (Harel-Canada 2019) compared.

The replication took p = 0.41 for a test of its metrics and p = 0.87 for a sign that layer
selection does nothing. Its published tables lie in `mode/published`.
"""

from importlib.resources import files

import pandas as pd

from mode import checks


def published_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return Table 1, with layer selection, and Table 2, without: a row a metric, run once.

    `initial`, `final` and `control` are test accuracies in [0, 1]; `finished_early` is 1 where
    the run ended because no label was left below the threshold.

    Example:
        >>> with_layers, without = published_tables()
        >>> with_layers.columns.tolist(), len(with_layers), len(without)
        (['metric', 'initial', 'final', 'control', 'finished_early'], 9, 9)
    """
    folder = files("mode") / "published"
    with (folder / "table1.csv").open() as first, (folder / "table2.csv").open() as second:
        return pd.read_csv(first), pd.read_csv(second)


def publication_tests(table1: pd.DataFrame, table2: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each of three tests: the replication's two, and the one it left out.

    Columns: `question` it was to answer, `test`, what it `compares` (first - second); its
    `statistic` t with `df` degrees of freedom, two-sided `p`; the `difference` of the means in
    percentage points with its 95 % interval `low` to `high`; in how many of `n` rows the first
    is `higher`.

    Example:
        >>> publication_tests(*published_tables())[["question", "p"]].round(4)
                                     question       p
        0              Do the metrics differ?  0.4133
        1          Does layer selection help?  0.8720
        2  Is MODE better than random inputs?  0.0286

    Raises:
        InputError: for a missing column, values that are no finite numbers, or tables that
            differ in length.
    """
    one, two = _accuracies("table1", table1), _accuracies("table2", table2)
    checks.same_length(table1=one, table2=two)
    both = pd.concat([one, two])
    rows = [
        _t_test(one["final"], one["initial"]),
        _t_test(one["final"], two["final"]),
        _t_test(both["final"], both["control"], paired=True),
    ]
    questions = {
        "Do the metrics differ?": "Table 1: final - initial, all metrics pooled",
        "Does layer selection help?": "finals: Table 1 - Table 2, all metrics pooled",
        "Is MODE better than random inputs?": "Tables 1 and 2: final - control, row by row",
    }
    named = pd.DataFrame(questions.items(), columns=["question", "compares"])
    named.insert(1, "test", [row.pop("test") for row in rows])
    return pd.concat([named, pd.DataFrame(rows)], axis=1)


def _accuracies(name: str, table: pd.DataFrame) -> pd.DataFrame:
    for column in ("initial", "final", "control"):
        if column not in table:
            received = ", ".join(map(str, table.columns))
            checks.fail(f"{name} must have the columns initial, final and control", received)
        checks.numeric(f"{name} {column}", table[column])
    return table


def _t_test(first: pd.Series, second: pd.Series, *, paired: bool = False) -> dict:
    from scipy.stats import ttest_ind, ttest_rel

    result = ttest_rel(first, second) if paired else ttest_ind(first, second)
    interval = result.confidence_interval()
    return {
        "test": "paired t-test" if paired else "unpaired t-test",
        "statistic": float(result.statistic),
        "df": int(result.df),
        "p": float(result.pvalue),
        "difference": 100 * float(first.mean() - second.mean()),
        "low": 100 * float(interval.low),
        "high": 100 * float(interval.high),
        "higher": int((first.to_numpy() > second.to_numpy()).sum()),
        "n": len(first),
    }
