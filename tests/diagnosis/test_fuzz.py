"""Random models, data and curves: the diagnosis raises nothing of its own and disturbs nothing.

Most cases train nothing. Each run of the tests draws others; a failure names its case.
"""

import warnings

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.diagnosis_fuzz import build, compare, data, sample
from mode import seeds
from mode.diagnosis import Diagnosis, check
from tests.diagnosis.conftest import classifier

CASES = st.integers(0, 2**32 - 1)
SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
VALUES = (
    st.floats(0, 1),
    st.floats(1e-3, 10),
    st.one_of(st.floats(-1e30, 1e30), st.sampled_from([0.0, float("nan"), float("inf")])),
)
NAMES = st.sampled_from(["loss", "val_loss", "accuracy", "val_accuracy", "learning_rate", "own"])


@st.composite
def curves(draw) -> list[dict[str, float]]:
    """Draw the logs of some epochs: most curves are plausible, some hold extreme values."""
    epochs = draw(st.integers(1, 12))
    columns = [st.lists(values, min_size=epochs, max_size=epochs) for values in VALUES]
    drawn = draw(st.dictionaries(NAMES, st.one_of(*columns), min_size=1))
    return [{name: values[epoch] for name, values in drawn.items()} for epoch in range(epochs)]


@pytest.fixture(autouse=True)
def _clear():
    yield
    keras.utils.clear_session()


def drawn(number: int) -> tuple[dict, tuple]:
    """Return a random specification of a model, and arrays that need not fit it."""
    generator = seeds.generator(1, "fuzz", number)
    spec = sample(generator)
    return spec, data(spec, generator)


@given(number=CASES)
@settings(max_examples=40, **SLOW)
def test_checking_a_random_model_finds_the_same_twice_and_changes_no_weight(number):
    spec, (x, y) = drawn(number)
    model = build(spec)
    before = [weight.copy() for weight in model.get_weights()]
    findings = check(model, x, y)
    assert all(map(np.array_equal, before, model.get_weights()))
    assert check(model, x, y) == findings
    symptoms = [finding.symptom for finding in findings]
    assert all(symptom in str(findings) for symptom in symptoms)
    assert findings._repr_html_().count("<tr>") == (len(symptoms) + 1 if symptoms else 0)


@given(epochs=curves())
@settings(max_examples=60, **SLOW)
def test_random_curves_are_judged_without_a_failure(epochs):
    model, watch = classifier(), Diagnosis()
    watch.set_model(model)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="diagnosis failed")
        watch.on_train_begin()
        for epoch, logs in enumerate(epochs):
            watch.on_epoch_begin(epoch)
            watch.on_epoch_end(epoch, logs)
        watch.on_train_end()
    assert not any(" failed: " in finding.text for finding in watch.report.findings)
    assert watch.report.outcome.level in ("good", "fair", "poor", "bad")
    assert str(watch.report)
    if any(np.isnan(logs.get("loss", 0)) for logs in epochs):
        assert "numerical_error" in [alarm.symptom for alarm in watch.report.alarms]


@given(number=CASES)
@settings(max_examples=2, **SLOW)
def test_watching_a_random_model_disturbs_nothing(number):
    assert compare(*drawn(number))["difference"] == ""
