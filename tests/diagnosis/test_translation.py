"""Keras 2 programs as syntax trees: what is translated, and what is only named."""

import ast

import pytest

from mode.diagnosis.keras2 import RESET
from mode.diagnosis.translation import hints, translate

_TF = "__import__('tensorflow')"


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
        ("import time\ntime.clock()", "import time\ntime.perf_counter()"),
        ("from time import clock", "from time import perf_counter as clock"),
        ("import numpy as np\nx.astype(np.float)", "import numpy as np\nx.astype(float)"),
        ("import numpy as np\nnp.NaN", "import numpy as np\nnp.nan"),
        ("Dense(np.prod(shape), name='a')", "Dense(int(np.prod(shape)), name='a')"),
        ("Dense(tf.size(x).numpy())", "Dense(int(tf.size(x).numpy()))"),
        ("x.dtype.name", "(lambda dtype: getattr(dtype, 'name', dtype))(x.dtype)"),
        (
            "path = 'a.ckpt'\nm.save_weights(path)\npath = 'b.ckpt'\nm.save_weights(path)",
            "path = 'a.weights.h5'\nm.save_weights(path)\n"
            "path = 'b.weights.h5'\nm.save_weights(path)",
        ),
        ("from keras.layers import CuDNNLSTM", "from keras.layers import LSTM as CuDNNLSTM"),
        ("import keras\nkeras.losses.mse", f"import keras\n{_TF}.keras.losses.mse"),
        ("from keras.metrics import mae", "from tensorflow.keras.metrics import mae"),
        (
            "from keras import backend as K\nK.sum(x)",
            f"from keras import backend as K\n{_TF}.keras.backend.sum(x)",
        ),
        (
            "from keras import losses\nlosses.cosine_proximity",
            "from keras import losses\nlosses.cosine_similarity",
        ),
        (
            "from keras.preprocessing.text import Tokenizer",
            "from tensorflow.keras.preprocessing.text import Tokenizer",
        ),
        (
            "from keras.optimizers import adam\nadam(lr=1)",
            "from keras.optimizers import Adam as adam\nadam(learning_rate=1)",
        ),
        ("from keras.engine import Layer", "from keras import Layer"),
        (
            "import tensorflow as tf\ntf.keras.losses.mean_squared_error",
            "import tensorflow as tf\n__import__('keras').losses.mean_squared_error",
        ),
        (
            "from keras.constraints import maxnorm",
            "from keras.constraints import max_norm as maxnorm",
        ),
        (
            "from keras.backend import image_dim_ordering as order",
            "order = lambda: 'th' if __import__('keras').config.image_data_format() == "
            "'channels_first' else 'tf'",
        ),
        ("import tensorflow as tf\ntf.log(x)", "import tensorflow as tf\ntf.compat.v1.log(x)"),
        (
            "import tensorflow as tf\ntf.train.AdamOptimizer(0.1, beta1=0.5)",
            "import tensorflow as tf\n"
            "__import__('keras').optimizers.Adam(0.1, beta_1=0.5, epsilon=1e-08)",
        ),
        (
            "from tensorflow.train import GradientDescentOptimizer as Plain\nPlain(0.1)",
            "from tensorflow.compat.v1.train import GradientDescentOptimizer as Plain\n"
            "__import__('keras').optimizers.SGD(0.1)",
        ),
        ("m.compile('sgd', 'logcosh')", "m.compile('sgd', 'log_cosh')"),
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
            "m.add(LSTM(8, input_shape=(5, 1), batch_size=2))",
            "m.add(__import__('keras').Input(batch_shape=(2, *(5, 1))))\nm.add(LSTM(8))",
        ),
        ("m.reset_states()", f"({RESET})(m)"),
        (
            "compile(metrics=['accuracy'])\nh['val_acc']",
            "compile(metrics=['accuracy'])\nh['val_accuracy']",
        ),
        (
            "m.save_weights('w.h5')\nm.load_weights('w.h5')",
            "m.save_weights('w.weights.h5')\nm.load_weights('w.weights.h5')",
        ),
        (
            "path = 'best-{epoch}.hdf5'\nModelCheckpoint(path, save_weights_only=True)",
            "path = 'best-{epoch}.weights.h5'\nModelCheckpoint(path, save_weights_only=True)",
        ),
        (
            "ModelCheckpoint(filepath=os.path.join(folder, 'model.hdf5'))",
            "ModelCheckpoint(filepath=os.path.join(folder, 'model.h5'))",
        ),
    ],
)
def test_what_keras_2_alone_takes_is_translated(old, new):
    done = translate(ast.parse(old))
    assert ast.unparse(done.tree) == new
    assert done.changes


def test_a_keras_3_program_stays_as_it_is():
    text = """import keras
import numpy as np
import tensorflow as tf
import torch
from keras import backend as K
from keras.layers import Dense
m.compile(loss='mse', metrics=['acc'])
K.epsilon()
tf.math.log(tf.keras.backend.sum(np.float32(1)))
torch.nn.SGD(lr=0.1)
m.save_weights('a.weights.h5')
m.load_weights('trained_elsewhere.h5')
ModelCheckpoint('best.h5')"""
    done = translate(ast.parse(text))
    assert (ast.unparse(done.tree), done.changes) == (text, [])


def test_an_optimizer_that_takes_its_own_steps_stays_one_of_tensorflow_1():
    old = "import tensorflow as tf\ntf.train.AdamOptimizer().minimize(loss)"
    assert ".compat.v1.train.AdamOptimizer()" in ast.unparse(translate(ast.parse(old)).tree)


def test_an_import_that_would_fail_and_is_never_used_is_left_out():
    old = "from keras.layers import Dense, Merge, LocallyConnected1D as Local\nLocal(1)"
    done = translate(ast.parse(old))
    new = "from keras.layers import Dense, LocallyConnected1D as Local\nLocal(1)"
    assert ast.unparse(done.tree) == new
    assert [str(change) for change in done.changes] == ["line 1: import Merge -> leave out"]
    assert ast.unparse(translate(ast.parse("from keras.models import Graph")).tree) == ""


def test_scikit_learns_older_modules_are_translated():
    done = translate(ast.parse("from sklearn.cross_validation import train_test_split"))
    assert ast.unparse(done.tree) == "from sklearn.model_selection import train_test_split"


def test_what_has_no_translation_is_named_with_its_line():
    found = list(hints(ast.parse("\nfrom keras.layers import LocallyConnected1D")))
    assert found[0].line == 2


def test_what_is_translated_is_not_named_as_untranslatable():
    tree = ast.parse("import time\nimport numpy as np\nx = np.float(time.clock())")
    assert list(hints(tree)) == []
    assert [change.new for change in translate(tree).changes] == ["float", "time.perf_counter"]
