"""Copies of a model: same architecture, weights, compile settings and optimizer state."""

from collections.abc import Callable
from itertools import count
from typing import Any

import keras

from mode import checks, seeds
from mode.models.weights import move_optimizer_state

_SCHEDULE = keras.optimizers.schedules.LearningRateSchedule
# Compile settings that are passed on as they are.
KEPT = ("loss_weights", "run_eagerly", "steps_per_execution", "jit_compile")


def clone(model: keras.Model, *, keep_optimizer: bool = True) -> keras.Model:
    """Return an independent copy of a built model; `model` is not changed.

    Args:
        model: Sequential, functional, or subclassed with a working `get_config`.
        keep_optimizer: also copy the optimizer's state (Adam's moments, the step count);
            otherwise the copy starts with a new optimizer of the same settings.

    Raises:
        InputError: for a model that is not built, or that cannot be rebuilt from its config.
    """
    copy = _with_same_weights(model)
    if model.compiled:
        compile_like(model, copy, keep_optimizer=keep_optimizer)
    return copy


def compiled_for_training(
    model: keras.Model, loss: Any, optimizer: keras.Optimizer | None, *, copy: bool
) -> keras.Model:
    """Return a compiled copy of `model`, or the model itself, with what an optimizer needs.

    Args:
        loss: of a model that is not compiled.
        optimizer: a new one instead of the model's own, which is Adam where it has none.
        copy: whether to copy the model.
    """
    target = _with_same_weights(model) if copy else model
    if optimizer is not None or not model.compiled:
        loss, metrics = (model.loss, None) if model.compiled else (loss, ["accuracy"])
        target.compile(optimizer or "adam", loss, metrics=metrics)
        _build_optimizer(target)
    elif target is model:
        _build_optimizer(target)
    else:
        compile_like(model, target, keep_optimizer=True)
    return target


def like(model: keras.Model, trained: keras.Model) -> keras.Model:
    """Return a copy of `model` with the weights of `trained`, a retrained copy of it.

    Its optimizer has the settings of `model`'s, and the state of `trained`'s where that is one of
    the same kind; else it begins anew.
    """
    copy = clone(model, keep_optimizer=False)
    copy.set_weights(trained.get_weights())
    _use_scales(copy)
    both = copy.compiled and trained.compiled
    if both and type(copy.optimizer) is type(trained.optimizer) and trained.optimizer.built:
        mine, other = copy.optimizer.variables, trained.optimizer.variables
        if [v.shape for v in mine] == [v.shape for v in other]:
            rate = float(copy.optimizer.learning_rate)
            move_optimizer_state(trained, copy)
            if not isinstance(getattr(copy.optimizer, "_learning_rate", None), _SCHEDULE):
                copy.optimizer.learning_rate = rate
    return copy


def reinitialize(
    model: keras.Model,
    *,
    seed: int,
    layer_config: Callable[[keras.Layer], dict] | None = None,
    compiled: bool = True,
) -> keras.Model:
    """Return an untrained model of the same architecture and compile settings.

    Its initial weights are drawn by the initializers of its layers, each with its own seed;
    Normalization keeps the mean and variance of its data.

    Args:
        model: Sequential or functional; a subclass does not expose its layers' initializers.
        seed: seed that the initializers' seeds are derived from.
        layer_config: layer -> its config with new seeds, called for each layer of nested models
            too. Defaults to seeds derived from the position in the model.
        compiled: also copy the compile settings. Defaults to True.

    Raises:
        InputError: as `clone`, and for a subclassed model.
    """
    _check_built(model)
    position = count()

    def renew(layer):
        config = (
            _reseeded(layer.get_config(), seed, f"{next(position)}")
            if layer_config is None
            else layer_config(layer)
        )
        return type(layer).from_config(config)

    copy = _same_architecture(model, clone_function=renew, recursive=layer_config is not None)
    for source, target in zip(scales(model), scales(copy), strict=True):
        target.set_weights(source.get_weights())
    _use_scales(copy)
    if compiled and model.compiled:
        compile_like(model, copy)
    return copy


