"""What a Keras model is, as plain facts: leaf layers, outputs, losses, optimiser."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mode.diagnosis.heads import Head, activation_name, heads_of
from mode.diagnosis.linearity import has_graph, unbent

NORMALISERS = (
    "BatchNormalization",
    "LayerNormalization",
    "GroupNormalization",
    "RMSNormalization",
    "Normalization",
    "UnitNormalization",
)
# What reads numbers that are names: scaled, they would name something else.
LOOK_UPS = (
    "Embedding",
    "CategoryEncoding",
    "Hashing",
    "IntegerLookup",
    "StringLookup",
    "TextVectorization",
)
RECTIFIERS = ("relu", "relu6")
_SAMPLE = 1 << 16  # entries of a kernel that tell its scale within a percent


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


@dataclass(frozen=True)
class OptimiserFacts:
    """The optimiser: class name, learning rate (the largest of a schedule), momentum."""

    name: str
    rate: float
    momentum: float = 0.0


@dataclass(frozen=True)
class ModelFacts:
    """Everything the rules may know about a model."""

    layers: tuple[LayerFacts, ...]
    heads: tuple[Head, ...]
    optimiser: OptimiserFacts | None
    metrics: tuple[str, ...]
    built: bool
    compiled: bool
    normalised: bool
    embedded: tuple[bool, ...] = ()
    frozen: bool = False  # there are weights, and none of them is trained
    opaque: bool = False  # parts that are no layers, or a call of its own
    unbent: frozenset[str] | None = None  # see `linearity`; None where no graph tells

    @property
    def hidden(self) -> tuple[LayerFacts, ...]:
        """Layers with a kernel except those that make the outputs."""
        ends = {head.layer for head in self.heads}
        return tuple(s for s in self.layers if s.units and s.fan_in and s.path not in ends)


def leaf_layers(model) -> list:
    """Return the layers to watch: models are entered, recurrent and wrapping layers are not."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if isinstance(layer, keras.Model):
            found += leaf_layers(layer)
        elif _composite(layer):
            found += [s for s in layer._layers if isinstance(s, keras.layers.Layer)]
        else:
            found.append(layer)
    return list({id(layer): layer for layer in found}.values())


def _composite(layer) -> bool:
    own = type(layer).__module__.startswith("keras.")
    return not own and any(isinstance(s, keras.layers.Layer) for s in layer._layers)


def model_facts(model) -> ModelFacts:
    """Return the facts of a model; what is not built or compiled yet stays empty."""
    leaves = leaf_layers(model)
    optimiser = getattr(model, "optimizer", None)
    return ModelFacts(
        layers=tuple(layer_facts(layer) for layer in leaves),
        heads=tuple(heads_of(model, leaves)) if model.built else (),
        optimiser=optimiser_facts(optimiser) if optimiser is not None else None,
        metrics=tuple(_metric_names(model)),
        built=bool(model.built),
        compiled=bool(getattr(model, "compiled", False)),
        normalised=_normalised(leaves),
        embedded=tuple(_embedded(model, leaves)),
        frozen=bool(model.weights and not model.trainable_weights),
        opaque=_opaque(model),
        unbent=unbent(model, leaves) if has_graph(model) else None,
    )


def _opaque(model) -> bool:
    """Tell whether something computes between the layers that no layer stands for."""
    operations = getattr(model, "operations", None)
    if operations is None:
        return not isinstance(model, keras.Sequential)
    plain = all(isinstance(op, keras.layers.Layer) for op in operations)
    return not plain or any(isinstance(op, keras.layers.Lambda) for op in operations)


def layer_facts(layer) -> LayerFacts:
    """Return the facts of one layer; the gain is std(kernel) times the root of its fan-in."""
    kernel = _values(layer, "kernel")
    units = int(getattr(layer, "units", 0) or getattr(layer, "filters", 0) or 0)
    known: dict[str, Any] = {"fan_in": 0}
    if kernel is not None and kernel.ndim >= 2:
        fan_in = int(np.prod(kernel.shape[:-1]))
        some = kernel.reshape(-1)[:: max(kernel.size // _SAMPLE, 1)]
        rms = float(np.sqrt(np.mean(np.square(some, dtype=np.float64))))
        flat = kernel.size > 1 and bool(np.all(some == some[0]))
        known = {"fan_in": fan_in, "gain": rms * np.sqrt(fan_in), "constant": flat}
        known["zero"] = flat and some[0] == 0
        units = units or kernel.shape[-1]
    return LayerFacts(
        layer.name,
        layer.path,
        type(layer).__name__,
        units,
        activation=activation_name(layer),
        bias=_bias(layer),
        rate=_dropout(layer),
        **known,
    )


def _dropout(layer) -> float:
    rate = getattr(layer, "rate", None) if "Dropout" in type(layer).__name__ else None
    rate = getattr(layer, "dropout", 0.0) if rate is None else rate
    return float(rate) if isinstance(rate, int | float) else 0.0


def _bias(layer) -> float:
    """Return the median bias where it does not begin around 0; to read every one takes long."""
    start = getattr(layer, "bias_initializer", None)
    if not (getattr(start, "value", 0.0) or getattr(start, "mean", 0.0)):
        return 0.0
    bias = _values(layer, "bias")
    return float(np.median(bias)) if bias is not None and bias.size else 0.0


def _values(layer, name: str):
    found = getattr(layer, name, None)
    if found is None or not hasattr(found, "shape"):
        return None
    try:
        return keras.ops.convert_to_numpy(found)
    except Exception:  # a variable without a value yet, or inside a trace
        return None


def optimiser_facts(optimizer) -> OptimiserFacts:
    """Return the facts of an optimiser; loss scaling is looked through."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return OptimiserFacts(
        name=type(inner).__name__.lower(),
        rate=_rate(inner),
        momentum=float(getattr(inner, "momentum", 0.0) or 0.0),
    )


def _rate(optimizer) -> float:
    schedule = getattr(optimizer, "_learning_rate", None)
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        values = [float(keras.ops.convert_to_numpy(schedule(s))) for s in (0, 100, 1000)]
        return max(values, key=abs)
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))


def given_metrics(model):
    """Return the metrics as `compile` was given them, None where there are none."""
    return getattr(getattr(model, "_compile_metrics", None), "_user_metrics", None)


def _metric_names(model) -> list[str]:
    given = given_metrics(model)
    flat = keras.tree.flatten(given) if given else []
    return [
        m if isinstance(m, str) else getattr(m, "name", getattr(m, "__name__", ""))
        for m in flat
        if m
    ]


def _normalised(leaves) -> bool:
    kinds = [type(layer).__name__ for layer in leaves[:4]]
    for kind in kinds:
        if kind in (*NORMALISERS, "Rescaling"):
            return True
        if kind not in ("Reshape", "Flatten", "Identity", "Lambda", "Concatenate", "Permute"):
            return False
    return False


def _embedded(model, leaves) -> list[bool]:
    """Tell for each input whether an Embedding (or another look-up) reads it."""
    try:
        inputs = model.inputs
    except (AttributeError, ValueError):
        inputs = []
    if len(inputs) <= 1:
        return [any(type(layer).__name__ in LOOK_UPS for layer in leaves[:2])]
    return [bool(readers(tensor)) and readers(tensor) <= {*LOOK_UPS} for tensor in inputs]


def readers(tensor) -> set[str]:
    """Return the class names of what reads an input of a model."""
    operation = tensor._keras_history.operation
    return {type(node.operation).__name__ for node in operation._outbound_nodes}
