"""A Keras model as plain facts: its outputs, their losses, the optimizer, the layers."""

from dataclasses import dataclass

import keras

from mode.diagnosis.facts.layers import (
    DENSE,
    LOOK_UPS,
    NORMALIZERS,
    LayerFacts,
    activation_name,
    has_graph,
    layer_facts,
    leaf_layers,
    redundant_linear,
)
from mode.diagnosis.findings import Where

TRANSPARENT = (
    "Reshape", "Flatten", "Dropout", "Identity", "Permute", "ActivityRegularization",
    "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "Rescaling", "Squeeze",
)  # fmt: skip
# families of losses that take probabilities, or logits
PROBABILITY = ("binary", "categorical", "sparse")
_LOOSE = ("Activation", "ReLU", "Softmax", "LeakyReLU", "ELU", "PReLU")
_USUAL_RATES = {"sgd": 0.01, "adadelta": 1.0, "adagrad": 0.01, "ftrl": 0.01}
UNKNOWN = "unknown"  # an activation that the graph of layers does not show
_FAMILIES = {
    "binary_crossentropy": "binary", "binary_focal_crossentropy": "binary",
    "categorical_crossentropy": "categorical", "categorical_focal_crossentropy": "categorical",
    "kl_divergence": "categorical", "sparse_categorical_crossentropy": "sparse",
    "mean_squared_error": "regression", "mean_absolute_error": "regression", "huber": "regression",
    "mean_absolute_percentage_error": "regression", "log_cosh": "regression",
    "mean_squared_logarithmic_error": "regression", "poisson": "poisson", "hinge": "hinge",
    "squared_hinge": "hinge", "categorical_hinge": "categorical_hinge",
}  # fmt: skip


@dataclass(frozen=True)
class Head:
    """One output: its last weighty layer, the layer carrying its activation, width and loss."""

    name: str
    layer: str
    carrier: str
    shape: tuple
    activation: str
    loss: str
    family: str
    from_logits: bool = False
    doubled: bool = False
    dropout: str = ""  # a dropout behind the last layer with weights: it drops predictions

    @property
    def place(self) -> Where:
        """Where a finding about it belongs."""
        return Where("output", self.carrier or self.layer)

    @property
    def units(self) -> int | None:
        """Width of the last axis; None where it is unknown."""
        return self.shape[-1] if self.shape else None


def outputs(model) -> list:
    try:
        return list(model.outputs or [])
    except (AttributeError, ValueError):
        return []


def heads_of(model, leaves) -> list[Head]:
    ends_of = outputs(model)
    if not ends_of:
        last = [s for s in leaves if getattr(s, "units", 0)][-1:] or leaves[-1:]
        width = [(None, getattr(s, "units", None)) for s in last]
        ends = [(s.path, s.name, w, _guess(s), False, "") for s, w in zip(last, width, strict=True)]
        names = ["output"]
    else:
        followed = [(_end(t), tuple(t.shape), _dropped(t)) for t in ends_of]
        ends = [(*end[:2], shape, *end[2:], dropout) for end, shape, dropout in followed]
        names = list(getattr(model, "output_names", None) or [end[1] for end in ends])
    losses = losses_of(model, names)
    return [
        Head(name, path, carrier, shape, activation, *loss_facts(loss), doubled, dropout)
        for name, (path, carrier, shape, activation, doubled, dropout), loss in zip(
            names, ends, losses, strict=False
        )
    ]


def _end(tensor) -> tuple[str, str, str, bool]:
    """Follow an output back to its last activation: layer, carrier, activation, applied twice."""
    operation, _, index = tensor._keras_history
    if isinstance(operation, keras.Model) and operation.outputs:
        return _end(operation.outputs[min(index, len(operation.outputs) - 1)])
    kind, name = type(operation).__name__, activation_name(operation)
    before = operation._inbound_nodes[0].input_tensors if operation._inbound_nodes else ()
    if name == "linear" and kind in TRANSPARENT and before:
        return _end(before[0])
    path = getattr(operation, "path", operation.name)
    if name == "linear" and _hidden_from_view(operation):
        return path, operation.name, UNKNOWN, False
    weighty = getattr(operation, "weights", None)
    if name != "linear" and not weighty and before:
        inner, _, earlier, _ = _end(before[0])
        return inner, operation.name, name, earlier not in ("linear", "")
    return path, operation.name, name, False


