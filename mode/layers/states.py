"""What the neurons of a layer say to given inputs."""

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

import keras
import numpy as np

from mode import checks
from mode.layers.blocks import LIMIT, Block, averaged, blocks
from mode.layers.recording import Call, cut, reachable, rows_of, watching

CHUNK = 4096
FLATTENED, AVERAGED = "flattened", "averaged over space"


def states(
    model: keras.Model,
    x: Any,
    names: Iterable[str] | None = None,
    *,
    layer_blocks: Mapping[str, Block] | None = None,
) -> dict[str, np.ndarray]:
    """Return layer name -> states (n, units), float32, all layers in one forward pass.

    Args:
        model: a built model; not changed.
        x: inputs, n x the model's input shape; for a model of several inputs the list or dict of
            arrays that it takes.
        names: of the layers; all that count, where None.
        layer_blocks: what `blocks` returns for the model, where that is known already.

    Raises:
        InputError: for an unknown layer, naming the valid ones.
    """
    rows = rows_of(x)
    if not rows:  # some layers need a row
        x = keras.tree.map_structure(lambda a: np.zeros((1, *a.shape[1:]), a.dtype), x)
    known = layer_blocks or blocks(model, x)
    names = list(known) if names is None else [names] if isinstance(names, str) else list(names)
    for name in names:
        checks.one_of("layer", name, known)
    wanted = {known[name].call: (name, known[name].channels) for name in names}
    # Made whole from the start: joining chunks would need as much memory again.
    found = {name: np.empty((rows, known[name].units), np.float32) for name in names}
    for start in range(0, max(rows, 1), CHUNK):
        for name, array in _forward(model, cut(x, start, start + CHUNK), wanted).items():
            found[name][start : start + CHUNK] = array[:rows]
    return found


def _forward(
    model: keras.Model, x: Any, wanted: dict[int, tuple[str, int]]
) -> dict[str, np.ndarray]:
    """Run the model on x and keep the states of the calls `wanted`: name, axis of the channels."""
    found, counted = {}, count()

    def keep(call: Call) -> None:
        if (number := next(counted)) in wanted:
            name, channels = wanted[number]
            output = keras.ops.convert_to_numpy(call.output)
            found[name] = features(output, channels=channels)

    with watching(reachable(model), keep):
        model(x, training=False)
    return found


def features(array: np.ndarray, *, limit: int = LIMIT, channels: int = -1) -> np.ndarray:
    """Return states (n, ...) as (n, units): flattened, or averaged over space above `limit`.

    Space is every axis but that of the inputs and that of the `channels`.
    """
    if array.dtype.itemsize < 4:  # of mixed precision, in which a mean would lose digits
        array = array.astype(np.float32)
    if array.ndim > 2 and np.prod(array.shape[1:]) > limit:
        space = set(range(1, array.ndim)) - {channels % array.ndim}
        array = array.mean(axis=tuple(sorted(space)))
    units = int(np.prod(array.shape[1:]))  # -1 would not do for no inputs at all
    return array.reshape(len(array), units).astype(np.float32, copy=False)


def reductions(
    model: keras.Model, x: Any = None, *, layer_blocks: Mapping[str, Block] | None = None
) -> dict[str, str]:
    """Return layer name -> what `states` does to it: "flattened" or "averaged over space".

    Space is every axis but those of the inputs and the channels: of a sequence, time.
    """
    known = layer_blocks or blocks(model, x)
    return {name: AVERAGED if averaged(b.shape) else FLATTENED for name, b in known.items()}
