"""The rule about the metrics of one output, and the table behind it: the first row decides."""

from dataclasses import dataclass

from mode.diagnosis.catalog.fixes import make_fix
from mode.diagnosis.catalog.symptoms import make_finding
from mode.diagnosis.facts.heads import PROBABILITY, Head
from mode.diagnosis.findings import Evidence, Finding

_REAL, _CLASSES = "real positive signed_unit", "binary labels one_hot multi_label"
_EXACT, _BY_SHAPE = "Accuracy", "acc accuracy"
_BINARY = "binary_accuracy BinaryAccuracy"
_ROWS = "categorical_accuracy CategoricalAccuracy"
_LABELS = "sparse_categorical_accuracy SparseCategoricalAccuracy"


@dataclass(frozen=True)
class Misfit:
    """A metric that does not fit: targets | metrics | units ("*": any) | logits (None: any).

    It is a warning where the metric has the same value whatever is predicted.
    """

    targets: str
    metrics: str
    units: str
    logits: bool | None
    severity: str
    instead: str
    text: str

    def matches(self, kind: str, metric: str, head: Head) -> bool:
        """Tell whether the row speaks of a metric of an output with targets of this kind."""
        width = "1" if head.units == 1 else "many"
        fits = kind in self.targets.split() and metric in self.metrics.split()
        return fits and self.units in ("*", width) and self.logits in (None, head.from_logits)


TABLE = (
    Misfit(_REAL, f"{_EXACT} {_BY_SHAPE} {_BINARY} {_ROWS} {_LABELS}", "*", None, "note",
           '"mae"', "accuracy counts exact hits, which real targets never are"),
    Misfit(_CLASSES, _EXACT, "*", None, "warning", '"accuracy"',
           "this metric counts predictions that equal their targets, which no probability does"),
    Misfit(_CLASSES, _ROWS, "1", None, "warning", '"binary_accuracy"',
           "of one unit, the largest is always right: this accuracy is always 1"),
    Misfit("labels binary", _ROWS, "many", None, "warning", '"sparse_categorical_accuracy"',
           "this accuracy needs one-hot rows, the targets are whole numbers"),
    Misfit("one_hot", _LABELS, "many", None, "note", '"categorical_accuracy"',
           "this accuracy needs whole numbers, the targets are one-hot rows"),
    Misfit("one_hot", _BINARY, "many", None, "note", '"categorical_accuracy"',
           "binary accuracy counts every entry of a row, of which all but one are 0"),
    Misfit("signed", f"{_BY_SHAPE} {_BINARY}", "1", None, "note", '"accuracy"  # labels 0 and 1',
           "binary accuracy compares with 0 and 1, the targets are -1 and 1"),
    Misfit("binary", f"{_BY_SHAPE} {_BINARY}", "1", True, "note",
           "keras.metrics.BinaryAccuracy(threshold=0)",
           "binary accuracy counts what is above 0.5, of logits what is above 0 is class 1"),
)  # fmt: skip


def metric_mismatch(head: Head, target, kind: str) -> list[Finding]:
    """A metric that says little or nothing of such targets."""
    if kind in _REAL.split() and head.family != "regression":
        return []
    if kind in _CLASSES.split() and head.family not in PROBABILITY:
        return []
    rows = [(metric, row) for metric in head.metrics for row in TABLE
            if row.matches(kind, metric, head)]  # fmt: skip
    return [
        make_finding("metric_mismatch", head.place, Evidence("metric", metric),
                     Evidence("targets", kind), text=row.text, severity=row.severity,
                     fixes=[make_fix("change_metric", metric=row.instead)])
        for metric, row in rows[:1]
    ]  # fmt: skip
