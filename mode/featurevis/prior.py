"""A prior: a generator, the box its codes lie in, and where labels were given a judge."""

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mode import checks
from mode.featurevis import mixture as mixtures
from mode.featurevis import storage, targets
from mode.models import load_model
from mode.seeds import generator

READY = Path(__file__).parent / "priors"


@dataclass(frozen=True)
class Prior:
    """What stands in for the user's data.

    decoder: Keras model, code (d,) -> image h x w x c in [0, 1]. box: (d, 2) lowest and highest
    value of each code element. mixture: where codes lie, None for N(0, I). judge: Keras model,
    image -> logits, or None. card: data, samples, share recognised; free text and numbers.
    """

    decoder: keras.Model
    box: np.ndarray
    mixture: mixtures.Mixture | None = None
    judge: keras.Model | None = None
    card: dict = field(default_factory=dict)

    @property
    def latent(self) -> int:
        """Return the number of elements of a code."""
        return self.decoder.input_shape[-1]

    @property
    def shape(self) -> tuple:
        """Return the shape of an image, h x w x c."""
        return tuple(self.decoder.output_shape[1:])

    @property
    def classes(self) -> int | None:
        """Return how many classes the judge knows, or None without a judge."""
        return None if self.judge is None else self.judge.output_shape[-1]


