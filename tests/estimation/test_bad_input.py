"""Bad input is refused in one line that says what was expected, received, and what to do."""

import keras
import numpy as np
import pytest
from keras import layers

import mode


def constant() -> keras.Model:
    stack = [keras.Input((28, 28, 1)), layers.Flatten()]
    zero = layers.Dense(10, "softmax", kernel_initializer="zeros")
    return keras.Sequential([*stack, zero])


def undefined() -> keras.Model:
    model = constant()
    model.layers[-1].set_weights([np.full((784, 10), np.nan), np.zeros(10)])
    return model


CASES = {
    "shape": (lambda x, y, n: ((x, y), n[:, :20]), "labeled ones' shape"),
    "range": (lambda x, y, n: ((x, y), n * 255), "range, 0 to 1"),
    "range around 0": (lambda x, y, n: ((x, y), 2 * n - 1), "range, 0 to 1"),
    "shape of the labeled": (lambda x, y, n: ((x[:, :20], y), n), "the inputs must have shape"),
    "one class": (lambda x, y, n: ((x, y * 0), n), "class 0 alone"),
    "unknown class": (lambda x, y, n: ((x, y + 5), n), "from 0 to 9"),
    "few unlabeled": (lambda x, y, n: ((x, y), n[:49]), "at least 50 inputs"),
    "few labeled": (lambda x, y, n: ((x[:20], y[:20]), n), "at least 50 inputs"),
    "lengths": (lambda x, y, n: ((x, y[:-1]), n), "same length"),
    "not finite": (lambda x, y, n: ((x, y), n + np.nan), "finite"),
    "no pair": (lambda x, y, n: (x, n), "pair"),
    "no inputs": (lambda x, y, n: ((x, y), "nowhere"), "the pool must be"),
}


@pytest.mark.parametrize("case", CASES)
def test_sets_that_do_not_fit(case, model, labeled, new, refused):
    arguments, expected = CASES[case]
    first, second = arguments(*labeled, new[0])
    assert expected in refused(mode.estimate, model, first, second)


def test_unlabeled_inputs_that_are_all_alike_are_not_the_models_fault(model, labeled, new, refused):
    message = refused(mode.estimate, model, labeled, np.repeat(new[0][:1], 60, axis=0))
    assert "of the unlabeled set" in message
    assert "they may all be alike" in message


@pytest.mark.parametrize(("make", "expected"), [(constant, "must differ"), (undefined, "finite")])
def test_models_that_say_nothing(make, expected, labeled, new, refused):
    assert expected in refused(mode.estimate, make(), labeled, new[0])


def test_unknown_methods_and_a_lacking_second_model(model, labeled, new, refused):
    assert "'cott'" in refused(mode.estimate, model, labeled, new[0], method="cot2")
    assert "second" in refused(mode.estimate, model, labeled, new[0], method="gde")
    assert "second" in refused(mode.estimate, model, labeled, new[0], second=model)


def test_a_whole_data_set_is_no_labeled_set(model, digits, new, refused):
    assert "data.test" in refused(mode.estimate, model, digits, new[0])
