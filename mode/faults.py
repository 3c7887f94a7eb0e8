"""Find the labels that a classifier has not learned, and what a repair changed per input.

The two kinds of training bug and their thresholds theta and gamma follow MODE (Ma et al.,
ESEC/FSE 2018); the default values are those of its public replication.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mode import checks

THETA = 0.92
GAMMA = 0.10
LEAST_PER_CLASS = 5  # inputs; of fewer, some order fits by chance
COLUMNS = ["label", "accuracy", "reference accuracy", "gap", "kind"]


def accuracy_by_label(labels: Any, predictions: Any, classes: int | None = None) -> pd.DataFrame:
    """Return one row a label: `label`, `accuracy` in [0, 1] and `count`, the inputs behind it.

    Args:
        labels: true classes, (n,) or one-hot rows (n, classes).
        predictions: predicted classes, (n,), or scores, (n, classes), of which the largest counts.
        classes: how many there are; without it, the width of the scores, else the largest label.

    A class without inputs has count 0 and accuracy NaN.

    Example:
        >>> accuracy_by_label([0, 0, 1, 1], [0, 1, 1, 1])
           label  accuracy  count
        0      0       0.5      2
        1      1       1.0      2

    Raises:
        InputError: for labels outside the classes, or lengths that differ.
    """
    named = {"labels": labels, "predictions": predictions}
    (true, predicted), classes = _as_classes(named, classes)
    accuracy, count = _accuracies(true, predicted, classes)
    return pd.DataFrame({"label": range(classes), "accuracy": accuracy, "count": count})


def faulty_labels(
    labels: Any,
    predictions: Any,
    reference_labels: Any,
    reference_predictions: Any,
    *,
    theta: float = THETA,
    gamma: float = GAMMA,
    classes: int | None = None,
) -> pd.DataFrame:
    """Return the faulty labels, lowest accuracy first, ties by label.

    The reference is the training split, the other a split held out from training; arrays as in
    `accuracy_by_label`. A label is *under-fitted* when both its accuracies are below `theta`, and
    *over-fitted* when `gap`, reference accuracy - accuracy, is above `gamma`. Where both hold,
    the larger shortfall names the label: over-fitted if gap - gamma > theta - reference accuracy,
    because it is further from generalizing than from being learned at all.

    A label that the reference lacks is under-fitted when its accuracy is below `theta`; its
    reference accuracy and gap are NaN. A label without inputs in the held-out split has no row:
    `labels_without_inputs` lists these.

    Example:
        >>> reference = np.repeat([0, 1], 10)
        >>> held_out = reference.copy()
        >>> held_out[:4] = 1  # four zeros are taken for ones
        >>> table = faulty_labels(reference, held_out, reference, reference)
        >>> table[["label", "accuracy", "gap", "kind"]]
           label  accuracy  gap         kind
        0      0       0.6  0.4  over-fitted

    Raises:
        InputError: for thresholds outside [0, 1], labels outside the classes, or lengths that
            differ within a split.
    """
    checks.number("theta", theta, 0, 1)
    checks.number("gamma", gamma, 0, 1)
    held_out = {"labels": labels, "predictions": predictions}
    reference = {
        "reference_labels": reference_labels,
        "reference_predictions": reference_predictions,
    }
    classes = _class_count(classes, held_out | reference)
    (true, predicted), classes = _as_classes(held_out, classes)
    (trained_true, trained_predicted), classes = _as_classes(reference, classes)
    accuracy, _ = _accuracies(true, predicted, classes)
    trained, _ = _accuracies(trained_true, trained_predicted, classes)
    gap = (trained - accuracy).round(12)  # or 0.8 - 0.7 would be above a gamma of 0.1
    kind = _kinds(accuracy, trained, gap, theta, gamma)
    faulty = np.flatnonzero(kind != "")
    faulty = faulty[np.argsort(accuracy[faulty], kind="stable")]
    columns = (faulty, accuracy[faulty], trained[faulty], gap[faulty], kind[faulty])
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def labels_without_inputs(labels: Any, classes: int) -> list[int]:
    """Return the classes that no input has: nothing shows whether these are faulty.

    Args:
        labels: true classes, (n,) or one-hot rows (n, classes).
        classes: number of classes.

    Example:
        >>> labels_without_inputs([0, 0, 2], classes=4)
        [1, 3]

    Raises:
        InputError: for labels outside the classes.
    """
    (array,), classes = _as_classes({"labels": labels}, classes)
    return np.flatnonzero(np.bincount(array, minlength=classes) == 0).tolist()


@dataclass(frozen=True)
class Transitions:
    """Counts of inputs repaired, broken and unchanged between two predictions: in all, by label.

    `by_label` has the columns label, repaired, broken, still wrong and still right.
    """

    repaired: int
    broken: int
    still_wrong: int
    still_right: int
    by_label: pd.DataFrame


def transitions(labels: Any, before: Any, after: Any, classes: int | None = None) -> Transitions:
    """Count the inputs repaired (wrong -> right), broken (right -> wrong) and unchanged.

    Arrays and `classes` as in `accuracy_by_label`.

    Example:
        >>> counts = transitions([0, 0, 1, 1], before=[0, 1, 0, 1], after=[0, 0, 1, 0])
        >>> counts.repaired, counts.broken, counts.still_wrong, counts.still_right
        (2, 1, 0, 1)

    Raises:
        InputError: for labels outside the classes, or lengths that differ.
    """
    named = {"labels": labels, "before": before, "after": after}
    (true, first, second), classes = _as_classes(named, classes)
    was_right, is_right = first == true, second == true
    outcomes = {
        "repaired": ~was_right & is_right,
        "broken": was_right & ~is_right,
        "still wrong": ~was_right & ~is_right,
        "still right": was_right & is_right,
    }
    counts = {name: np.bincount(true[hit], minlength=classes) for name, hit in outcomes.items()}
    repaired, broken, wrong, right = (int(hit.sum()) for hit in outcomes.values())
    table = pd.DataFrame({"label": range(classes), **counts})
    return Transitions(repaired, broken, wrong, right, table)


def confusion(labels: Any, predictions: Any, classes: int) -> np.ndarray:
    """Return the counts, (classes, classes): row the true label, column the predicted one.

    Example:
        >>> confusion([0, 0, 1, 1], [0, 1, 1, 1], classes=2)
        array([[1, 1],
               [0, 2]])

    Raises:
        InputError: for labels outside the classes, or lengths that differ.
    """
    named = {"labels": labels, "predictions": predictions}
    (true, predicted), classes = _as_classes(named, classes)
    return np.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes)


def order_note(labels: Any, predictions: Any, classes: int) -> str:
    """Return a note that the labels number the classes in another order than the predictions do, ""
    where nothing suggests it.

    It is suggested where another order is right for at least half of the mean class, and for at
    least twice as much as the order of the labels.

    Example:
        >>> labels = np.repeat([0, 1, 2], 10)
        >>> order_note(labels, (labels + 1) % 3, classes=3)[:50]
        'The labels may number the classes in another order'
        >>> order_note(labels, labels, classes=3)
        ''

    Raises:
        InputError: for labels outside the classes, or lengths that differ.
    """
    from scipy.optimize import linear_sum_assignment

    counts = confusion(labels, predictions, classes)
    present = np.flatnonzero(counts.sum(axis=1))
    shares = counts[present] / counts[present].sum(axis=1, keepdims=True)
    as_labeled = shares[np.arange(len(present)), present].mean()
    best = shares[linear_sum_assignment(shares, maximize=True)].mean()
    if best < max(0.5, 2 * as_labeled) or counts.sum() < LEAST_PER_CLASS * classes:
        return ""
    return (
        f"The labels may number the classes in another order than the model: {as_labeled:.0%} of "
        f"the mean class are right, and {best:.0%} in another order. Pass class_names in the order "
        "of the model's outputs."
    )


def _accuracies(
    true: np.ndarray, predicted: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the accuracy of each class (classes,), and the inputs behind it."""
    count = np.bincount(true, minlength=classes)
    right = np.bincount(true[true == predicted], minlength=classes)
    return np.divide(right, count, out=np.full(classes, np.nan), where=count > 0), count


