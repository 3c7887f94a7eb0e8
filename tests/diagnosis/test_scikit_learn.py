"""Keras 2's wrappers for scikit-learn: old programs start, and each of their fits is watched."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from mode.diagnosis.scikit_learn import KerasClassifier, KerasRegressor

CENTERS = np.array([[0.0, 4.0], [4.0, 0.0], [-4.0, -4.0]])


def blobs(classes: int, rows: int = 90):
    y = np.arange(rows) % classes
    noise = np.random.default_rng(0).normal(size=(rows, 2))
    return 5 + CENTERS[y] + noise, y


def compiled(units: int, activation: str | None, loss: str, rate: float = 0.1) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units, activation)])
    model.compile(keras.optimizers.Adam(rate), loss)
    return model


def two(rate: float = 0.1) -> keras.Model:
    return compiled(1, "sigmoid", "binary_crossentropy", rate)


def three() -> keras.Model:
    return compiled(3, "softmax", "categorical_crossentropy")


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array([5, 7]), np.array(["no", "yes"])])
def test_two_classes_are_told_apart_by_whatever_labels(labels):
    x, y = blobs(2)
    classifier = KerasClassifier(two, nb_epoch=30, verbose=0)
    history = classifier.fit(x, labels[y])
    assert history.epoch == list(range(30)), "the older name of `epochs` counts"
    assert set(classifier.predict(x)) == set(labels)
    assert classifier.score(x, labels[y]) > 0.95
    assert classifier.predict_proba(x).shape == (90, 2)


@pytest.mark.parametrize("one_hot", [False, True])
def test_three_classes_are_folded_and_scaled_as_tutorials_do(one_hot):
    x, y = blobs(3)
    steps = [("scale", StandardScaler()), ("net", KerasClassifier(three, epochs=30, verbose=0))]
    folds = KFold(2, shuffle=True, random_state=0)
    scores = cross_val_score(Pipeline(steps), x, np.eye(3)[y] if one_hot else y, cv=folds)
    assert scores.shape == (2,)
    assert scores.min() > 0.9


def test_a_grid_is_searched_over_arguments_of_the_builder_and_of_fit():
    x, y = blobs(2)
    classifier = KerasClassifier(two, epochs=20, verbose=0)
    split = [(np.arange(60), np.arange(60, 90))]
    search = GridSearchCV(classifier, {"rate": [1e-6, 0.1], "batch_size": [8]}, cv=split)
    assert search.fit(x, y).best_params_ == {"rate": 0.1, "batch_size": 8}
    assert clone(classifier).get_params() == classifier.get_params()
    assert classifier.set_params(epochs=2).fit(x, y).epoch == [0, 1]


def test_a_regressor_is_scored_by_its_negative_loss():
    x, _ = blobs(2)
    y = x @ np.array([1.0, -1.0])
    regressor = KerasRegressor(lambda: compiled(1, None, "mean_squared_error"), epochs=40,
                               batch_size=8, verbose=0)  # fmt: skip
    regressor.fit(x, y)
    miss = float(np.mean((regressor.predict(x) - y) ** 2))
    assert regressor.score(x, y) == pytest.approx(-miss, rel=1e-3)
    assert miss < y.var() / 4


def test_an_old_program_starts_and_each_fit_is_watched(tmp_path):
    script = tmp_path / "old.py"
    script.write_text(
        "import numpy as np\n"
        "from keras.models import Sequential\n"
        "from keras.layers.core import Dense\n"
        "from keras.wrappers.scikit_learn import KerasClassifier\n"
        "from sklearn.model_selection import cross_val_score\n"
        "def build():\n"
        "    model = Sequential([Dense(3, input_dim=2, activation='sigmoid')])\n"
        "    model.compile(loss='categorical_crossentropy', optimizer='adam')\n"
        "    return model\n"
        "x, y = np.random.RandomState(0).rand(60, 2), np.arange(60) % 3\n"
        "cross_val_score(KerasClassifier(build_fn=build, epochs=1, verbose=0), x, y, cv=2)\n"
    )
    command = [sys.executable, "-m", "mode", "diagnose", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    assert "before fit 2:" in done.stdout
    assert "activation_mismatch" in done.stdout
