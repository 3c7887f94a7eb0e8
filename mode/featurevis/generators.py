"""A generator that this package did not train, as the decoder, box and mixture of a prior.

Built as the public Keras examples build theirs: a latent vector goes in, or a latent vector and a
label (Mirza & Osindero 2014, section 3): as a second input, a whole number or one-hot, or one-hot
in one vector with the latent vector, as in the Keras example `conditional_gan`.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from mode import checks
from mode.seeds import generator as random_stream


@dataclass(frozen=True)
class Generator:
    """The inputs of a generator: `latent` normal numbers, and `classes` labels or None.

    label: "" without a label, "concatenated", "one-hot" or "integer"; index: the place of the label
    among the inputs.
    """

    latent: int
    classes: int | None = None
    label: str = ""
    index: int = 1


def inputs_of(model: keras.Model, classes: int | None) -> Generator:
    """Return how `model` takes its latent vector and its label.

    classes: number of labels, None if the generator has no label or an input shows the number.

    Raises:
        InputError: for inputs that are neither a vector nor a vector and a label.
    """
    shapes = [tuple(x.shape) for x in getattr(model, "inputs", None) or []]
    image: Any = getattr(model, "output_shape", None)
    vectors = len(shapes) in (1, 2) and all(len(s) in (1, 2) and None not in s[1:] for s in shapes)
    plain = isinstance(image, tuple) and len(image) == 4 and None not in image[1:]
    if not vectors or not plain or len(shapes[0]) == len(shapes[-1]) == 1:
        received = shapes[0] if len(shapes) == 1 else (shapes or None)
        checks.fail(
            "a decoder must turn codes (n, d) into images (n, h, w, c)", f"{received} to {image}"
        )
    if len(shapes) == 1:
        return _one_input(shapes[0][1], classes)
    index = next((i for i, x in enumerate(model.inputs) if _is_whole(x)), 1)
    latent, label = shapes[1 - index][1], model.inputs[index]
    if _is_whole(label):
        if classes is None:
            hint = "load_prior(generator, classes=10, ...)"
            checks.fail("classes must be given for a generator with whole labels", "None", hint)
        return Generator(latent, classes, "integer", index)
    if classes not in (None, shapes[index][1]):
        checks.fail(f"classes must be the generator's, {shapes[index][1]}", f"{classes}")
    return Generator(latent, shapes[index][1], "one-hot", index)


def _one_input(width: int, classes: int | None) -> Generator:
    if classes is None:
        return Generator(width)
    if classes >= width:
        checks.fail(f"classes must be fewer than the generator's {width} inputs", f"{classes}")
    return Generator(width - classes, classes, "concatenated")


def _is_whole(x) -> bool:
    return "int" in str(x.dtype) or len(x.shape) == 1 or x.shape[-1] == 1


def decoder_of(
    model: keras.Model, parts: Generator, value_range: tuple | None, shape: tuple | None
) -> keras.Model:
    """Return the Keras model code (latent + classes,) -> image of `shape` in [0, 1].

    value_range: lowest and highest value of the generator's pixels; None for [0, 1], or for
    [-1, 1] if values are below 0. shape: (h, w) or (h, w, c); None for the generator's own.
    """
    labeled = _with_one_code(model, parts)
    low, high = value_range or _value_range(labeled, parts)
    made = tuple(labeled.output_shape[1:])
    size = made if shape is None else (*shape, *made[len(shape) :])
    if (low, high) == (0, 1) and size == made:
        return labeled
    code = keras.Input((labeled.input_shape[-1],))
    x = labeled(code)
    if (low, high) != (0, 1):
        x = keras.layers.Rescaling(1 / (high - low), -low / (high - low))(x)
    if size != made:
        x = _fitted(x, size)
    return keras.Model(code, x, name=model.name)


def _with_one_code(model: keras.Model, parts: Generator) -> keras.Model:
    if parts.classes is None or parts.label == "concatenated":
        return model
    code = keras.Input((parts.latent + parts.classes,))
    latent, label = code[:, : parts.latent], code[:, parts.latent :]
    if parts.label == "integer":  # not differentiable: an ascent leaves the label as it was drawn
        expected = model.inputs[parts.index]
        label = ops.cast(ops.argmax(label, axis=-1, keepdims=len(expected.shape) == 2), "int32")
        label = ops.cast(label, expected.dtype)
    ordered = [label, latent] if parts.index == 0 else [latent, label]
    return keras.Model(code, model(ordered), name=model.name)


def _value_range(decoder: keras.Model, parts: Generator) -> tuple[float, float]:
    codes = random_stream(0, "range").normal(size=(16, decoder.input_shape[-1]))
    if parts.classes is not None:
        codes[:, parts.latent :] = np.eye(parts.classes)[np.arange(16) % parts.classes]
    images = np.asarray(decoder(codes.astype(np.float32), training=False))
    low = 0 if images.min() >= -0.01 else -1
    check_images(images, low)
    return low, 1


def check_images(images: np.ndarray, low: int) -> None:
    """Raise unless `images` are finite and lie in [`low`, 1]."""
    if not (np.isfinite(images).all() and images.min() > low - 0.01 and images.max() < 1.01):
        checks.fail(
            "a decoder's images must lie in [0, 1] or [-1, 1]",
            f"values from {images.min():g} to {images.max():g}",
            "If these are its pixels, say so: load_prior(generator, value_range=(0, 255)).",
        )


def _fitted(x, shape: tuple):
    """Return images resized to (h, w), their channels averaged or repeated to c."""
    height, width, channels = shape
    x = ops.image.resize(x, (height, width), antialias=True)
    if channels == x.shape[-1]:
        return x
    gray = ops.mean(x, axis=-1, keepdims=True)
    return gray if channels == 1 else ops.repeat(gray, channels, axis=-1)
