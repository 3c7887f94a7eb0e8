"""The table of target kind x units x last activation x loss: the first matching row decides.

A row without a symptom says that a combination is fine. A set is written as words, "*" is any;
`units` is "1", "many" or "*". `activation` and `loss` are what the output should have instead.
"""

from dataclasses import dataclass

SQUASHED = "sigmoid softmax hard_sigmoid"
POSITIVE = "relu relu6 exponential softplus"
ODD = "relu relu6 tanh exponential softplus elu selu leaky_relu softsign gelu swish silu"
REAL = "real positive signed_unit unit"
REGRESSION = "regression poisson"
PROBABILITY = "binary categorical sparse"


@dataclass(frozen=True)
class Entry:
    """One row of the table; see the module's docstring."""

    targets: str
    families: str
    activations: str
    units: str
    logits: bool | None
    symptom: str = ""
    severity: str = ""
    gate: str = "none"
    fixes: str = ""
    activation: str = ""
    loss: str = ""
    text: str = ""

    def matches(self, kind: str, family: str, activation: str, units: str, logits: bool) -> bool:
        """Tell whether this row speaks of the combination."""
        given = ((self.targets, kind), (self.families, family), (self.activations, activation))
        fits = all(allowed == "*" or value in allowed.split() for allowed, value in given)
        return fits and self.units in ("*", units) and self.logits in (None, logits)


BCE, CCE, SCCE = (
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
)
MSE = "mean_squared_error"
ERROR, WARNING, NOTE = "error", "warning", "note"
OUT, LOSS, UNITS = "change_output_activation", "change_loss", "fix_units"

