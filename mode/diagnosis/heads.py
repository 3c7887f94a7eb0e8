"""The outputs of a Keras model: their last activation, their width, their loss."""

from dataclasses import dataclass

import keras

TRANSPARENT = (
    "Reshape",
    "Flatten",
    "Dropout",
    "Identity",
    "Permute",
    "ActivityRegularization",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "GaussianNoise",
    "Rescaling",
    "Squeeze",
)
UNKNOWN = "unknown"  # an activation that the graph of layers does not show
_FAMILIES = {
    "binary_crossentropy": "binary",
    "binary_focal_crossentropy": "binary",
    "categorical_crossentropy": "categorical",
    "categorical_focal_crossentropy": "categorical",
    "kl_divergence": "categorical",
    "sparse_categorical_crossentropy": "sparse",
    "mean_squared_error": "regression",
    "mean_absolute_error": "regression",
    "huber": "regression",
    "mean_absolute_percentage_error": "regression",
    "log_cosh": "regression",
    "mean_squared_logarithmic_error": "regression",
    "poisson": "poisson",
    "hinge": "hinge",
    "squared_hinge": "hinge",
    "categorical_hinge": "categorical_hinge",
}


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

    @property
    def units(self) -> int | None:
        """Width of the last axis; None where it is unknown."""
        return self.shape[-1] if self.shape else None


def activation_name(layer) -> str:
    """Return the name of the function a layer ends with, "linear" where there is none."""
    function = getattr(layer, "activation", None)
    if callable(function):
        name = getattr(function, "__name__", type(function).__name__)
        return _canonical(name)
    names = {
        "Softmax": "softmax",
        "ReLU": "relu",
        "LeakyReLU": "leaky_relu",
        "PReLU": "prelu",
        "ELU": "elu",
        "Sigmoid": "sigmoid",
        "Relu": "relu",
        "Tanh": "tanh",
    }
    kind = type(layer).__name__
    if kind in ("Bidirectional", "TimeDistributed"):
        return activation_name(getattr(layer, "forward_layer", None) or layer.layer)
    return names.get(kind, "linear")


def _canonical(name: str) -> str:
    name = name.lower()
    return "linear" if name == "identity" else name


def outputs(model) -> list:
    try:
        return list(model.outputs or [])
    except (AttributeError, ValueError):
        return []


def heads_of(model, leaves) -> list[Head]:
    ends_of = outputs(model)
    if not ends_of:
        last = [s for s in leaves if getattr(s, "units", 0)][-1:] or leaves[-1:]
        ends = [(s.path, s.name, (None, getattr(s, "units", None)), _guess(s), False) for s in last]
        names = ["output"]
    else:
        found = [(_end(t), tuple(t.shape)) for t in ends_of]
        ends = [(*end[:2], shape, *end[2:]) for end, shape in found]
        names = list(getattr(model, "output_names", None) or [end[1] for end in ends])
    losses = losses_of(model, names)
    return [
        Head(name, path, carrier, shape, activation, *loss_facts(loss), doubled)
        for name, (path, carrier, shape, activation, doubled), loss in zip(
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


def _guess(layer) -> str:
    """The last layer of a model with a call of its own may still be followed by anything."""
    name = activation_name(layer)
    return UNKNOWN if name == "linear" else name


def _hidden_from_view(operation) -> bool:
    """Tell whether an operation may end in any function: no layer, a lambda, a user's layer."""
    if not isinstance(operation, keras.layers.Layer) or isinstance(operation, keras.layers.Lambda):
        return True
    own = not type(operation).__module__.startswith("keras.")
    return own and not hasattr(operation, "activation")


def losses_of(model, names: list[str]) -> list:
    """Return what `compile` was given as the loss of each output, None where there is none."""
    given = getattr(model, "loss", None)
    if isinstance(given, dict):
        return [given.get(name) for name in names]
    if isinstance(given, list | tuple):
        return [*given, *[None] * (len(names) - len(given))]
    return [given] * len(names)


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
    own = (getattr(function, "__module__", "") or "").startswith("keras.")
    return name, _FAMILIES.get(name, "custom") if own else "custom", logits
