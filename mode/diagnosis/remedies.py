"""Remedies: for each fix its line of code and, where a program can do it, its edit of a Plan."""

from dataclasses import replace
from functools import partial

from mode import checks
from mode.diagnosis.findings import Fix
from mode.diagnosis.plan import Plan
from mode.diagnosis.words import FIXES

USUAL_RATES = {"sgd": 0.01, "adadelta": 1.0, "adagrad": 0.01, "ftrl": 0.01}


def usual_rate(optimiser: str) -> float:
    """Return the learning rate an optimiser usually starts from."""
    return USUAL_RATES.get(optimiser, 1e-3)


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
