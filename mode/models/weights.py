"""The values of a model's variables: moved to another model, kept, averaged, interpolated."""

from dataclasses import dataclass

import keras
import numpy as np


def _assign(targets: list, sources: list) -> None:
    """Give every variable of `targets` the value of its partner in `sources`."""
    # JAX gives a value away to the step that trains it; TensorFlow copies what it assigns.
    backend = keras.backend.backend()
    copied = keras.ops.copy if backend == "jax" else _value
    for target, source in zip(targets, sources, strict=True):
        if backend == "tensorflow":  # Keras would read what it has assigned
            target.value.assign(copied(source), read_value=False)
        else:
            target.assign(copied(source))


def _value(source):
    """Return what backend arrays a variable holds; an array itself."""
    return getattr(source, "value", source)


def move(source: keras.Model, target: keras.Model) -> None:
    """Give a compiled model of the same kind the weights and the optimizer's state of `source`."""
    _assign(target.variables, source.variables)
    move_optimizer_state(source, target)


def move_optimizer_state(source: keras.Model, target: keras.Model) -> None:
    """Give the optimizer of `target`, of the same kind, the state of that of `source`."""
    _assign(target.optimizer.variables, source.optimizer.variables)


@dataclass(frozen=True)
class Snapshot:
    """The values of a model's variables and of its optimizer's at one moment."""

    variables: list[np.ndarray]
    optimizer_variables: list[np.ndarray]

    @classmethod
    def of(cls, model: keras.Model) -> "Snapshot":
        """Return the values of a compiled model."""
        groups = model.variables, model.optimizer.variables
        return cls(*([keras.ops.convert_to_numpy(v).copy() for v in group] for group in groups))

    def restore(self, model: keras.Model) -> keras.Model:
        """Give `model`, of the same kind, these values, and return it."""
        _assign(model.variables, self.variables)
        _assign(model.optimizer.variables, self.optimizer_variables)
        return model


class RunningMean:
    """The running mean of a model's trainable weights."""

    def __init__(self) -> None:
        self.count, self.values = 0, list[np.ndarray]()

    def add(self, model: keras.Model) -> None:
        """Let the weights that a model has now count."""
        self.count += 1
        values = [keras.ops.convert_to_numpy(v) for v in model.trainable_variables]
        before = self.values or [np.zeros_like(value) for value in values]
        self.values = [b + (v - b) / self.count for b, v in zip(before, values, strict=True)]

    def move_to(self, model: keras.Model) -> None:
        """Give a model the mean, where any weights count."""
        if self.count:
            _assign(model.trainable_variables, self.values)


def interpolate(model: keras.Model, before: list, share: float) -> None:
    """Give each trainable weight of `model` a share of its partner in `before`, in place."""
    for old, variable in zip(before, model.trainable_variables, strict=True):
        variable.assign(share * old + (1 - share) * variable)
