"""A finished repair, opened from its files for the report; or one made for the reader."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mode import results
from mode.data import load_data
from mode.models import build, classes_of, load_model, train
from mode.models.files import copied_unsafely
from mode.models.rescaled import of_unit_inputs
from mode.studies.case import Case
from mode.studies.repair_files import repair_files

SUSPECT_DTYPES = {"index": int, "label": str, "suggested": str}  # names may look like numbers


def of(model: str, data: str, out: str | os.PathLike, *, seed: int, **files) -> Case:
    """Return the case of `opened`, or that of `example` where no model is named."""
    return opened(model, data, out, seed=seed, **files) if model else example(out, seed=seed)


def opened(
    model: str | os.PathLike,
    data: str | os.PathLike,
    out: str | os.PathLike,
    *,
    seed: int,
    pool: str = "",
    pool_labels: str = "",
    allow_unsafe: bool = False,
) -> Case:
    """Return the repair that `repair_files` left in `out`.

    Raises:
        InputError: for files that cannot be read.
    """
    out = Path(out)
    before = load_model(model, allow_unsafe=allow_unsafe)
    after = load_model(out / "repaired.keras", allow_unsafe=allow_unsafe)
    files: dict[str, Any] = {"pool": pool or None, "pool_labels": pool_labels or None}
    parts = load_data(data, **files, classes=classes_of(before), seed=seed)
    if parts.from_bytes:
        with copied_unsafely(allow_unsafe):
            before, after = of_unit_inputs(before), of_unit_inputs(after)
    record = json.loads((out / "record.json").read_text(encoding="utf-8"))
    names = ("rows", "chosen", "faults")
    rows, chosen, faults = (results.read_partial(out / f"{name}.csv") for name in names)
    suspects = pd.read_csv(out / "suspects.csv", dtype=SUSPECT_DTYPES, keep_default_na=False)
    return Case(before, after, parts, rows, chosen, faults, suspects, record)


def example(out: str | os.PathLike, *, seed: int = 0) -> Case:
    """Make a model that lacks inputs of two classes, repair it, and return its case."""
    from mode.data import plant

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    parts = plant("starved", load_data("digits", seed=seed), seed=seed, labels=(5, 8))
    start = build("published", seed=seed, shape=parts.shape, classes=parts.classes)
    train(start, parts.train.x, parts.train.y, epochs=10, seed=seed).save(out / "model.keras")
    arrays = {f"{a}_{n}": getattr(getattr(parts, n), a) for n in parts.sizes() for a in "xy"}
    np.savez_compressed(out / "data.npz", **arrays)
    files = (out / "model.keras", out / "data.npz")
    repair_files(*files, out=out, seed=seed, report=False, resume=True)
    return opened(*files, out, seed=seed)
