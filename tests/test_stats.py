"""Statistics against enumeration, hand-known answers, peers and the published numbers."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats as peer

from mode import stats
from mode.checks import InputError
from mode.seeds import generator

ROLES = {"value": "gain", "method": "selector", "block": "seed"}


def long_table(**methods):
    """A long table of the methods' gains, in order of the seeds."""
    wide = pd.DataFrame(methods).rename_axis("seed").reset_index()
    return wide.melt("seed", var_name="selector", value_name="gain")


def random_table(methods=4, blocks=12, decimals=6, seed=0):
    gains = generator(seed, "test").normal(size=(blocks, methods)).round(decimals)
    return long_table(**{f"method {i}": gains[:, i] for i in range(methods)})


def compare(table, control="method 0", **options):
    return stats.compare(table, **ROLES, control=control, **options)


# --- blocks


def test_paired_is_a_row_a_block_and_a_column_an_method():
    table = pd.DataFrame(
        {
            "scenario": ["b", "a", "b", "a"],
            "seed": [1, 1, 1, 1],
            "selector": ["x", "y", "y", "x"],
            "gain": [1, 2, 3, 4],
        }
    )
    wide = stats.paired(table, value="gain", method="selector", block=["scenario", "seed"])
    assert wide.index.tolist() == [("a", 1), ("b", 1)]
    assert wide.columns.tolist() == ["x", "y"]
    assert wide.to_numpy().tolist() == [[4.0, 2.0], [1.0, 3.0]]


def test_no_result_depends_on_the_order_of_the_rows_and_none_changes_the_table():
    table = random_table(decimals=1)
    before = table.copy()
    shuffled = table.sample(frac=1, random_state=1)
    for one, two in zip(every_result(table), every_result(shuffled), strict=True):
        pd.testing.assert_frame_equal(one, two)
    pd.testing.assert_frame_equal(table, before)


def every_result(table):
    yield stats.paired(table, **ROLES)
    yield compare(table)
    yield stats.friedman(table, **ROLES)
    yield stats.mean_ranks(table, **ROLES)
    yield stats.nemenyi(table, **ROLES)


# --- one method against the control


