"""The layers of a Keras model as plain facts, and which linear layers are redundant."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

DENSE = ("Dense", "Conv1D", "Conv2D", "Conv3D", "SeparableConv1D", "SeparableConv2D",
         "DepthwiseConv2D", "Conv2DTranspose", "EinsumDense")  # fmt: skip
RECURRENT = ("SimpleRNN", "LSTM", "GRU", "Bidirectional", "RNN", "ConvLSTM2D")
NORMALIZERS = (
    "BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization",
    "Normalization", "UnitNormalization",
)  # fmt: skip
# What reads numbers that are names: scaled, they would name something else.
LOOK_UPS = (
    "Embedding", "CategoryEncoding", "Hashing", "IntegerLookup", "StringLookup",
    "TextVectorization",
)  # fmt: skip
RECTIFIERS = ("relu", "relu6")
_SAMPLE = 1 << 16  # entries of a kernel that tell its scale within a percent
# Depthwise and then pointwise is one convolution taken apart on purpose.
_FACTORS = ("DepthwiseConv1D", "DepthwiseConv2D")
# What leaves a linear function linear; batch statistics are constants once training is over.
_PASSING = ("BatchNormalization", "Normalization", "Rescaling", "Flatten", "Reshape", "Permute",
            "RepeatVector", "Identity", "Dropout", "SpatialDropout1D", "SpatialDropout2D",
            "AlphaDropout", "GaussianNoise", "GaussianDropout", "Activation")  # fmt: skip
_PASSING_PREFIXES = ("AveragePooling", "GlobalAveragePooling", "ZeroPadding", "Cropping",
                     "UpSampling")  # fmt: skip


# Of two factors one weighs the other.
_PRODUCTS = ("Multiply", "Dot", "Matmul", "Einsum")


@dataclass(frozen=True)
class LayerFacts:
    """One leaf layer: path, class, units, effective activation, its own kernel statistics."""

    name: str
    path: str
    kind: str
    units: int
    fan_in: int
    activation: str
    gain: float = np.nan
    constant: bool = False
    zero: bool = False
    bias: float = 0.0  # median, where it does not begin around 0
    rate: float = 0.0
    momentum: float = 0.0  # of the moving statistics of a batch normalization that is trained


def leaf_layers(model) -> list:
    """Return the layers to watch: models are entered, recurrent and wrapping layers are not."""
    leaves = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if isinstance(layer, keras.Model):
            leaves += leaf_layers(layer)
        elif _composite(layer):
            leaves += [s for s in layer._layers if isinstance(s, keras.layers.Layer)]
        else:
            leaves.append(layer)
    return list({id(layer): layer for layer in leaves}.values())


def _composite(layer) -> bool:
    builtin = type(layer).__module__.startswith("keras.")
    return not builtin and any(isinstance(s, keras.layers.Layer) for s in layer._layers)


def layer_facts(layer) -> LayerFacts:
    """Return the facts of one layer; the gain is std(kernel) times the root of its fan-in."""
    kernel = _values(layer, "kernel")
    units = int(getattr(layer, "units", 0) or getattr(layer, "filters", 0) or 0)
    kernel_facts: dict[str, Any] = {"fan_in": 0}
    if kernel is not None and kernel.ndim >= 2:
        fan_in = int(np.prod(kernel.shape[:-1]))
        some = kernel.reshape(-1)[:: max(kernel.size // _SAMPLE, 1)]
        rms = float(np.sqrt(np.mean(np.square(some, dtype=np.float64))))
        flat = kernel.size > 1 and bool(np.all(some == some[0]))
        kernel_facts = {"fan_in": fan_in, "gain": rms * np.sqrt(fan_in), "constant": flat}
        kernel_facts["zero"] = flat and some[0] == 0
        units = units or kernel.shape[-1]
    return LayerFacts(
        layer.name,
        layer.path,
        type(layer).__name__,
        units,
        activation=activation_name(layer),
        bias=_bias(layer),
        rate=_dropout(layer),
        momentum=_momentum(layer),
        **kernel_facts,
    )


def _dropout(layer) -> float:
    rate = getattr(layer, "rate", None) if "Dropout" in type(layer).__name__ else None
    rate = getattr(layer, "dropout", 0.0) if rate is None else rate
    return float(rate) if isinstance(rate, int | float) else 0.0


def _momentum(layer) -> float:
    follows = isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    return float(layer.momentum) if follows else 0.0


def _bias(layer) -> float:
    """Return the median bias where it does not begin around 0; to read every one takes long."""
    start = getattr(layer, "bias_initializer", None)
    if not (getattr(start, "value", 0.0) or getattr(start, "mean", 0.0)):
        return 0.0
    bias = _values(layer, "bias")
    return float(np.median(bias)) if bias is not None and bias.size else 0.0


def _values(layer, name: str):
    variable = getattr(layer, name, None)
    if variable is None or not hasattr(variable, "shape"):
        return None
    try:
        return keras.ops.convert_to_numpy(variable)
    except Exception:  # a variable without a value yet, or inside a trace
        return None


def activation_name(layer) -> str:
    """Return the name of the function a layer ends with, "linear" where there is none."""
    function = getattr(layer, "activation", None)
    if callable(function):
        name = getattr(function, "__name__", type(function).__name__)
        return _canonical(name)
    names = {
        "Softmax": "softmax", "ReLU": "relu", "LeakyReLU": "leaky_relu", "PReLU": "prelu",
        "ELU": "elu", "Sigmoid": "sigmoid", "Relu": "relu", "Tanh": "tanh",
    }  # fmt: skip
    kind = type(layer).__name__
    if kind in ("Bidirectional", "TimeDistributed"):
        return activation_name(getattr(layer, "forward_layer", None) or layer.layer)
    return names.get(kind, "linear")


def _canonical(name: str) -> str:
    name = name.lower()
    return "linear" if name == "identity" else name


def redundant_linear(model, leaves) -> frozenset[str]:
    """Return the names of linear layers that reach the next weighted layer with no bend between.

    A branch that is added to another, an operation that is no layer and a normalization of
    single rows are bends. A layer narrower than what it reads and what reads it is a low-rank
    factor, which is made on purpose (linear bottlenecks, arXiv 1801.04381, section 3.2).
    """
    outer = _outer_models(model)
    kinds = {*DENSE} - {*_FACTORS}
    linear = [s for s in leaves if type(s).__name__ in kinds and activation_name(s) == "linear"]
    return frozenset(s.name for s in linear if any(_redundant(s, n) for n in _next(s, outer)))


def feature_layers(model, leaves) -> frozenset[str]:
    """Return the names of layers that another weighted layer reads, other than as a factor.

    The others make an output (of one model of several, say), or weigh what others make (gates).
    """
    outer = _outer_models(model)
    return frozenset(s.name for s in leaves if any(map(_reads, _reached(s, outer, _no_factor))))


def has_graph(model) -> bool:
    """Tell whether the model says which layer reads which."""
    try:
        return bool(model.outputs)
    except (AttributeError, ValueError):  # subclassed, or a stack that is not built
        return False


def _outer_models(model, models=None) -> dict[int, list]:
    """Return, by the id of an operation, the models of whose outputs it is one."""
    models = {} if models is None else models
    for layer in model.layers:
        if isinstance(layer, keras.Model) and has_graph(layer):
            for output in layer.outputs:
                models.setdefault(id(output._keras_history.operation), []).append(layer)
            _outer_models(layer, models)
    return models


def _readers(operation, outer) -> list:
    """Return the operations that read an operation's output; nested models are entered."""
    operations = [node.operation for node in operation._outbound_nodes]
    for model in outer.get(id(operation), ()):
        operations += [node.operation for node in model._outbound_nodes]
    return [inner for reader in operations for inner in _entered(reader)]


