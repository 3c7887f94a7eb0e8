"""The table of target kind x units x last activation x loss: the first matching row decides.

A row names targets | families of the loss | activations | units | what the loss takes, each as
words or "*". An indented second line makes it a finding: symptom, severity and gate | fixes in
order | the activation and the loss that the output should have instead | the reason.
"""

from dataclasses import dataclass, replace

BCE, CCE, SCCE, MSE = (
    "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy",
    "mean_squared_error",
)  # fmt: skip
_SETS = {"SQUASHED": "sigmoid softmax hard_sigmoid", "POSITIVE": "relu relu6 exponential softplus"}
_TAKES = {"*": None, "logits": True, "values": False}
_LOSSES = {"bce": BCE, "cce": CCE, "scce": SCCE, "mse": MSE, "-": ""}
_FIXES = {
    "out": "change_output_activation", "loss": "change_loss", "units": "fix_units",
    "logits": "use_from_logits", "labels": "fix_labels", "scale": "scale_target",
}  # fmt: skip

_ROWS = """\
* | custom none | * | * | *
labels one_hot | * | softmax | 1 | *
    activation_mismatch error | units out loss | softmax scce | softmax over one unit is always 1
real positive signed_unit | * | softmax | 1 | *
    activation_mismatch error | out loss | linear mse | softmax over one unit is always 1
unit | regression | softmax | 1 | *
    activation_mismatch error | out loss | linear mse | softmax over one unit is always 1
signed | * | softmax | 1 | *
    activation_mismatch error | out loss | tanh mse | softmax over one unit is always 1
* | * | softmax | 1 | *
    activation_mismatch error | out loss | sigmoid bce | softmax over one unit is always 1
labels | categorical sparse | * | 1 | *
    loss_mismatch error | units loss out | softmax scce | a categorical loss needs one unit per class
real positive signed_unit unit | categorical sparse | * | 1 | *
    loss_mismatch error | loss out | linear mse | a categorical loss cannot fit real targets
* | categorical sparse | * | 1 | *
    loss_mismatch error | loss units out | sigmoid bce | a categorical loss over one unit is always 0
signed | binary | * | * | *
    target_mismatch error | loss labels out | tanh squared_hinge | binary cross entropy needs targets in 0..1
real positive signed_unit | binary | * | * | *
    loss_mismatch error | loss out scale | linear mse | binary cross entropy needs targets in 0..1
labels | binary | * | many | *
    loss_mismatch error | loss out labels | softmax scce | binary cross entropy needs targets 0 and 1
labels | binary | * | 1 | *
    target_mismatch error | loss units labels | softmax scce | binary cross entropy needs targets 0 and 1
real positive signed_unit | categorical sparse | * | many | *
    loss_mismatch error | loss out | linear mse | a categorical loss cannot fit real targets
unit | categorical | * | many | *
    target_not_distribution error | loss out labels | sigmoid bce | each target row should sum to 1
multi_label | categorical | * | many | *
    loss_mismatch error | loss out | sigmoid bce | several labels at once need one binary loss a label
multi_label one_hot distribution | sparse | * | many | *
    loss_mismatch error | loss labels | softmax cce | the sparse loss needs whole-number labels
labels binary | categorical | * | many | *
    loss_mismatch error | loss labels | softmax scce | this loss needs one-hot rows, the sparse one whole numbers
binary | binary | * | many | *
    loss_mismatch error | loss units out | softmax scce | one label for several units
real signed_unit signed | poisson | * | * | *
    loss_mismatch error | loss out | linear mse | the Poisson loss needs counts and positive predictions
* | poisson | linear tanh elu selu leaky_relu softsign gelu swish silu | * | *
    activation_mismatch warning fair | out loss | exponential poisson | the Poisson loss takes the logarithm of predictions
* | categorical sparse | softmax | many | logits
    activation_mismatch warning | logits out | linear - | the loss expects logits
* | categorical sparse | linear softmax | many | logits
* | categorical sparse | softmax | many | values
* | categorical | linear | many | values
    missing_softmax error | out logits loss | softmax cce | the loss expects probabilities
* | sparse | linear | many | values
    missing_softmax error | out logits loss | softmax scce | the loss expects probabilities
* | categorical | * | many | *
    activation_mismatch error | out loss | softmax cce | exclusive classes need a softmax
* | sparse | * | many | *
    activation_mismatch error | out loss | softmax scce | exclusive classes need a softmax
one_hot distribution | binary | softmax | many | values
    loss_mismatch warning fair | loss out | softmax cce | exclusive classes need a categorical loss
multi_label | binary | softmax | many | *
    activation_mismatch error | out loss | sigmoid bce | softmax lets one label win, several may hold
one_hot | binary | sigmoid | many | *
    activation_mismatch warning | out loss | softmax cce | exclusive classes need a softmax and a categorical loss
* | binary | sigmoid hard_sigmoid | * | logits
    activation_mismatch warning | logits out | linear - | the loss expects logits
* | binary | linear | * | logits
* | binary | sigmoid hard_sigmoid | * | values
one_hot distribution | binary | * | many | *
    activation_mismatch error | out loss logits | softmax cce | the loss expects probabilities
* | binary | linear | * | values
    activation_mismatch error | out logits loss | sigmoid bce | the loss expects probabilities
* | binary | * | * | *
    activation_mismatch error | out loss | sigmoid bce | the loss expects probabilities
* | hinge | linear tanh softsign | * | *
* | hinge | * | * | *
    activation_mismatch warning | out loss | tanh - | the hinge loss compares signs
one_hot | regression | relu relu6 | many | *
    activation_mismatch warning fair | out loss | softmax cce | a rectified output can die, classes need a softmax
multi_label | regression | relu relu6 | many | *
    activation_mismatch warning fair | out loss | sigmoid bce | a rectified output can die, labels need a sigmoid
binary | regression | relu relu6 | 1 | *
    activation_mismatch warning fair | out loss | sigmoid bce | a rectified output can die, two classes need a sigmoid
one_hot distribution | regression | softmax | many | *
    loss_mismatch warning fair | loss out | softmax cce | classes learn faster with a cross entropy
one_hot | regression poisson | * | many | *
    loss_mismatch warning fair | loss out | softmax cce | classes need a softmax and a cross entropy
multi_label | regression poisson | * | many | *
    loss_mismatch warning fair | loss out | sigmoid bce | labels need a sigmoid and a binary loss
labels | regression | * | many | *
    loss_mismatch error | loss out | softmax scce | labels are compared with every unit
binary | regression | * | many | *
    loss_mismatch error | loss out | softmax scce | labels are compared with every unit
binary | regression | sigmoid | 1 | *
    loss_mismatch warning fair | loss | sigmoid bce | two classes learn faster with a binary cross entropy
binary | regression | * | 1 | *
    loss_mismatch warning fair | loss out | sigmoid bce | two classes need a sigmoid and a binary cross entropy
signed | regression | SQUASHED POSITIVE | * | *
    activation_mismatch error | out loss | tanh mse | the output cannot reach negative targets
unit distribution | regression | softmax | many | *
    activation_mismatch warning fair | out loss | linear mse | softmax rows always sum to 1
real positive labels signed_unit | regression poisson | SQUASHED | * | *
    activation_mismatch error | out scale | linear mse | the output stays in 0..1, the targets do not
real positive labels | regression poisson | tanh softsign | * | *
    activation_mismatch error | out scale | linear mse | the output stays in -1..1, the targets do not
real signed_unit | regression poisson | POSITIVE | * | *
    activation_mismatch error | out scale | linear mse | the output cannot reach negative targets
* | regression | relu relu6 | * | *
    activation_mismatch warning fair | out | linear mse | a rectified output can die and has no gradient below 0
"""  # noqa: E501


