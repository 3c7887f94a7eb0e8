"""Tables for people: the cause table, and DeepDiagnosis's mapping beside it."""

from mode.diagnosis.catalog.symptoms import CAUSES, SYMPTOMS

# their symptom, question and answer; our symptoms and first fixes; why ours differs
_ROWS = """\
dead node / saturated | data out of scale | MSG0 improper data
    dead_relu saturated_activation | normalize_input |
dead node / saturated | initial weights | MSG4 initialization
    dead_relu saturated_activation bad_initialization | change_initializer |
dead node / saturated | learning rate | MSG3 learning rate
    dead_relu saturated_activation lr_high | lower_learning_rate | only where the updates are large too
dead node / saturated | else | MSG5 layer number, or dropout
    dead_relu saturated_activation | change_hidden_activation | depth is rarely the cause; it comes last
numerical error, forward | initial weights | MSG4 initialization
    numerical_error bad_initialization | change_initializer |
numerical error, forward | data | MSG0 improper data
    numerical_error nan_in_input | clean_data | NaN is removed; scale is asked separately
numerical error, forward | learning rate | MSG3 learning rate
    numerical_error lr_high | lower_learning_rate |
numerical error, forward | else | MSG2 activation of the next layer
    numerical_error exploding_activation | change_hidden_activation | the layer where it began is named, not the next
numerical error, weight change | last layers | MSG1 loss function or MSG2 activation
    numerical_error loss_mismatch activation_mismatch | change_loss change_output_activation | the static table tells which of the two
numerical error, weight change | else | MSG2 activation
    exploding_weights exploding_activation | change_hidden_activation |
out of range | always | MSG2 softmax
    output_out_of_range activation_mismatch | change_output_activation | the activation follows the targets, not always softmax
unchanged weight or output | initial weights | MSG4 initialization
    unchanged_weights unchanged_output bad_initialization | change_initializer |
unchanged weight or output | learning rate | MSG3 learning rate
    unchanged_weights lr_low lr_negative | raise_learning_rate fix_learning_rate | only where a gradient arrives
unchanged weight or output | else | optimizer
    unchanged_weights constant_output | change_optimizer |
loss or accuracy flat | initial weights | MSG4 initialization
    loss_not_decreasing accuracy_not_increasing | change_initializer |
loss or accuracy flat | data | MSG0 improper data
    loss_not_decreasing unnormalized_input | normalize_input |
loss or accuracy flat | learning rate | MSG3 learning rate
    loss_not_decreasing lr_high lr_low | lower_learning_rate raise_learning_rate | the direction is named
loss or accuracy flat | else | optimizer
    loss_not_decreasing | change_optimizer | after output, hidden activations and linearity
invalid loss or accuracy | linear last layer | MSG2 activation
    loss_metric_disagree missing_softmax zero_loss negative_loss | change_output_activation |
invalid loss or accuracy | learning rate | MSG3 learning rate
    large_loss loss_increasing lr_high | lower_learning_rate |
invalid loss or accuracy | else | optimizer
    large_loss oscillating_loss | change_optimizer |
vanishing gradient | learning rate | MSG3 learning rate
    vanishing_gradient | change_hidden_activation | no rate restores a gradient that does not arrive
vanishing gradient | else | MSG5 layer number
    vanishing_gradient | change_hidden_activation add_batchnorm change_depth | a better activation keeps the depth
"""  # noqa: E501


def _rows(text: str) -> tuple[tuple[str, ...], ...]:
    theirs_and_ours = zip(*[iter(text.splitlines())] * 2, strict=True)
    joined = [f"{theirs} | {ours.strip()}" for theirs, ours in theirs_and_ours]
    return tuple(tuple(cell.strip() for cell in line.split("|")) for line in joined)


DEEPDIAGNOSIS = _rows(_ROWS)


def tree_rows() -> list[dict]:
    """Return the cause table as rows: symptom, cause, weight, reason, fixes in order."""
    return [
        {
            "symptom": symptom.code,
            "cause": cause,
            "weight": weight,
            "meaning": CAUSES[cause].text,
            "fixes": " ".join(CAUSES[cause].fixes),
        }
        for symptom in SYMPTOMS.values()
        for cause, weight in sorted(symptom.causes.items(), key=lambda item: -item[1])
    ]


def mapping_rows() -> list[dict]:
    """Return DeepDiagnosis's mapping with ours beside it, one row a branch."""
    names = (
        "their symptom",
        "their question",
        "their fix",
        "our symptoms",
        "our fixes",
        "why different",
    )
    return [dict(zip(names, row, strict=True)) for row in DEEPDIAGNOSIS]
