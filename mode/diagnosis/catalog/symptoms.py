"""Every symptom with its causes, and every cause with its fixes: one record each.

A new symptom is a record here, a rule that bears its name in `rules`, and a row of the table in
`tests/diagnosis/test_symptoms.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mode.diagnosis.findings import Evidence, Finding, Fix, When, Where


@dataclass(frozen=True)
class CauseEntry:
    """One cause: its meaning, its fixes in order, how much a finding before training counts."""

    code: str
    text: str
    fixes: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class Symptom:
    """One symptom: what it means, how bad it is, from which outcome on it counts, and its causes.

    Args:
        group: what its rule looks at, a row of the ablation table.
        causes: weight of each cause that may be behind it.
        before: the cause that a finding before training is evidence of.
        during: cause -> the evidence in [0, 1] that a finding during training is.
        severity: "error", "warning" or "note"; a rule may state another.
        gate: the outcome from which it is more than a note, as in `Finding`; likewise.
        after_nan: whether it can be found once a number is not finite.
    """

    code: str
    text: str
    group: str
    causes: dict[str, float] = field(default_factory=dict)
    before: str = ""
    during: dict[str, float] = field(default_factory=dict)
    severity: str = "warning"
    gate: str = "none"
    after_nan: bool = False


def _cause(code: str, text: str, fixes: str, weight: float = 1.0) -> CauseEntry:
    return CauseEntry(code, text, tuple(fixes.split()), weight)


CAUSES = {cause.code: cause for cause in (
    _cause("output", "the output does not fit the targets or the loss",
           "change_output_activation change_loss"),
    _cause("labels", "the targets are wrong", "fix_labels clean_data"),
    _cause("missing_values", "the data hold values that are not finite", "clean_data"),
    _cause("scale", "the inputs are badly scaled", "normalize_input add_batchnorm", 0.8),
    _cause("target_scale", "the targets are far from unit scale",
           "scale_target lower_learning_rate", 0.75),
    _cause("rate_high", "the steps are too large",
           "lower_learning_rate clip_gradient change_optimizer", 0.9),
    _cause("rate_low", "the steps are too small",
           "raise_learning_rate change_optimizer train_longer", 0.9),
    _cause("momentum", "the momentum overshoots", "reduce_momentum lower_learning_rate", 0.85),
    _cause("initialization", "the initial weights are badly scaled",
           "change_initializer add_batchnorm", 0.85),
    _cause("activation", "hidden units saturate or die",
           "change_hidden_activation add_batchnorm change_initializer", 0.75),
    _cause("explosive", "an activation grows without bound",
           "change_hidden_activation add_batchnorm clip_gradient", 0.95),
    _cause("depth", "there are too many layers",
           "change_depth add_batchnorm change_hidden_activation"),
    _cause("capacity", "the model is too small", "widen_layer train_longer", 0.85),
    _cause("frozen", "no weight is trained", "unfreeze_layers"),
    _cause("linearity", "the model is linear", "add_activation widen_layer", 0.8),
    _cause("dropout", "too much is dropped", "lower_dropout", 0.9),
    _cause("operation", "an operation leaves its safe range",
           "guard_operation lower_learning_rate clip_gradient"),
    _cause("recurrence", "the sequence is too long for the layer",
           "change_recurrent_layer clip_gradient shorten_sequence"),
    _cause("optimizer", "the optimizer does not suit the problem", "change_optimizer"),
    _cause("duration", "training was too short",
           "train_longer raise_learning_rate change_optimizer"),
    _cause("batch", "the batches are too large for so few rows", "change_batch_size train_longer"),
    _cause("excess", "the model is larger than the data allow",
           "early_stopping add_dropout regularize reduce_model more_data"),
    _cause("split", "validation rows are training rows", "fix_validation_split"),
)}  # fmt: skip


def _weights(text: str) -> dict[str, float]:
    """Return {"a": 1.0, "b": 0.5} for "a 1 b 0.5"."""
    words = text.split()
    return dict(zip(words[::2], map(float, words[1::2]), strict=True))


# weights of the causes that several symptoms share
_NUMERIC = _weights("missing_values 1 labels 1 output 0.8 rate_high 1 scale 0.8 explosive 1 "
                    "initialization 0.8 operation 1 target_scale 0.7 recurrence 0.3")  # fmt: skip
_FLAT = _weights("frozen 1 output 1 labels 1 scale 0.9 target_scale 0.8 rate_high 0.95 "
                 "rate_low 0.9 initialization 0.9 activation 0.9 linearity 0.9 dropout 0.8 "
                 "capacity 0.8 momentum 0.8 recurrence 0.6 depth 0.5 duration 0.7 batch 0.7 "
                 "optimizer 0.5 explosive 0.9 missing_values 1")  # fmt: skip
_DEAD = _weights("initialization 0.9 scale 0.9 rate_high 0.9 output 0.9 activation 0.9 "
                 "target_scale 0.7 missing_values 1 depth 0.5 momentum 0.7")  # fmt: skip
_VANISH = _weights("activation 1 initialization 0.9 depth 0.7 recurrence 0.9 scale 0.6 output 0.6")
_EXPLODE = _weights("explosive 1 rate_high 1 initialization 0.9 scale 0.9 target_scale 0.9 "
                    "recurrence 0.4 depth 0.4 momentum 0.8 output 0.5 operation 0.8")  # fmt: skip
_SLOW = _weights("output 0.7 scale 0.9 duration 1 rate_low 1 capacity 0.8 activation 0.8 "
                 "linearity 0.9 momentum 0.6 dropout 0.9 target_scale 0.9 batch 0.9 "
                 "optimizer 0.4 initialization 0.7 rate_high 0.6")  # fmt: skip
_RATE_HIGH = _weights("rate_high 1 scale 0.6 target_scale 0.6 momentum 0.9 output 0.4")

_OUTPUTS, _DATA = "outputs, losses and targets", "data"
_MODEL = "architecture, initial weights, optimizer"
_STEPS, _FINITE = "gradients, weights, activations", "numbers that are not finite"
_PREDICTIONS, _CURVES = "predictions", "curves"


def _error(code: str, text: str, group: str, causes: dict | None = None, **options) -> Symptom:
    return Symptom(code, text, group, causes or {}, severity="error", **options)


# roots before what follows from them: a report has this order within one severity
SYMPTOMS = {symptom.code: symptom for symptom in (
    Symptom("unsafe_operation", "an operation can leave its safe range", _MODEL,
            before="operation", severity="note"),
    _error("nan_in_input", "the inputs hold NaN or infinity", _DATA, before="missing_values"),
    _error("nan_in_target", "the targets hold NaN or infinity", _DATA, before="missing_values"),
    _error("bad_labels", "the labels are not what they should be", _DATA, before="labels"),
    _error("single_class_target", "all targets are the same", _DATA, before="labels"),
    _error("target_out_of_range",
           "targets lie where the output cannot reach, labels beyond the classes", _OUTPUTS,
           before="output"),
    _error("shape_mismatch", "targets and predictions have different shapes", _OUTPUTS,
           before="output"),
    _error("lr_negative", "the learning rate is not positive", _MODEL, before="rate_high"),
    _error("target_mismatch", "the targets do not fit the loss", _OUTPUTS, before="output"),
    _error("activation_mismatch", "the last activation does not fit the targets or the loss",
           _OUTPUTS, before="output"),
    Symptom("repeated_activation", "the output is activated twice", _OUTPUTS, before="output",
            gate="fair"),
    _error("missing_softmax", "the loss expects probabilities but the output is linear", _OUTPUTS,
           before="output"),
    _error("loss_mismatch", "the loss does not fit the targets", _OUTPUTS, before="output"),
    _error("target_not_distribution",
           "target rows do not sum to one although the loss expects it", _OUTPUTS,
           before="output"),
    Symptom("hidden_softmax", "the units of a hidden layer share one softmax", _MODEL,
            before="activation", gate="fair"),
    Symptom("unbounded_rnn_activation",
            "a recurrent layer has an activation without an upper bound", _MODEL,
            before="explosive", gate="bad"),
    Symptom("bad_initialization", "the initial weights are constant or badly scaled", _MODEL,
            before="initialization", gate="fair"),
    Symptom("high_dropout", "too much is dropped", _MODEL, before="dropout", gate="fair"),
    Symptom("missing_activation", "stacked linear layers are no more than one linear layer",
            _MODEL, before="linearity"),
    Symptom("exploding_activation", "activations grow without bound from layer to layer", _STEPS,
            _EXPLODE, "explosive", _weights("initialization 0.35 rate_high 0.4"), gate="bad"),
    Symptom("unnormalized_input", "inputs have very different or very large scales", _DATA,
            before="scale", gate="fair"),
    Symptom("target_scale", "regression targets are far from unit scale", _DATA,
            before="target_scale", gate="poor"),
    Symptom("lr_high", "the learning rate is too high", _MODEL, _RATE_HIGH, "rate_high",
            _weights("rate_high 0.75"), gate="bad"),
    Symptom("lr_low", "the learning rate is too low", _MODEL, _weights("rate_low 1"), "rate_low",
            _weights("rate_low 0.75"), gate="bad"),
    Symptom("validation_overlap", "validation rows are also training rows", _DATA,
            _weights("split 1"), during=_weights("split 1"), after_nan=True),
    Symptom("bottleneck", "a layer is too narrow for what has to pass through it", _MODEL,
            before="capacity", gate="fair"),
    _error("numerical_error", "a tensor holds NaN or infinity", _FINITE, _NUMERIC,
           after_nan=True),
    _error("zero_loss", "the loss is exactly zero whatever is predicted", _PREDICTIONS,
           _weights("output 1"), during=_weights("output 0.9"), after_nan=True),
    _error("negative_loss", "the loss is negative", _PREDICTIONS,
           _weights("output 1 labels 0.9 target_scale 0.5"), during=_weights("output 0.6"),
           after_nan=True),
    Symptom("constant_output", "every input gets the same prediction", _PREDICTIONS, _FLAT,
            gate="bad"),
    _error("loss_metric_disagree", "the loss falls but the predictions do not get better",
           _PREDICTIONS, _weights("output 1 labels 0.6 dropout 0.5"),
           during=_weights("output 0.5")),
    Symptom("exploding_gradient", "gradients grow far beyond their usual size", _STEPS, _EXPLODE,
            during=_weights("rate_high 0.5"), gate="bad", after_nan=True),
    Symptom("exploding_weights", "each step changes the weights by a large share of themselves",
            _STEPS, _EXPLODE, during=_weights("rate_high 0.6"), gate="bad", after_nan=True),
    Symptom("vanishing_gradient", "next to no gradient reaches the first layers", _STEPS, _VANISH,
            "activation", _weights("activation 0.55 initialization 0.3"), gate="bad"),
    Symptom("dead_relu", "most units of a rectified layer are never active", _STEPS, _DEAD,
            during=_weights("activation 0.45 initialization 0.35 rate_high 0.35"), gate="bad"),
    Symptom("vanishing_activation", "the signal fades out from layer to layer", _STEPS, _VANISH,
            during=_weights("initialization 0.5 activation 0.4"), gate="bad"),
    Symptom("saturated_activation", "most units sit at the flat ends of their activation", _STEPS,
            {**_DEAD, "activation": 0.8}, during=_weights("activation 0.45 scale 0.2"),
            gate="poor"),
    Symptom("unchanged_weights", "training does not move the weights", _STEPS, _FLAT, "frozen",
            _weights("rate_low 0.6"), gate="bad"),
    _error("loss_increasing", "the loss rises", _CURVES,
           {**_EXPLODE, "output": 1.0, "labels": 1.0}, gate="bad"),
    Symptom("oscillating_loss", "the loss swings up and down", _CURVES,
            {"momentum": 0.8, **_FLAT, "rate_high": 1.0}, "momentum", _weights("rate_high 0.6"),
            gate="poor"),
    Symptom("nothing_to_learn", "the targets cannot be predicted from the inputs", _DATA,
            severity="note"),
    Symptom("few_steps", "so few steps do not show whether the training fails", _CURVES,
            severity="note"),
    _error("loss_not_decreasing", "the loss stays at what a constant prediction would reach",
           _CURVES, _FLAT, after_nan=True),
    Symptom("lagging_statistics", "batch normalization's moving statistics lag behind the training",
            _PREDICTIONS),
    Symptom("output_not_learning", "one of several outputs learns nothing", _PREDICTIONS),
    Symptom("majority_only", "every prediction names the largest class, which accuracy hides",
            _PREDICTIONS),
    Symptom("metric_mismatch", "the metric does not fit the targets", _OUTPUTS, severity="note"),
    _error("output_out_of_range", "predictions leave the range the loss expects", _PREDICTIONS,
           _weights("output 1"), during=_weights("output 0.9"), after_nan=True),
    Symptom("output_not_distribution",
            "predictions do not sum to one although the loss expects it", _PREDICTIONS,
            _weights("output 1"), during=_weights("output 0.9"), after_nan=True),
    Symptom("unchanged_output", "the predictions do not change during training", _STEPS, _FLAT,
            gate="bad"),
    _error("accuracy_not_increasing", "the accuracy stays at the share of the largest class",
           _CURVES, _FLAT, after_nan=True),
    Symptom("large_loss", "the loss is far above that of a constant prediction", _CURVES, _FLAT,
            after_nan=True),
    Symptom("suspicious_validation", "validation scores are better than training can explain",
            _DATA, _weights("split 1"), severity="note"),
    Symptom("overfitting", "the validation loss rises while the training loss falls", _CURVES,
            _weights("excess 1 labels 1"), during=_weights("excess 0.9")),
    Symptom("slow_convergence", "training is still improving when it ends", _CURVES, _SLOW,
            during=_weights("duration 0.55"), gate="poor"),
    Symptom("underfitting", "training settles far from the targets", _CURVES,
            {**_FLAT, "duration": 0.6}),
    Symptom("not_diagnosed", "something could not be judged; the text says what", "",
            severity="note"),
)}  # fmt: skip

# what a training shows that fails for whatever reason
FAILURES = ("loss_not_decreasing", "accuracy_not_increasing", "large_loss", "slow_convergence",
            "underfitting")  # fmt: skip
# what goes wrong by itself, though there be nothing to learn
_RUNAWAY = ("exploding_gradient", "exploding_weights", "exploding_activation", "loss_increasing")


def by_failure(finding: Finding) -> bool:
    """Tell whether a finding is more than a note only because the training fails."""
    gated = finding.gate != "none" and finding.symptom not in _RUNAWAY
    return gated or finding.symptom in FAILURES


def make_finding(
    code: str, where: Where, *evidence: Evidence, text: str = "", fixes: Iterable[Fix] = (),
    severity: str = "", gate: str = "", when: When | None = None,
) -> Finding:  # fmt: skip
    """Return a finding of symptom `code`, whose record gives the severity and the gate."""
    symptom = SYMPTOMS[code]
    severity, gate = severity or symptom.severity, gate or symptom.gate
    return Finding(code, severity, where, when or When(), evidence, (), tuple(fixes), text, gate)
