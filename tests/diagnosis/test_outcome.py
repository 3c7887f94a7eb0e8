"""How well a training went, from records written by hand."""

from dataclasses import replace

import numpy as np
import pytest

from mode.diagnosis.facts.data import array_moments
from mode.diagnosis.facts.heads import Head
from mode.diagnosis.facts.outcome import TrainingCase, training_outcome
from mode.diagnosis.facts.training import HEAD_COLUMNS, empty_record
from mode.diagnosis.rules.curves import loss_metric_disagree

SIGMOID = Head("out", "out", "out", (None, 1), "sigmoid", "binary_crossentropy", "binary")
STEPS = np.arange(1, 9) * 50
TARGET = array_moments("target 0", np.arange(100) % 2)


def _record(hits: float, **known):
    """Return eight records of one output whose share of right classes is `hits`."""
    columns = {"low": 0.0, "high": 1.0, "spread": 0.4, "hits": hits, "square": 0.2, "pairs": 1.0}
    heads = np.array([[columns.get(name, 0.5) for name in HEAD_COLUMNS]] * len(STEPS))[:, None]
    losses = np.linspace(0.7, 0.2, len(STEPS))
    recorded = {"steps": STEPS, "losses": losses, "heads": heads, "targets": (TARGET,)}
    return empty_record(**recorded, total_steps=400, **known)


def _logged(*losses):
    return empty_record(epochs=tuple({"loss": loss} for loss in losses), total_steps=60)


def test_accuracy_below_chance_is_a_failure_where_the_output_is_a_probability():
    outcome = training_outcome(_record(0.1), (SIGMOID,))
    assert outcome.level == "bad"
    assert (outcome.accuracy, outcome.majority) == (pytest.approx(0.1), 0.5)


def test_what_an_own_loss_makes_of_a_distance_is_not_diagnosed_by_accuracy():
    own = replace(SIGMOID, family="custom", loss="contrast", activation="unknown")
    outcome = training_outcome(_record(0.1), (own,))
    assert (outcome.level, np.isnan(outcome.accuracy)) == ("fair", True)


@pytest.mark.parametrize(("steps", "loss", "enough"), [
    (3, 0.7, False), (3, np.nan, True), (12, 0.7, True), (0, 0.7, True),
])  # fmt: skip
def test_a_few_steps_are_enough_only_where_numbers_break(steps, loss, enough):
    record = empty_record(epochs=({"loss": loss},), total_steps=steps, finished=True)
    assert training_outcome(record, (SIGMOID,)).enough == enough


def test_targets_of_one_class_have_no_skill():
    flat = array_moments("target 0", np.ones(100))
    assert np.isnan(training_outcome(replace(_record(1.0), targets=(flat,)), (SIGMOID,)).skill)


@pytest.mark.parametrize(
    ("losses", "level"),
    [((1, 1, 0.99, 0.98, 0.97), "bad"), ((1, 0.9, 0.8, 0.7, 0.6), "fair"), ((1, 1, 1), "fair")],
)
def test_without_watched_steps_the_logged_loss_tells(losses, level):
    assert training_outcome(_logged(*losses), ()).level == level


@pytest.mark.parametrize(
    ("again", "told"), [(0.25, []), (0.30, []), (5.98, ["loss_metric_disagree"]), (0.1, [])]
)
def test_a_loss_that_the_predictions_do_not_bear_out_is_named(again, told):
    record = _record(0.9, pairs=np.array([[0.25, again]] * 8))
    facts = type("Facts", (), {"heads": (SIGMOID,)})
    case = TrainingCase(record, facts, training_outcome(record, facts.heads))
    assert [f.symptom for f in loss_metric_disagree(case)] == told
