"""The report's last table: a repair beside plain training of the same seconds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mode import checks
from mode.data import Streamed, open_pool
from mode.models import predict, train
from mode.repair import rivals
from mode.report import advice as module
from mode.report.advice import difference, plain_training, sentence
from mode.report.case import Case


@pytest.fixture(scope="module")
def case(under_fitted, small):
    """A repair that trained on some of the pool."""
    part = small.pool.take(np.arange(300))
    after = train(under_fitted, part.x, part.y, epochs=4, seed=0)
    record = {"seed": 0, "label": None, "seconds": 0.5}
    tables = dict.fromkeys(("rows", "chosen", "faults", "suspects"), pd.DataFrame())
    return Case(before=under_fitted, after=after, data=small, **tables, record=record)


def test_each_way_is_measured_beside_the_repair(case):
    text, table = plain_training(case)
    assert table["way"].tolist() == [rivals.REPAIR, rivals.FINE_TUNED, rivals.FROM_SCRATCH]
    before, after = (predict(m, case.data.test.x).argmax(1) for m in (case.before, case.after))
    y = case.data.test.y
    ours = table.iloc[0]
    assert ours["accuracy"] == pytest.approx((after == y).mean())
    assert ours["repaired"] == ((before != y) & (after == y)).sum()
    assert ours["broken"] == ((before == y) & (after != y)).sum()
    assert ours["seconds"] == 0.5
    assert (table["seconds"][1:] > 0.3).all()
    best = table["way"][1:][table["accuracy"][1:].idxmax()]
    assert best in text
    assert "300 test inputs" in text


def test_without_seconds_or_with_a_streamed_pool_a_sentence_says_so(case, tmp_path):
    text, table = plain_training(replace(case, record={"seed": 0}))
    assert (text, len(table)) == (
        "This comparison needs the seconds of the repair, which its record does not hold.",
        0,
    )
    data = case.data
    np.save(tmp_path / "pool.npy", data.pool.x)
    streamed = Streamed(open_pool(tmp_path / "pool.npy"), data.pool.y, data.shape)
    text, table = plain_training(replace(case, data=replace(data, pool=streamed)))
    assert (text, len(table)) == ("This comparison needs a pool in memory.", 0)


def test_a_way_that_the_model_does_not_allow_has_no_row(case, monkeypatch):
    def refused(*arguments, **options):
        checks.fail("the model must be rebuildable", "a subclassed one")

    monkeypatch.setitem(module.WAYS, rivals.FROM_SCRATCH, refused)
    _, table = plain_training(case)
    assert table["way"].tolist() == [rivals.REPAIR, rivals.FINE_TUNED]
    monkeypatch.setitem(module.WAYS, rivals.FINE_TUNED, refused)
    text, table = plain_training(case)
    assert text == "This model can only be trained by its own code."
    assert table["way"].tolist() == [rivals.REPAIR]


def test_the_sentence_says_which_way_is_better_and_when_that_was_not_shown():
    assert sentence("plain fine-tuning", 1.24, 0.41, 2.0, 1000) == (
        "This repair is 1.2 points more accurate than plain fine-tuning "
        "(95 % interval +0.4 to +2.0, 1,000 test inputs)."
    )
    assert sentence("plain fine-tuning", -1.24, -2.0, -0.41, 1000).startswith(
        "This repair is 1.2 points less accurate than plain fine-tuning (95 % interval -2.0 to -0.4"
    )
    assert sentence("plain fine-tuning", 0.3, -0.5, 1.1, 1000) == (
        "No difference from plain fine-tuning was shown: +0.3 points "
        "(95 % interval -0.5 to +1.1, 1,000 test inputs)."
    )


def test_the_interval_covers_the_true_difference_and_is_never_empty():
    """Two ways that are right on 80 and 75 % of all inputs, independently: 5 points."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(500):
        right, rival = rng.random(300) < 0.8, rng.random(300) < 0.75
        _, low, high = difference(right, rival)
        covered += low <= 5 <= high
    assert 0.92 < covered / 500 < 0.98
    same = np.ones(50, bool)
    middle, low, high = difference(same, same)
    assert middle == 0
    assert low < 0 < high
