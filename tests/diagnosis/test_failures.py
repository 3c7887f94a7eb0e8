"""What the message of a failed training says, and that a message of another kind says nothing."""

import keras
import numpy as np
import pytest

from mode.diagnosis import Diagnosis
from mode.diagnosis.facts.model import model_facts
from mode.diagnosis.findings import Plan
from mode.diagnosis.rules.outputs import failure_findings
from tests.diagnosis.conftest import classifier

LAYERS = keras.layers
LABELS = "label value of 8 which is outside the valid range of [0, {}).  Label values: 0 8"


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Graph execution error:\n\nDetected at node Cast",
        "Received a label value of eight which is outside the valid range of [0, 2).",
        "label value out of the valid range",
        "Incompatible shapes between op input and calculated input gradient",
        "Dimensions must be equal, but are 3 and 2 for '{{node sub}}'",
        "Incompatible shapes: [32,4] vs. [31,4]",  # of tensors inside the model
        "Incompatible shapes: [] vs. [7]",
    ],
)
def test_a_message_of_another_kind_says_nothing(message):
    assert failure_findings(ValueError(message), model_facts(classifier())) == []


def _two_outputs(left: int, right: int):
    inputs = keras.Input((6,))
    outputs = [
        LAYERS.Dense(units, "softmax", name=name)(inputs)
        for name, units in (("left", left), ("right", right))
    ]
    model = keras.Model(inputs, outputs)
    model.compile("adam", ["sparse_categorical_crossentropy"] * 2)
    return model


def test_labels_are_beyond_the_output_that_has_so_many_units(two_classes):
    x, y = two_classes
    watch = Diagnosis()
    labels = np.arange(len(y)) % 6  # of those beyond five units only one, whichever comes first
    labels[labels == 5] = 8
    with pytest.raises(Exception, match="label value"):
        _two_outputs(3, 5).fit(x, [y, labels], verbose=0, callbacks=[watch])
    assert watch.report.findings[0].fixes[0].line == "units=9  # right"


def test_which_of_two_equal_outputs_is_not_guessed():
    error = ValueError(LABELS.format(3))
    (finding,) = failure_findings(error, model_facts(_two_outputs(3, 3)))
    assert finding.fixes[0].line == "units=9  # ..."
    assert finding.fixes[0].apply(Plan()) == Plan()


def test_an_output_and_its_targets_that_are_apart():
    error = ValueError("Incompatible shapes: [16,2] vs. [16,4] [Op:Mul]")
    (finding,) = failure_findings(error, model_facts(classifier(units=2)))
    assert (finding.symptom, finding.where.layer) == ("shape_mismatch", "out")
    assert [e.value for e in finding.evidence] == ["(16,2)", "(16,4)"]
    assert finding.fixes[1].apply(Plan()).edits == {"out": {"units": 4}}
