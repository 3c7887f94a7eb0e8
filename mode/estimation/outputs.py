"""What a model says of a set of inputs, as arrays: no Keras beyond here."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy.optimize import minimize_scalar

LEAST = 1e-12  # a probability of which the logarithm is taken


@dataclass(frozen=True)
class Outputs:
    """Probabilities (n, classes) of n inputs, and the activations (m, units) in front of the
    output layer of those at `rows` (m,)."""

    probabilities: np.ndarray
    activations: np.ndarray
    rows: np.ndarray

    def tempered(self, temperature: float) -> "Outputs":
        """Return the outputs with the probabilities at another temperature."""
        return replace(self, probabilities=tempered(self.probabilities, temperature))

    @cached_property
    def predictions(self) -> np.ndarray:
        """The class of the highest probability, (n,)."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def confidence(self) -> np.ndarray:
        """The highest probability, (n,)."""
        return self.probabilities.max(axis=1)


@dataclass(frozen=True)
class Labeled(Outputs):
    """Outputs with the labels (n,) of their inputs.

    weights: how much each input counts, (n,), mean 1; those of `label_shift` make the classes as
    frequent as in an unlabeled set. Defaults to ones.
    """

    labels: np.ndarray
    weights: np.ndarray = field(default_factory=lambda: np.ones(1))

    @cached_property
    def right(self) -> np.ndarray:
        """Whether each prediction is right, (n,)."""
        return self.predictions == self.labels

    @property
    def accuracy(self) -> float:
        return self.mean(self.right)

    @property
    def class_shares(self) -> np.ndarray:
        """The share of each class among the labels, weighted, (classes,)."""
        weights = np.broadcast_to(self.weights, self.labels.shape)
        counts = np.bincount(self.labels, weights, minlength=self.probabilities.shape[1])
        return counts / counts.sum()

    def cached(self, name: str, function: Callable[["Labeled"], np.ndarray]) -> np.ndarray:
        """Return what a function makes of this set; it is called once."""
        store = self.__dict__.setdefault("_cache", {})
        if name not in store:
            store[name] = function(self)
        return store[name]

    def mean(self, values: np.ndarray) -> float:
        """Return the weighted mean of numbers (n,)."""
        return float((values * self.weights).mean() / np.mean(self.weights))


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return softmax(log p / T) of each row: temperature scaling (Guo et al. 2017, section 4.2,
    equation 9), where the logits are known up to a constant.

    Example:
        >>> tempered(np.array([[0.8, 0.2]]), 2.0).round(3)
        array([[0.667, 0.333]])
    """
    if temperature == 1:
        return probabilities
    powers = np.log(np.maximum(probabilities, LEAST)) / temperature
    powers = np.exp(powers - powers.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature of least negative log likelihood on labeled inputs, 0.05 to 20.

    Guo et al. 2017, section 4.2. A higher temperature than 1 means that the model is too sure.
    """
    logs = np.log(np.maximum(probabilities, LEAST))
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        powers = logs / np.exp(log_temperature)
        top = powers.max(axis=1)
        total = np.log(np.exp(powers - top[:, None]).sum(axis=1)) + top
        return float((total - powers[rows, labels]).mean())

    ends = (np.log(0.05), np.log(20))
    return float(np.exp(minimize_scalar(loss, bounds=ends, method="bounded").x))
