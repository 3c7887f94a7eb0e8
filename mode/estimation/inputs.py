"""Check both sets before any long work: shapes, ranges, labels, sizes and the model's outputs."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mode import checks
from mode.data import Data, Part, open_pool
from mode.data.pools import Pool
from mode.data.schema import encode_labels, prepared
from mode.models import classes_of
from mode.models.classifier import check_inputs

LEAST = 50  # inputs of a set from which anything is estimated
LOOKED_AT = 256  # unlabeled inputs whose range is compared before all are read
RANGES = 100.0  # times that the size of unlabeled inputs may differ from that of labeled ones
CONSTANT = 1e-6  # spread of a probability, up to which it is the same for all inputs


def labeled_part(
    model: keras.Model, labeled: Any
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...] | None]:
    """Return the labeled inputs, their labels, and the class names where the labels are text.

    labeled: (x, y), or whatever has `.x` and `.y`, such as a part of a `Data`. Class names are
    numbered in the order of the alphabet.

    Raises:
        InputError: for another thing, inputs or labels that the model does not have, fewer than
            50 inputs, or one class alone.
    """
    pair = (labeled.x, labeled.y) if isinstance(labeled, Part) else labeled
    if isinstance(labeled, Data):
        checks.fail("labeled must be a pair (x, y)", "a Data", "Name one part, such as data.test.")
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        checks.fail("labeled must be a pair (x, y)", type(labeled).__name__)
    x = checks.numeric("labeled x", pair[0])
    check_inputs(model, x)
    y, names = np.asarray(pair[1]), None
    if y.dtype.kind in "UO":
        encoded, _, names = encode_labels({"labeled y": y.astype(str)}, classes=classes_of(model))
        y = encoded["labeled y"]
    y = checks.labels("labeled y", y, classes_of(model))
    checks.same_length(x=x, y=y)
    _enough("the labeled set", len(y))
    if len(np.unique(y)) < 2:
        expected = "the labeled set must have inputs of at least two classes"
        checks.fail(expected, f"class {y[0]} alone")
    return x, y, names


def unlabeled_pool(x: np.ndarray, unlabeled: Any) -> Pool:
    """Return the unlabeled inputs as a pool that is read in blocks.

    x: the labeled inputs, which the unlabeled ones must resemble in shape and range.
    unlabeled: what `open_pool` takes: an array, the path of an `.npy` file, a Zarr store or a
    folder of images by class, a Dask array, or a tf.data dataset.

    Raises:
        InputError: for another thing, another shape or range, or fewer than 50 inputs.
    """
    if isinstance(unlabeled, Part):
        unlabeled = unlabeled.x
    if isinstance(unlabeled, list) or hasattr(unlabeled, "to_numpy"):
        unlabeled = checks.numeric("unlabeled", unlabeled)
    if keras.ops.is_tensor(unlabeled):
        unlabeled = keras.ops.convert_to_numpy(unlabeled)
    pool = open_pool(unlabeled, shape=x.shape[1:] if x.ndim == 4 else None)
    _enough("the unlabeled set", len(pool))
    sides = [shape[:-1] if shape[-1:] == (1,) else shape for shape in (pool.shape, x.shape[1:])]
    if sides[0] != sides[1]:
        expected = f"unlabeled inputs must have the labeled ones' shape {('n', *x.shape[1:])}"
        checks.fail(expected, f"shape {('n', *pool.shape)}")
    rows = np.linspace(0, len(pool) - 1, min(LOOKED_AT, len(pool))).astype(int)
    _same_range(x, Form.like(x).of(pool.take(rows)))
    return pool


@dataclass(frozen=True)
class Form:
    """The form in which a model gets inputs: that of the labeled ones.

    unit: whether these lie in [0, 1], so that bytes are divided by 255.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    unit: bool

    @classmethod
    def like(cls, x: np.ndarray) -> "Form":
        """Return the form of labeled inputs x."""
        return cls(x.shape[1:], x.dtype, x.dtype.kind == "f" and x.max() <= 1)

    def of(self, block: np.ndarray) -> np.ndarray:
        """Return unlabeled inputs in this form."""
        block = checks.numeric("unlabeled", block)
        if self.unit and block.dtype == np.uint8:
            block = prepared("unlabeled", block, self.shape)
        return block.reshape(len(block), *self.shape).astype(self.dtype, copy=False)


def _enough(name: str, count: int) -> None:
    if count < LEAST:
        checks.fail(f"{name} must have at least {LEAST} inputs", count)


def _same_range(x: np.ndarray, few: np.ndarray) -> None:
    """Refuse unlabeled inputs in another unit: of quite another size, or images in [-1, 1] where
    the labeled ones lie in [0, 1]. Noise may leave the range; that is a shift."""
    low, high = float(x.min()), float(x.max())
    most = 1.05 * high
    signed = low >= 0 and -most <= few.min() < -high / 2 and few.max() <= most
    sizes = [float(np.median(np.abs(a).reshape(len(a), -1).max(axis=1))) for a in (x, few)]
    ratio = max(sizes) / max(min(sizes), 1e-12)
    if (x.ndim == 4 and signed) or (min(sizes) > 0 and ratio > RANGES):
        checks.fail(
            f"unlabeled inputs must be in the labeled ones' range, {low:g} to {high:g}",
            f"{float(few.min()):g} to {float(few.max()):g}",
            "Scale both alike.",
        )


def check_probabilities(name: str, probabilities: np.ndarray, hint: str) -> None:
    """Refuse probabilities that are not finite, or the same for every input.

    hint: what to do about the latter.

    Raises:
        InputError: for these.
    """
    bad = int((~np.isfinite(probabilities)).any(axis=1).sum())
    if bad:
        expected = f"the model must give finite probabilities for {name}"
        checks.fail(expected, f"NaN or infinity for {bad:,} of {len(probabilities):,} inputs")
    if np.ptp(probabilities, axis=0).max() < CONSTANT:
        expected = f"the model's probabilities must differ between inputs of {name}"
        checks.fail(expected, "the same for all", hint)
