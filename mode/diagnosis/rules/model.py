"""Rules about architecture and initial weights, before any step.

Each takes the facts of a model and returns findings of the symptom that it is named after.
"""

from mode.diagnosis.catalog.fixes import make_fix
from mode.diagnosis.catalog.symptoms import make_finding
from mode.diagnosis.facts.layers import DENSE, NORMALIZERS, RECTIFIERS, RECURRENT, LayerFacts
from mode.diagnosis.facts.model import ModelFacts
from mode.diagnosis.findings import Evidence, Finding, Fix, Where
from mode.diagnosis.limits import LIMITS

_SATURATING = ("sigmoid", "tanh", "hard_sigmoid", "softsign", "softmax")
_CURVED = (*RECURRENT, "MultiHeadAttention", "MaxPooling1D", "MaxPooling2D", "Embedding",
           "GlobalMaxPooling1D", "GlobalMaxPooling2D", "Lambda", "Multiply")  # fmt: skip


def _fixes(facts: ModelFacts, *codes: str, **details) -> list[Fix]:
    return [make_fix(code, facts, **details) for code in codes]


def _at(layer: LayerFacts | None) -> Where:
    return Where("layer", layer.name if layer is not None else "")


def missing_activation(facts: ModelFacts) -> list[Finding]:
    """Linear layers in a row."""
    linear = [s for s in facts.hidden_kernels if _is_linear(s, facts)]
    if not linear:
        return []
    others = [s for s in facts.layers if s not in linear and s.kind not in NORMALIZERS]
    ends = {head.carrier for head in facts.heads}
    ends |= {head.layer.rsplit("/", 1)[-1] for head in facts.heads}
    curved = [s for s in others if s.name not in ends and _is_curved(s)]
    if curved and len(linear) < LIMITS.linear_layers:
        return []
    fixes = _fixes(facts, "add_activation", layers=[s.name for s in linear])
    evidence = Evidence("linear hidden layers", len(linear), 0)
    text = "linear layers in a row are one linear layer"
    gate = "bad" if curved or facts.opaque else "none"
    return [make_finding("missing_activation", _at(linear[0]), evidence, text=text, fixes=fixes,
                         gate=gate)]  # fmt: skip


def _is_linear(layer: LayerFacts, facts: ModelFacts) -> bool:
    if facts.redundant_linear is not None:
        return layer.name in facts.redundant_linear
    unbent = layer.activation == "linear" and layer.name not in facts.followed
    return unbent and _can_be_read(layer, facts)


def _can_be_read(layer: LayerFacts, facts: ModelFacts) -> bool:
    """Tell whether the next weighted layer's kernel takes as many features as a layer has."""
    after = facts.layers[facts.layers.index(layer) + 1 :]
    reader = next((i for i, s in enumerate(after) if s.fan_in), None)
    if reader is None or not layer.units:
        return True
    plain = layer.kind == after[reader].kind == "Dense" and not reader
    fan_in = after[reader].fan_in
    return fan_in == layer.units if plain else fan_in % layer.units == 0


def _is_curved(layer: LayerFacts) -> bool:
    unusual = layer.kind not in DENSE and layer.fan_in
    return layer.activation != "linear" or layer.kind in _CURVED or bool(unusual)


def hidden_softmax(facts: ModelFacts) -> list[Finding]:
    """Softmax inside the network: units compete where they should not."""
    read = facts.feature_layers
    layers = [s for s in facts.hidden_kernels if s.activation == "softmax"]
    layers = [s for s in layers if read is None or s.name in read]
    if not layers:
        return []
    fixes = _fixes(facts, "change_hidden_activation", layers=[s.name for s in layers])
    text = "softmax in a hidden layer lets one unit win"
    evidence = Evidence("activation", "softmax")
    return [make_finding("hidden_softmax", _at(layers[0]), evidence, text=text, fixes=fixes)]


