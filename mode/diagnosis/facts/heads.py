"""The outputs of a Keras model as plain facts: their activation, loss and metrics."""

from dataclasses import dataclass

import keras

from mode.diagnosis.facts.layers import activation_name
from mode.diagnosis.findings import Where

TRANSPARENT = (  # where they apply no other activation than "linear"
    "Activation", "Reshape", "Flatten", "Dropout", "Identity", "Permute", "ActivityRegularization",
    "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "Rescaling", "Squeeze",
)  # fmt: skip
RESHAPING = ("Reshape", "Flatten", "Permute", "RepeatVector")
# families of losses that take probabilities, or logits
PROBABILITY = ("binary", "categorical", "sparse")
LOOSE = ("ReLU", "Softmax", "LeakyReLU", "ELU", "PReLU")
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
    metrics: tuple[str, ...] = ()  # names as given to `compile`, of objects that of their class

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
        shapes = [_guessed_shape(s, leaves) for s in last]
        named = zip(last, shapes, strict=True)
        ends = [(s.path, s.name, shape, _guess(s), False, "") for s, shape in named]
        names = ["output"]
    else:
        followed = [(_end(t), tuple(t.shape), _dropped(t)) for t in ends_of]
        ends = [(*end[:2], shape, *end[2:], dropout) for end, shape, dropout in followed]
        names = output_names(model) or [end[1] for end in ends]
    per_output = zip(names, ends, losses_of(model, names), metrics_of(model, names), strict=False)
    return [
        Head(name, path, carrier, shape, activation, *loss_facts(loss), doubled, dropout, metrics)
        for name, (path, carrier, shape, activation, doubled, dropout), loss, metrics in per_output
    ]


def output_names(model) -> list[str]:
    """Return the names of a model's outputs in order; of a dictionary its keys."""
    structure = getattr(model, "_outputs_struct", None)
    if isinstance(structure, dict) and len(structure) == len(outputs(model)):
        return keras.tree.flatten({name: name for name in structure})
    return list(getattr(model, "output_names", None) or [])


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
        return inner, operation.name, name, earlier not in ("linear", UNKNOWN, "")
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
        if weighty or kind not in (*TRANSPARENT, *LOOSE):
            return dropout
        if "Dropout" in kind and operation.rate > 0:
            dropout = operation.name
        tensor = before[0]


def _guess(layer) -> str:
    """The last layer of a model with a call of its own may still be followed by anything."""
    name = activation_name(layer)
    return UNKNOWN if name == "linear" else name


def _guessed_shape(layer, leaves) -> tuple:
    """Return the shape that a layer gives, unknown where a later one may give it another."""
    later = leaves[leaves.index(layer) + 1 :]
    reshaped = any(type(leaf).__name__ in RESHAPING for leaf in later)
    return (None, None if reshaped else getattr(layer, "units", None))


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


def given_metrics(model):
    """Return the metrics as `compile` was given them, None where there are none."""
    return getattr(getattr(model, "_compile_metrics", None), "_user_metrics", None)


def metrics_of(model, names: list[str]) -> list[tuple[str, ...]]:
    """Return the names of the metrics that `compile` was given for each output."""
    metrics = given_metrics(model) or []
    if len(names) == 1:
        metrics = [metrics]
    elif isinstance(metrics, dict):
        metrics = [metrics.get(name) for name in names]
    # keras fails at the first step where a list has another length than the outputs
    parts = [*metrics, *[None] * (len(names) - len(metrics))]
    return [tuple(filter(None, map(_metric_name, keras.tree.flatten(part)))) for part in parts]


def _metric_name(metric) -> str:
    """Return a metric's name; "" for none, and for one with a threshold of the user's."""
    if isinstance(metric, str) or metric is None:
        return metric or ""
    if getattr(metric, "_fn_kwargs", {}).get("threshold", 0.5) != 0.5:
        return ""
    of_class = isinstance(metric, keras.Metric)
    return type(metric).__name__ if of_class else getattr(metric, "__name__", "")
