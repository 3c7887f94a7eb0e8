"""What a fix needs to know of the model: the layers it touches and the numbers it writes."""

from mode.diagnosis.findings import Fix
from mode.diagnosis.linearity import DENSE
from mode.diagnosis.modelfacts import RECTIFIERS, LayerFacts, ModelFacts
from mode.diagnosis.remedies import remedy, usual_rate

RECURRENT = ("SimpleRNN", "LSTM", "GRU", "Bidirectional", "RNN", "ConvLSTM2D")
_UNGUARDED = "keras.ops.maximum(x, 1e-7)  # before the root, logarithm or division"
_LOOSE = ("Activation", "ReLU", "Softmax", "LeakyReLU", "ELU", "PReLU")


def hidden_kernels(facts: ModelFacts) -> list[LayerFacts]:
    """Return the dense and convolutional hidden layers, in order."""
    return [layer for layer in facts.hidden if layer.kind in DENSE]


def loose_activations(facts: ModelFacts) -> list[LayerFacts]:
    """Return hidden layers that are nothing but an activation."""
    ends = {head.carrier for head in facts.heads}
    return [s for s in facts.layers if s.kind in _LOOSE and s.name not in ends]


def fix(code: str, facts: ModelFacts, **known) -> Fix:
    """Return the fix `code` filled in for this model; `known` overrides what is worked out."""
    hidden = hidden_kernels(facts)
    given = known.pop("layers", None)
    layers = hidden if given is None else [s for s in facts.layers if s.name in given]
    return remedy(code, **(_worked_out(code, facts, layers) | known))


def _worked_out(code: str, facts: ModelFacts, layers) -> dict:
    names = [layer.name for layer in layers]
    details = {"names": names, "layers": _listed(names)}
    if code in ("change_hidden_activation", "add_activation"):
        details |= {"dense": _own_activation(facts, layers), "activations": _loose(facts)}
        details |= {"activation": "relu", "initializer": "he_normal"}
    if code == "change_initializer":
        rectified = any(layer.activation in RECTIFIERS for layer in layers)
        details["initializer"] = "he_normal" if rectified else "glorot_uniform"
        details["weights"] = "kernel"
        details["names"] = [*names, *(_head_names(facts) if _known_ends(facts) else [])]
    if code == "change_depth":
        details["surplus"] = _surplus(layers)
        details["layers"] = _listed(details["surplus"]) or "some of the layers"
    if code == "widen_layer":
        details["units"] = max([32, *(4 * s.units for s in layers if s.units < 8)])
        details["names"] = [s.name for s in layers if s.units < details["units"]]
    if code == "lower_dropout":
        details["names"] = [s.name for s in facts.layers if s.rate > 0]
    if code == "change_recurrent_layer":
        details["names"] = [s.name for s in facts.layers if s.kind in ("SimpleRNN", "LSTM", "GRU")]
        details["layers"] = _listed(details["names"])
    if code == "guard_operation":
        details["guard"] = _UNGUARDED
    return details | _numbers(code, facts)


def _known_ends(facts: ModelFacts) -> bool:
    """Tell whether every output ends in a layer that has an initialiser."""
    return all(s.fan_in for s in facts.layers if s.path in {h.layer for h in facts.heads})


def _head_names(facts: ModelFacts) -> list[str]:
    return [head.layer.rsplit("/", 1)[-1] for head in facts.heads]


def _own_activation(facts: ModelFacts, layers) -> list[str]:
    """Return the layers whose own activation is to change: not linear ones before a loose one."""
    loose = followed(facts)
    return [s.name for s in layers if s.activation != "linear" or s.name not in loose]


def _loose(facts: ModelFacts) -> list[str]:
    return [s.name for s in loose_activations(facts) if s.activation not in RECTIFIERS]


def followed(facts: ModelFacts) -> set[str]:
    """Return the names of layers whose activation is a layer of its own further down."""
    found, last = set(), None
    for layer in facts.layers:
        if layer.fan_in:
            last = layer.name
        elif layer.activation != "linear" and last:
            found.add(last)
    return found


def _surplus(layers) -> list[str]:
    """Keep the first three hidden layers; only equal dense layers can be left out."""
    return [layer.name for layer in layers[3:] if layer.kind == "Dense"]


def _listed(names) -> str:
    names = list(names)
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]} ... {names[-1]} ({len(names)} layers)"


def _numbers(code: str, facts: ModelFacts) -> dict:
    optimiser = facts.optimiser
    if optimiser is None:
        return {}
    usual = usual_rate(optimiser.name)
    rate = optimiser.rate
    numbers = {
        "lower_learning_rate": min(rate / 10, usual) if rate > usual else rate / 10,
        "raise_learning_rate": max(rate * 10, usual) if rate < usual else rate * 10,
        "fix_learning_rate": usual,
    }
    return {"rate": numbers[code]} if code in numbers else {}
