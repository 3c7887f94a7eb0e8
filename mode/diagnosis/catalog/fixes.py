"""Every fix: what to do, its line of code, its edit of a plan, and what it reads off a model."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from mode import checks
from mode.diagnosis.facts.layers import RECTIFIERS, LayerFacts
from mode.diagnosis.facts.model import ModelFacts
from mode.diagnosis.findings import Fix, Plan

_UNGUARDED = "keras.ops.maximum(x, 1e-7)  # before the root, logarithm or division"


@dataclass(frozen=True)
class FixEntry:
    """One fix.

    Args:
        line: its line of code, a format of its details.
        edit: takes the details and a plan, returns the changed plan; None where no program can.
        details: takes the model's facts and the layers to change, returns what the line and the
            edit need beside the names of the layers.
    """

    code: str
    text: str
    line: str = ""
    edit: Callable[[dict, Plan], Plan] | None = None
    details: Callable[[ModelFacts, list[LayerFacts]], dict] | None = None


def make_fix(code: str, facts: ModelFacts | None = None, **details) -> Fix:
    """Return the fix `code` with its line of code and its edit.

    Args:
        facts: of the model, to work out what is not in `details`; without it, a line has "..."
            there.
        details: `layers`, the names of the layers to change (with `facts`; all hidden layers with
            a kernel by default), and what overrides that which is worked out.

    Raises:
        InputError: for a code that is not in FIXES.
    """
    entry = FIXES[checks.one_of("fix", code, FIXES)]
    if facts is not None:
        names = details.pop("layers", None)
        layers = [s for s in facts.layers if names is not None and s.name in names]
        layers = facts.hidden_kernels if names is None else layers
        worked_out = _named([layer.name for layer in layers])
        details = worked_out | (entry.details(facts, layers) if entry.details else {}) | details
    line = entry.line.format_map(_Blank(details))
    return Fix(code, entry.text, line, partial(entry.edit, details) if entry.edit else None)


class _Unknown:
    """Stands in a line of code for what is not known, in any format."""

    def __format__(self, spec: str) -> str:
        return "..."


class _Blank(dict):
    def __missing__(self, key):
        return _Unknown()


# what a fix reads off the model: functions of its facts and the layers to change


def _named(names: list[str]) -> dict:
    """Return the names of layers, and the same as words."""
    ends = f"{names[0]} ... {names[-1]} ({len(names)} layers)" if len(names) > 3 else ""
    return {"names": names, "layers": ends or ", ".join(names)}


def _activated(facts: ModelFacts, layers) -> dict:
    """Return the layers whose activation is to change: not linear ones before a loose one."""
    loose = facts.followed
    dense = [s.name for s in layers if s.activation != "linear" or s.name not in loose]
    free = [s.name for s in facts.loose_activations if s.activation not in RECTIFIERS]
    return {"dense": dense, "activations": free, "activation": "relu", "initializer": "he_normal"}


def _initialized(facts: ModelFacts, layers) -> dict:
    rectified = any(layer.activation in RECTIFIERS for layer in layers)
    ends = {head.layer for head in facts.heads}
    initialized = all(s.fan_in for s in facts.layers if s.path in ends)  # each has an initializer
    names = [_name(head.layer) for head in facts.heads] if initialized else []
    initializer = "he_normal" if rectified else "glorot_uniform"
    names = [*(layer.name for layer in layers), *names]
    return {"initializer": initializer, "weights": "kernel", "names": names}


def _surplus(facts: ModelFacts, layers) -> dict:
    """Keep the first three hidden layers; only equal dense layers can be left out."""
    surplus = [layer.name for layer in layers[3:] if layer.kind == "Dense"]
    return {"surplus": surplus, "layers": _named(surplus)["layers"] or "some of the layers"}


def _wider(facts: ModelFacts, layers) -> dict:
    units = max([32, *(4 * s.units for s in layers if s.units < 8)])
    return {"units": units, "names": [s.name for s in layers if s.units < units]}


def _dropping(facts: ModelFacts, layers) -> dict:
    return {"names": [s.name for s in facts.layers if s.rate > 0], "rate": 0.2}


def _recurrent(facts: ModelFacts, layers) -> dict:
    return _named([s.name for s in facts.layers if s.kind in ("SimpleRNN", "LSTM", "GRU")])


def _rate(choose: Callable[[float, float], float]):
    """Return the details of a learning rate chosen from the present and the usual one."""

    def details(facts: ModelFacts, layers) -> dict:
        optimizer = facts.optimizer
        return {"rate": choose(optimizer.rate, optimizer.usual_rate)} if optimizer else {}

    return details


# edits: functions of the details and a plan


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
    loss = {"family": details.get("family"), "from_logits": details["logits"]}
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


def _optimizer(**options):
    return lambda details, plan: replace(plan, optimizer={**plan.optimizer, **options})


def _learning_rate(details: dict, plan: Plan) -> Plan:
    return _optimizer(learning_rate=details.get("rate", 1e-4))(details, plan)


def _set(**values):
    return lambda details, plan: replace(plan, **values)


FIXES = {entry.code: entry for entry in (
    FixEntry("change_output_activation",
             "give the last layer the activation that fits the targets",
             'activation="{activation}"  # {carrier}', _retarget),
    FixEntry("use_from_logits", "tell the loss whether it gets logits",
             "from_logits={logits}  # in the loss", _from_logits),
    FixEntry("change_loss", "use the loss that fits the targets",
             'model.compile(loss="{loss}", ...)', _retarget),
    FixEntry("change_hidden_activation",
             "use an activation that does not saturate or die in hidden layers",
             'activation="{activation}", kernel_initializer="{initializer}"  # {layers}',
             _hidden, _activated),
    FixEntry("add_activation", "put a non-linear activation between the layers",
             'activation="relu"  # {layers}', _hidden, _activated),
    FixEntry("change_initializer", "use an initializer scaled to the layer's width",
             '{weights}_initializer="{initializer}"  # {layers}', _initializer, _initialized),
    FixEntry("unfreeze_layers", "make the layers trainable",
             "layer.trainable = True  # {layers}, before model.compile(...)",
             lambda d, plan: _layers(d, plan, trainable=True)),
    FixEntry("add_batchnorm", "normalize between the hidden layers",
             "keras.layers.BatchNormalization()  # after {layers}",
             lambda d, plan: plan.insert(d.get("names", ()), "BatchNormalization")),
    FixEntry("change_depth", "use fewer layers", "# leave out {layers}",
             lambda d, plan: replace(plan, dropped=(*plan.dropped, *d.get("surplus", ()))),
             _surplus),
    FixEntry("widen_layer", "give the narrow layers more units", "units={units}  # {layers}",
             lambda d, plan: _layers(d, plan, units=d.get("units", 32)), _wider),
    FixEntry("fix_units", "give the last layer as many units as the targets need",
             "units={units}  # {layer}", _retarget),
    FixEntry("normalize_input", "scale every input feature to mean 0 and standard deviation 1",
             "x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-7)", _set(scale_inputs=True)),
    FixEntry("scale_target", "scale the targets to unit size and scale predictions back",
             "y = (y - y.mean(axis=0)) / y.std(axis=0)", _set(scale_targets=True)),
    FixEntry("fix_labels", "correct the labels", "# check the labels: {labels}",
             _set(relabel=True)),
    FixEntry("clean_data", "remove or fill what is not finite",
             "keep = np.isfinite(x).all(axis=1); x, y = x[keep], y[keep]", _set(clean=True)),
    FixEntry("drop_missing_targets", "leave out the rows whose target is not finite",
             "keep = np.isfinite(y).reshape(len(y), -1).all(axis=1); x, y = x[keep], y[keep]",
             _set(clean=True)),
    FixEntry("fix_validation_split", "keep validation rows out of the training data",
             "model.fit(x, y, validation_split=0.2)  # or rows kept apart"),
    FixEntry("lower_learning_rate", "lower the learning rate", "learning_rate={rate:.3g}",
             _learning_rate,
             _rate(lambda rate, usual: min(rate / 10, usual) if rate > usual else rate / 10)),
    FixEntry("raise_learning_rate", "raise the learning rate", "learning_rate={rate:.3g}",
             _learning_rate,
             _rate(lambda rate, usual: max(rate * 10, usual) if rate < usual else rate * 10)),
    FixEntry("fix_learning_rate", "use a positive learning rate of the usual size",
             "learning_rate={rate:.3g}", _learning_rate, _rate(lambda rate, usual: usual)),
    FixEntry("change_optimizer", "use an optimizer that scales each step, such as Adam",
             "optimizer=keras.optimizers.Adam(1e-3)",
             _set(optimizer={"name": "Adam", "learning_rate": 1e-3})),
    FixEntry("reduce_momentum", "lower the momentum", "momentum=0.9", _optimizer(momentum=0.9)),
    FixEntry("clip_gradient", "clip the gradient's norm", "clipnorm=1.0",
             _optimizer(clipnorm=1.0)),
    FixEntry("change_batch_size", "use smaller batches, so that an epoch has more steps",
             "batch_size={batch}", lambda d, plan: replace(plan, batch_size=d["batch"])),
    FixEntry("train_longer", "train for more epochs", "epochs={epochs}",
             lambda d, plan: replace(plan, epochs=plan.epochs * 4)),
    FixEntry("lower_dropout", "drop less", "rate={rate}  # {layers}",
             lambda d, plan: _layers(d, plan, **{d.get("option", "rate"): d["rate"]}), _dropping),
    FixEntry("add_dropout", "add some dropout", "keras.layers.Dropout(0.3)  # after {layers}",
             lambda d, plan: plan.insert(d.get("names", ()), "Dropout", rate=0.3)),
    FixEntry("regularize", "penalize large weights", 'kernel_regularizer="l2"',
             lambda d, plan: _layers(d, plan, kernel_regularizer="l2")),
    FixEntry("early_stopping", "stop when the validation loss no longer improves",
             "callbacks=[EarlyStopping(patience=5, restore_best_weights=True)]",
             _set(early_stopping=True)),
    FixEntry("reduce_model", "use a smaller model"),
    FixEntry("more_data", "collect more data"),
    FixEntry("guard_operation", "guard the operation with a small constant or a clip", "{guard}",
             details=lambda facts, layers: {"guard": _UNGUARDED}),
    FixEntry("change_recurrent_layer", "use a gated recurrent layer (LSTM or GRU)",
             "keras.layers.LSTM(...)  # instead of {layers}",
             lambda d, plan: _layers(d, plan, class_name="LSTM"), _recurrent),
    FixEntry("change_metric", "use a metric that fits the targets",
             "metrics=[{metric}]  # in compile"),
    FixEntry("weight_classes", "let rows of rare classes count more",
             "class_weight={weights}  # in fit"),
    FixEntry("weight_outputs", "give the output's loss the size of the others'",
             'loss_weights={{"{name}": ...}}  # in compile'),
    FixEntry("lower_batchnorm_momentum", "let batch normalization's statistics follow faster",
             "momentum={momentum}  # {layers}",
             lambda d, plan: _layers(d, plan, momentum=d["momentum"])),
    FixEntry("shorten_sequence", "shorten the sequences", "x = x[:, -100:]"),
)}  # fmt: skip
