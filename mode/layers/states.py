"""What the neurons of a layer say to given inputs."""

from collections.abc import Iterable

import keras
import numpy as np

from mode import checks
from mode.layers.blocks import blocks

CHUNK = 4096
# Above this many numbers an input, the spatial positions of a layer are averaged.
LIMIT = 4096


def states(
    model: keras.Model, x: np.ndarray, names: Iterable[str] | None = None
) -> dict[str, np.ndarray]:
    """Return layer name -> states (n, units), float32, all layers in one forward pass.

    Args:
        model: a built Sequential or functional model; not changed.
        x: inputs, n x the model's input shape.
        names: layers wanted; all that count, where None.

    Raises:
        InputError: for an unknown layer, naming the valid ones.
    """
    reachable = blocks(model)
    names = list(reachable) if names is None else [names] if isinstance(names, str) else list(names)
    for name in names:
        checks.one_of("layer", name, reachable)
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
    part = keras.Model(inputs, [reachable[name] for name in names])
    rows = x if len(x) else np.zeros((1, *x.shape[1:]), np.float32)  # some layers need a row
    chunks = [_forward(part, rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]
    columns = zip(names, *chunks, strict=True)
    return {name: np.concatenate(parts)[: len(x)] for name, *parts in columns}


def _forward(part: keras.Model, x: np.ndarray) -> list[np.ndarray]:
    outputs = part(x, training=False)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return [features(keras.ops.convert_to_numpy(output)) for output in outputs]


def features(array: np.ndarray, *, limit: int = LIMIT) -> np.ndarray:
    """Return states (n, ...) as (n, units): flattened, or averaged over space above `limit`."""
    if array.ndim > 2 and np.prod(array.shape[1:]) > limit:
        array = array.mean(axis=tuple(range(1, array.ndim - 1)))
    units = int(np.prod(array.shape[1:]))  # -1 would not do for no inputs at all
    return array.reshape(len(array), units).astype(np.float32, copy=False)
