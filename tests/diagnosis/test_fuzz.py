"""Random models: watching raises nothing of its own, changes no weight and no exception."""

import keras
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.diagnosis_fuzz import compare, data, sample
from mode import seeds


@settings(max_examples=2, deadline=None, derandomize=True)
@given(number=st.integers(0, 10_000))
def test_watching_a_random_model_disturbs_nothing(number):
    draw = seeds.generator(1, "fuzz", number)
    spec = sample(draw)
    assert compare(spec, data(spec, draw))["difference"] == ""
    keras.utils.clear_session()
