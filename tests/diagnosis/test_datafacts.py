"""Kinds of targets and moments of arrays."""

import numpy as np
import pytest

from mode.diagnosis.facts.data import array_moments, class_shares, target_kind

KINDS = {
    "binary": [0, 1, 1, 0],
    "signed": [-1, 1, 1, -1],
    "labels": [0, 3, 1, 2],
    "one_hot": [[1, 0, 0], [0, 1, 0]],
    "multi_label": [[1, 1, 0], [0, 1, 0]],
    "distribution": [[0.2, 0.8], [0.5, 0.5]],
    "unit": [0.1, 0.7, 0.3],
    "signed_unit": [-0.1, 0.7, 0.3],
    "positive": [0.1, 7.0, 0.3],
    "real": [-2.5, 7.0, 0.3],
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_of_targets_is_read_off_their_values(kind):
    assert target_kind(array_moments("y", np.array(KINDS[kind]))) == kind


def test_without_targets_the_kind_is_unknown():
    assert target_kind(None) == "unknown"


def test_moments_agree_with_numpy_and_leave_out_what_is_not_finite():
    x = np.array([[1.0, 10.0], [3.0, np.nan], [5.0, 30.0]])
    moments = array_moments("x", x)
    np.testing.assert_allclose(moments.mean, [3.0, 20.0])
    np.testing.assert_allclose(moments.std, [np.std([1, 3, 5]), 10.0])
    np.testing.assert_allclose(moments.high, [5.0, 30.0])
    assert moments.nonfinite == pytest.approx(1 / 6)


def test_class_shares_by_hand():
    moments = array_moments("y", np.array([0, 0, 2, 2, 2, 1, 0, 2]))
    np.testing.assert_allclose(class_shares(moments, "labels"), [3 / 8, 1 / 8, 4 / 8])