def test_holm_by_hand():
    corrected = stats.holm([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(corrected, [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(stats.holm([0.5, 0.9]), [1, 1])


def slow_bca(values, stream, resamples, level):
    """Efron's BCa interval of the median, step by step."""
    picks = stream.integers(0, len(values), (resamples, len(values)))
    medians = np.median(values[picks], axis=1)
    median = np.median(values)
    below = (np.sum(medians < median) + np.sum(medians <= median)) / 2
    bias = peer.norm.ppf(below / resamples)
    left_out = np.array([np.median(np.delete(values, i)) for i in range(len(values))])
    pull = left_out.mean() - left_out
    bend = (pull**3).sum() / (6 * (pull**2).sum() ** 1.5)
    ends = []
    for z in peer.norm.ppf([level / 2, 1 - level / 2]):
        ends.append(peer.norm.cdf(bias + (bias + z) / (1 - bend * (bias + z))))
    return np.quantile(medians, ends)


def test_the_interval_is_bca_and_not_the_percentile_one():
    values = np.array([0.96, 1.21, 0.05, 1.28, 0.29, 0.17, 0.3, 0.33, 3.31, 3.14])
    ours, slow, percentile = [], [], []
    for i in range(60):  # the ends jump from one value to the next: compare them on average
        low, high, remark = stats.median_interval(values, generator(i, "a"), resamples=300)
        assert remark == ""
        ours.append([low, high])
        slow.append(slow_bca(values, generator(i, "b"), 300, 0.05))
        medians = np.median(generator(i, "c").choice(values, (300, 10)), axis=1)
        percentile.append(np.quantile(medians, [0.025, 0.975]))
    expected = np.mean(slow, axis=0)
    np.testing.assert_allclose(np.mean(ours, axis=0), expected, atol=0.1)
    assert np.abs(expected - np.mean(percentile, axis=0)).max() > 0.2


def test_an_interval_that_ties_leave_undefined_says_so():
    low, high, remark = stats.median_interval([0, 0, 0, 0, 0, 1, 1], generator(0))
    assert (low, high) == (0, 1)
    assert remark == "percentile interval: ties leave BCa undefined"
    assert stats.median_interval([2, 2, 2], generator(0)) == (2, 2, "")


def test_compare_by_hand():
    """Gains of 1, 2 and 3 points: mean 2, error 1 / sqrt(3), t 3.46 and 4.30 at 95 %."""
    control = np.array([0.1, 0.5, 0.3])
    gains = np.array([0.01, 0.02, 0.03])
    found = compare(long_table(control=control, better=control + gains), "control", margin=0.04)
    assert found.columns.tolist() == [
        *["method", "control", "n", "mean difference", "low", "high"],
        *["p", "holm p", "significant", "margin", "equivalent"],
    ]
    row = found.iloc[0]
    assert row[["method", "control", "n", "margin"]].tolist() == ["better", "control", 3, 0.04]
    assert row["mean difference"] == pytest.approx(0.02)
    assert row["high"] - 0.02 == pytest.approx(4.3027 * 0.01 / 3**0.5, rel=1e-4)
    assert row["p"] == pytest.approx(0.0742, abs=1e-4)
    assert (row["significant"], row["equivalent"]) == (False, True)


@pytest.mark.parametrize("margin", [0.0, 0.3, 0.6, 1.2])
def test_every_row_is_the_method_alone_against_the_control_by_scipys_t_tests(margin):
    table = random_table(methods=4, blocks=15)
    wide = stats.paired(table, **ROLES)
    found = compare(table, margin=margin)
    for _, row in found.iterrows():
        gains = wide[row["method"]] - wide["method 0"]
        test = peer.ttest_1samp(gains, 0)
        assert row["mean difference"] == pytest.approx(gains.mean())
        assert row["p"] == pytest.approx(test.pvalue)
        np.testing.assert_allclose([row["low"], row["high"]], test.confidence_interval(0.95))
        above = peer.ttest_1samp(gains, -margin, alternative="greater").pvalue
        below = peer.ttest_1samp(gains, margin, alternative="less").pvalue
        assert row["equivalent"] == (max(above, below) < 0.05)
    np.testing.assert_array_equal(found["holm p"], stats.holm(found["p"]))
    assert found["significant"].tolist() == (found["holm p"] <= 0.05).tolist()


def test_what_is_significant_has_an_interval_without_zero():
    for seed in range(50):
        found = compare(random_table(methods=9, blocks=5, seed=seed))
        excludes = (found["low"] > 0) | (found["high"] < 0)
        assert excludes[found["significant"]].all()
        assert (excludes == (found["p"] <= 0.05)).all()


def test_one_rule_says_what_is_significant():
    given = [0.05, 0.0501, np.nan]
    assert stats.significant(np.array(given)).tolist() == [True, False, False]


def test_without_spread_a_difference_is_certain_and_equal_differences_are_equal():
    control = np.array([0.1, 0.2, 0.7, 0.4])
    methods = {"same": control, "near": control + 0.1, "on": control + 0.2, "far": control + 0.3}
    assert (control + 0.1 - control).std() > 0
    found = compare(long_table(control=control, **methods), "control", margin=0.2)
    found = found.set_index("method")
    assert found["p"].to_dict() == {"same": 1, "near": 0, "on": 0, "far": 0}
    equivalent = {"same": True, "near": True, "on": False, "far": False}
    assert found["equivalent"].to_dict() == equivalent
    assert (found["low"] == found["high"]).all()


def test_methods_that_are_other_draws_rarely_differ():
    found = [compare(random_table(methods=4, blocks=10, seed=i))["significant"] for i in range(200)]
    assert np.mean([any(each) for each in found]) <= 0.08  # 0.05 + two standard errors


def test_a_method_that_is_better_is_found():
    table = random_table(methods=3, blocks=12)
    better = table[table["selector"] == "method 0"].assign(selector="better")
    better["gain"] += 0.5 + 0.1 * better["gain"] ** 2
    found = compare(pd.concat([table, better])).set_index("method")
    assert found["significant"].to_dict() == {"method 1": False, "method 2": False, "better": True}
    assert found.loc["better", "low"] >= 0.4


# --- all methods at once


def test_friedman_equals_its_formula_and_scipy():
    table = random_table(methods=5, blocks=8)
    wide = stats.paired(table, **ROLES)
    sums = wide.rank(axis=1).sum()
    chi2 = 12 / (8 * 5 * 6) * (sums**2).sum() - 3 * 8 * 6
    row = stats.friedman(table, **ROLES).iloc[0]
    assert row[["methods", "n"]].tolist() == [5, 8]
    assert row["chi2"] == pytest.approx(chi2)
    assert row["p"] == pytest.approx(peer.friedmanchisquare(*wide.to_numpy().T).pvalue)
    spread = ((sums - sums.mean()) ** 2).sum()
    assert row["kendall w"] == pytest.approx(12 * spread / (8**2 * (5**3 - 5)))


def test_friedman_of_full_agreement_and_of_identical_methods():
    base = np.arange(6.0)
    agreed = stats.friedman(long_table(a=base, b=base + 1, c=base + 2), **ROLES).iloc[0]
    assert agreed["kendall w"] == pytest.approx(1)
    assert agreed["p"] == pytest.approx(np.exp(-6))  # chi2 = 12 with 2 degrees of freedom
    tied = stats.friedman(long_table(a=base, b=base, c=base), **ROLES)
    assert tied.iloc[0].tolist() == [3, 6, 0, 1, 0]


def test_mean_ranks_by_hand():
    table = long_table(c=[3, 3, 1], b=[1, 3, 2], a=[2, 1, 3])
    found = stats.mean_ranks(table, **ROLES)
    assert found["method"].tolist() == ["c", "a", "b"]
    np.testing.assert_allclose(found["mean rank"], [5.5 / 3, 2, 6.5 / 3])
    turned = stats.mean_ranks(table, **ROLES, larger_is_better=False)
    assert turned["method"].tolist() == ["b", "a", "c"]
    np.testing.assert_allclose(turned["mean rank"], [5.5 / 3, 2, 6.5 / 3])


def test_nemenyi_equals_scikit_posthocs_and_its_critical_difference():
    import scikit_posthocs  # draws too, so it is a peer here and no part of the arithmetic

    table = random_table(methods=5, blocks=10, decimals=1)
    table["gain"] += (table["selector"] == "method 4") * 3.0
    wide = stats.paired(table, **ROLES)
    found = stats.nemenyi(table, **ROLES)
    np.testing.assert_allclose(found, scikit_posthocs.posthoc_nemenyi_friedman(wide), atol=1e-8)
    ranks = wide.rank(axis=1).mean()
    apart = abs(ranks["method 0"] - ranks["method 4"])
    level = found.loc["method 0", "method 4"]
    assert stats.critical_difference(5, 10, level) == pytest.approx(apart)


def test_critical_difference_of_demsar():
    """Demsar (JMLR 2006), Table 5(a): q = 2.569 for four classifiers; CD over 14 data sets."""
    expected = 2.569 * (4 * 5 / (6 * 14)) ** 0.5
    assert stats.critical_difference(4, 14) == pytest.approx(expected, abs=5e-4)


# --- power


def test_power_equals_a_simulation():
    samples = generator(0, "power").normal(0.5, 0.45, size=(4000, 15))
    found = peer.ttest_1samp(samples, 0, axis=1).pvalue <= 0.05 / 9
    assert stats.power(0.5, 15, sd=0.45, comparisons=9) == pytest.approx(found.mean(), abs=0.02)
    assert stats.power(0, 15, sd=0.45) == pytest.approx(0.05)


def test_blocks_for_eighty_per_cent_power():
    found = stats.blocks_for_power([1, 0.5, 0.3])
    assert found["effect"].tolist() == [1, 0.5, 0.3]
    assert found["blocks"].tolist() == [7, 15, 34]
    for _, effect, blocks in found.itertuples():
        assert stats.power(effect, blocks, sd=0.45, comparisons=9) >= 0.8
        assert stats.power(effect, blocks - 1, sd=0.45, comparisons=9) < 0.8


# --- the publication


def test_the_published_tables_are_whole():
    for table in stats.published_tables():
        assert table.shape == (9, 5)
        assert table["metric"].is_unique
    one, two = stats.published_tables()
    assert one["metric"].tolist() == two["metric"].tolist()
    assert one.iloc[6].tolist() == ["earth mover", 0.9465, 0.9485, 0.9425, 0]
    assert two.iloc[1].tolist() == ["cosine", 0.9481, 0.952, 0.9481, 0]


def test_publication_tests_come_out_exactly():
    found = stats.publication_tests(*stats.published_tables())
    assert found["p"].round(4).tolist() == [0.4133, 0.8720, 0.0286]
    assert found["test"].tolist() == ["unpaired t-test"] * 2 + ["paired t-test"]
    assert found["compares"].tolist() == [
        "Table 1: final - initial, all metrics pooled",
        "finals: Table 1 - Table 2, all metrics pooled",
        "Tables 1 and 2: final - control, row by row",
    ]
    assert found["difference"].round(2).tolist() == [-0.13, 0.03, -0.23]
    assert found[["higher", "n", "df"]].to_numpy().tolist() == [[4, 9, 16], [5, 9, 16], [5, 18, 17]]
    one, two = stats.published_tables()
    gains = pd.concat([one["final"] - one["control"], two["final"] - two["control"]])
    t = gains.mean() / (gains.std(ddof=1) / 18**0.5)
    assert found["statistic"].iloc[2] == pytest.approx(t)


# --- refusals and imports

TABLE = random_table(methods=3, blocks=3)
ONE, TWO = stats.published_tables()
REFUSED = [
    (
        lambda: stats.paired(TABLE, value="gian", method="selector", block="seed"),
        "value must be one of 'gain', 'seed', 'selector'. Received: 'gian'. Did you mean 'gain'?",
    ),
    (
        lambda: stats.paired(TABLE, value="gain", method="selector", block=["seed", "model"]),
        "block must be one of 'gain', 'seed', 'selector'. Received: 'model'.",
    ),
    (
        lambda: stats.paired(TABLE.iloc[:0], **ROLES),
        "table must not be empty. Received: length 0.",
    ),
    (
        lambda: stats.paired(TABLE.assign(gain=np.nan), **ROLES),
        "gain must be finite. Received: nan at index (0,), 9 in all.",
    ),
    (
        lambda: stats.paired(TABLE.assign(seed=[0, 1, None] * 3), **ROLES),
        "seed must be filled in every row. Received: 3 empty.",
    ),
    (
        lambda: stats.paired(pd.concat([TABLE, TABLE.iloc[[4]]]), **ROLES),
        "table must have one row for each method and block. "
        "Received: a second row for method 1 at seed=1, 1 in all.",
    ),
    (
        lambda: compare(TABLE.drop([1, 5])),
        "every method must have a row in every block. "
        "Received: none for method 0 at seed=1, method 1 at seed=2.",
    ),
    (
        lambda: stats.friedman(random_table(2, 9).iloc[:10], **ROLES),
        "every method must have a row in every block. Received: none for method 1 at seed=1, "
        "method 1 at seed=2, method 1 at seed=3, method 1 at seed=4, method 1 at seed=5 "
        "and 3 more.",
    ),
    (
        lambda: compare(TABLE[TABLE["seed"] == 0]),
        "table must hold at least 2 methods and 2 blocks. Received: 3 methods, 1 blocks.",
    ),
    (
        lambda: compare(TABLE, "method0"),
        "control must be one of 'method 0', 'method 1', 'method 2'. Received: 'method0'. "
        "Did you mean 'method 0'?",
    ),
    (
        lambda: compare(TABLE, margin=-1),
        "margin must be a number of at least 0. Received: -1.",
    ),
    (
        lambda: stats.friedman(random_table(methods=2), **ROLES),
        "table must hold at least 3 methods. Received: 2. Compare two with compare().",
    ),
    (
        lambda: stats.power(1, 9, sd=1, comparisons=0),
        "comparisons must be a whole number of at least 1. Received: 0.",
    ),
    (
        lambda: stats.power(1, 1, sd=1),
        "blocks must be a whole number of at least 2. Received: 1.",
    ),
    (
        lambda: stats.blocks_for_power([0]),
        "effect must be a number of at least 0.0045. Received: 0.",
    ),
    (
        lambda: stats.publication_tests(ONE, TWO.drop(columns="control")),
        "table2 must have the columns initial, final and control. "
        "Received: metric, initial, final, finished_early.",
    ),
    (
        lambda: stats.publication_tests(ONE.iloc[:8], TWO),
        "table1 and table2 must have the same length. Received: table1: 8, table2: 9.",
    ),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_bad_input_is_refused_with_the_whole_message(call, message):
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == message


def test_a_gap_among_two_block_columns_is_named_in_full():
    table = pd.concat([TABLE.assign(scenario="a"), TABLE.assign(scenario="b").drop(0)])
    with pytest.raises(InputError) as caught:
        stats.paired(table, value="gain", method="selector", block=["scenario", "seed"])
    assert str(caught.value) == (
        "every method must have a row in every block. "
        "Received: none for method 0 at scenario=b seed=0."
    )


def test_importing_and_comparing_load_neither_tensorflow_nor_matplotlib():
    code = (
        "import sys, mode.stats, mode.faults as f\n"
        "print('scipy.stats' in sys.modules)\n"
        "t = mode.stats.published_tables()[0].melt('metric', ['final', 'control', 'initial'])\n"
        "roles = dict(value='value', method='variable', block='metric')\n"
        "mode.stats.compare(t, **roles, control='control')\n"
        "mode.stats.nemenyi(t, **roles), mode.stats.friedman(t, **roles)\n"
        "print(sorted({'tensorflow', 'keras', 'matplotlib', 'seaborn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["False", "[]"]
