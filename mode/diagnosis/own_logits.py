"""A custom loss that takes logits, after an output that is activated already."""

from mode.diagnosis.findings import Evidence, Finding, Where, before_training
from mode.diagnosis.heads import Head
from mode.diagnosis.remedies import remedy

# operation -> the activations that must not come before it
_SOFTMAX, _SIGMOID = ("softmax", "sigmoid"), ("sigmoid",)
_TAKES_LOGITS = {
    "Softmax": _SOFTMAX,
    "LogSoftmax": _SOFTMAX,
    "SoftmaxCrossEntropyWithLogits": _SOFTMAX,
    "SparseSoftmaxCrossEntropyWithLogits": _SOFTMAX,
    "Sigmoid": _SIGMOID,
    "Softplus": _SIGMOID,
    "Log1p": _SIGMOID,  # of an exponential: how a binary cross entropy takes logits
}
_SAME = ("Identity", "Reshape", "Squeeze", "ExpandDims", "Transpose", "Cast", "StopGradient")
_SAME_SIZE = (*_SAME, "Neg", "Abs", "SelectV2", "Select")


def activated_again(head: Head, graph, predicted) -> list[Finding]:
    """Return a finding where a traced loss activates predictions that are probabilities.

    Only the predictions themselves count: their logarithm, or a multiple of them, may well be
    meant as logits.
    """
    for op in graph.get_operations():
        if head.activation in _TAKES_LOGITS.get(op.type, ()) and _takes(op, predicted):
            return [_finding(head, op.type)]
    return []


def _takes(op, predicted) -> bool:
    argument = op.inputs[0]
    if op.type == "Log1p":
        return argument.op.type == "Exp" and _is(argument.op.inputs[0], predicted)
    return _is(argument, predicted)


def _is(tensor, source) -> bool:
    """Tell whether a tensor holds the values of another, whatever their shape and sign."""
    if tensor is source:
        return True
    return tensor.op.type in _SAME_SIZE and any(_is(part, source) for part in tensor.op.inputs)


def _finding(head: Head, operation: str) -> Finding:
    known = {"head": head.name, "layer": head.layer, "carrier": head.carrier}
    fixes = (remedy("change_output_activation", activation="linear", **known),)
    evidence = (
        Evidence("activation", head.activation),
        Evidence(f"the loss {head.loss} applies", operation),
    )
    where = Where("output", head.carrier or head.layer)
    text = "the loss takes logits, the output is activated before it"
    return before_training("activation_mismatch", "warning", where, evidence, fixes, text)