def vanishing_gradient(facts: ModelFacts) -> list[Finding]:
    """Many saturating layers in a row, without normalization."""
    flat = [s for s in _stack(facts) if s.activation in _SATURATING and s.activation != "softmax"]
    sigmoid = [s for s in flat if "sigmoid" in s.activation]
    many = len(sigmoid) >= LIMITS.deep_sigmoid or len(flat) >= LIMITS.deep_saturating
    normalizers = sum(s.kind in NORMALIZERS for s in facts.layers)
    if not many or normalizers >= len(facts.hidden_kernels) * LIMITS.normalized_part:
        return []
    fixes = _fixes(facts, "change_hidden_activation", "add_batchnorm", "change_initializer",
                   "change_depth")  # fmt: skip
    evidence = Evidence("saturating layers in a row", len(flat), LIMITS.deep)
    text = "each saturating layer shrinks the gradient"
    return [make_finding("vanishing_gradient", _at(flat[0]), evidence, text=text, fixes=fixes,
                         gate="fair")]  # fmt: skip


def _stack(facts: ModelFacts) -> list[LayerFacts]:
    """Return the hidden layers with the activation that follows each."""
    return [*facts.hidden_kernels, *(s for s in facts.layers if s.kind == "Activation")]


def exploding_activation(facts: ModelFacts) -> list[Finding]:
    """Exponentials of exponentials."""
    ends = {head.carrier for head in facts.heads}
    layers = [s for s in _stack(facts) if s.activation == "exponential" and s.name not in ends]
    if not layers:
        return []
    fixes = _fixes(facts, "change_hidden_activation", "add_batchnorm", "clip_gradient",
                   "lower_learning_rate")  # fmt: skip
    evidence = Evidence("exponential hidden layers", len(layers), 0)
    text = "exponentials of exponentials overflow"
    return [make_finding("exploding_activation", _at(layers[0]), evidence, text=text, fixes=fixes,
                         gate="fair")]  # fmt: skip


def bottleneck(facts: ModelFacts) -> list[Finding]:
    """A dense layer of one unit."""
    narrow = [
        s
        for s in facts.hidden_kernels
        if s.units < LIMITS.bottleneck_units and s.fan_in > 1 and s.kind == "Dense"
    ]
    if not narrow:
        return []
    fixes = _fixes(facts, "widen_layer", layers=[s.name for s in narrow])
    evidence = Evidence("units", narrow[0].units, LIMITS.bottleneck_units)
    return [make_finding("bottleneck", _at(narrow[0]), evidence, text="one number passes through",
                         fixes=fixes)]  # fmt: skip


def high_dropout(facts: ModelFacts) -> list[Finding]:
    """A rate of dropout above the usual ones, or predictions that are dropped."""
    return [*_dropped_predictions(facts), *_high_rate(facts)]


def _dropped_predictions(facts: ModelFacts) -> list[Finding]:
    """Find dropout behind the last layer: the loss compares targets with zeros."""
    heads = [h for h in facts.heads if h.dropout and h.family not in ("custom", "none")]
    return [
        make_finding("high_dropout", Where("layer", head.dropout),
                     Evidence("dropout after the last layer", head.dropout), gate="fair",
                     text="dropout after the last layer sets predictions to 0 at every step",
                     fixes=_fixes(facts, "lower_dropout", rate=0, names=[head.dropout],
                                  layers=f"{head.dropout}; dropout belongs before the last layer"))
        for head in heads
    ]  # fmt: skip


def _high_rate(facts: ModelFacts) -> list[Finding]:
    worst = max(facts.layers, key=lambda s: s.rate, default=None)
    if worst is None or worst.rate <= LIMITS.dropout:
        return []
    option = "rate" if "Dropout" in worst.kind else "dropout"
    gate = "none" if worst.rate >= LIMITS.dropout_extreme else ""
    evidence = Evidence("dropout", worst.rate, LIMITS.dropout)
    fixes = _fixes(facts, "lower_dropout", option=option)
    return [make_finding("high_dropout", _at(worst), evidence, text="most units are dropped",
                         fixes=fixes, gate=gate)]  # fmt: skip


def unchanged_weights(facts: ModelFacts) -> list[Finding]:
    """A model whose weights are all frozen."""
    if not facts.frozen:
        return []
    fixes = _fixes(facts, "unfreeze_layers", layers=[s.name for s in facts.layers if s.fan_in])
    evidence = Evidence("layers that are trained", 0, 1)
    text = "every weight is frozen: no step changes anything"
    return [make_finding("unchanged_weights", Where("optimizer"), evidence, text=text, fixes=fixes,
                         severity="error", gate="none")]  # fmt: skip


