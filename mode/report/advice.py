"""When selecting data does not help: what to do instead, and what plain training would give."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import keras
import numpy as np
import pandas as pd

from mode import checks
from mode.data import Streamed
from mode.diagnosis import check
from mode.models import predict
from mode.models.classifier import targets_of
from mode.models.files import copied_unsafely
from mode.repair import rivals
from mode.repair.label_errors import alarming
from mode.report.case import Case

FEW = 30  # inputs of a class that a pool should have
NORMAL = 1.96  # quantile of a 95 % interval
WAYS: dict[str, Callable[..., keras.Model]] = {
    rivals.FINE_TUNED: rivals.fine_tuned,
    rivals.FROM_SCRATCH: rivals.from_scratch,
}


def advice(case: Case) -> pd.DataFrame:
    """Return the signs that selecting data does not repair this model, and what to do instead."""
    data, rows = case.data, []
    if case.faults.empty:
        rows.append(("no class is faulty", "keep the model: there is nothing to repair"))
    if alarming(case.before, case.pool_sample, data.classes, seed=case.record["seed"]):
        sign = "labels of the pool look wrong: more of them are unlikely than of right labels"
        rows.append((sign, "check the suspect labels first; suspects.csv lists them"))
    counts = np.bincount(data.pool.y, minlength=data.classes)
    for label in case.faults["label"]:
        if counts[label] < FEW:
            sign = f"the pool has {counts[label]} inputs of faulty class {data.name(label)}"
            rows.append((sign, "collect more of it"))
    for finding in check(case.before, data.train.x, targets_of(case.before, data.train.y)):
        if finding.severity != "note":
            fixes = "; ".join(fix.text for fix in finding.fixes[:1])
            rows.append((f"training itself: {finding.text}", fixes))
    none = [("no sign was found", "choosing data is worth while")]
    return pd.DataFrame(rows or none, columns=["sign", "what to do"])


def plain_training(case: Case, *, allow_unsafe: bool = False) -> tuple[str, pd.DataFrame]:
    """Train plainly for as many seconds as the repair took; return a sentence and a table.

    The table is that of `rivals.compare`; it is empty where the comparison cannot be made, and the
    sentence says why. A way that the model does not allow has no row.

    Args:
        case: the finished repair; its record holds the seconds.
        allow_unsafe: copy code that the model's file holds (Lambda). Defaults to False.
    """
    data, seconds = case.data, case.record.get("seconds")
    models: dict[str, tuple[Any, float]] = {rivals.REPAIR: (case.after, float(seconds or 0))}
    if isinstance(data.pool, Streamed):
        return "This comparison needs a pool in memory.", rivals.compare(case.before, {}, data)
    if not seconds:
        reason = "This comparison needs the seconds of the repair, which its record does not hold."
        return reason, rivals.compare(case.before, {}, data)
    for way, trained in WAYS.items():
        began = perf_counter()
        try:
            with copied_unsafely(allow_unsafe):
                model = trained(case.before, data, seconds, seed=case.record["seed"])
        except checks.InputError:  # the initial weights of a subclassed model cannot be drawn
            continue
        models[way] = (model, perf_counter() - began)
    table = rivals.compare(case.before, models, data)
    if len(table) == 1:
        return "This model can only be trained by its own code.", table
    best = table["way"][1:][table["accuracy"][1:].idxmax()]
    right, rival = (
        predict(models[way][0], data.test.x).argmax(1) == data.test.y
        for way in (rivals.REPAIR, best)
    )
    return sentence(best, *difference(right, rival), len(data.test)), table


def sentence(rival: str, points: float, low: float, high: float, count: int) -> str:
    """Return what a repair's lead over its best rival says, in points with a 95 % interval."""
    interval = f"95 % interval {low:+.1f} to {high:+.1f}, {count:,} test inputs"
    if low > 0:
        return f"This repair is {points:.1f} points more accurate than {rival} ({interval})."
    if high < 0:
        return (
            f"This repair is {-points:.1f} points less accurate than {rival} ({interval}): "
            "train plainly, unless the inputs that this breaks matter more."
        )
    return f"No difference from {rival} was shown: {points:+.1f} points ({interval})."


def difference(right: np.ndarray, rival: np.ndarray) -> tuple[float, float, float]:
    """Return by how many points `right` (n,) is right more often than `rival` (n,) on the same
    inputs, and the 95 % interval.

    Half an input is added to each of the four cells (Agresti, Min 2005), so that the interval has
    a width where the two never differ.

    Example:
        >>> np.round(difference(np.ones(98, bool), np.arange(98) >= 10), 1)
        array([10. ,  3.8, 16.2])
    """
    only, other = (right & ~rival).sum() + 0.5, (rival & ~right).sum() + 0.5
    total = len(right) + 2
    middle = (only - other) / total
    width = NORMAL * np.sqrt((only + other) / total - middle**2) / np.sqrt(total)
    low, high = 100 * (middle - width), 100 * (middle + width)
    return float(100 * middle), float(low), float(high)
