"""The reference model: the same architecture, new weights, trained on samples of the prior.

The value of a score depends on the architecture (batch normalization alone reverses diversity).
The reference model gives the value that this architecture has after learning the classes properly.
"""

import re
from collections import Counter
from collections.abc import Callable

import keras
import numpy as np

from mode import checks, models
from mode.featurevis.fitting import batches, classifier_step, run_steps
from mode.featurevis.targets import named_layers
from mode.seeds import derive, generator

STEPS, BATCH = 300, 64
MOMENTUM = 0.9  # of batch normalization, at most: slower statistics lag behind so few steps
LIGHT, LEAST = 5e6, 60  # multiplications per image up to which all steps are taken; fewest steps


def reinitialize(model: keras.Model, *, seed: int) -> keras.Model | None:
    """Return `model` with new weights, or None if it cannot be rebuilt from its config.

    Every initializer and every random layer gets its own seed, from its kind and its number among
    the layers of this kind: the same seed gives the same weights in every process.
    """
    try:
        copy = models.reinitialize(
            model, seed=seed, layer_config=_seeded_by_kind(seed), compiled=False
        )
    except checks.InputError:
        return None
    return copy if copy.count_params() == model.count_params() else None


def _seeded_by_kind(seed: int) -> Callable[[keras.Layer], dict]:
    """Return a function: layer -> its config with new seeds, the same ones for the same layer."""
    places: dict[int, str] = {}
    count: Counter[str] = Counter()

    def layer_config(layer):
        if id(layer) not in places:
            places[id(layer)] = _place(layer, count)
        place, config = places[id(layer)], layer.get_config()
        for key, value in config.items():
            if isinstance(value, dict) and "seed" in value.get("config", {}):
                value["config"]["seed"] = derive(seed, place, key)
        return config | {"seed": derive(seed, place)} if "seed" in config else config

    return layer_config


def _place(layer: keras.Layer, count: Counter) -> str:
    """Return the name that Keras would give the layer in a new process, as in the committed rows.

    Not `layer.name`: Keras counts on from model to model.
    """
    kind = re.sub("(?<!^)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", type(layer).__name__).lower()
    count[kind] += 1
    return kind if count[kind] == 1 else f"{kind}_{count[kind] - 1}"


def multiplications(model: keras.Model) -> float:
    """Return about how many an image takes: weights of each kernel x places it is applied at."""
    total = 0.0
    for layer in named_layers(model).values():
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            total += float(np.prod(kernel.shape)) * float(np.prod(layer.output.shape[1:-1]))
    return total


def training_steps(model: keras.Model) -> int:
    """Return the number of training steps: fewer for a large model, so that an audit is short."""
    return int(max(LEAST, min(STEPS, STEPS * LIGHT / max(multiplications(model), 1.0))))


def reference_model(
    model: keras.Model, images: np.ndarray, labels: np.ndarray, *, logits: bool, seed: int
) -> keras.Model | None:
    """Return the reference model of `model`, or None if it cannot be rebuilt.

    Args:
        images, labels: samples of the prior, (n, ...) and (n,).
        logits: the model returns logits, not probabilities.
    """
    copy = reinitialize(model, seed=seed)
    if copy is None:
        return None
    for layer in named_layers(copy).values():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = min(layer.momentum, MOMENTUM)
    step = classifier_step(copy, keras.optimizers.Adam(1e-3), logits=logits)
    rows = batches(len(images), BATCH, training_steps(copy), generator(seed, "twin batches"))
    run_steps(step, (images, labels.astype(np.int32)), rows)
    return copy
