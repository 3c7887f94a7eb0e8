"""Rules about architecture, initial weights and optimizer, before any step."""

from functools import partial

from mode.diagnosis.catalog.fixes import fix
from mode.diagnosis.facts.layers import DENSE, NORMALISERS, RECTIFIERS, RECURRENT
from mode.diagnosis.facts.model import (
    ModelFacts,
    OptimiserFacts,
    followed,
    hidden_kernels,
    usual_rate,
)
from mode.diagnosis.findings import Evidence, Finding, Where, before_training
from mode.diagnosis.limits import LIMITS

_SATURATING = ("sigmoid", "tanh", "hard_sigmoid", "softsign", "softmax")


def model_findings(facts: ModelFacts) -> list[Finding]:
    """Return what is wrong with a model before it sees data."""
    rules = (
        _linear_stack,
        _hidden_softmax,
        _deep_saturating,
        _exponential,
        _bottleneck,
        _dropout,
        _frozen,
        _initial_weights,
        _initial_biases,
        _signal_gain,
        _recurrent,
        optimiser_findings,
    )
    return [finding for rule in rules for finding in rule(facts)]


def _layer(symptom, severity, layer, evidence, fixes, text, gate="fair"):
    where = Where("layer", layer.name if layer is not None else "")
    return before_training(symptom, severity, where, evidence, fixes, text, gate)


def _linear_stack(facts: ModelFacts) -> list[Finding]:
    linear = [s for s in hidden_kernels(facts) if _unbent(s, facts)]
    if not linear:
        return []
    others = [s for s in facts.layers if s not in linear and s.kind not in NORMALISERS]
    ends = {head.carrier for head in facts.heads} | {
        h.layer.rsplit("/", 1)[-1] for h in facts.heads
    }
    curved = [s for s in others if s.name not in ends and _curved(s)]
    if curved and len(linear) < 2:
        return []
    fixes = [fix("add_activation", facts, layers=[s.name for s in linear])]
    evidence = (Evidence("linear hidden layers", len(linear), 0),)
    text = "linear layers in a row are one linear layer"
    gate = "bad" if curved or facts.opaque else "none"
    return [_layer("missing_activation", "warning", linear[0], evidence, fixes, text, gate)]


def _unbent(layer, facts: ModelFacts) -> bool:
    if facts.unbent is not None:
        return layer.name in facts.unbent
    return layer.activation == "linear" and layer.name not in followed(facts)


def _curved(layer) -> bool:
    special = (
        *RECURRENT,
        "MultiHeadAttention",
        "MaxPooling1D",
        "MaxPooling2D",
        "Embedding",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "Lambda",
        "Multiply",
    )
    own = layer.kind not in DENSE and layer.fan_in
    return layer.activation != "linear" or layer.kind in special or bool(own)


def _hidden_softmax(facts: ModelFacts) -> list[Finding]:
    """Softmax inside the network: units compete where they should not."""
    found = [s for s in hidden_kernels(facts) if s.activation == "softmax"]
    if not found:
        return []
    fixes = [fix("change_hidden_activation", facts, layers=[s.name for s in found])]
    evidence = (Evidence("activation", "softmax"),)
    text = "softmax in a hidden layer lets one unit win"
    return [_layer("hidden_softmax", "warning", found[0], evidence, fixes, text)]


def _deep_saturating(facts: ModelFacts) -> list[Finding]:
    hidden = _stack(facts)
    flat = [s for s in hidden if s.activation in _SATURATING and s.activation != "softmax"]
    sigmoid = [s for s in flat if "sigmoid" in s.activation]
    many = len(sigmoid) >= LIMITS.deep - 1 or len(flat) >= LIMITS.deep + 2
    if not many or _normalised_inside(facts):
        return []
    codes = ("change_hidden_activation", "add_batchnorm", "change_initializer", "change_depth")
    fixes = [fix(code, facts) for code in codes]
    evidence = (Evidence("saturating layers in a row", len(flat), LIMITS.deep),)
    text = "each saturating layer shrinks the gradient"
    return [_layer("vanishing_gradient", "warning", flat[0], evidence, fixes, text)]


def _stack(facts: ModelFacts) -> list:
    """Return the hidden layers with the activation that follows each."""
    return [*hidden_kernels(facts), *(s for s in facts.layers if s.kind == "Activation")]


