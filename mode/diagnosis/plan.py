"""A plan: how a model is built anew, compiled and trained, as plain values that fixes can edit."""

from dataclasses import dataclass, field, replace

import keras
import numpy as np

from mode.diagnosis.modelfacts import LOOK_UPS, given_metrics, readers
from mode.diagnosis.subclassed import remade


@dataclass(frozen=True)
class Plan:
    """Changes to a source model and its training; an empty plan is the source itself.

    `edits` maps a layer's name to changed constructor options, `inserts` to the layers that
    follow it (class name, options), `dropped` names layers to leave out.
    """

    edits: dict = field(default_factory=dict)
    inserts: dict = field(default_factory=dict)
    dropped: tuple = ()
    losses: dict = field(default_factory=dict)
    optimiser: dict = field(default_factory=dict)
    scale_inputs: bool = False
    scale_targets: bool = False
    clean: bool = False
    relabel: bool = False
    batch_size: int = 32
    epochs: int = 20
    early_stopping: bool = False

    def edit(self, names, **options) -> "Plan":
        """Return a plan with changed options for the named layers."""
        edits = dict(self.edits)
        for name in names:
            edits[name] = {**edits.get(name, {}), **options}
        return replace(self, edits=edits)

    def insert(self, names, kind: str, **options) -> "Plan":
        """Return a plan with one more layer after each of the named ones."""
        inserts = dict(self.inserts)
        for name in names:
            inserts[name] = (*inserts.get(name, ()), (kind, options))
        return replace(self, inserts=inserts)


def rebuild(source, plan: Plan, x=None, build=None):
    """Return a compiled model with fresh weights, built from `source` as the plan says.

    `x`, the training inputs, is needed where the plan scales inputs; the scaling becomes part
    of the model, so that it takes raw inputs. `build` makes a subclassed model anew; in one, no
    layer can be inserted or left out.
    """
    model = _edited(source, plan) if _clonable(source) else _subclassed(source, plan, build)
    if plan.scale_inputs and x is not None:
        model = _with_scaled_inputs(model, x)
    loss, weights = _loss(source, plan)
    metrics = given_metrics(source)
    model.compile(
        optimizer=_optimiser(source.optimizer, plan.optimiser), loss=loss, loss_weights=weights,
        metrics=_fresh_metrics(metrics), run_eagerly=source.run_eagerly,
    )  # fmt: skip
    return model


def _fresh_metrics(metrics):
    def fresh(metric):
        return (
            type(metric).from_config(metric.get_config())
            if isinstance(metric, keras.Metric)
            else metric
        )

    return keras.tree.map_structure(fresh, metrics) if metrics is not None else None


def _subclassed(source, plan: Plan, build):
    if plan.inserts or plan.dropped:
        raise ValueError("a subclassed model calls its layers itself")
    return remade(source, build, plan.edits)


def _edited(source, plan: Plan):
    def remake(layer):
        config = dict(layer.get_config())
        changes = dict(plan.edits.get(layer.name, {}))
        kind = changes.pop("class_name", None)
        if "activation" in changes and "activation" not in config:
            return keras.layers.Activation(changes["activation"], name=layer.name)
        if kind:
            return _other_class(kind, config)
        return type(layer).from_config({**config, **changes})

    def call(layer, *args, **kwargs):
        output = args[0] if layer.name in plan.dropped else layer(*args, **kwargs)
        for kind, options in plan.inserts.get(layer.name, ()):
            output = getattr(keras.layers, kind)(**options)(output)
        return output

    functional = _as_functional(source)
    return keras.models.clone_model(functional, clone_function=remake, call_function=call)


def _other_class(kind: str, config: dict):
    shared = ("name", "units", "return_sequences", "go_backwards", "dropout", "recurrent_dropout")
    return getattr(keras.layers, kind)(**{k: config[k] for k in shared if k in config})


def _clonable(source) -> bool:
    """A subclassed model has no graph to clone; it can only be made again as a whole."""
    graph = getattr(source, "_functional", None) or hasattr(source, "operations")
    return isinstance(source, keras.Sequential) or bool(graph)


def _as_functional(source):
    if isinstance(source, keras.Sequential):
        return keras.Model(source.inputs, source.outputs, name=source.name)
    return source


def _with_scaled_inputs(model, x):
    arrays = x if isinstance(x, list | tuple) else list(x.values()) if isinstance(x, dict) else [x]
    fresh = [keras.Input(t.shape[1:], dtype=t.dtype, name=t.name) for t in model.inputs]
    embedded = [bool(readers(t) & {*LOOK_UPS}) for t in model.inputs]
    scaled = [
        t if named else _scaler(np.asarray(a))(t)
        for t, a, named in zip(fresh, arrays, embedded, strict=True)
    ]
    outputs = model(scaled if len(scaled) > 1 else scaled[0])
    return keras.Model(fresh if len(fresh) > 1 else fresh[0], outputs)


def _scaler(array: np.ndarray):
    axes = tuple(range(array.ndim - 1)) if array.ndim > 1 else (0,)
    values = np.where(np.isfinite(array), array, np.nan).astype(np.float64)
    mean, variance = np.nanmean(values, axes), np.nanvar(values, axes)
    # a constant column stays 0 instead of being blown up
    variance = np.where(variance < 1e-12, 1.0, variance)
    return keras.layers.Normalization(
        axis=-1 if array.ndim > 1 else None, mean=mean, variance=variance
    )


def _own_loss(loss):
    """A loss given as a mapping is a class of the loss with its options."""
    if not isinstance(loss, dict):
        return loss
    logits = loss["from_logits"]
    made = {
        "binary": keras.losses.BinaryCrossentropy,
        "sparse": keras.losses.SparseCategoricalCrossentropy,
    }
    return made.get(loss["family"], keras.losses.CategoricalCrossentropy)(from_logits=logits)


def _loss(source, plan: Plan):
    weights = getattr(getattr(source, "_compile_loss", None), "_user_loss_weights", None)
    if not plan.losses:
        return source.loss, weights
    names = list(getattr(source, "output_names", None) or plan.losses)
    given, changed = source.loss, {k: _own_loss(v) for k, v in plan.losses.items()}
    if isinstance(given, dict):
        return {**given, **changed}, weights
    listed = list(given) if isinstance(given, list | tuple) else [given] * len(names)
    merged = [changed.get(n, old) for n, old in zip(names, listed, strict=False)]
    return (merged if len(merged) > 1 else merged[0]), weights


def _optimiser(source, changes: dict):
    inner = getattr(source, "inner_optimizer", source)
    changes = dict(changes)
    kind = changes.pop("name", None)
    if kind:
        return getattr(keras.optimizers, kind)(**changes)
    config = dict(inner.get_config())
    if isinstance(config.get("learning_rate"), dict) and "learning_rate" not in changes:
        config["learning_rate"] = keras.optimizers.schedules.deserialize(config["learning_rate"])
    allowed = {
        k: v for k, v in changes.items() if k in config or k in ("learning_rate", "clipnorm")
    }
    return type(inner).from_config({**config, **allowed})