TABLE = (
    Entry("*", "custom none", "*", "*", None),
    # one softmax unit is the constant 1
    Entry("labels one_hot", "*", "softmax", "1", None, "activation_mismatch", ERROR, "none",
          f"{UNITS} {OUT} {LOSS}", "softmax", SCCE, "softmax over one unit is always 1"),
    Entry("real positive signed_unit", "*", "softmax", "1", None, "activation_mismatch", ERROR, "none",
          f"{OUT} {LOSS}", "linear", MSE, "softmax over one unit is always 1"),
    Entry("unit", "regression", "softmax", "1", None, "activation_mismatch", ERROR, "none",
          f"{OUT} {LOSS}", "linear", MSE, "softmax over one unit is always 1"),
    Entry("signed", "*", "softmax", "1", None, "activation_mismatch", ERROR, "none",
          f"{OUT} {LOSS}", "tanh", MSE, "softmax over one unit is always 1"),
    Entry("*", "*", "softmax", "1", None, "activation_mismatch", ERROR, "none",
          f"{OUT} {LOSS}", "sigmoid", BCE, "softmax over one unit is always 1"),
    # a categorical loss over one unit is always 0
    Entry("labels", "categorical sparse", "*", "1", None, "loss_mismatch", ERROR, "none",
          f"{UNITS} {LOSS} {OUT}", "softmax", SCCE, "a categorical loss needs one unit per class"),
    Entry(REAL, "categorical sparse", "*", "1", None, "loss_mismatch", ERROR, "none",
          f"{LOSS} {OUT}", "linear", MSE, "a categorical loss cannot fit real targets"),
    Entry("*", "categorical sparse", "*", "1", None, "loss_mismatch", ERROR, "none",
          f"{LOSS} {UNITS} {OUT}", "sigmoid", BCE, "a categorical loss over one unit is always 0"),
    # targets that the loss cannot take
    Entry("signed", "binary", "*", "*", None, "target_mismatch", ERROR, "none",
          f"{LOSS} fix_labels {OUT}", "tanh", "squared_hinge", "binary cross entropy needs targets in 0..1"),
    Entry("real positive signed_unit", "binary", "*", "*", None, "loss_mismatch", ERROR, "none",
          f"{LOSS} {OUT} scale_target", "linear", MSE, "binary cross entropy needs targets in 0..1"),
    Entry("labels", "binary", "*", "many", None, "loss_mismatch", ERROR, "none",
          f"{LOSS} {OUT} fix_labels", "softmax", SCCE, "binary cross entropy needs targets 0 and 1"),
    Entry("labels", "binary", "*", "1", None, "target_mismatch", ERROR, "none",
          f"{LOSS} {UNITS} fix_labels", "softmax", SCCE, "binary cross entropy needs targets 0 and 1"),
    Entry("real positive signed_unit", "categorical sparse", "*", "many", None, "loss_mismatch", ERROR,
          "none", f"{LOSS} {OUT}", "linear", MSE, "a categorical loss cannot fit real targets"),
    Entry("unit", "categorical", "*", "many", None, "target_not_distribution", ERROR, "none",
          f"{LOSS} {OUT} fix_labels", "sigmoid", BCE, "each target row should sum to 1"),
    Entry("multi_label", "categorical", "*", "many", None, "loss_mismatch", ERROR, "none",
          f"{LOSS} {OUT}", "sigmoid", BCE, "several labels at once need one binary loss a label"),
    Entry("multi_label one_hot distribution", "sparse", "*", "many", None, "loss_mismatch", ERROR,
          "none", f"{LOSS} fix_labels", "softmax", CCE, "the sparse loss needs whole-number labels"),
    Entry("labels binary", "categorical", "*", "many", None, "loss_mismatch", ERROR, "none",
          f"{LOSS} fix_labels", "softmax", SCCE, "this loss needs one-hot rows, the sparse one whole numbers"),
    Entry("binary", "binary", "*", "many", None, "loss_mismatch", ERROR, "none",
          f"{LOSS} {UNITS} {OUT}", "softmax", SCCE, "one label for several units"),
    Entry("real signed_unit signed", "poisson", "*", "*", None, "loss_mismatch", ERROR, "none",
          f"{LOSS} {OUT}", "linear", MSE, "the Poisson loss needs counts and positive predictions"),
    # categorical losses
    Entry("*", "categorical sparse", "softmax", "many", True, "activation_mismatch", WARNING,
          "none", "use_from_logits change_output_activation", "linear", "", "the loss expects logits"),
    Entry("*", "categorical sparse", "linear softmax", "many", True),
    Entry("*", "categorical sparse", "softmax", "many", False),
    Entry("*", "categorical", "linear", "many", False, "missing_softmax", ERROR, "none",
          f"{OUT} use_from_logits {LOSS}", "softmax", CCE, "the loss expects probabilities"),
    Entry("*", "sparse", "linear", "many", False, "missing_softmax", ERROR, "none",
          f"{OUT} use_from_logits {LOSS}", "softmax", SCCE, "the loss expects probabilities"),
    Entry("*", "categorical", "*", "many", None, "activation_mismatch", ERROR, "none",
          f"{OUT} {LOSS}", "softmax", CCE, "exclusive classes need a softmax"),
    Entry("*", "sparse", "*", "many", None, "activation_mismatch", ERROR, "none",
          f"{OUT} {LOSS}", "softmax", SCCE, "exclusive classes need a softmax"),
    # binary losses
    Entry("one_hot distribution", "binary", "softmax", "many", False, "loss_mismatch", WARNING,
          "fair", f"{LOSS} {OUT}", "softmax", CCE, "exclusive classes need a categorical loss"),
    Entry("multi_label", "binary", "softmax", "many", None, "activation_mismatch", ERROR, "none",
          f"{OUT} {LOSS}", "sigmoid", BCE, "softmax lets one label win, several may hold"),
    Entry("one_hot", "binary", "sigmoid", "many", None, "activation_mismatch", WARNING, "none",
          f"{OUT} {LOSS}", "softmax", CCE, "exclusive classes need a softmax and a categorical loss"),
    Entry("*", "binary", "sigmoid hard_sigmoid", "*", True, "activation_mismatch", WARNING, "none",
          "use_from_logits change_output_activation", "linear", "", "the loss expects logits"),
    Entry("*", "binary", "linear", "*", True),
    Entry("*", "binary", "sigmoid hard_sigmoid", "*", False),
    Entry("one_hot distribution", "binary", "*", "many", None, "activation_mismatch", ERROR,
          "none", f"{OUT} {LOSS} use_from_logits", "softmax", CCE, "the loss expects probabilities"),
    Entry("*", "binary", "linear", "*", False, "activation_mismatch", ERROR, "none",
          f"{OUT} use_from_logits {LOSS}", "sigmoid", BCE, "the loss expects probabilities"),
    Entry("*", "binary", "*", "*", None, "activation_mismatch", ERROR, "none",
          f"{OUT} {LOSS}", "sigmoid", BCE, "the loss expects probabilities"),
    # hinge losses
    Entry("*", "hinge", "linear tanh softsign", "*", None),
    Entry("*", "hinge", "*", "*", None, "activation_mismatch", WARNING, "none",
          f"{OUT} {LOSS}", "tanh", "", "the hinge loss compares signs"),
    # classes through a regression loss
    Entry("one_hot distribution", "regression", "softmax", "many", None, "loss_mismatch", WARNING,
          "fair", f"{LOSS} {OUT}", "softmax", CCE, "classes learn faster with a cross entropy"),
    Entry("one_hot", REGRESSION, "*", "many", None, "loss_mismatch", WARNING, "fair",
          f"{LOSS} {OUT}", "softmax", CCE, "classes need a softmax and a cross entropy"),
    Entry("multi_label", REGRESSION, "*", "many", None, "loss_mismatch", WARNING, "fair",
          f"{LOSS} {OUT}", "sigmoid", BCE, "labels need a sigmoid and a binary loss"),
    Entry("labels", "regression", "*", "many", None, "loss_mismatch", ERROR, "none",
          f"{LOSS} {OUT}", "softmax", SCCE, "labels are compared with every unit"),
    Entry("binary", "regression", "*", "many", None, "loss_mismatch", ERROR, "none",
          f"{LOSS} {OUT}", "softmax", SCCE, "labels are compared with every unit"),
    Entry("binary", "regression", "sigmoid", "1", None, "loss_mismatch", WARNING, "fair",
          f"{LOSS}", "sigmoid", BCE, "two classes learn faster with a binary cross entropy"),
    Entry("binary", "regression", "*", "1", None, "loss_mismatch", WARNING, "fair",
          f"{LOSS} {OUT}", "sigmoid", BCE, "two classes need a sigmoid and a binary cross entropy"),
    # real targets
    Entry("signed", "regression", f"{SQUASHED} {POSITIVE}", "*", None, "activation_mismatch",
          ERROR, "none", f"{OUT} {LOSS}", "tanh", MSE, "the output cannot reach negative targets"),
    Entry("unit distribution", "regression", "softmax", "many", None, "activation_mismatch",
          WARNING, "fair", f"{OUT} {LOSS}", "linear", MSE, "softmax rows always sum to 1"),
    Entry("real positive labels signed_unit", REGRESSION, SQUASHED, "*", None, "activation_mismatch", ERROR,
          "none", f"{OUT} scale_target", "linear", MSE, "the output stays in 0..1, the targets do not"),
    Entry("real positive labels", REGRESSION, "tanh softsign", "*", None, "activation_mismatch", ERROR,
          "none", f"{OUT} scale_target", "linear", MSE, "the output stays in -1..1, the targets do not"),
    Entry("real signed_unit", REGRESSION, POSITIVE, "*", None, "activation_mismatch", ERROR, "none",
          f"{OUT} scale_target", "linear", MSE, "the output cannot reach negative targets"),
    Entry("*", "regression", "relu relu6", "*", None, "activation_mismatch", WARNING, "fair",
          f"{OUT}", "linear", MSE, "a rectified output can die and has no gradient below 0"),
)  # fmt: skip


def verdict(
    kind: str, units: int | None, activation: str, family: str, logits: bool
) -> Entry | None:
    """Return the row that finds something wrong with the combination, or None."""
    width = "1" if units == 1 else "many"
    for entry in TABLE:
        if entry.matches(kind, family, activation, width, logits):
            return entry if entry.symptom else None
    return None