def _entered(operation) -> list:
    """Return what reads the inputs of a nested model, or the operation itself."""
    if not (isinstance(operation, keras.Model) and has_graph(operation)):
        return [operation]
    inputs = [tensor._keras_history.operation for tensor in operation.inputs]
    return [node.operation for entry in inputs for node in entry._outbound_nodes]


def _next(layer, outer) -> list:
    """Return the weighted layers that a layer reaches through nothing but linear operations."""
    reached = _reached(layer, outer, _passes)
    return [operation for operation in reached if type(operation).__name__ in DENSE]


def _reached(layer, outer, passes: Callable[[Any], bool]) -> list:
    """Return the operations that a layer reaches; those that `passes` refuses end the way."""
    waiting, seen = _readers(layer, outer), {}
    while waiting:
        operation = waiting.pop()
        if id(operation) in seen:
            continue
        seen[id(operation)] = operation
        if passes(operation):
            waiting += _readers(operation, outer)
    return list(seen.values())


def _reads(operation) -> bool:
    """Tell whether an operation is a layer that learns from what it reads."""
    return bool(getattr(operation, "weights", None)) and type(operation).__name__ not in NORMALIZERS


def _no_factor(operation) -> bool:
    return type(operation).__name__ not in _PRODUCTS


def _passes(operation) -> bool:
    kind = type(operation).__name__
    linear = kind in _PASSING or kind.startswith(_PASSING_PREFIXES)
    return linear and activation_name(operation) == "linear"


def _redundant(layer, reader) -> bool:
    """Tell whether two linear layers in a row are no narrower in between than at their ends."""
    width, beyond = _width(layer), _width(reader)
    return not 0 < width < min(_read(layer) or width, beyond or width)


def _width(layer) -> int:
    return int(getattr(layer, "units", 0) or getattr(layer, "filters", 0) or 0)


def _read(layer) -> int:
    """Return how many features a layer reads at each place, 0 where it does not say."""
    shape: tuple[int, ...] = getattr(getattr(layer, "kernel", None), "shape", ())
    if len(shape) < 2:
        return 0
    return int(shape[-1] if "Transpose" in type(layer).__name__ else shape[-2])
