"""`mode.estimate` from end to end on a real classifier."""

import json

import keras
import numpy as np
import pytest
from keras import layers

import mode
from mode.data import open_pool
from mode.estimation.calibration import DEFAULT
from mode.estimation.corruptions import IMAGE_CORRUPTIONS, corrupt, corruptions_for
from mode.estimation.keras_outputs import Asked
from mode.estimation.methods import ESTIMATORS
from mode.estimation.report import to_json
from mode.estimation.shift import images_apart
from mode.layers import states
from mode.models import build, predict


def test_without_a_shift_the_accuracy_is_met_and_covered(guess, new, accuracy):
    truth = accuracy(*new)
    assert guess.accuracy == pytest.approx(truth, abs=0.025)
    assert guess.interval[0] <= truth <= guess.interval[1]
    assert guess.interval[1] - guess.interval[0] < 0.12
    assert guess.verdict == "no shift found"
    assert guess.method == DEFAULT


def test_it_prints_one_line_first(guess):
    assert "\n" not in repr(guess)
    assert repr(guess).startswith("accuracy ")
    assert str(guess).startswith(repr(guess) + "\n")
    assert guess._repr_html_().startswith("<p><b>accuracy ")


def test_by_class_adds_up_to_the_accuracy(guess, new):
    table = guess.by_class
    assert table["inputs"].sum() == len(new[0]) == guess.inputs
    assert table["share"].sum() == pytest.approx(1)
    assert (table["inputs"] * table["accuracy"]).sum() / guess.inputs == pytest.approx(
        guess.accuracy, abs=0.01
    )


def test_of_noise_nothing_is_told(model, labeled):
    x = np.random.default_rng(0).random((300, 28, 28, 1), dtype=np.float32)
    guess = mode.estimate(model, labeled, x)
    assert guess.verdict == "cannot tell"
    assert repr(guess).startswith("cannot tell")
    assert "\n" not in repr(guess)


def test_other_class_shares_are_said_and_the_accuracy_follows_them(model, labeled, new, accuracy):
    rows = np.concatenate([np.flatnonzero(new[1] == 8), np.flatnonzero(new[1] == 5)])
    guess = mode.estimate(model, labeled, new[0][rows])
    assert guess.shift["class_shares"] > 0.6
    assert guess.by_class["share"].nlargest(2).index.isin([5, 8]).all()
    assert guess.accuracy == pytest.approx(accuracy(new[0][rows], new[1][rows]), abs=0.06)


def test_a_corruption_lowers_the_estimate(model, labeled, new, guess, accuracy):
    x = corrupt(new[0], ("noise",), 0.4, (0, 1), np.random.default_rng(0))
    noisy = mode.estimate(model, labeled, x)
    truth = accuracy(x, new[1])
    assert noisy.accuracy < guess.accuracy
    assert abs(noisy.accuracy - truth) < abs(noisy.estimates["atc_confidence"] - truth) + 0.02


def test_a_pool_on_disk_gives_what_the_array_gives(model, labeled, new, guess, tmp_path):
    np.save(tmp_path / "new.npy", new[0])
    streamed = mode.estimate(model, labeled, tmp_path / "new.npy")
    assert streamed.to_dict()["estimates"] == guess.to_dict()["estimates"]
    assert streamed.interval == guess.interval


def test_labels_that_are_text_and_inputs_of_other_kinds(model, labeled, new, guess):
    import tensorflow as tf

    texts = [f"digit {label}" for label in labeled[1]]
    named = mode.estimate(model, (labeled[0], texts), tf.constant(new[0]))
    assert named.accuracy == guess.accuracy
    assert named.by_class["class"].tolist() == [f"digit {label}" for label in range(10)]


def test_noise_that_leaves_the_range_is_a_shift(model, labeled, new):
    noise = np.random.default_rng(0).normal(0, 0.8, new[0].shape)
    noisy = mode.estimate(model, labeled, (new[0] + noise).astype(np.float32))
    assert noisy.verdict in ("shifted", "cannot tell")


