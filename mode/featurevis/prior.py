"""A prior: a generator, the box its codes lie in, and where labels were given a judge."""

import json
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import keras
import numpy as np

from mode import checks
from mode.featurevis import mixture as mixtures
from mode.seeds import generator

READY = Path(__file__).parent / "priors"
FILES = ("card.json", "networks.json", "weights.npz")


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


def load_prior(source, *, judge: keras.Model | None = None, box: float = 3.0) -> Prior:
    """Return the prior called `source`.

    Args:
        source: "digits", "fashion", a folder written by `save_prior`, a `.keras` file or a Keras
            model code -> image. A model whose images reach below 0 is taken to speak [-1, 1].
        judge: for a brought model: Keras classifier of its images, logits.
        box: for a brought model: codes are kept in [-box, box].

    Raises:
        InputError: for an unknown name, a folder whose files lack or do not fit together, or a
            model that does not turn codes into images.
    """
    if isinstance(source, keras.Model):
        return _brought(source, judge, box)
    if not isinstance(source, str | PathLike):
        checks.fail("prior must be a name, a folder or a Keras model", type(source).__name__)
    path = Path(source)
    if path.suffix == ".keras" and path.is_file():
        return _brought(keras.saving.load_model(path), judge, box)
    if path.is_dir():
        return _read(path)
    names = sorted(p.name for p in READY.iterdir() if p.is_dir())
    return _read(READY / checks.one_of("prior (a ready one, or a folder)", str(source), names))


def as_prior(source) -> Prior:
    """Return `source` if it is a prior, else what `load_prior` makes of it."""
    return source if isinstance(source, Prior) else load_prior(source)


def _brought(decoder: keras.Model, judge: keras.Model | None, box: float) -> Prior:
    code, image = decoder.input_shape, decoder.output_shape
    if len(code) != 2 or len(image) != 4:
        checks.fail(
            "a decoder must turn codes (n, d) into images (n, h, w, c)", f"{code} to {image}"
        )
    limits = np.tile(np.float32([-box, box]), (code[-1], 1))
    codes = generator(0, "range").normal(size=(16, code[-1])).astype(np.float32)
    if float(np.min(decoder(codes, training=False))) < -0.01:
        inputs = keras.Input(code[1:])
        shifted = keras.layers.Rescaling(0.5, 0.5)(decoder(inputs))
        decoder = keras.Model(inputs, shifted, name=decoder.name)
    return Prior(decoder, limits, None, judge, {"name": decoder.name, "labelled": False})


def save_prior(prior: Prior, folder) -> Path:
    """Write `prior` as plain arrays (float16, no pickle) and JSON; return the folder."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    arrays = {"box": prior.box}
    networks = {}
    for name in ("decoder", "judge"):
        model = getattr(prior, name)
        if model is not None:
            networks[name] = json.loads(model.to_json())
            arrays |= {f"{name}_{i:02d}": w for i, w in enumerate(model.get_weights())}
    if prior.mixture is not None:
        arrays |= {f"mixture_{k}": v for k, v in vars(prior.mixture).items() if k != "factors"}
        rows, columns = np.tril_indices(prior.latent)
        arrays["mixture_factors"] = prior.mixture.factors[:, rows, columns]
    small = {k: v.astype(np.float16) if v.dtype.kind == "f" else v for k, v in arrays.items()}
    np.savez_compressed(path / "weights.npz", **small)
    (path / "networks.json").write_text(json.dumps(networks))
    (path / "card.json").write_text(json.dumps(prior.card, indent=1) + "\n")
    return path


def _read(path: Path) -> Prior:
    missing = [name for name in FILES if not (path / name).is_file()]
    if missing:
        checks.fail(
            f"a prior's folder must hold {', '.join(FILES)}", f"{path.name} without {missing}"
        )
    try:
        return _parse(path)
    except (ValueError, KeyError, TypeError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        checks.fail("a prior's files must fit together", f"{path.name}: {reason}")


def _parse(path: Path) -> Prior:
    card = json.loads((path / "card.json").read_text())
    configs = json.loads((path / "networks.json").read_text())
    with np.load(path / "weights.npz", allow_pickle=False) as stored:
        arrays = {k: _full(stored[k]) for k in stored.files}
    models = {name: _build(config, arrays, name) for name, config in configs.items()}
    return Prior(models["decoder"], arrays["box"], _mixture(arrays), models.get("judge"), card)


def _full(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _build(config: dict, arrays: dict, name: str) -> keras.Model:
    model = keras.models.model_from_json(json.dumps(config))
    model.set_weights([arrays[k] for k in sorted(arrays) if k.startswith(name)])
    model.trainable = False
    return model


def _mixture(arrays: dict) -> mixtures.Mixture | None:
    if "mixture_means" not in arrays:
        return None
    parts = {k: arrays[f"mixture_{k}"] for k in ("weights", "means", "classes")}
    k, d = parts["means"].shape
    factors = np.zeros((k, d, d), np.float32)
    rows, columns = np.tril_indices(d)
    factors[:, rows, columns] = arrays["mixture_factors"]
    return mixtures.Mixture(factors=factors, **parts)
