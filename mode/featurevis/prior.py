"""A prior: a generator of images, where its codes lie, and a reference classifier of its images.

Its folder holds plain arrays (float16, no pickle) and JSON.
"""

import json
import zipfile
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mode import checks
from mode.featurevis import generators
from mode.featurevis.mixture import Mixture, of_arrays, of_labels
from mode.featurevis.targets import accepts, input_shape
from mode.models import load_model
from mode.seeds import generator

READY = Path(__file__).parent / "priors"
FILES = ("card.json", "networks.json", "weights.npz")
BOX = 3.0  # codes of a user's generator are clipped to [-BOX, BOX]
CLASSIFIER = "judge"  # name of the reference classifier in these files


@dataclass(frozen=True)
class Prior:
    """A stand-in for the user's data.

    decoder: Keras model, code (d,) -> image h x w x c in [0, 1]. box: (d, 2) lowest and highest
    value of each code element. mixture: where codes lie, None for N(0, I). reference_classifier:
    Keras model, image -> logits, or None. card: data, samples, share recognized; text and numbers.
    """

    decoder: keras.Model
    box: np.ndarray
    mixture: Mixture | None = None
    reference_classifier: keras.Model | None = None
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
        """Return the number of classes; None without a reference classifier."""
        model = self.reference_classifier
        return None if model is None else model.output_shape[-1]