def _kinds(
    accuracy: np.ndarray, reference: np.ndarray, gap: np.ndarray, theta: float, gamma: float
) -> np.ndarray:
    """Return the kind of each class, "" for a sound label; comparisons with NaN are never true."""
    under = (accuracy < theta) & ((reference < theta) | np.isnan(reference))
    shortfall = ((gap - gamma) - (theta - reference)).round(12)
    over = (gap > gamma) & (~under | (shortfall > 0))
    return np.select([over, under], ["over-fitted", "under-fitted"], "")


def _class_count(classes: int | None, named: dict[str, Any]) -> int:
    if classes is not None:
        return checks.number("classes", classes, 2, integer=True)
    arrays = {name: checks.not_empty(name, np.asarray(value)) for name, value in named.items()}
    widths = [array.shape[1] for array in arrays.values() if _is_wide(array)]
    if widths:
        return max(widths)
    return max(int(checks.labels(name, array).max()) + 1 for name, array in arrays.items())


def _as_classes(named: dict[str, Any], classes: int | None) -> tuple[tuple[np.ndarray, ...], int]:
    """Return the named arrays as classes (n,), rows of scores or one-hot rows by their largest, and
    how many classes there are."""
    classes, arrays = _class_count(classes, named), {}
    for name, value in named.items():
        array = checks.numeric(name, value)
        if _is_wide(array):
            if array.shape[1] != classes:
                checks.fail(f"{name} must have {classes} columns", f"shape {array.shape}")
            array = array if name.endswith("labels") else array.argmax(axis=1)
        arrays[name] = checks.labels(name, array, classes)
    checks.same_length(**arrays)
    return tuple(arrays.values()), classes


def _is_wide(array: np.ndarray) -> bool:
    return array.ndim == 2 and array.shape[1] > 1