def sample(
    prior: Prior, count: int, *, seed: int, labels: tuple | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return codes (count, d) and the classes they were drawn for (count,), evenly over `labels`.

    Classes are None where the prior has no mixture of classes: ask the judge.
    """
    codes, drawn, _ = draw(prior, count, seed=seed, labels=labels)
    return codes, drawn


def draw(
    prior: Prior, count: int, *, seed: int, labels: tuple | None = None
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Return codes and classes as `sample` does, and the mixture component of each (n,)."""
    stream = generator(seed, "prior samples")
    if prior.mixture is None:
        codes = stream.normal(size=(count, prior.latent)).astype(np.float32)
        return np.clip(codes, *prior.box.T), None, np.zeros(count, int)
    labelled = prior.card.get("labelled")
    some = labelled and labels is not None
    drawn = np.resize(np.asarray(labels) if some else prior.mixture.labels, count)
    codes, component = mixtures.draw(prior.mixture, drawn, stream)
    return np.clip(codes, *prior.box.T), drawn if labelled else None, component


def images_of(prior: Prior, codes: np.ndarray, batch: int = 512) -> np.ndarray:
    """Return decoded images, (n, h, w, c) float32 in [0, 1]."""
    parts = [codes[i : i + batch] for i in range(0, len(codes), batch)]
    return np.concatenate([np.asarray(prior.decoder(p, training=False)) for p in parts])


def load_prior(
    source, *, judge: keras.Model | None = None, box: float = 3.0, allow_unsafe: bool = False
) -> Prior:
    """Return the prior called `source`.

    Args:
        source: "digits", "fashion", a folder written by `save_prior`, a `.keras` file or a Keras
            model code -> image. A model whose images reach below 0 is taken to speak [-1, 1].
        judge: for a brought model: Keras classifier of its images, logits or odds.
        box: for a brought model: codes are kept in [-box, box].
        allow_unsafe: run code that a `.keras` file holds (Lambda). Defaults to False.

    Raises:
        InputError: for an unknown name, a folder whose files lack or do not fit together, a
            model that does not turn codes into finite images in [0, 1] or [-1, 1], or a judge
            that does not take these.
    """
    if isinstance(source, keras.Model):
        return _brought(source, judge, box)
    if not isinstance(source, str | PathLike):
        checks.fail("prior must be a name, a folder or a Keras model", type(source).__name__)
    path = Path(source)
    if path.suffix == ".keras" and path.is_file():
        return _brought(load_model(path, allow_unsafe=allow_unsafe, compiled=False), judge, box)
    if path.is_dir():
        return _sound(Prior(**storage.read(path)))
    names = sorted(p.name for p in READY.iterdir() if p.is_dir())
    name = checks.one_of("prior (a ready one, or a folder)", str(source), names)
    return Prior(**storage.read(READY / name))


def as_prior(source) -> Prior:
    """Return `source` if it is a prior, else what `load_prior` makes of it."""
    return source if isinstance(source, Prior) else load_prior(source)


def judge_of(prior: Prior) -> keras.Model:
    """Return the prior's judge.

    Raises:
        InputError: for a prior that has none.
    """
    if prior.judge is None:
        checks.fail("prior must have a judge", "none", "fit_prior(images, labels) trains one.")
    return prior.judge


def _brought(decoder: keras.Model, judge: keras.Model | None, box: float) -> Prior:
    code: Any = getattr(decoder, "input_shape", None)
    image: Any = getattr(decoder, "output_shape", None)
    plain = isinstance(code, tuple) and isinstance(image, tuple)
    if not plain or len(code) != 2 or len(image) != 4 or None in image[1:]:
        checks.fail(
            "a decoder must turn codes (n, d) into images (n, h, w, c)", f"{code} to {image}"
        )
    if checks.number("box", box, 0) == 0:
        checks.fail("box must be above 0", f"{box}")
    limits = np.tile(np.array([-box, box], np.float32), (code[-1], 1))
    codes = generator(0, "range").normal(size=(16, code[-1])).astype(np.float32)
    images = np.asarray(decoder(codes, training=False))
    if images.min() < -0.01:
        _check_images(images, -1)
        inputs = keras.Input(code[1:])
        shifted = keras.layers.Rescaling(0.5, 0.5)(decoder(inputs))
        decoder = keras.Model(inputs, shifted, name=decoder.name)
    card = {"name": decoder.name, "labelled": False}
    return _sound(Prior(decoder, limits, None, _logits(judge), card))


def _logits(judge: keras.Model | None) -> keras.Model | None:
    """Return the judge with logits: where its answers are odds, their logarithm."""
    shape = targets.input_shape(judge) if isinstance(judge, keras.Model) else None
    if judge is None or shape is None:
        return judge
    example = np.zeros((2, *(n or 1 for n in shape)), np.float32)
    answer = np.asarray(judge(example, training=False))
    if answer.min() < 0 or not np.allclose(answer.sum(axis=-1), 1, atol=1e-3):
        return judge
    inputs = keras.Input(judge.input_shape[1:])
    return keras.Model(inputs, keras.ops.log(keras.ops.maximum(judge(inputs), 1e-20)))


def _sound(prior: Prior) -> Prior:
    """Return `prior` if its parts fit together and give finite numbers; else one line says why."""
    if not isinstance(prior.card, dict):
        checks.fail("a prior's card must be a JSON object", type(prior.card).__name__)
    if prior.box.shape != (prior.latent, 2):
        checks.fail(f"a prior's box must be {(prior.latent, 2)}", f"shape {prior.box.shape}")
    codes = np.clip(np.zeros((2, prior.latent), np.float32), *prior.box.T)
    images = np.asarray(prior.decoder(codes, training=False))
    _check_images(images, 0)
    if prior.judge is not None:
        _check_judge(prior.judge, prior.shape, images)
    return prior


def _check_images(images: np.ndarray, low: int) -> None:
    if not (np.isfinite(images).all() and images.min() > low - 0.01 and images.max() < 1.01):
        checks.fail(
            "a decoder's images must lie in [0, 1] or [-1, 1]",
            f"values from {images.min():g} to {images.max():g}",
        )


def _check_judge(judge, shape: tuple, images: np.ndarray) -> None:
    if not isinstance(judge, keras.Model):
        checks.fail("judge must be a Keras model", type(judge).__name__)
    wanted = targets.input_shape(judge)
    fits = wanted is None or (
        len(wanted) == len(shape)
        and all(w in (None, s) for w, s in zip(wanted, shape, strict=True))
    )
    if not fits:
        checks.fail(f"judge must take the decoder's images, shape {shape}", f"shape {wanted}")
    answer = np.asarray(judge(images, training=False))
    finite = np.isfinite(answer).all()
    if answer.ndim != 2 or answer.shape[1] < 2 or not finite:
        received = f"shape {answer.shape}" if finite else "answers that are no numbers"
        checks.fail("judge must give finite logits of at least 2 classes", received)
