"""Keras 2 programs as syntax trees: what is translated, and what is only named."""

import ast

import pytest

from mode.diagnosis.translation import hints, translate


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from keras.layers.core import Dense", "from keras.layers import Dense"),
        ("from keras.utils import np_utils", "from keras import utils as np_utils"),
        (
            "from keras.utils import plot_model, np_utils",
            "from keras.utils import plot_model\nfrom keras import utils as np_utils",
        ),
        (
            "from keras.models import Model, Input",
            "from keras.models import Model\nfrom keras.layers import Input",
        ),
        ("start = time.clock()", "start = time.perf_counter()"),
        ("from time import clock", "from time import perf_counter as clock"),
        ("x.astype(np.float)", "x.astype(float)"),
        ("from keras.layers import CuDNNLSTM", "from keras.layers import LSTM as CuDNNLSTM"),
        ("SGD(lr=0.1)", "SGD(learning_rate=0.1)"),
        ("Adam(decay=0.0)", "Adam()"),
        ("model.fit(x, y, nb_epoch=3)", "model.fit(x, y, epochs=3)"),
        ("model.fit_generator(g, workers=2)", "model.fit(g)"),
        ("Embedding(9, 4, input_length=5)", "Embedding(9, 4)"),
        (
            "m.add(LSTM(8, batch_input_shape=(2, 5, 1)))",
            "m.add(__import__('keras').Input(batch_shape=(2, 5, 1)))\nm.add(LSTM(8))",
        ),
        (
            "compile(metrics=['accuracy'])\nh['val_acc']",
            "compile(metrics=['accuracy'])\nh['val_accuracy']",
        ),
    ],
)
def test_what_keras_2_alone_takes_is_translated(old, new):
    done = translate(ast.parse(old))
    assert ast.unparse(done.tree) == new
    assert done.changes


def test_a_keras_3_program_stays_as_it_is():
    text = "import keras\nfrom keras.layers import Dense\nm.compile(loss='mse', metrics=['acc'])"
    done = translate(ast.parse(text))
    assert (ast.unparse(done.tree), done.changes) == (text, [])


def test_what_has_no_translation_is_named_with_its_line():
    found = list(hints(ast.parse("\nfrom keras.wrappers.scikit_learn import KerasClassifier")))
    assert found[0].line == 2


def test_what_is_translated_is_not_named_as_untranslatable():
    tree = ast.parse("x = np.float(time.clock())")
    assert list(hints(tree)) == []
    assert [change.new for change in translate(tree).changes] == ["float", "time.perf_counter"]
