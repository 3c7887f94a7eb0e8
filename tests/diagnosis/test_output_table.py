"""The table of target kind x units x activation x loss."""

import numpy as np
import pytest

from mode.diagnosis.catalog.fixes import FIXES
from mode.diagnosis.catalog.output_table import TABLE, verdict
from mode.diagnosis.catalog.symptoms import SYMPTOMS
from mode.diagnosis.facts.data import Moments
from mode.diagnosis.facts.heads import Head
from mode.diagnosis.findings import Evidence
from mode.diagnosis.rules.outputs import output_findings

FINE = [
    ("binary", 1, "sigmoid", "binary", False),
    ("binary", 1, "linear", "binary", True),
    ("one_hot", 3, "softmax", "categorical", False),
    ("one_hot", 3, "linear", "categorical", True),
    ("distribution", 3, "softmax", "categorical", False),
    ("labels", 3, "softmax", "sparse", False),
    ("binary", 2, "softmax", "sparse", False),
    ("multi_label", 5, "sigmoid", "binary", False),
    ("unit", 64, "sigmoid", "binary", False),
    ("unit", 64, "sigmoid", "regression", False),
    ("real", 1, "linear", "regression", False),
    ("signed_unit", 1, "tanh", "regression", False),
    ("positive", 1, "softplus", "regression", False),
    ("positive", 1, "exponential", "poisson", False),
    ("signed", 1, "tanh", "hinge", False),
    ("real", 1, "softmax", "custom", False),
]
FAULTY = [
    ("binary", 1, "softmax", "binary", False, "activation_mismatch", "change_output_activation"),
    ("labels", 1, "softmax", "regression", False, "activation_mismatch", "fix_units"),
    (
        "one_hot",
        3,
        "sigmoid",
        "categorical",
        False,
        "activation_mismatch",
        "change_output_activation",
    ),
    ("labels", 3, "linear", "sparse", False, "missing_softmax", "change_output_activation"),
    ("labels", 3, "softmax", "sparse", True, "activation_mismatch", "use_from_logits"),
    ("one_hot", 3, "sigmoid", "binary", False, "activation_mismatch", "change_output_activation"),
    ("multi_label", 5, "softmax", "categorical", False, "loss_mismatch", "change_loss"),
    (
        "multi_label",
        5,
        "softmax",
        "binary",
        False,
        "activation_mismatch",
        "change_output_activation",
    ),
    ("binary", 1, "linear", "binary", False, "activation_mismatch", "change_output_activation"),
    ("binary", 1, "sigmoid", "categorical", False, "loss_mismatch", "change_loss"),
    ("signed", 1, "sigmoid", "binary", False, "target_mismatch", "change_loss"),
    ("real", 1, "sigmoid", "binary", False, "loss_mismatch", "change_loss"),
    ("real", 1, "sigmoid", "regression", False, "activation_mismatch", "change_output_activation"),
    ("real", 1, "relu", "regression", False, "activation_mismatch", "change_output_activation"),
    ("positive", 1, "tanh", "regression", False, "activation_mismatch", "change_output_activation"),
    ("labels", 3, "softmax", "categorical", False, "loss_mismatch", "change_loss"),
    ("one_hot", 3, "softmax", "sparse", False, "loss_mismatch", "change_loss"),
    ("positive", 1, "linear", "poisson", False, "activation_mismatch", "change_output_activation"),
    ("binary", 1, "relu", "regression", False, "activation_mismatch", "change_output_activation"),
    ("one_hot", 3, "relu", "regression", False, "activation_mismatch", "change_output_activation"),
    ("binary", 1, "linear", "regression", False, "loss_mismatch", "change_loss"),
    ("real", 1, "softmax", "poisson", False, "activation_mismatch", "change_output_activation"),
]


@pytest.mark.parametrize("case", FINE)
def test_nothing_is_said_of_a_fitting_output(case):
    assert verdict(*case) is None


@pytest.mark.parametrize("case", FAULTY)
def test_a_misfit_is_named_with_its_first_fix(case):
    entry = verdict(*case[:5])
    assert entry is not None
    assert (entry.symptom, entry.fixes.split()[0]) == case[5:]


def test_the_table_uses_the_words_of_the_diagnosis():
    for entry in TABLE:
        assert not entry.symptom or entry.symptom in SYMPTOMS
        assert set(entry.fixes.split()) <= set(FIXES)


def test_negative_labels_are_told_where_the_width_of_the_output_is_unknown():
    head = Head("out", "out", "out", (None, None), "softmax", "loss", "sparse")
    labels = Moments("target 0", (), "int64", 4, *(np.array([v]) for v in (0.5, 1.0, -1.0, 2.0)),
                     fractions=0.0)  # fmt: skip
    found = [f for f in output_findings(head, labels) if f.symptom == "target_out_of_range"]
    assert [e for f in found for e in f.evidence] == [Evidence("labels", "-1..2", "0 or more")]
