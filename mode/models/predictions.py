"""Ask a model: class probabilities, whatever its output layer says."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np

from mode.dense import layer_outputs
from mode.models.classifier import (
    CHUNK,
    check_inputs,
    classes_of,
    gives_logits,
    of_rows,
    probabilities,
)
from mode.models.effort import multiplications

# Multiplications from which on a compiled model is asked: it is twice as fast, and compiles for as
# long as a tenth of a second's work takes.
WORTH_COMPILING = 2e9


def predict(model: keras.Model, x: Any, *, chunk: int = CHUNK) -> np.ndarray:
    """Return class probabilities (n, classes), float32; logits become softmax (or sigmoid), and
    sigmoids of several classes are divided by their sum.

    The model runs in inference mode on chunks.

    Args:
        x: n x the model's input shape; for a model of several inputs the list or dict of arrays
            that it takes.

    Raises:
        InputError: when the inputs do not have the model's input shape.
    """
    x = keras.tree.map_structure(np.asarray, x)
    check_inputs(model, x)
    rows = len(keras.tree.flatten(x)[0])
    if rows == 0:
        return np.zeros((0, classes_of(model)), np.float32)
    output = _outputs(model, rows)
    chunks = [output(of_rows(x, slice(start, start + chunk))) for start in range(0, rows, chunk)]
    outputs = np.concatenate(chunks).astype(np.float32, copy=False)
    return probabilities(outputs, logits=gives_logits(model, outputs))


def _outputs(model: keras.Model, rows: int) -> Callable[[Any], np.ndarray]:
    """Return what gives the outputs of inputs: compiled first where that soon pays."""
    compiled = rows * multiplications(model) >= WORTH_COMPILING
    run = model.predict_on_batch if compiled else partial(model, training=False)

    def output(x: Any) -> np.ndarray:
        in_numpy = layer_outputs(model, x)
        return keras.ops.convert_to_numpy(run(x)) if in_numpy is None else in_numpy[-1]

    return output
