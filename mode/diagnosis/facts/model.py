"""A Keras model as plain facts: its outputs, the optimizer, the layers."""

from dataclasses import dataclass

import keras

from mode.diagnosis.facts.heads import LOOSE, Head, heads_of
from mode.diagnosis.facts.layers import (
    DENSE,
    LOOK_UPS,
    NORMALIZERS,
    LayerFacts,
    feature_layers,
    has_graph,
    layer_facts,
    leaf_layers,
    redundant_linear,
)

_LIKE_ADAM = ("adam", "adamw", "nadam", "adamax", "lamb")
_USUAL_RATES = {"sgd": 0.01, "adadelta": 1.0, "adagrad": 0.01, "ftrl": 0.01}


@dataclass(frozen=True)
class OptimizerFacts:
    """The optimizer: class name, learning rate (the largest of a schedule), momentum."""

    name: str
    rate: float
    momentum: float = 0.0

    @property
    def usual_rate(self) -> float:
        """The learning rate that such an optimizer usually starts from."""
        return _USUAL_RATES.get(self.name, 1e-3)

    @property
    def like_adam(self) -> bool:
        """Whether it is Adam or scales each step as Adam does."""
        return self.name in _LIKE_ADAM


@dataclass(frozen=True)
class ModelFacts:
    """Everything the rules may know about a model."""

    layers: tuple[LayerFacts, ...]
    heads: tuple[Head, ...]
    optimizer: OptimizerFacts | None
    built: bool
    compiled: bool
    normalized: bool
    embedded: tuple[bool, ...] = ()
    input_names: tuple[str, ...] = ()
    frozen: bool = False  # there are weights, and none of them is trained
    opaque: bool = False  # parts that are no layers, or a call of its own
    redundant_linear: frozenset[str] | None = None  # see `layers`; None where no graph shows it
    feature_layers: frozenset[str] | None = None  # the same

    def lag(self, steps: int) -> float:
        """Return the share of initial values that batch normalization's statistics still hold."""
        return max([0.0, *(s.momentum**steps for s in self.layers if s.momentum)])

    @property
    def hidden(self) -> tuple[LayerFacts, ...]:
        """Layers with a kernel except those that make the outputs."""
        ends = {head.layer for head in self.heads}
        return tuple(s for s in self.layers if s.units and s.fan_in and s.path not in ends)

    @property
    def hidden_kernels(self) -> list[LayerFacts]:
        """The dense and convolutional hidden layers, in order."""
        return [layer for layer in self.hidden if layer.kind in DENSE]

    @property
    def loose_activations(self) -> list[LayerFacts]:
        """Hidden layers that are nothing but an activation."""
        ends = {head.carrier for head in self.heads}
        return [s for s in self.layers if s.kind in LOOSE and s.name not in ends]

    @property
    def followed(self) -> set[str]:
        """Names of the layers whose activation is a layer of its own further down."""
        names, last = set(), None
        for layer in self.layers:
            if layer.fan_in:
                last = layer.name
            elif layer.activation != "linear" and last:
                names.add(last)
        return names


def model_facts(model) -> ModelFacts:
    """Return the facts of a model; what is not built or compiled yet stays empty."""
    leaves = leaf_layers(model)
    optimizer = getattr(model, "optimizer", None)
    return ModelFacts(
        layers=tuple(layer_facts(layer) for layer in leaves),
        heads=tuple(heads_of(model, leaves)) if model.built else (),
        optimizer=optimizer_facts(optimizer) if optimizer is not None else None,
        built=bool(model.built),
        compiled=bool(getattr(model, "compiled", False)),
        normalized=_normalized(leaves),
        embedded=tuple(_embedded(model, leaves)),
        input_names=tuple(input_names(model)),
        frozen=bool(model.weights and not model.trainable_weights),
        opaque=_opaque(model),
        redundant_linear=redundant_linear(model, leaves) if has_graph(model) else None,
        feature_layers=feature_layers(model, leaves) if has_graph(model) else None,
    )


def _opaque(model) -> bool:
    """Tell whether something computes between the layers that no layer stands for."""
    operations = getattr(model, "operations", None)
    if operations is None:
        return not isinstance(model, keras.Sequential)
    plain = all(isinstance(op, keras.layers.Layer) for op in operations)
    return not plain or any(isinstance(op, keras.layers.Lambda) for op in operations)


def optimizer_facts(optimizer) -> OptimizerFacts:
    """Return the facts of an optimizer; loss scaling is looked through."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return OptimizerFacts(
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


def _normalized(leaves) -> bool:
    kinds = [type(layer).__name__ for layer in leaves[:4]]
    for kind in kinds:
        if kind in (*NORMALIZERS, "Rescaling"):
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


def input_names(model) -> list[str]:
    """Return the names of a model's inputs in order; of a dictionary its keys."""
    structure = getattr(model, "_inputs_struct", None)
    if isinstance(structure, dict):
        return keras.tree.flatten({name: name for name in structure})
    return [] if structure is None else [tensor.name for tensor in model.inputs]


def in_order(part, names: list[str]):
    """Return the values of a dictionary with just these names in their order, else the part."""
    named = isinstance(part, dict) and {*part} == {*names}
    return [part[name] for name in names] if named else part


def readers(tensor) -> set[str]:
    """Return the class names of what reads an input of a model."""
    operation = tensor._keras_history.operation
    return {type(node.operation).__name__ for node in operation._outbound_nodes}