def bad_initialization(facts: ModelFacts) -> list[Finding]:
    """Equal initial weights, biases that kill units, a signal that explodes or fades."""
    return [*_equal_weights(facts), *_low_biases(facts), *_signal_gain(facts)]


def _equal_weights(facts: ModelFacts) -> list[Finding]:
    flat = [s for s in facts.hidden if s.constant and s.units > 1]
    if not flat:
        return []
    evidence = Evidence("distinct initial weights", 1, 2)
    text = "equal weights get equal gradients: all units stay the same"
    return [make_finding("bad_initialization", _at(flat[0]), evidence, text=text,
                         fixes=_fixes(facts, "change_initializer"), severity="error",
                         gate="none")]  # fmt: skip


def _low_biases(facts: ModelFacts) -> list[Finding]:
    """Rectified units that start far below 0 are dead before they have seen anything."""
    low = [s for s in facts.hidden if s.activation == "relu" and s.bias < LIMITS.bias_low]
    if not low:
        return []
    names = [s.name for s in low]
    zeros = {"layers": names, "names": names, "weights": "bias", "initializer": "zeros"}
    fixes = [make_fix("change_initializer", facts, **zeros),
             make_fix("change_hidden_activation", facts)]  # fmt: skip
    evidence = Evidence("median bias before training", low[0].bias, LIMITS.bias_low)
    text = "the initial biases keep rectified units at 0"
    return [make_finding("bad_initialization", _at(low[0]), evidence, text=text, fixes=fixes)]


def _signal_gain(facts: ModelFacts) -> list[Finding]:
    """Follow the expected size of the signal through a chain of layers from its weights alone."""
    if any(s.kind in ("Add", "Concatenate", "Average") for s in facts.layers):
        return []
    gain, worst, extreme = 1.0, None, 1.0
    for layer in facts.layers:
        if layer.kind in NORMALIZERS or layer.activation in ("sigmoid", "softmax", "selu"):
            gain, worst, extreme = 1.0, None, 1.0
            continue
        if layer.kind not in DENSE or layer.gain != layer.gain:
            continue
        single = layer.gain / (2**0.5 if layer.activation in RECTIFIERS else 1)
        gain *= min(single, 1.0) if layer.activation == "tanh" else single
        if worst is None or abs(single - 1) > abs(extreme - 1):
            worst, extreme = layer, single
        if not LIMITS.gain_low <= gain <= LIMITS.gain_high:
            return [_gain_finding(facts, worst, gain)]
    # a saturating layer forgets the size of its input but not that of its own kernel
    kinds = [s for s in facts.layers if s.kind in DENSE and s.activation in _SATURATING]
    large = [s for s in kinds if s.gain > LIMITS.kernel_gain and s.fan_in > 1]
    return [_gain_finding(facts, s, s.gain) for s in large[:1]]


def _gain_finding(facts: ModelFacts, layer: LayerFacts | None, gain: float) -> Finding:
    high = gain > 1
    limit = LIMITS.gain_high if high else LIMITS.gain_low
    evidence = Evidence("expected gain of the signal", float(gain), limit)
    text = f"the initial weights make the signal {'explode' if high else 'fade'}"
    return make_finding("bad_initialization", _at(layer), evidence, text=text,
                        fixes=_fixes(facts, "change_initializer", "add_batchnorm"))  # fmt: skip


def unbounded_rnn_activation(facts: ModelFacts) -> list[Finding]:
    """A recurrent layer whose state can grow at every time step."""
    unbounded = (*RECTIFIERS, "exponential")
    odd = [s for s in facts.layers if s.kind in RECURRENT and s.activation in unbounded]
    if not odd:
        return []
    bounded = {"activation": "tanh", "initializer": "glorot_uniform", "activations": ()}
    layers = [s.name for s in odd]
    fixes = [make_fix("change_hidden_activation", facts, layers=layers, **bounded),
             make_fix("clip_gradient", facts)]  # fmt: skip
    evidence = Evidence("activation", odd[0].activation, "tanh")
    text = "an unbounded state can grow at every time step"
    return [make_finding("unbounded_rnn_activation", _at(odd[0]), evidence, text=text, fixes=fixes)]


RULES = (
    missing_activation, hidden_softmax, vanishing_gradient, exploding_activation, bottleneck,
    high_dropout, unchanged_weights, bad_initialization, unbounded_rnn_activation,
)  # fmt: skip
