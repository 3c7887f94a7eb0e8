"""Tables of compared methods, by hand; and the grids that the rows come from."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from mode import notebooks, stats
from mode.data import load
from mode.figures import FIGURES
from mode.studies import STUDIES, comparison, method_tables, readable
from mode.studies.comparison import UNPLANTED
from mode.studies.engine import _runs
from mode.studies.methods import METHODS, studied_methods
from mode.studies.registry import methods_grid
from mode.studies.scenarios import SCENARIOS


def rows_of(curves, *, seed=0, scenario="under_sampled_5", batch=10, classes=10) -> pd.DataFrame:
    """Rows of method -> accuracy round by round."""
    identity = {"data": "d", "classes": classes, "batch": batch, "scenario": scenario, "seed": seed}
    measured = {"worst accuracy": 0.5, "repaired": 2, "broken": 1, "overlap": 0.5}
    found = [
        {"method": method, "round": n, "inputs": n * batch, "accuracy": value}
        for method, curve in curves.items()
        for n, value in enumerate(curve)
    ]
    return pd.DataFrame(found).assign(**identity, **measured)


def finals_of(finals, **identity) -> pd.DataFrame:
    return comparison.final_rows(
        rows_of({method: [0.5, value] for method, value in finals.items()}, **identity)
    )


def test_final_rows_keep_the_last_accuracy_of_a_repair_that_stopped():
    curves = {"whole": [0.5, 0.6, 0.8], "short": [0.5, 0.7], "none": [0.4]}
    finals = comparison.final_rows(rows_of(curves)).set_index("method")
    assert finals["initial"].to_dict() == {"whole": 0.5, "short": 0.5, "none": 0.4}
    assert finals["final"].to_dict() == {"whole": 0.8, "short": 0.7, "none": 0.4}
    assert finals["area"].to_dict() == pytest.approx({"whole": 0.7, "short": 0.7, "none": 0.4})
    assert finals["round"].to_dict() == {"whole": 2, "short": 1, "none": 0}
    shuffled = rows_of(curves).sample(frac=1, random_state=0)
    shuffled = comparison.final_rows(shuffled).set_index("method").loc[finals.index]
    pd.testing.assert_frame_equal(shuffled[finals.columns], finals)


def test_the_control_is_targeted_random_where_there_is_one():
    assert (
        comparison.control_of(finals_of({"random": 0.6, "targeted_random": 0.6}))
        == "targeted_random"
    )
    assert comparison.control_of(finals_of({"margin": 0.6, "random": 0.6})) == "random"


# Gains of margin over random, in points: seed -> scenario -> gain.
GAINS = {0: {"a": 10, "b": -2}, 1: {"a": 8, "b": -4}, 2: {"a": 12, "b": 0}}


def paired_finals(gains=GAINS) -> pd.DataFrame:
    return pd.concat(
        finals_of({"random": 0.5, "margin": 0.5 + gain / 100}, scenario=scenario, seed=seed)
        for seed, scenarios in gains.items()
        for scenario, gain in scenarios.items()
    )


def test_seeds_are_the_blocks_and_their_scenarios_are_averaged():
    """Means of 4, 2 and 6 points: 4 on average, with the t-test of three, not of six."""
    table = comparison.against(paired_finals(), "random", by=comparison.CELL[:-1])
    margin = table.set_index("method").loc["margin"]
    assert (margin["n"], margin["control"]) == (3, "random")
    assert margin["mean difference"] == pytest.approx(0.04)
    test = scipy.stats.ttest_1samp([0.04, 0.02, 0.06], 0)
    assert margin["p"] == pytest.approx(test.pvalue)
    assert margin["high"] == pytest.approx(test.confidence_interval().high)
    assert margin["final"] == pytest.approx(0.54)
    assert np.isnan(table.set_index("method").loc["random", "mean difference"])


def test_each_fault_has_its_effect_and_their_mean_is_another():
    rows = pd.concat(
        rows_of({"random": [0.5, 0.5], "margin": [0.5, 0.5 + g / 100]}, scenario=s, seed=n)
        for n, scenarios in GAINS.items()
        for s, g in scenarios.items()
    )
    table = comparison.comparison_tables(rows)["by_scenario"]
    effects = table[table["method"] == "margin"].set_index("scenario")["mean difference"]
    assert effects.to_dict() == pytest.approx({"a": 0.1, "b": -0.02, comparison.MEAN: 0.04})


def test_what_cannot_be_compared_is_refused(refused):
    by = comparison.CELL[:-1]
    two = paired_finals({seed: GAINS[seed] for seed in (0, 1)})
    assert refused(comparison.against, two, "random", by=by) == (
        "rows to be compared must be of at least 3 seeds. Received: 2. "
        "Run the study again with more --seeds; finished ones are kept."
    )
    assert refused(comparison.differ, pd.concat([two, finals_of({"third": 0.5})])).startswith(
        "rows to be compared must be of at least 3 seeds."
    )
    uneven = paired_finals({**GAINS, 2: {"a": 1}})
    assert refused(comparison.against, uneven, "random", by=by) == (
        "every seed must have the same scenarios. Received: 2 of seed 0, 2 of seed 1, 1 of seed 2."
    )
    gap = paired_finals().iloc[:-1]
    assert refused(comparison.against, gap, "random", by=by).endswith(
        "Received: none for margin at seed=2 scenario=b."
    )


def test_fewer_seeds_than_three_have_curves_alone():
    rows = pd.concat(rows_of({"random": [0.5, 0.6], "a": [0.5, 0.7]}, seed=n) for n in (0, 1))
    assert list(comparison.comparison_tables(rows)) == ["accuracy_by_inputs"]


def test_a_curve_has_the_interval_of_its_mean_over_three_seeds_or_more():
    rows = pd.concat(rows_of({"a": [0.5, 0.6 + n / 10]}, seed=n) for n in range(3))
    last = comparison.by_inputs(rows).iloc[-1]
    reach = 4.303 * 0.1 / 3**0.5  # Student's t of two degrees of freedom
    assert (last["low"], last["high"]) == pytest.approx((0.7 - reach, 0.7 + reach), abs=1e-4)
    assert comparison.by_inputs(rows[rows["seed"] < 2])["low"].isna().all()


def ordered_finals(names, seeds=3) -> pd.DataFrame:
    """Methods of which each is better than the one before, by amounts that differ by seed."""
    return pd.concat(
        finals_of({m: 0.5 + n / 10 + n * s / 100 for n, m in enumerate(names)}, seed=s)
        for s in range(seeds)
    )


def test_a_question_is_asked_of_the_methods_that_it_names_alone():
    names = ["random", "a, states", "b, states", "c, states", "a, pixels", "random again"]
    finals = ordered_finals(names)
    every = comparison.differ(finals).iloc[0]
    assert (every["methods"], every["n"], every["question"]) == (4, 3, "methods")
    states = comparison.differ(finals, {"states": ", states$"}).iloc[0]
    assert (states["methods"], states["kendall w"]) == (3, 1)
    ranks = comparison.ranked(finals, {"states": ", states$"})
    assert ranks.set_index("method")["mean rank"].to_dict() == {
        "c, states": 1,
        "b, states": 2,
        "a, states": 3,
    }
    assert set(ranks["critical difference"]) == {stats.critical_difference(3, 3)}
    assert comparison.differ(finals, {"pixels": ", pixels$"}).empty


def test_several_questions_are_corrected_by_holm():
    names = ["random", *(f"{m}, {part}" for part in ("one", "two") for m in "abc")]
    found = comparison.differ(ordered_finals(names), {"one": ", one$", "two": ", two$"})
    assert found["holm p"].tolist() == stats.holm(found["p"]).tolist()
    assert found["holm p"].iloc[0] == 2 * found["p"].iloc[0]


def test_methods_that_nothing_could_be_gained_from_do_not_count():
    none = [
        finals_of({"random": 0.9, "a": 0.1, "b": 0.1, "c": 0.1}, scenario=UNPLANTED, seed=n)
        for n in range(3)
    ]
    finals = pd.concat([ordered_finals(["random", "a", "b", "c"]), *none])
    ranks = comparison.ranked(finals).set_index("method")["mean rank"]
    assert ranks.to_dict() == {"c": 1, "b": 2, "a": 3}
    assert comparison.differ(pd.concat(none)).empty


def test_curves_are_means_over_the_seeds():
    rows = pd.concat([rows_of({"a": [0.5, value]}, seed=n) for n, value in enumerate((0.6, 0.8))])
    found = comparison.by_inputs(rows)
    assert found["inputs"].tolist() == [0, 10]
    assert found["accuracy"].tolist() == pytest.approx([0.5, 0.7])


def test_the_share_of_nothing_is_the_random_method_for_every_selector():
    finals = {"random": 0.6, "mode, alpha 0.5": 0.7, "margin, alpha 1.0": 0.9}
    rows = pd.concat(
        [
            rows_of({a: [0.5, v + s / 10] for a, v in finals.items()}, seed=s, classes=classes)
            for classes in (2, 5)
            for s in (0, 1)
        ]
    )
    table = method_tables.alpha_tables(rows)["alpha_by_classes"]
    two = table[table["classes"] == 2].set_index(["selector", "alpha"])["final"]
    assert two.to_dict() == pytest.approx(
        {
            ("mode", "0.0"): 0.65,
            ("margin", "0.0"): 0.65,
            ("mode", "0.5"): 0.75,
            ("margin", "1.0"): 0.95,
        }
    )
    assert len(table) == 8


@pytest.mark.parametrize(
    ("accuracy", "goal", "inputs"),
    [
        ([0.5, 0.6, 0.8], 0.7, 15),
        ([0.5, 0.6, 0.8], 0.8, 20),
        ([0.5, 0.6, 0.8], 0.4, 0),
        ([0.5, 0.6, 0.8], 0.9, np.inf),
        ([0.5, 0.9, 0.6], 0.7, 5),
        ([0.5, 0.4, 0.8], 0.5, 12.5),
        ([0.5, 0.4, 0.8], 0.6, 15),
    ],
)
def test_the_inputs_at_which_a_line_first_reaches_a_goal(accuracy, goal, inputs):
    found = method_tables.reached(pd.Series([0, 10, 20]), pd.Series(accuracy), goal)
    assert found == pytest.approx(0 if goal <= accuracy[0] else inputs)


def test_inputs_needed_are_medians_in_which_never_is_infinite():
    goals = {"random": [0.5, 0.6, 0.7]}
    good, bad = [0.5, 0.7, 0.7], [0.5, 0.5, 0.6]
    rows = pd.concat(
        [rows_of({**goals, "a": curve}, seed=n) for n, curve in enumerate((good, good, bad))]
    )
    table = method_tables.inputs_needed(rows).set_index("method")
    assert table["inputs"].to_dict() == pytest.approx({"random": 20, "a": 10})
    assert table["share"].to_dict() == pytest.approx({"random": 1, "a": 0.5})
    never = method_tables.inputs_needed(rows[rows["seed"] > 0]).set_index("method")
    assert never["inputs"]["a"] == np.inf


def test_negative_controls_are_compared_with_what_they_repeat():
    pairs = [(0.6, 0.6), (0.7, 0.71), (0.8, 0.79)]
    finals = pd.concat(
        finals_of({"random": one, "random again": two, "margin": 0.9}, seed=n)
        for n, (one, two) in enumerate(pairs)
    )
    table = comparison.negative_controls(finals)
    assert table["method"].tolist() == ["random", "random again"]
    again = table.iloc[1]
    assert (again["control"], again["mean difference"], again["p"]) == ("random", 0, 1)
    assert not again["significant"]
    assert comparison.negative_controls(finals[finals["method"] == "random"]).empty


def test_power_is_that_of_the_spread_of_the_seeds_means():
    finals = pd.concat(
        [paired_finals(), finals_of({"random": 0.5, "margin": 0}, scenario=UNPLANTED)]
    )
    table = method_tables.powers(finals)
    assert table["sd"].tolist() == pytest.approx([0.02] * len(method_tables.EFFECTS))
    assert set(table["seeds"]) == {3}
    assert table["effect"].tolist() == method_tables.EFFECTS
    wanted = [stats.power(each, 3, sd=0.02, comparisons=1) for each in method_tables.EFFECTS]
    assert table["power"].tolist() == pytest.approx(wanted)


def test_the_main_comparison_asks_what_the_repair_does_without_a_fault():
    curves = {"targeted_random": [0.5, 0.6], "random": [0.5, 0.6], "recommended": [0.5, 0.7]}
    harmed = {"targeted_random": [0.9, 0.9], "random": [0.9, 0.9], "recommended": [0.9, 0.88]}
    rows = pd.concat(
        [rows_of(curves, seed=n) for n in range(3)]
        + [rows_of(harmed, seed=n, scenario=UNPLANTED) for n in range(3)]
    )
    tables = method_tables.selection_tables(rows)
    harm = tables["harm_without_fault"].set_index("method")
    assert harm["control"].tolist() == ["unrepaired"] * 2
    assert harm.loc["recommended", "mean difference"] == pytest.approx(-0.02)
    own = tables["against_recommended"]
    own = own[(own["method"] == "random") & (own["scenario"] == "under_sampled_5")].iloc[0]
    assert own["mean difference"] == pytest.approx(-0.1)
    assert set(tables["against_control"]["method"]) == set(curves)
    assert tables["against_control"]["n"].dropna().unique().tolist() == [3]


def test_with_equal_steps_each_method_meets_random_inputs_of_its_labels_and_its_retraining():
    finals = {"targeted_random": 0.5, "random": 0.5, "mode": 0.6, "margin": 0.8}
    finals |= {"class-matched random for mode": 0.55, "class-matched random for margin": 0.7}
    finals |= {f"{name}, recommended retraining": finals[name] for name in ("random", "margin")}
    finals |= {"default repair": 0.9}
    rows = pd.concat(rows_of({m: [0.4, v] for m, v in finals.items()}, seed=n) for n in range(3))
    tables = method_tables.equal_tables(rows)
    matched = tables["against_matched"].dropna(subset=["n"]).set_index("method")
    assert matched["mean difference"].to_dict() == pytest.approx({"mode": 0.05, "margin": 0.1})
    retrained = tables["against_retrained_random"].dropna(subset=["n"]).set_index("method")
    gains = retrained["mean difference"].to_dict()
    assert gains == pytest.approx({"margin, recommended retraining": 0.3})
    behind = tables["against_default"].dropna(subset=["n"]).set_index("method")
    assert behind.loc["margin", "mean difference"] == pytest.approx(-0.1)


def test_damage_is_what_a_method_loses_to_the_wrong_labels_of_its_pool():
    pools = {"under_trained": 0.9, "pool_uniform_5": 0.8, "pool_systematic_20": 0.6}
    rows = pd.concat(
        rows_of(
            {"random": [0.4, end], "margin": [0.4, end - 0.1], "default repair": [0.4, 0.9]},
            seed=n,
            scenario=pool,
        )
        for n in range(3)
        for pool, end in pools.items()
    )
    tables = method_tables.wrong_labels_tables(rows)
    damage = tables["damage"]
    margin = damage[damage["method"] == "margin"].set_index("pool")
    assert margin["mean difference"].drop("under_trained").to_dict() == pytest.approx(
        {"pool_uniform_5": -0.1, "pool_systematic_20": -0.3}
    )
    assert margin["kind"].to_dict() == {
        "under_trained": "",
        "pool_uniform_5": "uniform",
        "pool_systematic_20": "systematic",
    }
    assert margin["percent"].tolist() == [0, 5, 20]
    behind = tables["against_default"]
    behind = behind[behind["method"] == "margin"].set_index("scenario")["mean difference"]
    assert behind.to_dict() == pytest.approx(
        {"under_trained": -0.1, "pool_uniform_5": -0.2, "pool_systematic_20": -0.4}
    )


def test_each_choice_that_the_publication_leaves_open_meets_mode():
    finals = {"targeted_random": 0.5, "mode": 0.6, "mode, layer for two rounds": 0.7}
    rows = pd.concat(rows_of({m: [0.4, v] for m, v in finals.items()}, seed=n) for n in range(3))
    table = method_tables.choices_tables(rows)["against_mode"].dropna(subset=["n"])
    assert table[["method", "control"]].to_numpy().tolist() == [
        ["mode, layer for two rounds", "mode"]
    ]
    assert table["mean difference"].tolist() == pytest.approx([0.1])


def test_each_layer_meets_the_chosen_one_of_its_metric():
    finals = {"targeted_random": 0.5, "dot: chosen": 0.6, "dot: output": 0.7, "cosine: chosen": 0.9}
    rows = pd.concat(
        rows_of({m: [0.4, v] for m, v in finals.items()}, seed=n).assign(layer="output")
        for n in range(3)
    )
    table = method_tables.layers_tables(rows)["against_chosen"].dropna(subset=["n"])
    assert table[["method", "control"]].to_numpy().tolist() == [["dot: output", "dot: chosen"]]
    assert table["mean difference"].tolist() == pytest.approx([0.1])


@pytest.mark.parametrize("name", STUDIES)
def test_a_grid_has_runs_of_different_names_and_parameters_its_notebook_has(name):
    study = STUDIES[name]
    settings = {"data": "digits", "protocol": "both"}
    points = list(study.grid(seeds=3, **settings))
    assert len(_runs(study, {}, seeds=3, **settings)) == len(points)
    assert {point["seed"] for point in points} == {0, 1, 2}
    allowed = set(notebooks.parameters(study.notebook))
    for point in points:
        assert set(point) <= allowed
        assert point.get("methods", "selection") in METHODS
        assert set(point.get("scenarios", ())) <= set(SCENARIOS)
    assert set(study.figures.values()) <= set(FIGURES)
    assert set(study.small) <= allowed


@pytest.mark.parametrize("seeds", [0, -1, 1.5])
def test_a_number_of_seeds_that_is_none_is_refused(seeds, refused):
    grid = methods_grid("metrics")
    assert refused(lambda: list(grid(data="digits", seeds=seeds, protocol="both"))) == (
        f"seeds must be a whole number of at least 1. Received: {seeds}."
    )


def test_sizes_and_scenarios_reach_every_run():
    grid = methods_grid(
        "alpha", scenarios=["no_planted_fault"], sizes=[{"classes": 2}, {"classes": 5}]
    )
    points = list(grid(data="digits", seeds=2, protocol="both"))
    assert [(point["seed"], point["classes"]) for point in points] == [
        (0, 2),
        (0, 5),
        (1, 2),
        (1, 5),
    ]
    assert all(point["scenarios"] == ["no_planted_fault"] for point in points)
    assert all(point["methods"] == "alpha" for point in points)


def test_the_classes_of_the_alpha_study_have_inputs_enough():
    sizes = {point["classes"] for point in STUDIES["alpha"].grid(data="", seeds=1, protocol="")}
    assert sizes == {2, 5, 10}
    fewest = load("digits", seed=0).only([0, 1])
    assert len(fewest.pool) >= 200, "one batch"
    assert {"random", "mode, alpha 0.25"} <= set(studied_methods("alpha"))


def test_a_table_is_read_with_words_units_and_intervals():
    rows = {"data": "mnist", "classes": 10, "batch": 2, "control": "random", "n": [float("nan"), 3]}
    table = pd.DataFrame({**rows, "method": ["random", "mode"], "final": [0.9, 0.912]})
    table = table.assign(**{"mean difference": [np.nan, 0.012], "low": -0.0001, "high": 0.02})
    table = table.assign(**{"p": 0.01, "holm p": [np.nan, 0.0002], "significant": [np.nan, True]})
    found = readable(table, "a caption").data
    assert found.columns.tolist() == [
        *["seeds", "method", "final, %", "difference, points (95 % interval)", "p (Holm)"],
        "significant",
    ]
    assert found.iloc[0].tolist() == ["", "random", "90.0", "control", "", ""]
    mode = ["3", "MODE in feature space", "91.2", "+1.2 (+0.0 to +2.0)", "< 0.001", "yes"]
    assert found.iloc[1].tolist() == mode