def _normalised_inside(facts: ModelFacts) -> bool:
    return sum(s.kind in NORMALISERS for s in facts.layers) >= len(hidden_kernels(facts)) / 2


def _exponential(facts: ModelFacts) -> list[Finding]:
    found = [s for s in _stack(facts) if s.activation == "exponential"]
    ends = {head.carrier for head in facts.heads}
    found = [s for s in found if s.name not in ends]
    if not found:
        return []
    codes = ("change_hidden_activation", "add_batchnorm", "clip_gradient", "lower_learning_rate")
    fixes = [fix(code, facts) for code in codes]
    evidence = (Evidence("exponential hidden layers", len(found), 0),)
    text = "exponentials of exponentials overflow"
    return [_layer("exploding_activation", "warning", found[0], evidence, fixes, text)]


def _bottleneck(facts: ModelFacts) -> list[Finding]:
    outputs = sum(head.units or 1 for head in facts.heads)
    narrow = [
        s for s in hidden_kernels(facts) if s.units == 1 and s.fan_in > 1 and s.kind == "Dense"
    ]
    if not narrow or (outputs == 1 and len(hidden_kernels(facts)) == 0):
        return []
    fixes = [fix("widen_layer", facts, layers=[s.name for s in narrow])]
    evidence = (Evidence("units", 1, 2),)
    return [
        _layer("bottleneck", "warning", narrow[0], evidence, fixes, "one number passes through")
    ]


def _dropout(facts: ModelFacts) -> list[Finding]:
    high = [s for s in facts.layers if s.rate > LIMITS.dropout]
    if not high:
        return []
    worst = max(high, key=lambda s: s.rate)
    option = "rate" if "Dropout" in worst.kind else "dropout"
    fixes = [fix("lower_dropout", facts, option=option)]
    evidence = (Evidence("dropout", worst.rate, LIMITS.dropout),)
    gate = "none" if worst.rate >= 0.75 else "fair"
    return [
        _layer("high_dropout", "warning", worst, evidence, fixes, "most units are dropped", gate)
    ]


def _frozen(facts: ModelFacts) -> list[Finding]:
    if not facts.frozen:
        return []
    layers = [s.name for s in facts.layers if s.fan_in]
    fixes = [fix("unfreeze_layers", facts, layers=layers)]
    evidence = (Evidence("layers that are trained", 0, 1),)
    text = "every weight is frozen: no step changes anything"
    where = Where("optimiser")
    return [before_training("unchanged_weights", "error", where, evidence, fixes, text)]


def _initial_biases(facts: ModelFacts) -> list[Finding]:
    """Rectified units that start far below 0 are dead before they have seen anything."""
    low = [s for s in facts.hidden if s.activation == "relu" and s.bias < LIMITS.bias_low]
    if not low:
        return []
    names = [s.name for s in low]
    known = {"layers": names, "names": names, "weights": "bias", "initializer": "zeros"}
    fixes = [fix("change_initializer", facts, **known), fix("change_hidden_activation", facts)]
    evidence = (Evidence("median bias before training", low[0].bias, LIMITS.bias_low),)
    text = "the initial biases keep rectified units at 0"
    return [_layer("bad_initialization", "warning", low[0], evidence, fixes, text, "fair")]


def _initial_weights(facts: ModelFacts) -> list[Finding]:
    flat = [s for s in facts.hidden if s.constant and s.units > 1]
    if not flat:
        return []
    fixes = [fix("change_initializer", facts)]
    evidence = (Evidence("distinct initial weights", 1, 2),)
    text = "equal weights get equal gradients: all units stay the same"
    return [_layer("bad_initialization", "error", flat[0], evidence, fixes, text, "none")]


def _signal_gain(facts: ModelFacts) -> list[Finding]:
    """Follow the expected size of the signal through a chain of layers from its weights alone."""
    if any(s.kind in ("Add", "Concatenate", "Average") for s in facts.layers):
        return []
    gain, worst, extreme = 1.0, None, 1.0
    for layer in facts.layers:
        if layer.kind in NORMALISERS or layer.activation in ("sigmoid", "softmax", "selu"):
            gain, worst, extreme = 1.0, None, 1.0
            continue
        if layer.kind not in DENSE or layer.gain != layer.gain:
            continue
        own = layer.gain / (2**0.5 if layer.activation in RECTIFIERS else 1)
        gain *= min(own, 1.0) if layer.activation == "tanh" else own
        if worst is None or abs(own - 1) > abs(extreme - 1):
            worst, extreme = layer, own
        if not LIMITS.gain_low <= gain <= LIMITS.gain_high:
            return [_gain_finding(facts, worst, gain)]
    return [_gain_finding(facts, s, s.gain) for s in _large_kernels(facts)]


