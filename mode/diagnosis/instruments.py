"""What a recorder has to know of a Keras model before it can watch one."""

import inspect

import keras

from mode.diagnosis.heads import loss_facts

_FROM_LOGITS = ("binary", "categorical", "sparse")


def obstacle(model) -> str:
    """Return why the steps of a model cannot be watched, "" where they can."""
    if keras.backend.backend() != "tensorflow":
        return f"gradients and activations (backend {keras.backend.backend()!r}, not 'tensorflow')"
    if getattr(model, "jit_compile", False):
        return "gradients and activations (the model is compiled with jit_compile=True)"
    if type(model.distribute_strategy).__name__ not in ("_DefaultDistributionStrategy", "NoneType"):
        return "gradients and activations (training is distributed)"
    return ""


def optimizers(model) -> list:
    """Return every optimiser a model holds."""
    found = [model.optimizer, *vars(model).values()]
    kept = {id(o): o for o in found if isinstance(o, keras.optimizers.Optimizer)}
    return list(kept.values())


def build_optimizer(model) -> None:
    """Make the optimizer's variables now: made inside the step, they cost a second trace of it."""
    usual = type(model).train_step is keras.Model.train_step
    if usual and model.built and model.optimizer is not None and not model.optimizer.built:
        with keras.name_scope(model.optimizer.name, caller=model.optimizer):
            model.optimizer.build(model.trainable_variables)


def telling(variable, known) -> bool:
    """Keep kernels; a vector only where its layer has nothing else."""
    if len(variable.shape) > 1:
        return True
    layer = variable.path.rpartition("/")[0]
    return sum(v.path.rpartition("/")[0] == layer for v in known) == 1


def loss_again(model, given: dict):
    """Return a function of the mere values of the predictions that gives their loss, or None.

    Keras hangs the logits on the predictions of a sigmoid or softmax and takes the loss from
    those, so that the loss can fall while the predictions stay what they are. Only where the
    loss is one of Keras's and nothing is added to it or weighted.
    """
    loss, predicted = model.loss, given.get("y_pred")
    family = loss_facts(loss)[1] if isinstance(loss, str | keras.losses.Loss) else ""
    weighted = given.get("sample_weight") is not None or bool(model.losses)
    nested = keras.tree.is_nested(predicted) or keras.tree.is_nested(given.get("y"))
    if family not in _FROM_LOGITS or weighted or nested:
        return None
    function = keras.losses.get(loss)

    def again(predictions):
        values, truth = keras.ops.copy(predictions), given["y"]
        return function(truth if family == "sparse" else _aligned(truth, values), values)

    return again


def _aligned(truth, values):
    """Return targets of the predictions' rank: a row (n,) as a column (n, 1), or the reverse."""
    more = len(values.shape) - len(truth.shape)
    if more == 1 and values.shape[-1] == 1:
        return keras.ops.expand_dims(truth, -1)
    return keras.ops.squeeze(truth, -1) if more == -1 and truth.shape[-1] == 1 else truth


def split_data(data) -> tuple:
    """Return inputs and targets of what a step was given."""
    x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
    return x, y


def weighted(data) -> bool:
    """Tell whether a step was given weights of rows; those of classes come as such."""
    return keras.utils.unpack_x_y_sample_weight(data)[2] is not None


def bound(function, args, kwargs) -> dict:
    """Return the arguments of a call by their names."""
    try:
        return inspect.signature(function).bind(*args, **kwargs).arguments
    except TypeError:
        return kwargs
