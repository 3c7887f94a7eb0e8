"""The running median against numpy's of every beginning."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mode.diagnosis.rules.steps import running_median


@given(st.integers(1, 30), st.integers(1, 3), st.integers(0, 99))
def test_median_of_every_beginning(rows, columns, seed):
    values = np.random.default_rng(seed).choice([0.0, 1.0, 2.5, 7.0, np.inf], (rows, columns))
    expected = [np.median(values[: t + 1], axis=0) for t in range(rows)]
    np.testing.assert_array_equal(running_median(values), expected)
