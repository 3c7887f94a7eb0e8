"""Heat maps: neurons that indicate a class, and those that indicate its errors (MODE, section 4.2).

One cell per neuron of the layer, scaled to [-1, 1]. HCI of a label comes from its inputs that are
classified correctly; HMI from its false positives, inputs of other labels; HWI from its false
negatives, its inputs with another prediction.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mode import checks

DIFFERENTIALS = ("dhci", "dhmi", "dhwi")


@dataclass(frozen=True)
class Fallback:
    """A map that no input is behind: its label, and which map replaces it."""

    label: int
    reason: str

    def __str__(self) -> str:
        return f"label {self.label} {self.reason}"


@dataclass(frozen=True)
class HeatMaps:
    """Maps hci, hmi, hwi, each (classes, ...); `counts` inputs behind each of them (classes,).

    `fallbacks` lists the maps that no input is behind.
    """

    hci: np.ndarray
    hmi: np.ndarray
    hwi: np.ndarray
    counts: dict[str, np.ndarray]
    fallbacks: tuple[Fallback, ...]


def heatmaps(
    states: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray,
    *,
    classes: int | None = None,
    kind: str = "mean",
    weights: np.ndarray | None = None,
    swapped: bool = False,
) -> HeatMaps:
    """Return HCI, HMI and HWI of every class.

    Args:
        states: n x ...: a layer's states (scaled to z-scores on the training part, so that no
            neuron counts more for its range), or the images themselves for kind "pixel".
        labels: true labels (n,).
        predictions: predicted labels (n,) or probabilities (n, classes).
        classes: number of classes; one more than the largest label where None.
        kind: "pixel" (mean image: what the replication used), "mean" (mean state) or
            "importance" (mean state x the class's weight in a sub-model's head).
        weights: (units, classes), for "importance" alone.
        swapped: group as the replication did: false positives by their true label, false
            negatives by their predicted one.

    Example:
        >>> states = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0], [1.0, 1.0]])
        >>> maps = heatmaps(states, labels=[0, 1, 1, 0], predictions=[0, 1, 1, 1])
        >>> maps.hci  # a row a class
        array([[1., 0.],
               [0., 1.]], dtype=float32)
        >>> maps.hwi[0]  # of the zero that is predicted as a one
        array([1., 1.], dtype=float32)
        >>> [str(item) for item in maps.fallbacks]
        ['label 0 has no input for HMI: it is HCI', 'label 1 has no input for HWI: it is HCI']

    Raises:
        InputError: for an unknown kind, missing weights, arrays that do not fit each other, or
            no correctly classified input at all.
    """
    checks.one_of("kind", kind, KINDS)
    states = checks.numeric("states", states)
    labels, predictions, classes = _labels(labels, predictions, classes)
    checks.same_length(states=states, labels=labels, predictions=predictions)
    per_class = _weights(weights, states, classes) if kind == "importance" else None
    wrong = labels != predictions
    positives, negatives = (labels, predictions) if swapped else (predictions, labels)
    groups = {
        "hci": [~wrong & (labels == label) for label in range(classes)],
        "hmi": [wrong & (positives == label) for label in range(classes)],
        "hwi": [wrong & (negatives == label) for label in range(classes)],
    }
    return _assemble(states, groups, lambda mean, label: KINDS[kind](mean, label, per_class))


def _assemble(states: np.ndarray, groups: dict, cell: Callable) -> HeatMaps:
    """Maps of all groups; an empty group of wrong inputs falls back to HCI, an empty HCI to the
    mean over all correct inputs."""
    fallbacks: list[Fallback] = []
    maps: dict[str, list[np.ndarray]] = {"hci": [], "hmi": [], "hwi": []}
    for label, correct in enumerate(groups["hci"]):
        if not correct.any():
            correct = np.any(groups["hci"], axis=0)
            reason = "has no correct input: HCI is that of all labels"
            fallbacks.append(Fallback(label, reason))
        if not correct.any():
            checks.fail("heat maps need at least one correctly classified input", "none")
        maps["hci"].append(cell(states[correct].mean(axis=0, dtype=np.float64), label))
    for name in ("hmi", "hwi"):
        for label, group in enumerate(groups[name]):
            if group.any():
                maps[name].append(cell(states[group].mean(axis=0, dtype=np.float64), label))
            else:
                maps[name].append(maps["hci"][label])
                reason = f"has no input for {name.upper()}: it is HCI"
                fallbacks.append(Fallback(label, reason))
    counts = {name: np.array([group.sum() for group in masks]) for name, masks in groups.items()}
    stacked = {name: np.stack(rows).astype(np.float32) for name, rows in maps.items()}
    return HeatMaps(**stacked, counts=counts, fallbacks=tuple(fallbacks))


def differential(
    maps: HeatMaps, label: int, kind: str = "dhci", *, against: int | None = None
) -> np.ndarray:
    """Return a differential map of `label`, of the shape of one n x ... state, in [-1, 1].

    "dhci" is HCI_l - HCI_k: what sets the label apart from the label `against`, or from the mean
    of all others where None. "dhmi" is HMI_l - HCI_l: what false positives have that the label has
    not. "dhwi" is HWI_l - HCI_l: the same for its false negatives. An empty group gives zeros.

    Example:
        >>> states = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0], [1.0, 1.0]])
        >>> maps = heatmaps(states, labels=[0, 1, 1, 0], predictions=[0, 1, 1, 1])
        >>> differential(maps, 0)  # what sets 0 apart from the others
        array([ 1., -1.], dtype=float32)
        >>> differential(maps, 0, "dhwi")  # what the lost zeros have that zeros have not
        array([0., 1.], dtype=float32)

    Raises:
        InputError: for an unknown kind, labels outside the maps, or no other label to compare.
    """
    checks.one_of("kind", kind, DIFFERENTIALS)
    classes = len(maps.hci)
    checks.labels("label", [label], classes)
    if kind == "dhci" and classes < 2:
        checks.fail("dhci needs the maps of two classes or more", classes)
    if kind != "dhci":
        return scaled(getattr(maps, kind[1:])[label] - maps.hci[label])
    if against is None:
        return scaled(maps.hci[label] - np.delete(maps.hci, label, axis=0).mean(axis=0))
    checks.labels("against", [against], classes)
    return scaled(maps.hci[label] - maps.hci[against])


def scaled(array: np.ndarray) -> np.ndarray:
    """Return an array of any shape divided by its largest absolute value; zeros stay zeros.

    Example:
        >>> scaled(np.array([1.0, -4.0, 2.0]))
        array([ 0.25, -1.  ,  0.5 ])
    """
    largest = np.abs(array).max(initial=0)
    return array / largest if largest > 0 else array


def _labels(
    labels: np.ndarray, predictions: np.ndarray, classes: int | None
) -> tuple[np.ndarray, np.ndarray, int]:
    predictions = np.asarray(predictions)
    if predictions.ndim == 2 and predictions.shape[1] > 1:
        classes = classes or predictions.shape[1]
        predictions = checks.numeric("predictions", predictions).argmax(axis=1)
    labels = checks.labels("labels", labels, classes)
    predictions = checks.labels("predictions", predictions, classes)
    checks.not_empty("labels", labels)
    return labels, predictions, classes or 1 + int(max(labels.max(), predictions.max(initial=0)))


def _weights(weights: np.ndarray | None, states: np.ndarray, classes: int) -> np.ndarray:
    expected = (int(np.prod(states.shape[1:])), classes)
    received = None if weights is None else np.shape(weights)
    if received != expected:
        checks.fail(f"weights must have shape {expected} for kind 'importance'", received)
    return checks.numeric("weights", weights).T.reshape(classes, *states.shape[1:])


def _mean(mean: np.ndarray, label: int, weights: np.ndarray | None) -> np.ndarray:
    return scaled(mean)


def _importance(mean: np.ndarray, label: int, weights: np.ndarray) -> np.ndarray:
    return scaled(mean * weights[label])


KINDS: dict[str, Callable] = {"pixel": _mean, "mean": _mean, "importance": _importance}
