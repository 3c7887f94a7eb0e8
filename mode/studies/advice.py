"""When choosing data is not the cure, and what is."""

import keras
import numpy as np
import pandas as pd

from mode.diagnosis import check
from mode.studies.case import Case

FEW = 30  # inputs of a class that a pool should have


def advice(case: Case) -> pd.DataFrame:
    """Return what speaks against choosing data as the cure: sign, what to do."""
    found = []
    if case.faults.empty:
        found.append(("no class is faulty", "data selection has nothing to mend: leave it"))
    if case.pool_labels.look_wrong:
        sign = "labels of the pool look wrong: more are far from likely than right ones would be"
        found.append((sign, "look at the suspect ones first; all are in suspects.csv"))
    counts = np.bincount(case.data.pool.y, minlength=case.data.classes)
    for label in case.faults["label"]:
        if counts[label] < FEW:
            said = f"the pool has {counts[label]} inputs of faulty class {case.data.name(label)}"
            found.append((said, "collect more of it"))
    part = case.data.train
    for finding in check(case.before, part.x, _targets(case.before, part.y, case.data.classes)):
        if finding.severity != "note":
            fixes = "; ".join(fix.text for fix in finding.fixes[:1])
            found.append((f"training itself: {finding.text}", fixes))
    return pd.DataFrame(
        found or [("no such sign", "go on choosing data")], columns=["sign", "what to do"]
    )


def _targets(model: keras.Model, y: np.ndarray, classes: int) -> np.ndarray:
    loss = getattr(model, "loss", None)
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    hot = "categorical" in name.lower() and "sparse" not in name.lower()
    return np.eye(classes, dtype=np.float32)[y] if hot else y