@dataclass(frozen=True)
class Entry:
    """One row of the table; `logits` is None where it does not matter what the loss takes."""

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
        pairs = ((self.targets, kind), (self.families, family), (self.activations, activation))
        fits = all(allowed == "*" or value in allowed.split() for allowed, value in pairs)
        return fits and self.units in ("*", units) and self.logits in (None, logits)


def _entries(text: str) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for line in text.splitlines():
        parts = line.strip().split(" | ")
        if line.startswith(" "):
            entries[-1] = replace(entries[-1], **_finding(*parts))
        else:
            entries.append(_place(*parts))
    return tuple(entries)


def _place(targets: str, families: str, activations: str, units: str, takes: str) -> Entry:
    named = " ".join(_SETS.get(word, word) for word in activations.split())
    return Entry(targets, families, named, units, _TAKES[takes])


def _finding(words: str, fixes: str, output: str, text: str) -> dict:
    symptom, severity, gate = (*words.split(), "none")[:3]
    activation, loss = output.split()
    codes = " ".join(_FIXES[word] for word in fixes.split())
    fields = {"symptom": symptom, "severity": severity, "gate": gate, "fixes": codes, "text": text}
    return fields | {"activation": activation, "loss": _LOSSES.get(loss, loss)}


TABLE = _entries(_ROWS)


def verdict(
    kind: str, units: int | None, activation: str, family: str, logits: bool
) -> Entry | None:
    """Return the row that finds something wrong with the combination, or None."""
    width = "1" if units == 1 else "many"
    for entry in TABLE:
        if entry.matches(kind, family, activation, width, logits):
            return entry if entry.symptom else None
    return None
