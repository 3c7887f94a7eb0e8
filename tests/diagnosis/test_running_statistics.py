"""Records worked off together against the same ones one by one."""

from dataclasses import fields

import numpy as np
import pytest

from mode.diagnosis.facts.training import Row
from mode.diagnosis.recorder import running_statistics
from mode.diagnosis.recorder.running_statistics import Layout, RunningStatistics, Tensor
from tests.tolerance import FLOAT32

ROWS = (Row("input", "input 0"), Row("activation", "dense"), Row("loss", "loss"))
LAYOUT = Layout(
    ROWS,
    (Tensor(2, 3, "float32", (None, 3)),),
    (Tensor(1, 1, "float32", (None,)),),
    (Tensor(2, 2, "float32", (None, 2)),),
    (("dense", 4),),
)


def _record(step: int, batch: int, draw: np.random.Generator) -> np.ndarray:
    """Return what the graph would have written: window, lengths, shapes, flags, values."""
    window = [step, 0, draw.random(), draw.random(), np.nan]
    lengths, shapes = [3 * batch, 5, 1], [batch, 3, batch, batch, 2]
    inputs, targets = draw.normal(size=3 * batch), draw.integers(0, 2, batch)
    outputs, rest = draw.random(2 * batch), draw.random(6 + 4)
    parts = (window, lengths, shapes, [0, 0, 0], inputs, rest, inputs, targets, outputs)
    return np.concatenate(parts).astype("float32")


@pytest.mark.parametrize("together", [2, 8, 100])
def test_records_of_several_shapes_add_up_alike_however_many_wait(together, monkeypatch):
    draw = np.random.default_rng(0)
    records = [_record(i + 1, 4 if i % 5 == 4 else 16, draw) for i in range(23)]
    alone = RunningStatistics(LAYOUT)
    for record in records:
        alone.add(record)
        alone.settle()
    monkeypatch.setattr(running_statistics, "TOGETHER", together)
    waiting = RunningStatistics(LAYOUT)
    for record in records:
        waiting.add(record)
    waiting.settle()
    found, expected = waiting.fields(), alone.fields()
    assert found["steps"].tolist() == list(range(1, 24))
    for name in ("losses", "pairs", "values", "heads"):
        np.testing.assert_allclose(found[name], expected[name], **FLOAT32, err_msg=name)
    np.testing.assert_allclose(found["units"]["dense"], expected["units"]["dense"], **FLOAT32)
    for kind in ("inputs", "targets", "outputs"):
        for a, b in zip(found[kind], expected[kind], strict=True):
            assert (a.rows, a.shape, a.nonfinite) == (b.rows, b.shape, b.nonfinite)
            for field in fields(a):
                one, other = getattr(a, field.name), getattr(b, field.name)
                if isinstance(one, np.ndarray):
                    np.testing.assert_allclose(one, other, rtol=1e-9, err_msg=field.name)


def test_large_records_do_not_wait(monkeypatch):
    monkeypatch.setattr(running_statistics, "ENTRIES", 300)
    waiting, draw = RunningStatistics(LAYOUT), np.random.default_rng(0)
    for i in range(2):
        waiting.add(_record(i + 1, 16, draw))
    assert waiting.steps == [1, 2]
