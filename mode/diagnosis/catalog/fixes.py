"""Fixes: for each its line of code, what it needs to know of the model, and its edit of a Plan."""

from dataclasses import replace
from functools import partial

from mode import checks
from mode.diagnosis.catalog.words import FIXES
from mode.diagnosis.facts.layers import RECTIFIERS
from mode.diagnosis.facts.model import (
    ModelFacts,
    followed,
    hidden_kernels,
    loose_activations,
    usual_rate,
)
from mode.diagnosis.findings import Fix, Plan


def remedy(code: str, **details) -> Fix:
    """Return a fix with its line of code and its edit, made from what is known of the place.

    Raises:
        InputError: for a code that is not among the words of the diagnosis.
    """
    checks.one_of("fix", code, FIXES)
    action = ACTIONS.get(code)
    line = LINES[code].format_map(_Blank(details)) if code in LINES else ""
    if code == "use_from_logits":
        line = line.replace("?", str(details.get("activation") != "linear"))
    return Fix(code, FIXES[code], line, partial(action, details) if action else None)


class _Unknown:
    """Stands in a line of code for what is not known, in any format."""

    def __format__(self, spec: str) -> str:
        return "..."


class _Blank(dict):
    def __missing__(self, key):
        return _Unknown()


LINES = {
    "change_output_activation": 'activation="{activation}"  # {carrier}',
    "use_from_logits": "from_logits=?  # in the loss",
    "change_loss": 'model.compile(loss="{loss}", ...)',
    "fix_units": "units={units}  # {layer}",
    "change_hidden_activation": 'activation="{activation}", '
    'kernel_initializer="{initializer}"  # {layers}',
    "add_activation": 'activation="relu"  # {layers}',
    "change_initializer": '{weights}_initializer="{initializer}"  # {layers}',
    "unfreeze_layers": "layer.trainable = True  # {layers}, before model.compile(...)",
    "add_batchnorm": "keras.layers.BatchNormalization()  # after {layers}",
    "change_depth": "# leave out {layers}",
    "widen_layer": "units={units}  # {layers}",
    "normalize_input": "x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-7)",
    "scale_target": "y = (y - y.mean(axis=0)) / y.std(axis=0)",
    "fix_labels": "# check the labels: {labels}",
    "clean_data": "keep = np.isfinite(x).all(axis=1); x, y = x[keep], y[keep]",
    "fix_validation_split": "model.fit(x, y, validation_split=0.2)  # or rows kept apart",
    "lower_learning_rate": "learning_rate={rate:.3g}",
    "raise_learning_rate": "learning_rate={rate:.3g}",
    "fix_learning_rate": "learning_rate={rate:.3g}",
    "change_optimizer": "optimizer=keras.optimizers.Adam(1e-3)",
    "reduce_momentum": "momentum=0.9",
    "clip_gradient": "clipnorm=1.0",
    "change_batch_size": "batch_size={batch}",
    "train_longer": "epochs={epochs}",
    "lower_dropout": "rate=0.2  # {layers}",
    "add_dropout": "keras.layers.Dropout(0.3)  # after {layers}",
    "regularize": 'kernel_regularizer="l2"',
    "early_stopping": "callbacks=[EarlyStopping(patience=5, restore_best_weights=True)]",
    "guard_operation": "{guard}",
    "change_recurrent_layer": "keras.layers.LSTM(...)  # instead of {layers}",
    "shorten_sequence": "x = x[:, -100:]",
}


def _retarget(details: dict, plan: Plan) -> Plan:
    """Output activation, loss and units belong together: a fix of one sets all three."""
    activation, loss = details.get("activation"), details.get("loss")
    if activation:
        plan = plan.edit([details["carrier"]], activation=activation)
    if details.get("units") and details.get("layer"):
        plan = plan.edit([_name(details["layer"])], units=details["units"])
    if loss:
        plan = replace(plan, losses={**plan.losses, details["head"]: loss})
    return plan


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _from_logits(details: dict, plan: Plan) -> Plan:
    loss = {"family": details.get("family"), "from_logits": details.get("activation") != "linear"}
    return replace(plan, losses={**plan.losses, details["head"]: loss})


def _hidden(details: dict, plan: Plan) -> Plan:
    activation, initializer = details["activation"], details["initializer"]
    plan = plan.edit(details["dense"], activation=activation, kernel_initializer=initializer)
    return plan.edit(details["activations"], activation=activation)


def _layers(details: dict, plan: Plan, **options) -> Plan:
    return plan.edit(details.get("names", ()), **options)


def _initializer(details: dict, plan: Plan) -> Plan:
    option = f"{details.get('weights', 'kernel')}_initializer"
    return _layers(details, plan, **{option: details.get("initializer", "glorot_uniform")})


def _rate(details: dict, plan: Plan) -> Plan:
    rate = details.get("rate", 1e-4)
    return replace(plan, optimiser={**plan.optimiser, "learning_rate": rate})


def _optimiser(details: dict, plan: Plan) -> Plan:
    return replace(plan, optimiser={"name": "Adam", "learning_rate": 1e-3})


def _option(name: str, value):
    return lambda details, plan: replace(plan, optimiser={**plan.optimiser, name: value})


def _set(**values):
    return lambda details, plan: replace(plan, **values)


ACTIONS = {
    "use_from_logits": _from_logits,
    "change_output_activation": _retarget,
    "change_loss": _retarget,
    "fix_units": _retarget,
    "change_hidden_activation": _hidden,
    "add_activation": _hidden,
    "change_initializer": _initializer,
    "unfreeze_layers": lambda d, plan: _layers(d, plan, trainable=True),
    "add_batchnorm": lambda d, plan: plan.insert(d.get("names", ()), "BatchNormalization"),
    "add_dropout": lambda d, plan: plan.insert(d.get("names", ()), "Dropout", rate=0.3),
    "change_depth": lambda d, plan: replace(plan, dropped=(*plan.dropped, *d.get("surplus", ()))),
    "widen_layer": lambda d, plan: plan.edit(d.get("names", ()), units=d.get("units", 32)),
    "normalize_input": _set(scale_inputs=True),
    "scale_target": _set(scale_targets=True),
    "clean_data": _set(clean=True),
    "fix_labels": _set(relabel=True),
    "lower_learning_rate": _rate,
    "raise_learning_rate": _rate,
    "fix_learning_rate": _rate,
    "change_optimizer": _optimiser,
    "reduce_momentum": _option("momentum", 0.9),
    "clip_gradient": _option("clipnorm", 1.0),
    "change_batch_size": lambda d, plan: replace(plan, batch_size=d["batch"]),
    "train_longer": lambda d, plan: replace(plan, epochs=plan.epochs * 4),
    "lower_dropout": lambda d, plan: _layers(d, plan, **{d.get("option", "rate"): 0.2}),
    "regularize": lambda d, plan: _layers(d, plan, kernel_regularizer="l2"),
    "early_stopping": _set(early_stopping=True),
    "change_recurrent_layer": lambda d, plan: _layers(d, plan, class_name="LSTM"),
}
_UNGUARDED = "keras.ops.maximum(x, 1e-7)  # before the root, logarithm or division"


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
