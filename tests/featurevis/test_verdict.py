"""The rules: a slow reading of the stored numbers, and directions that must hold."""

import numpy as np
import pandas as pd
import pytest

from mode.featurevis import verdict

BOOK = verdict.rules()
REFERENCE = BOOK["mean_reference"]


def scores(**changes):
    return REFERENCE | changes


def test_thresholds_name_the_command_that_makes_them():
    assert BOOK["made_by"] == "python -m benchmarks.featurevis_calibrate"
    assert set(BOOK["verdict"]) == {"fine", "over-fitted", "label noise", "under-fitted"}


def test_linear_is_the_sum_written_out():
    rule = {"intercept": 1.0, "coefficients": {"a": 2.0, "b": -3.0}}
    assert verdict.linear(rule, {"a": 5.0, "b": 1.0, "c": 9.0}) == 8.0


def test_features_compare_with_the_reference_model_and_without_one_with_the_mean():
    own = scores(error=REFERENCE["error"] + 0.25, diversity=2 * REFERENCE["diversity"])
    conclusion = verdict.features(own, REFERENCE)
    assert conclusion["error_more"] == pytest.approx(0.25)
    assert conclusion["diversity_ratio"] == pytest.approx(np.log(2))
    assert verdict.features(own, None) == conclusion


def test_more_errors_mean_a_higher_estimate_inside_its_interval():
    conclusion = [
        verdict.conclude(scores(error=e, noisy_error=e, shifted_error=e), REFERENCE, "digits")
        for e in (0.05, 0.3, 0.6)
    ]
    estimates = [f.error for f in conclusion]
    assert estimates == sorted(estimates)
    assert all(f.interval[0] <= f.error <= f.interval[1] for f in conclusion)
    assert all(f.interval[0] >= 0 and f.interval[1] <= 1 for f in conclusion)


def test_over_confidence_raises_the_over_fitting_score():
    calm, sure = (
        verdict.conclude(scores(over_confidence=o), REFERENCE, "digits").overfitting
        for o in (0.0, 0.3)
    )
    assert sure > calm + 0.1


def test_an_unknown_prior_takes_the_pooled_rules():
    own = scores(error=0.3)
    assert (
        verdict.conclude(own, REFERENCE, "mine").error
        != verdict.conclude(own, REFERENCE, "digits").error
    )
    assert verdict.conclude(own, REFERENCE, "mine") == verdict.conclude(own, REFERENCE, None)


def test_low_probabilities_abstain(monkeypatch):
    monkeypatch.setitem(BOOK, "certain", 1.1)
    assert verdict.conclude(scores(), REFERENCE, "digits").verdict == "cannot tell"


def test_an_error_beyond_those_the_rules_come_from_has_no_verdict(monkeypatch):
    conclusion = verdict.conclude(scores(), REFERENCE, "digits")
    assert conclusion.verdict != "cannot tell"
    limit = conclusion.error - 0.001
    monkeypatch.setitem(BOOK, "reach", dict.fromkeys(BOOK["verdict"], limit))
    beyond = verdict.conclude(scores(), REFERENCE, "digits")
    assert beyond.verdict == "cannot tell"
    assert beyond.reasons[:-1] == conclusion.reasons
    assert beyond.reasons[-1] == (
        f"The zoo has no {conclusion.verdict} classifier with an error near {conclusion.error:.0%} "
        f"(limit {limit:.0%}): no verdict."
    )


def test_how_far_outside_is_counted_in_ranges_of_the_strangest_feature():
    limits = {"a": {"low": 0.0, "high": 2.0}, "b": {"low": 1.0, "high": 2.0}}
    assert verdict.outside({"a": 0.0, "b": 2.0, "c": 99.0}, limits) == 0.0
    assert verdict.outside({"a": 3.0, "b": 0.9}, limits) == pytest.approx(0.5)
    assert verdict.outside({"a": -1.0, "b": -1.0}, limits) == pytest.approx(2.0)
    assert verdict.within({"a": 3.0, "b": -1.0, "c": 99.0}, limits) == {"a": 2, "b": 1, "c": 99}


def test_a_score_beyond_all_seen_widens_the_interval_and_moves_nothing_else():
    most = BOOK["range"]["implausibility"]["high"]
    range_ = most - BOOK["range"]["implausibility"]["low"]
    usual, strange = (
        verdict.conclude(scores(error=0.3, implausibility=i), REFERENCE, "digits")
        for i in (most, most + range_)
    )
    for f in (usual, strange):
        estimates = (f.error, f.overfitting, f.homogeneity, f.verdict)
        assert estimates == (usual.error, usual.overfitting, usual.homogeneity, usual.verdict)
    half = [(f.interval[1] - f.interval[0]) / 2 for f in (usual, strange)]
    assert half[1] == pytest.approx(2 * half[0])
    assert strange.reasons[4] == ("A score is outside its range in the zoo: the interval is wider.")
    assert strange.reasons[:4] + strange.reasons[5:] == usual.reasons


def test_noise_scores_do_not_matter():
    calm = verdict.conclude(scores(), REFERENCE, "digits")
    assert (
        verdict.conclude(scores(noisy_error=0.9, noisy_confidence=0.2), REFERENCE, "digits") == calm
    )


def test_half_width_scales_with_its_quantile_and_is_widest_in_the_middle():
    narrow, wide = (verdict.half_width(0.2, {"quantile": q}) for q in (1.0, 2.0))
    assert wide == pytest.approx(2 * narrow)
    assert verdict.half_width(0.5, {"quantile": 1.0}) > verdict.half_width(0.01, {"quantile": 1.0})


def test_reasons_are_sentences_that_name_the_reference_model():
    reasons = verdict.conclude(scores(), REFERENCE, "digits").reasons
    assert all(reason.endswith(".") for reason in reasons)
    assert "A reference model of this architecture" in reasons[3]
    assert (
        "mean of the zoo's reference models"
        in verdict.conclude(scores(), None, "digits").reasons[3]
    )


def test_a_reference_model_that_has_not_learned_is_replaced_by_the_mean_one():
    own, failed = scores(error=0.3), scores(error=0.87, unevenness=0.6)
    conclusion = verdict.conclude(own, failed, "digits")
    alone = verdict.conclude(own, None, "digits")
    assert conclusion.verdict == alone.verdict
    assert conclusion.homogeneity == alone.homogeneity
    assert conclusion.reasons[3] == (
        "Its reference model did not learn the classes (wrong on 87%): the mean of the zoo's "
        "reference models is used."
    )


def test_a_stranger_is_foreign_and_a_healthy_classifier_is_not():
    assert not verdict.foreign(REFERENCE)
    zoo = pd.read_csv("results/runs/featurevis/zoo.csv")
    assert verdict.why_not(REFERENCE, 0.5) == ()
    assert verdict.why_not(REFERENCE, 0.1)[0].startswith(
        "The reference classifier recognizes only 10% "
    )
    other = zoo.filter(like="other_").rename(columns=lambda c: c.removeprefix("other_"))
    assert np.mean([verdict.foreign(row) for row in other.to_dict("records")]) >= 0.9
