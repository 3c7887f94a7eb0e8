"""A prior's folder: plain arrays and JSON, written and read back."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np

from mode import checks
from mode.featurevis import mixture as mixtures

FILES = ("card.json", "networks.json", "weights.npz")


def save_prior(prior, folder) -> Path:
    """Write `prior`, a Prior, as plain arrays (float16, no pickle) and JSON; return the folder."""
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


def read(path: Path) -> dict:
    """Return decoder, box, mixture, judge and card as `save_prior` wrote them into a folder.

    Raises:
        InputError: for files that lack or do not fit together.
    """
    missing = [name for name in FILES if not (path / name).is_file()]
    if missing:
        checks.fail(
            f"a prior's folder must hold {', '.join(FILES)}", f"{path.name} without {missing}"
        )
    try:
        return _parse(path)
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        checks.fail("a prior's files must fit together", f"{path.name}: {reason}")


def _parse(path: Path) -> dict:
    card = json.loads((path / "card.json").read_text())
    configs = json.loads((path / "networks.json").read_text())
    with np.load(path / "weights.npz", allow_pickle=False) as stored:
        arrays = {k: _full(stored[k]) for k in stored.files}
    models = {name: _build(config, arrays, name) for name, config in configs.items()}
    return {
        "decoder": models["decoder"],
        "box": arrays["box"],
        "mixture": _mixture(arrays),
        "judge": models.get("judge"),
        "card": card,
    }


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
