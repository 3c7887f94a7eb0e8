"""The healthy twin: the same architecture, new weights, trained on the prior's own samples.

What a score says depends on the architecture (batch normalisation alone turns diversity round);
the twin says what the score would be had this architecture learned the classes properly.
"""

import re
from collections import Counter

import keras
import numpy as np

from mode.featurevis import training
from mode.featurevis.targets import layers_of
from mode.seeds import derive, generator

STEPS, BATCH = 300, 64
MOMENTUM = 0.9  # of batch normalisation, at most: slower statistics lag behind so few steps
LIGHT, LEAST = 5e6, 60  # multiplications an image up to which all steps are taken; fewest steps


def reborn(model: keras.Model, seed: int) -> keras.Model | None:
    """Return `model` with newly drawn weights, or None where it cannot be rebuilt from its config.

    Every initialiser and every random layer gets a seed of its own, from its kind and place and
    not from its name, which Keras counts on from model to model: equal seeds give equal weights,
    whatever was built before.
    """
    places: dict[int, str] = {}
    count: Counter[str] = Counter()

    def renew(layer):
        config = layer.get_config()
        if id(layer) not in places:
            places[id(layer)] = _place(layer, count)
        place = places[id(layer)]
        for key, value in config.items():
            if isinstance(value, dict) and "seed" in value.get("config", {}):
                value["config"]["seed"] = derive(seed, place, key)
        if "seed" in config:
            config["seed"] = derive(seed, place)
        return layer.__class__.from_config(config)

    try:
        twin = keras.models.clone_model(model, clone_function=renew, recursive=True)
    except (ValueError, TypeError, RuntimeError):  # a layer that cannot be rebuilt
        return None
    return twin if twin.built and twin.count_params() == model.count_params() else None


def _place(layer: keras.Layer, count: Counter) -> str:
    """Return the name that Keras would give the layer in a new process; the zoo's twins had it."""
    kind = re.sub("(?<!^)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", type(layer).__name__).lower()
    count[kind] += 1
    return kind if count[kind] == 1 else f"{kind}_{count[kind] - 1}"


def multiplications(model: keras.Model) -> float:
    """Return about how many an image takes: weights of each kernel x places it is applied at."""
    total = 0.0
    for layer in layers_of(model).values():
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            total += float(np.prod(kernel.shape)) * float(np.prod(layer.output.shape[1:-1]))
    return total


def steps_for(model: keras.Model) -> int:
    """Return the twin's steps: fewer for a heavy network, so that an audit stays short."""
    return int(max(LEAST, min(STEPS, STEPS * LIGHT / max(multiplications(model), 1.0))))


def healthy(
    model: keras.Model, images: np.ndarray, labels: np.ndarray, *, logits: bool, seed: int
) -> keras.Model | None:
    """Return the twin of `model` trained on prior samples, images (n, ...) and labels (n,)."""
    twin = reborn(model, seed)
    if twin is None:
        return None
    for layer in layers_of(twin).values():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = min(layer.momentum, MOMENTUM)
    step = training.classifier_step(twin, keras.optimizers.Adam(1e-3), logits=logits)
    rows = training.batches(len(images), BATCH, steps_for(twin), generator(seed, "twin batches"))
    training.run(step, (images, labels.astype(np.int32)), rows)
    return twin