def _large_kernels(facts: ModelFacts) -> list:
    """A saturating layer forgets the size of its input but not that of its own kernel."""
    kinds = [s for s in facts.layers if s.kind in DENSE and s.activation in _SATURATING]
    return [s for s in kinds if s.gain > 10 and s.fan_in > 1][:1]


def _gain_finding(facts, layer, gain):
    high = gain > 1
    fixes = [fix("change_initializer", facts), fix("add_batchnorm", facts)]
    limit = LIMITS.gain_high if high else LIMITS.gain_low
    evidence = (Evidence("expected gain of the signal", float(gain), limit),)
    text = f"the initial weights make the signal {'explode' if high else 'fade'}"
    return _layer("bad_initialization", "warning", layer, evidence, fixes, text)


def _recurrent(facts: ModelFacts) -> list[Finding]:
    odd = [
        s
        for s in facts.layers
        if s.kind in RECURRENT and s.activation in (*RECTIFIERS, "exponential")
    ]
    if not odd:
        return []
    bounded = {"activation": "tanh", "initializer": "glorot_uniform", "activations": ()}
    layers = [s.name for s in odd]
    fixes = [
        fix("change_hidden_activation", facts, layers=layers, **bounded),
        fix("clip_gradient", facts),
    ]
    evidence = (Evidence("activation", odd[0].activation, "tanh"),)
    text = "an unbounded state can grow at every time step"
    return [_layer("unbounded_rnn_activation", "warning", odd[0], evidence, fixes, text, "bad")]


def optimiser_findings(facts: ModelFacts) -> list[Finding]:
    """Return what is wrong with the learning rate and the momentum, before any step."""
    return [*_rate(facts), *_momentum(facts)]


def _rate(facts: ModelFacts) -> list[Finding]:
    optimiser = facts.optimiser
    if optimiser is None:
        return []
    rate, usual = optimiser.rate / max(1 - optimiser.momentum, 1e-3), usual_rate(optimiser.name)
    high = LIMITS.rate_high if usual >= 0.01 else LIMITS.rate_high_adaptive
    high = 100.0 if optimiser.name == "adadelta" else high
    low = LIMITS.rate_low * (10 if usual >= 0.01 else 1)
    found = partial(_rate_finding, facts, optimiser)
    if optimiser.rate <= 0:
        return [found("lr_negative", "error", 0.0, ["fix_learning_rate"], "none")]
    if rate > high * 1.001:  # 0.1 with a momentum of 0.9 is usual, and 1 but for rounding
        codes = ["lower_learning_rate", "change_optimizer", "clip_gradient"]
        return [found("lr_high", "warning", high, codes, "fair")]
    if rate < low:
        return [found("lr_low", "warning", low, ["raise_learning_rate"], "fair")]
    return []


def _rate_finding(
    facts: ModelFacts, optimiser: OptimiserFacts, symptom: str, severity: str, limit: float,
    codes: list[str], gate: str,
) -> Finding:  # fmt: skip
    where = Where("optimiser", variable=optimiser.name)
    evidence = (Evidence("learning rate", optimiser.rate, limit),)
    text = "the learning rate is out of its usual band"
    fixes = [fix(code, facts) for code in codes]
    return before_training(symptom, severity, where, evidence, fixes, text, gate)


def _momentum(facts: ModelFacts) -> list[Finding]:
    optimiser = facts.optimiser
    if optimiser is None or optimiser.momentum <= LIMITS.momentum:
        return []
    evidence = (Evidence("momentum", optimiser.momentum, LIMITS.momentum),)
    fixes = (fix("reduce_momentum", facts), fix("lower_learning_rate", facts))
    where = Where("optimiser", variable=optimiser.name)
    text = "so much momentum overshoots"
    return [before_training("oscillating_loss", "warning", where, evidence, fixes, text, "fair")]
