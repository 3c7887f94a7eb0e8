"""What the recorder asks of Keras: optimizers, data of a step, whether it can be watched."""

import inspect

import keras

from mode.diagnosis.facts.heads import output_names
from mode.diagnosis.facts.model import in_order, input_names


def unsupported_reason(model) -> str:
    """Return why the steps of a model cannot be watched, "" where they can."""
    if keras.backend.backend() != "tensorflow":
        return f"gradients and activations (backend {keras.backend.backend()!r}, not 'tensorflow')"
    if getattr(model, "jit_compile", False):
        return "gradients and activations (the model is compiled with jit_compile=True)"
    if type(model.distribute_strategy).__name__ not in ("_DefaultDistributionStrategy", "NoneType"):
        return "gradients and activations (training is distributed)"
    return ""


def optimizers(model) -> list:
    """Return every optimizer a model holds."""
    values = [model.optimizer, *vars(model).values()]
    unique = {id(o): o for o in values if isinstance(o, keras.optimizers.Optimizer)}
    return list(unique.values())


def build_optimizer(model) -> None:
    """Make the optimizer's variables now: made inside the step, they cost a second trace of it."""
    usual = type(model).train_step is keras.Model.train_step
    if usual and model.built and model.optimizer is not None and not model.optimizer.built:
        with keras.name_scope(model.optimizer.name, caller=model.optimizer):
            model.optimizer.build(model.trainable_variables)


def is_tracked(variable, variables) -> bool:
    """Tell whether a variable is recorded: kernels, and a vector that is all its layer has."""
    if len(variable.shape) > 1:
        return True
    layer = variable.path.rpartition("/")[0]
    return sum(v.path.rpartition("/")[0] == layer for v in variables) == 1


def split_data(data, model) -> tuple:
    """Return inputs and targets of what a step was given, named ones in the model's order."""
    x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
    if not isinstance(getattr(model, "_inputs_struct", None), dict):
        x = in_order(x, input_names(model))
    return x, in_order(y, output_names(model))


def weighted(data) -> bool:
    """Tell whether a step was given weights of rows; those of classes come as such."""
    return keras.utils.unpack_x_y_sample_weight(data)[2] is not None


def bound(function, args, kwargs) -> dict:
    """Return the arguments of a call by their names."""
    try:
        return inspect.signature(function).bind(*args, **kwargs).arguments
    except TypeError:
        return kwargs
