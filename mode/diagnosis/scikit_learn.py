"""Keras 2's wrappers for scikit-learn, which Keras 3 lacks: old programs import them from here."""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

_OLDER = {"nb_epoch": "epochs"}


class _Estimator(BaseEstimator):
    """An estimator that builds a Keras model anew in each fit.

    build_fn: returns a compiled model; its arguments are taken from the options by name.
    options: of `build_fn`, and of the model's fit and predict.
    """

    def __init__(self, build_fn: Callable[..., keras.Model] | None = None, **options):
        self.build_fn = build_fn
        self.options = options

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return what a clone is made from."""
        return {"build_fn": self.build_fn, **self.options}

    def set_params(self, **params):
        """Change options, or the function that builds."""
        self.build_fn = params.pop("build_fn", self.build_fn)
        self.options |= params
        return self

    def fit(self, x, y, **options) -> keras.callbacks.History:
        """Train a new model and return its history, as Keras 2 did."""
        build = self.build_fn or self.__call__
        self.model = build(**self._options_of(build))
        return self.model.fit(np.asarray(x), self._targets(np.asarray(y)),
                              **{**self._options_of(keras.Model.fit), **options})  # fmt: skip

    def _targets(self, y: np.ndarray) -> np.ndarray:
        return y

    def _outputs(self, x, **options) -> np.ndarray:
        predicting = {**self._options_of(keras.Model.predict), **options}
        return np.asarray(self.model.predict(np.asarray(x), **predicting))

    def _options_of(self, function: Callable) -> dict[str, Any]:
        options = {_OLDER.get(name, name): value for name, value in self.options.items()}
        names = inspect.signature(function).parameters
        return {name: value for name, value in options.items() if name in names}


class KerasClassifier(ClassifierMixin, _Estimator):
    """A classifier for scikit-learn; its labels are numbers, text or one-hot rows.

    Example:
        >>> import keras, numpy as np
        >>> def build(units=1):
        ...     model = keras.Sequential([keras.layers.Dense(units, activation="sigmoid")])
        ...     model.compile(loss="binary_crossentropy")
        ...     return model
        >>> x, y = np.eye(4), np.array(["no", "yes", "no", "yes"])
        >>> KerasClassifier(build, epochs=1, verbose=0).fit(x, y).epoch
        [0]
    """

    def _targets(self, y: np.ndarray) -> np.ndarray:
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
            return y
        self.classes_, places = np.unique(y, return_inverse=True)
        many = self.model.loss == "categorical_crossentropy"
        return np.eye(len(self.classes_))[places.ravel()] if many else places.ravel()

    def predict_proba(self, x, **options) -> np.ndarray:
        """Return probabilities (n, classes)."""
        outputs = self._outputs(x, **options)
        return outputs if outputs.shape[1] > 1 else np.hstack([1 - outputs, outputs])

    def predict(self, x, **options) -> np.ndarray:
        """Return the most probable class of each input (n,)."""
        return self.classes_[self.predict_proba(x, **options).argmax(axis=1)]

    def score(self, x, y, **options) -> float:
        """Return the accuracy."""
        y = np.asarray(y)
        y = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.ravel()
        return float((self.predict(x, **options) == y).mean())


class KerasRegressor(RegressorMixin, _Estimator):
    """A regressor for scikit-learn, scored by the negative loss as in Keras 2."""

    def predict(self, x, **options) -> np.ndarray:
        """Return predictions, (n,) where there is one output."""
        return np.squeeze(self._outputs(x, **options), axis=-1)

    def score(self, x, y, **options) -> float:
        """Return the negative of the loss."""
        loss = self.model.evaluate(np.asarray(x), np.asarray(y), verbose=0)
        return -float(np.ravel(loss)[0])
