"""What a report shows of an input: a picture, or scaled features with names."""

from collections.abc import Sequence

import keras
import numpy as np

from mode.data import Data
from mode.layers.hooks import leaf_layers
from mode.layers.probes import scale_of, zscale

MAX_TOKENS = 1000  # the most frequent ones of the training part


def pictured(shape: tuple[int, ...]) -> bool:
    """Return whether an input of that shape can be drawn as a picture."""
    return len(shape) == 3 and shape[-1] in (1, 3) and min(shape[:2]) > 1


def scaled_features(
    model: keras.Model, data: Data, x: np.ndarray, names: Sequence[str] | None = None
) -> tuple[np.ndarray, list[str]]:
    """Return inputs as features (n, features, ...) to make maps of, and the names of the features.

    Numbers are z-scores over the training part, since features may have different units. Tokens
    have no size: theirs are z-scores of the number of times that an input holds each token.

    Args:
        model: one that has an `Embedding` takes whole numbers as tokens.
        data: its training part sets the scale.
        x: inputs of that data (n, ...).
        names: of the numbers of an input that is a vector. Defaults to None: they are numbered.
    """
    if x.dtype.kind == "i" and _embeds(model):
        tokens, counts = np.unique(data.train.x, return_counts=True)
        tokens = np.sort(tokens[np.argsort(-counts, kind="stable")[:MAX_TOKENS]])
        scale = scale_of(_token_counts(data.train.x, tokens))
        return zscale(_token_counts(x, tokens), scale), [f"token {t}" for t in tokens]
    scale = scale_of(data.train.x.astype(np.float32))
    kind = {2: "feature", 3: "step"}.get(x.ndim, "row")
    numbered = [f"{kind} {n}" for n in range(x.shape[1])]
    return zscale(x.astype(np.float32), scale), list(names or numbered)


def _embeds(model: keras.Model) -> bool:
    return any(isinstance(layer, keras.layers.Embedding) for layer in leaf_layers(model).values())


def _token_counts(x: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """Return how often each of the ascending `tokens` is in each input, (n, tokens) float32."""
    rows = np.repeat(np.arange(len(x)), x[0].size)
    places = np.minimum(np.searchsorted(tokens, x.ravel()), len(tokens) - 1)
    hit = tokens[places] == x.ravel()
    counts = np.zeros((len(x), len(tokens)), np.float32)
    np.add.at(counts, (rows[hit], places[hit]), 1)
    return counts
