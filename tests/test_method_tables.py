"""Tables of compared methods, by hand; and the grids that the rows come from."""

import numpy as np
import pandas as pd
import pytest

from mode import notebooks, stats
from mode.data import load
from mode.figures import FIGURES
from mode.studies import STUDIES, comparison
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


def test_the_control_is_quota_matched_where_there_is_one():
    assert (
        comparison.control_of(finals_of({"random": 0.6, "targeted_random": 0.6}))
        == "targeted_random"
    )
    assert comparison.control_of(finals_of({"margin": 0.6, "random": 0.6})) == "random"


def test_methods_are_paired_with_the_control_by_scenario_and_seed():
    blocks = [
        ("a", 0, {"random": 0.6, "margin": 0.7}),
        ("a", 1, {"random": 0.8, "margin": 0.82}),
        ("b", 0, {"random": 0.1, "margin": 0.13}),
    ]
    finals = pd.concat([finals_of(v, scenario=s, seed=n) for s, n, v in blocks])
    table = comparison.against(finals, "random", by=comparison.CELL[:-1]).set_index("method")
    margin = table.loc["margin"]
    assert margin["median difference"] == pytest.approx(0.03)
    assert (margin["n"], margin["p"], margin["control"]) == (3, 0.25, "random")
    assert margin["final"] == pytest.approx((0.7 + 0.82 + 0.13) / 3)
    assert np.isnan(table.loc["random", "median difference"])
    by_scenario = comparison.against(finals, "random", by=comparison.CELL)
    one = by_scenario[by_scenario["scenario"] == "b"].set_index("method").loc["margin"]
    assert one["median difference"] == pytest.approx(0.03)
    assert (one["n"], one["note"]) == (1, "one block, no test")
    assert np.isnan(one["p"])
    assert comparison.against(finals_of({"random": 1}), "random", by=["data"]).empty


def test_methods_that_nothing_could_be_gained_from_do_not_count_as_blocks():
    room = [finals_of({"random": 0.6, "a": 0.7, "b": 0.8}, seed=n) for n in (0, 1)]
    none = finals_of({"random": 0.9, "a": 0.1, "b": 0.1}, scenario="no_planted_fault")
    finals = pd.concat([*room, none])
    ranks = comparison.ranked(finals)
    assert ranks.set_index("method")["mean rank"].to_dict() == {"b": 1, "a": 2, "random": 3}
    assert set(ranks["n"]) == {2}
    apart = stats.critical_difference(3, 2)
    assert ranks["critical difference"].tolist() == [apart] * 3
    differ = comparison.differ(finals)
    assert (differ["n"][0], differ["methods"][0], differ["kendall w"][0]) == (2, 3, 1)
    assert comparison.differ(none).empty
    assert comparison.ranked(room[0]).empty


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
    table = comparison.alpha_tables(rows)["alpha_by_classes"]
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
    found = comparison.reached(pd.Series([0, 10, 20]), pd.Series(accuracy), goal)
    assert found == pytest.approx(0 if goal <= accuracy[0] else inputs)


def test_inputs_needed_are_medians_in_which_never_is_infinite():
    goals = {"random": [0.5, 0.6, 0.7]}
    good, bad = [0.5, 0.7, 0.7], [0.5, 0.5, 0.6]
    rows = pd.concat(
        [rows_of({**goals, "a": curve}, seed=n) for n, curve in enumerate((good, good, bad))]
    )
    table = comparison.inputs_needed(rows).set_index("method")
    assert table["inputs"].to_dict() == pytest.approx({"random": 20, "a": 10})
    assert table["share"].to_dict() == pytest.approx({"random": 1, "a": 0.5})
    never = comparison.inputs_needed(rows[rows["seed"] > 0]).set_index("method")
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
    assert (again["control"], again["median difference"], again["p"]) == ("random", 0, 1)
    assert not again["significant"]
    assert comparison.negative_controls(finals[finals["method"] == "random"]).empty


def test_power_is_that_of_the_spread_within_a_scenario():
    gains = {
        ("a", 0): 0.0,
        ("a", 1): 0.02,
        ("b", 0): 0.5,
        ("b", 1): 0.5,
        ("no_planted_fault", 0): 0.9,
    }
    finals = pd.concat(
        finals_of({"targeted_random": 0.1, "m": 0.1 + gain}, scenario=scenario, seed=seed)
        for (scenario, seed), gain in gains.items()
    )
    table = comparison.powers(finals)
    # The variances are 0.0002 and 0; the root of their mean is 0.01.
    assert table["sd"].tolist() == pytest.approx([0.01] * len(comparison.EFFECTS))
    assert set(table["seeds"]) == {2}
    assert table["effect"].tolist() == comparison.EFFECTS
    wanted = [stats.power(each, 2, sd=0.01, comparisons=1) for each in comparison.EFFECTS]
    assert table["power"].tolist() == pytest.approx(wanted)
    assert comparison.powers(finals[finals["seed"] == 0]).empty


def test_the_main_comparison_asks_what_the_repair_does_without_a_fault():
    curves = {"targeted_random": [0.5, 0.6], "random": [0.5, 0.6], "recommended": [0.5, 0.7]}
    harmed = {"targeted_random": [0.9, 0.9], "random": [0.9, 0.9], "recommended": [0.9, 0.88]}
    rows = pd.concat(
        [rows_of(curves, seed=n) for n in (0, 1)]
        + [rows_of(harmed, seed=n, scenario="no_planted_fault") for n in (0, 1)]
    )
    tables = comparison.selection_tables(rows)
    harm = tables["harm_without_fault"].set_index("method")
    assert harm["control"].tolist() == ["unrepaired"] * 2
    assert harm.loc["recommended", "median difference"] == pytest.approx(-0.02)
    own = tables["against_recommended"]
    own = own[(own["method"] == "random") & (own["scenario"] == "under_sampled_5")].iloc[0]
    assert own["median difference"] == pytest.approx(-0.1)
    assert set(tables["against_control"]["method"]) == set(curves)
    assert tables["against_control"]["n"].dropna().unique().tolist() == [2]
    assert set(tables["by_scenario"]["scenario"]) == {"under_sampled_5", "no_planted_fault"}


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
