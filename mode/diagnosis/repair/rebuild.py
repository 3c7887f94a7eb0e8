"""Build, compile and return a model with fresh weights, as a plan says."""

import keras
import numpy as np

from mode.diagnosis.facts.data import arrays_of
from mode.diagnosis.facts.heads import given_metrics, output_names
from mode.diagnosis.facts.layers import LOOK_UPS, leaf_layers
from mode.diagnosis.facts.model import in_order, input_names, readers
from mode.diagnosis.findings import Plan


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
        optimizer=_optimizer(source.optimizer, plan.optimizer), loss=loss, loss_weights=weights,
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
    arrays = arrays_of(in_order(x, input_names(model)))
    fresh = [keras.Input(t.shape[1:], dtype=t.dtype, name=t.name) for t in model.inputs]
    embedded = [bool(readers(t) & {*LOOK_UPS}) for t in model.inputs]
    scaled = [
        t if named else _scaler(a)(t) for t, a, named in zip(fresh, arrays, embedded, strict=True)
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


def _loss_object(loss):
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
    names = output_names(source) or list(plan.losses)
    loss, changed = source.loss, {k: _loss_object(v) for k, v in plan.losses.items()}
    if isinstance(loss, dict):
        return {**loss, **changed}, weights
    listed = list(loss) if isinstance(loss, list | tuple) else [loss] * len(names)
    merged = [changed.get(n, old) for n, old in zip(names, listed, strict=False)]
    return (merged if len(merged) > 1 else merged[0]), weights


def _optimizer(source, changes: dict):
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


# What a layer looks up whenever it is called; all else counts only until its weights are made.
_ALWAYS = {"activation", "rate", "momentum", "epsilon"}


def remade(source, build, edits: dict):
    """Return a new model of the source's class, the options of its layers set as `edits` says.

    Args:
        build: a function that returns such a model, or None: then the class is asked for one.
        edits: name of a layer of `source` -> changed constructor options.

    Raises:
        ValueError: for an option that cannot be set any more, or of which nothing is known.
    """
    made = build() if build is not None else type(source).from_config(source.get_config())
    for old, layer in zip(leaf_layers(source), leaf_layers(made), strict=True):
        layer.name = old.name  # findings of a trial name layers, and the next fix goes by them
        for option, value in edits.get(old.name, {}).items():
            _set(layer, option, value)
    return made


def _set(layer, option: str, value) -> None:
    if not hasattr(layer, option) or (layer.built and option not in _ALWAYS):
        raise ValueError(f"{option} of {layer.name} cannot be set")
    # from_config turns names into the functions and objects that they stand for
    copy = type(layer).from_config({**layer.get_config(), option: value})
    setattr(layer, option, getattr(copy, option))