def _dropped(tensor) -> str:
    """Return the name of a dropout between the last layer with weights and an output, or ""."""
    dropout = ""
    while True:
        operation, _, index = tensor._keras_history
        if isinstance(operation, keras.Model) and operation.outputs:
            tensor = operation.outputs[min(index, len(operation.outputs) - 1)]
            continue
        before = operation._inbound_nodes[0].input_tensors if operation._inbound_nodes else ()
        kind, weighty = type(operation).__name__, getattr(operation, "weights", None)
        if not before:  # an input, of which nothing is predicted
            return ""
        if weighty or kind not in (*TRANSPARENT, *_LOOSE):
            return dropout
        if "Dropout" in kind and operation.rate > 0:
            dropout = operation.name
        tensor = before[0]


def _guess(layer) -> str:
    """The last layer of a model with a call of its own may still be followed by anything."""
    name = activation_name(layer)
    return UNKNOWN if name == "linear" else name


def _hidden_from_view(operation) -> bool:
    """Tell whether an operation may end in any function: no layer, a lambda, a user's layer."""
    if not isinstance(operation, keras.layers.Layer) or isinstance(operation, keras.layers.Lambda):
        return True
    custom = not type(operation).__module__.startswith("keras.")
    return custom and not hasattr(operation, "activation")


def losses_of(model, names: list[str]) -> list:
    """Return what `compile` was given as the loss of each output, None where there is none."""
    loss = getattr(model, "loss", None)
    if isinstance(loss, dict):
        return [loss.get(name) for name in names]
    if isinstance(loss, list | tuple):
        return [*loss, *[None] * (len(names) - len(loss))]
    return [loss] * len(names)


def loss_facts(loss) -> tuple[str, str, bool]:
    """Return a loss's name, its family, and whether it expects logits."""
    if loss is None:
        return "", "none", False
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    function = getattr(loss, "fn", loss)
    name = getattr(function, "__name__", type(loss).__name__)
    options = getattr(loss, "_fn_kwargs", {})
    logits = bool(options.get("from_logits", getattr(loss, "from_logits", False)))
    builtin = (getattr(function, "__module__", "") or "").startswith("keras.")
    return name, _FAMILIES.get(name, "custom") if builtin else "custom", logits


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


@dataclass(frozen=True)
class ModelFacts:
    """Everything the rules may know about a model."""

    layers: tuple[LayerFacts, ...]
    heads: tuple[Head, ...]
    optimizer: OptimizerFacts | None
    metrics: tuple[str, ...]
    built: bool
    compiled: bool
    normalized: bool
    embedded: tuple[bool, ...] = ()
    frozen: bool = False  # there are weights, and none of them is trained
    opaque: bool = False  # parts that are no layers, or a call of its own
    redundant_linear: frozenset[str] | None = None  # see `layers`; None where no graph shows it

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
        return [s for s in self.layers if s.kind in _LOOSE and s.name not in ends]

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
        metrics=tuple(_metric_names(model)),
        built=bool(model.built),
        compiled=bool(getattr(model, "compiled", False)),
        normalized=_normalized(leaves),
        embedded=tuple(_embedded(model, leaves)),
        frozen=bool(model.weights and not model.trainable_weights),
        opaque=_opaque(model),
        redundant_linear=redundant_linear(model, leaves) if has_graph(model) else None,
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


def given_metrics(model):
    """Return the metrics as `compile` was given them, None where there are none."""
    return getattr(getattr(model, "_compile_metrics", None), "_user_metrics", None)


def _metric_names(model) -> list[str]:
    metrics = given_metrics(model)
    flat = keras.tree.flatten(metrics) if metrics else []
    return [
        m if isinstance(m, str) else getattr(m, "name", getattr(m, "__name__", ""))
        for m in flat
        if m
    ]


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


def readers(tensor) -> set[str]:
    """Return the class names of what reads an input of a model."""
    operation = tensor._keras_history.operation
    return {type(node.operation).__name__ for node in operation._outbound_nodes}