def sample(
    prior: Prior, count: int, *, seed: int, labels: tuple | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return codes (count, d) and their classes (count,), evenly over `labels` (all by default).

    The classes are None for a prior without a mixture of classes.
    """
    codes, classes, _ = draw(prior, count, seed=seed, labels=labels)
    return codes, classes


def draw(
    prior: Prior, count: int, *, seed: int, labels: tuple | None = None
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Return codes and classes as `sample` does, and the mixture component of each (n,)."""
    stream = generator(seed, "prior samples")
    if prior.mixture is None:
        codes = stream.normal(size=(count, prior.latent)).astype(np.float32)
        return np.clip(codes, *prior.box.T), None, np.zeros(count, int)
    labeled = prior.card.get("labeled")
    selected = labels if labeled and labels is not None else np.unique(prior.mixture.classes)
    classes = np.resize(np.asarray(selected), count)
    codes, component = prior.mixture.draw(classes, stream)
    return np.clip(codes, *prior.box.T), classes if labeled else None, component


def decode(prior: Prior, codes: np.ndarray, batch: int = 512) -> np.ndarray:
    """Return the images of codes (n, d), (n, h, w, c) float32 in [0, 1]."""
    parts = [codes[i : i + batch] for i in range(0, len(codes), batch)]
    return np.concatenate([np.asarray(prior.decoder(p, training=False)) for p in parts])


def load_prior(
    source,
    *,
    reference_classifier: keras.Model | None = None,
    box: float = BOX,
    classes: int | None = None,
    value_range: tuple[float, float] | None = None,
    shape: tuple[int, ...] | None = None,
    allow_unsafe: bool = False,
) -> Prior:
    """Return the prior called `source`.

    Args:
        source: "digits", "fashion", a folder written by `save_prior`, a `.keras` file or a Keras
            model code -> image, or code and label -> image (a conditional GAN).
        reference_classifier: with a `.keras` file or model: Keras classifier of its images, to
            logits or probabilities. Defaults to None.
        box: with a `.keras` file or model: codes are clipped to [-box, box]. Defaults to 3.
        classes: with a generator that takes a label: the number of labels, in the order of the
            reference classifier's classes. Defaults to the width of its one-hot label input; a
            label in one vector with the latent vector, or a whole number, needs it.
        value_range: lowest and highest value of the generator's pixels. Defaults to [0, 1], or to
            [-1, 1] if some are below 0.
        shape: (h, w) or (h, w, c) that images are resized to, as your classifier takes them.
            Defaults to the generator's own.
        allow_unsafe: run code that a `.keras` file holds (Lambda). Defaults to False.

    A whole label stays as it was drawn during an ascent; a one-hot label moves with the code.

    Raises:
        InputError: for an unknown name, a folder whose files are missing or do not fit together,
            a model that does not turn codes into finite images in [0, 1] or [-1, 1], a
            reference classifier that does not take these, or options of a generator with a prior
            that is ready.
    """
    if isinstance(source, keras.Model):
        return _from_decoder(source, reference_classifier, box, classes, value_range, shape)
    if not isinstance(source, str | PathLike):
        checks.fail("prior must be a name, a folder or a Keras model", type(source).__name__)
    path = Path(source)
    if path.suffix == ".keras" and path.is_file():
        decoder = load_model(path, allow_unsafe=allow_unsafe, compiled=False)
        return _from_decoder(decoder, reference_classifier, box, classes, value_range, shape)
    names = [p.name for p in READY.iterdir() if p.is_dir()]
    if not path.is_dir():
        checks.one_of("prior (a ready one, or a folder)", str(source), names)
    _refuse_options(
        source,
        reference_classifier=reference_classifier,
        box=None if box == BOX else box,
        classes=classes,
        value_range=value_range,
        shape=shape,
    )
    return _checked(_read(path)) if path.is_dir() else _read(READY / str(source))


def _refuse_options(source, **options) -> None:
    """Refuse what says how a generator is to be read where a prior is ready."""
    set_options = [name for name, value in options.items() if value is not None]
    if set_options:
        hint = f"Leave {' and '.join(set_options)} out, or pass a generator."
        checks.fail(f"{source} is a ready prior, without options", ", ".join(set_options), hint)


def as_prior(source) -> Prior:
    """Return `source` if it is a prior, else the prior that `load_prior` returns for it."""
    return source if isinstance(source, Prior) else load_prior(source)


def reference_classifier_of(prior: Prior) -> keras.Model:
    """Return the prior's reference classifier.

    Raises:
        InputError: for a prior without one.
    """
    if prior.reference_classifier is None:
        hint = "fit_prior(images, labels) trains one."
        checks.fail("prior must have a reference classifier", "none", hint)
    return prior.reference_classifier


def _from_decoder(model, classifier, box, classes, value_range, shape) -> Prior:
    if checks.number("box", box, 0) == 0:
        checks.fail("box must be above 0", f"{box}")
    _check_options(classes, value_range, shape)
    parts = generators.inputs_of(model, classes)
    decoder = generators.decoder_of(model, parts, value_range, shape)
    limits = np.tile(np.array([-box, box], np.float32), (parts.latent, 1))
    card = {"name": decoder.name, "labeled": parts.classes is not None}
    mixture = None
    if parts.classes is not None:
        limits = np.concatenate([limits, np.tile(np.array([0, 1], np.float32), (parts.classes, 1))])
        mixture = of_labels(parts.latent, parts.classes)
    prior = _checked(Prior(decoder, limits, mixture, _with_logits(classifier), card))
    if mixture is not None and prior.classes not in (None, parts.classes):
        expected = f"reference_classifier must have the generator's {parts.classes} classes"
        checks.fail(expected, f"{prior.classes}")
    return prior


def _check_options(classes, value_range, shape) -> None:
    if classes is not None:
        checks.number("classes", classes, 2, integer=True)
    if value_range is not None and (len(value_range) != 2 or value_range[0] >= value_range[1]):
        checks.fail("value_range must be (lowest, highest)", f"{value_range}")
    sizes = (2, 3)
    if shape is not None and (len(shape) not in sizes or not all(n >= 1 for n in shape)):
        checks.fail("shape must be (h, w) or (h, w, c)", f"{shape}")


def _with_logits(classifier: keras.Model | None) -> keras.Model | None:
    """Return the classifier with logits: log(outputs) if these are probabilities."""
    shape = input_shape(classifier) if isinstance(classifier, keras.Model) else None
    if classifier is None or shape is None:
        return classifier
    example = np.zeros((2, *(n or 1 for n in shape)), np.float32)
    outputs = np.asarray(classifier(example, training=False))
    if outputs.min() < 0 or not np.allclose(outputs.sum(axis=-1), 1, atol=1e-3):
        return classifier
    inputs = keras.Input(classifier.input_shape[1:])
    return keras.Model(inputs, keras.ops.log(keras.ops.maximum(classifier(inputs), 1e-20)))


def _checked(prior: Prior) -> Prior:
    """Return `prior` if its parts fit together and give finite numbers."""
    if not isinstance(prior.card, dict):
        checks.fail("a prior's card must be a JSON object", type(prior.card).__name__)
    if prior.box.shape != (prior.latent, 2):
        checks.fail(f"a prior's box must be {(prior.latent, 2)}", f"shape {prior.box.shape}")
    images = decode(prior, np.clip(np.zeros((2, prior.latent), np.float32), *prior.box.T))
    generators.check_images(images, 0)
    if prior.reference_classifier is not None:
        _check_classifier(prior.reference_classifier, prior.shape, images)
    return prior


def _check_classifier(model, shape: tuple, images: np.ndarray) -> None:
    name = "reference_classifier"
    if not isinstance(model, keras.Model):
        checks.fail(f"{name} must be a Keras model", type(model).__name__)
    if not accepts(declared := input_shape(model), shape):
        checks.fail(f"{name} must take the decoder's images, shape {shape}", f"shape {declared}")
    logits = np.asarray(model(images, training=False))
    finite = np.isfinite(logits).all()
    if logits.ndim != 2 or logits.shape[1] < 2 or not finite:
        received = f"shape {logits.shape}" if finite else "outputs that are not finite"
        checks.fail(f"{name} must give finite logits of at least 2 classes", received)


def save_prior(prior: Prior, folder) -> Path:
    """Write `prior` into `folder` and return the folder's path."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    arrays, networks = {"box": prior.box}, {}
    for name, model in {"decoder": prior.decoder, CLASSIFIER: prior.reference_classifier}.items():
        if model is not None:
            networks[name] = json.loads(model.to_json())
            arrays |= {f"{name}_{i:02d}": w for i, w in enumerate(model.get_weights())}
    if prior.mixture is not None:
        arrays |= prior.mixture.to_arrays()
    half: dict[str, Any] = {
        k: v.astype(np.float16) if v.dtype.kind == "f" else v for k, v in arrays.items()
    }
    np.savez_compressed(path / "weights.npz", **half)
    (path / "networks.json").write_text(json.dumps(networks))
    (path / "card.json").write_text(json.dumps(prior.card, indent=1) + "\n")
    return path


def _read(path: Path) -> Prior:
    missing = [name for name in FILES if not (path / name).is_file()]
    if missing:
        expected = f"a prior's folder must hold {', '.join(FILES)}"
        checks.fail(expected, f"{path.name} without {missing}")
    try:
        return _parsed(path)
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        checks.fail("a prior's files must fit together", f"{path.name}: {reason}")


def _parsed(path: Path) -> Prior:
    card = json.loads((path / "card.json").read_text())
    configs = json.loads((path / "networks.json").read_text())
    with np.load(path / "weights.npz", allow_pickle=False) as stored:
        arrays = {k: stored[k] for k in stored.files}
    arrays = {k: v.astype(np.float32) if v.dtype.kind == "f" else v for k, v in arrays.items()}
    models = {name: _built(config, arrays, name) for name, config in configs.items()}
    decoder, classifier = models["decoder"], models.get(CLASSIFIER)
    return Prior(decoder, arrays["box"], of_arrays(arrays), classifier, card)


def _built(config: dict, arrays: dict, name: str) -> keras.Model:
    model = keras.models.model_from_json(json.dumps(config))
    model.set_weights([arrays[k] for k in sorted(arrays) if k.startswith(name)])
    model.trainable = False
    return model