def test_images_of_new_kinds_are_no_corruption(digits):
    known = ~np.isin(digits.train.y, (6, 9))
    keras.utils.set_random_seed(0)
    stack = [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(32, "relu")]
    model = keras.Sequential([*stack, layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.train.x[known], digits.train.y[known] % 2, epochs=8, verbose=0)
    x, y = digits.pool.x, digits.pool.y
    rows, new = np.flatnonzero(~np.isin(y, (6, 9)))[:800], np.isin(y, (6, 9))
    guess = mode.estimate(model, (x[rows], y[rows] % 2), x[new])
    assert guess.verdict == "cannot tell"
    assert any("kinds of things" in reason for reason in guess.reasons)


@pytest.mark.parametrize("kind", ["noise", "blur", "rotation", "occlusion"])
def test_a_corruption_is_seen_in_the_images_themselves(kind, digits):
    rng = np.random.default_rng(0)
    old, new = digits.pool.x[:400], digits.pool.x[400:800]
    corrupted = corrupt(new, (kind,), 0.6, (0, 1), rng)
    assert images_apart(old, new, np.ones(400), rng) < 0.1
    assert images_apart(old, corrupted, np.ones(400), rng) > 0.3
    assert images_apart(old.reshape(400, 784), new.reshape(400, 784), np.ones(400), rng) is None


def test_one_forward_pass_gives_the_probabilities_and_activations_of_two(digits):
    model = build("lenet5", seed=0)
    x = digits.pool.x[:300]
    asked = Asked(model, x)
    both = asked.outputs(x)
    assert (both.probabilities == predict(model, x)).all()
    assert (both.activations == states(model, x, [asked.layer])[asked.layer]).all()


def test_labels_in_another_order_than_the_models_are_noted(model, labeled, new, guess):
    turned = mode.estimate(model, labeled=(labeled[0], (labeled[1] + 1) % 10), unlabeled=new[0])
    assert "in another order" in " ".join(turned.reasons)
    assert "in another order" not in " ".join(guess.reasons)


def test_one_method_alone(model, labeled, new):
    guess = mode.estimate(model, labeled, open_pool(new[0]), method="cott")
    assert guess.method == "cott"
    assert guess.accuracy == guess.estimates["cott"]
    assert guess.interval[0] <= guess.accuracy <= guess.interval[1]


def test_gde_is_the_agreement_with_the_second_model(model, labeled, new):
    guess = mode.estimate(model, labeled, new[0], method="gde", second=model)
    assert guess.accuracy == guess.estimates["gde"] == 1


def test_json_holds_every_method_and_no_nan(guess):
    plain = json.loads(to_json(guess))
    assert set(plain["estimates"]) == {DEFAULT, *ESTIMATORS}
    assert plain["version"] == 1
    assert len(plain["by_class"]) == 10


@pytest.mark.parametrize("kind", IMAGE_CORRUPTIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_corruptions_grow_with_their_strength_and_stay_in_range(kind, channels):
    line = np.linspace(0, 1, 24, dtype=np.float32)
    x = np.tile((line[:, None] * line**3)[None, ..., None], (6, 1, 1, channels))
    rng = np.random.default_rng(1)
    changes = [np.abs(corrupt(x, (kind,), s, (0, 1), rng) - x).mean() for s in (0.4, 1.0)]
    assert 0 < changes[0] < changes[1]
    made = corrupt(255 * x, (kind,), 1.0, (0, 255), rng)
    assert made.shape == x.shape
    assert 0 <= made.min() <= made.max() <= 255
    assert made.dtype == x.dtype


@pytest.mark.parametrize("x", [np.arange(60.0).reshape(12, 5), np.arange(60).reshape(12, 5)])
def test_tables_and_tokens_have_corruptions_of_their_own(x):
    for kind in corruptions_for(x):
        made = corrupt(x, (kind,), 0.7, (0, 59), np.random.default_rng(0))
        assert made.shape == x.shape
        assert made.dtype == x.dtype
        assert (made != x).any()
        if x.dtype.kind == "i":
            assert np.isin(made, x).all() or kind == "missing"


def test_a_model_of_a_table_is_estimated():
    import pandas as pd
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
    keras.utils.set_random_seed(0)
    stack = [keras.Input((30,)), layers.Dense(8, "relu"), layers.Dense(1, "sigmoid")]
    model = keras.Sequential(stack)
    model.compile("adam", "binary_crossentropy")
    model.fit(x[:150], y[:150], epochs=30, verbose=0)
    truth = ((model.predict(x[350:], verbose=0)[:, 0] > 0.5) == y[350:]).mean()
    guess = mode.estimate(model, (x[150:350], y[150:350]), pd.DataFrame(x[350:]))
    assert guess.interval[0] <= truth <= guess.interval[1]