def _with_same_weights(model: keras.Model) -> keras.Model:
    """Return a copy of a built model that is not compiled."""
    _check_built(model)
    copy = _same_architecture(model)
    copy.set_weights(model.get_weights())
    _use_scales(copy)
    return copy


def scales(model: keras.Model) -> list[keras.layers.Normalization]:
    """Return the layers, of nested models too, whose weights were measured before any training."""
    parts = [scales(p) if isinstance(p, keras.Model) else [p] for p in model.layers]
    return [p for part in parts for p in part if isinstance(p, keras.layers.Normalization)]


def _use_scales(model: keras.Model) -> None:
    """Let these layers compute with their new weights; they hold a copy, for speed."""
    for layer in scales(model):
        layer.finalize_state()


def _reseeded(config, seed: int, place: str = ""):
    """Return a model's config in which every initializer has a seed that its place decides."""
    if isinstance(config, list | tuple):
        return [_reseeded(part, seed, f"{place}/{n}") for n, part in enumerate(config)]
    if not isinstance(config, dict):
        return config
    reseeded = {key: _reseeded(part, seed, f"{place}/{key}") for key, part in config.items()}
    return reseeded | {"seed": seeds.derive(seed, place)} if "seed" in reseeded else reseeded


def _check_built(model: keras.Model) -> None:
    if not model.built or not model.weights:
        checks.fail("the model must be built and have weights", f"{model.name!r}, without")


def _same_architecture(model: keras.Model, **options) -> keras.Model:
    compiled, model.compiled = model.compiled, False
    if type(model).__name__ == "Functional":
        options |= {"input_tensors": _inputs_by_name(model)}
    try:  # of an uncompiled model, or Keras would serialize a custom loss, which it cannot
        copy = keras.models.clone_model(model, **options)
        if not copy.built:
            copy.build_from_config(model.get_build_config())
        copy.dtype_policy = model.dtype_policy  # a graph's own is the global one of the moment
    except Exception as error:
        raise checks.InputError(
            "the model must be rebuildable by from_config(get_config()), without Lambda layers. "
            f"Received: {type(model).__name__} {model.name!r}, {type(error).__name__}. Define "
            "get_config where it is subclassed, or make it a functional model."
        ) from error
    finally:
        model.compiled = compiled
    return copy


def _inputs_by_name(model: keras.Model):
    """New inputs whose layers are called as the model's; Keras would call them otherwise."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.InputLayer)]
    names = {id(layer.output): layer.name for layer in layers}

    def anew(tensor: keras.KerasTensor) -> keras.KerasTensor:
        name = names.get(id(tensor), tensor.name)
        return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)

    return keras.tree.map_structure(anew, model.input)


def compile_like(source: keras.Model, copy: keras.Model, *, keep_optimizer: bool = False) -> None:
    """Compile `copy` like `source`, with its own optimizer; it begins anew where the state of
    `source`'s is not kept."""
    settings, original = source.get_compile_config() or {}, source.optimizer
    wrapped = isinstance(original, keras.optimizers.LossScaleOptimizer)
    if wrapped and "LossScaleOptimizer" not in str(settings.get("optimizer")):
        original = original.inner_optimizer  # Keras wraps it itself, for mixed precision
    optimizer = type(original).from_config(original.get_config())
    options = {key: settings[key] for key in KEPT if key in settings}
    metrics = {key: _metrics(settings, key) for key in ("metrics", "weighted_metrics")}
    copy.compile(optimizer, source.loss, **metrics, **options)
    _build_optimizer(copy)
    if keep_optimizer and source.optimizer.built:
        move_optimizer_state(source, copy)


def _metrics(settings: dict, key: str):
    """Metrics have a state, so that copies are needed; what Keras cannot copy is left out, for it
    does not change training."""
    try:
        return keras.saving.deserialize_keras_object(settings.get(key))
    except (TypeError, ValueError):
        return None


def _build_optimizer(model: keras.Model) -> None:
    """Let the optimizer make its variables, once: that of mixed precision would add others."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
