"""What a repair changed, one plain line each: what it was in the source model, what it is now."""

import re
from typing import Any

import keras

from mode.diagnosis.heads import activation_name, heads_of, loss_facts
from mode.diagnosis.modelfacts import leaf_layers, optimiser_facts
from mode.diagnosis.plan import Plan

_SIZES = ("batch_size", "epochs")
_SWITCHES = {
    "scale_inputs": "inputs: as given -> each feature to mean 0 and deviation 1",
    "scale_targets": "targets: as given -> mean 0 and deviation 1 while training",
    "clean": "rows that are not finite: used -> left out",
    "relabel": "labels: as given -> 0, 1, ... in their order (rows: to sum 1)",
    "early_stopping": "early stopping: no -> yes",
}


def changes(source, before: Plan, after: Plan) -> list[str]:
    """Return a line for each difference that `after` makes to `source` where `before` did not.

    What a plan sets to the value that is there already is no difference.
    """
    values = [*_layers(source, after), *_losses(source, after), *_optimiser(source, after)]
    values += [(name, getattr(before, name), getattr(after, name)) for name in _SIZES]
    shown = [(what, _shown(old), _shown(new)) for what, old, new in values]
    moved = [f"{what}: {old} -> {new}" for what, old, new in shown if old != new]
    switched = [name for name in _SWITCHES if getattr(after, name) and not getattr(before, name)]
    return [*_rebuilt(after), *moved, *(_SWITCHES[name] for name in switched)]


def _rebuilt(plan: Plan) -> list[str]:
    added = [(layer, kind) for layer, kinds in plan.inserts.items() for kind, _ in kinds]
    gone = [f"{layer}: left out" for layer in plan.dropped]
    return [*(f"after {layer}: nothing -> {kind}" for layer, kind in added), *gone]


def _layers(source, plan: Plan) -> list[tuple[str, Any, Any]]:
    layers = {layer.name: layer for layer in leaf_layers(source)}
    found = [(layers.get(at), at, edits) for at, edits in plan.edits.items()]
    return [
        (f"{at} {name.replace('class_name', 'layer')}", _option(layer, name), value)
        for layer, at, edits in found
        for name, value in edits.items()
    ]


def _option(layer, name: str):
    """Return an option of a layer as it is."""
    if layer is None:
        return "?"
    if name == "class_name":
        return type(layer).__name__
    return activation_name(layer) if name == "activation" else getattr(layer, name, None)


def _losses(source, plan: Plan) -> list[tuple[str, Any, Any]]:
    heads = heads_of(source, leaf_layers(source))
    given = {head.name: (head.loss, head.from_logits) for head in heads}
    return [
        (
            "loss" if len(heads) == 1 else f"loss of {name}",
            *_loss(*given.get(name, ("", False)), new),
        )
        for name, new in plan.losses.items()
    ]


def _loss(name: str, logits: bool, new) -> tuple[str, str]:
    if isinstance(new, dict):
        return f"from_logits={logits}", f"from_logits={new['from_logits']}"
    return name, loss_facts(new)[0]


def _optimiser(source, plan: Plan) -> list[tuple[str, Any, Any]]:
    inner = getattr(source.optimizer, "inner_optimizer", source.optimizer)
    known = {"name": type(inner).__name__, "learning_rate": optimiser_facts(inner).rate}
    return [
        (f"optimiser {option}", known.get(option, getattr(inner, option, None)), value)
        for option, value in plan.optimiser.items()
    ]


def _shown(value) -> str:
    """Return a value as one writes it: an initialiser or a regulariser as its name."""
    if isinstance(value, keras.Initializer | keras.Regularizer):
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(value).__name__).lower()
    if value is None or value == "":
        return "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
