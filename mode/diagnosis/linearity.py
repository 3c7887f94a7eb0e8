"""Which linear layers run straight into the next one, so that the two are one linear layer."""

import keras

from mode.diagnosis.heads import activation_name

DENSE = ("Dense", "Conv1D", "Conv2D", "Conv3D", "SeparableConv1D", "SeparableConv2D",
         "DepthwiseConv2D", "Conv2DTranspose", "EinsumDense")  # fmt: skip
# Depthwise and then pointwise is one convolution taken apart on purpose.
_FACTORS = ("DepthwiseConv1D", "DepthwiseConv2D")
# What leaves a linear function linear; batch statistics are constants once training is over.
_PASSING = ("BatchNormalization", "Normalization", "Rescaling", "Flatten", "Reshape", "Permute",
            "RepeatVector", "Identity", "Dropout", "SpatialDropout1D", "SpatialDropout2D",
            "AlphaDropout", "GaussianNoise", "GaussianDropout", "Activation")  # fmt: skip
_PASSING_PREFIXES = ("AveragePooling", "GlobalAveragePooling", "ZeroPadding", "Cropping",
                     "UpSampling")  # fmt: skip


def unbent(model, leaves) -> frozenset[str]:
    """Return the names of linear layers that reach the next weighted layer with no bend between.

    A branch that is added to another, an operation that is no layer and a normalisation of
    single rows are bends. A layer narrower than what it reads and what reads it is a low-rank
    factor, which is made on purpose (linear bottlenecks, arXiv 1801.04381, section 3.2).
    """
    outer = _outer_models(model)
    kinds = {*DENSE} - {*_FACTORS}
    linear = [s for s in leaves if type(s).__name__ in kinds and activation_name(s) == "linear"]
    return frozenset(s.name for s in linear if any(_redundant(s, n) for n in _next(s, outer)))


def has_graph(model) -> bool:
    """Tell whether the model says which layer reads which."""
    try:
        return bool(model.outputs)
    except (AttributeError, ValueError):  # subclassed, or a stack that is not built
        return False


def _outer_models(model, found=None) -> dict[int, list]:
    """Return, by the id of an operation, the models of whose outputs it is one."""
    found = {} if found is None else found
    for layer in model.layers:
        if isinstance(layer, keras.Model) and has_graph(layer):
            for output in layer.outputs:
                found.setdefault(id(output._keras_history.operation), []).append(layer)
            _outer_models(layer, found)
    return found


def _readers(operation, outer) -> list:
    """Return the operations that read an operation's output; nested models are entered."""
    found = [node.operation for node in operation._outbound_nodes]
    for model in outer.get(id(operation), ()):
        found += [node.operation for node in model._outbound_nodes]
    return [inner for reader in found for inner in _entered(reader)]


def _entered(operation) -> list:
    """Return what reads the inputs of a nested model, or the operation itself."""
    if not (isinstance(operation, keras.Model) and has_graph(operation)):
        return [operation]
    inputs = [tensor._keras_history.operation for tensor in operation.inputs]
    return [node.operation for entry in inputs for node in entry._outbound_nodes]


def _next(layer, outer) -> list:
    """Return the weighted layers that a layer reaches through nothing but linear operations."""
    waiting, seen, found = _readers(layer, outer), set(), []
    while waiting:
        operation = waiting.pop()
        if id(operation) in seen:
            continue
        seen.add(id(operation))
        if type(operation).__name__ in DENSE:
            found.append(operation)
        elif _passes(operation):
            waiting += _readers(operation, outer)
    return found


def _passes(operation) -> bool:
    kind = type(operation).__name__
    linear = kind in _PASSING or kind.startswith(_PASSING_PREFIXES)
    return linear and activation_name(operation) == "linear"


def _redundant(layer, reader) -> bool:
    """Tell whether two linear layers in a row are no narrower in between than at their ends."""
    own, beyond = _width(layer), _width(reader)
    return not 0 < own < min(_read(layer) or own, beyond or own)


def _width(layer) -> int:
    return int(getattr(layer, "units", 0) or getattr(layer, "filters", 0) or 0)


def _read(layer) -> int:
    """Return how many features a layer reads at each place, 0 where it does not say."""
    shape: tuple[int, ...] = getattr(getattr(layer, "kernel", None), "shape", ())
    if len(shape) < 2:
        return 0
    return int(shape[-1] if "Transpose" in type(layer).__name__ else shape[-2])
