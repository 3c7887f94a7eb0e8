"""Labels that look wrong, by confident learning (Northcutt, Jiang, Chuang 2021, JAIR 70)."""

import keras
import numpy as np
import pandas as pd

from mode import checks, seeds
from mode.data import Part
from mode.layers.probes import head_predict, scale_of, softmax_head, zscale
from mode.repair.stages import last_hidden

FOLDS = 5
FAR = 0.2  # a label is far from likely below this share of what chance gives it, 1 / classes
# From this share of such labels on, labels look wrong. `benchmarks.suspect_labels` measures pools
# with and without planted mistakes.
ALARM = 0.03
TEMPERATURES = np.geomspace(1, 8, 25)


def suspects(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Return the inputs whose labels look wrong: index, label, suggested, worst first.

    An input counts as confidently of class j where its probability of j is at least the mean
    probability of j over the inputs labelled j; it is suspect where the likeliest such class is
    not its label (the off-diagonal of the confident joint, section 3.1).

    Args:
        labels: integers (n,).
        probabilities: (n, classes), by a model that has not learned from these labels.

    Raises:
        InputError: for arrays that do not fit each other.
    """
    probabilities = checks.numeric("probabilities", probabilities, ndim=2)
    labels = checks.labels("labels", labels, probabilities.shape[1])
    checks.same_length(labels=labels, probabilities=probabilities)
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    own = probabilities[np.arange(len(labels)), labels]
    sums = np.bincount(labels, own, minlength=probabilities.shape[1])
    # A class that no input is labelled as has no threshold, and is never suggested.
    limits = np.divide(sums, counts, out=np.full(len(counts), np.inf), where=counts > 0)
    confident = np.where(probabilities >= limits, probabilities, -1)
    suggested = confident.argmax(axis=1)
    hit = np.flatnonzero((confident.max(axis=1) >= 0) & (suggested != labels))
    margin = own[hit] - probabilities[hit, suggested[hit]]
    hit = hit[np.argsort(margin, kind="stable")]
    return pd.DataFrame({"index": hit, "label": labels[hit], "suggested": suggested[hit]})


def far_share(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the share of labels that are far from likely; above ALARM, labels look wrong.

    Suspects alone tell no wrong labels from classes that are hard to tell apart: these have many
    suspects, too, but labels that are about as likely as the class they are taken for. The
    probabilities are tempered first, so that heads of few inputs, which are too sure, raise no
    alarm.

    Args:
        labels, probabilities: as `suspects` takes them.

    Raises:
        InputError: for arrays that do not fit each other.
    """
    probabilities = checks.numeric("probabilities", probabilities, ndim=2)
    labels = checks.labels("labels", labels, probabilities.shape[1])
    checks.same_length(labels=labels, probabilities=probabilities)
    own = tempered(labels, probabilities)[np.arange(len(labels)), labels]
    return float((own < FAR / probabilities.shape[1]).mean())


def tempered(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return probabilities (n, classes) by the one of TEMPERATURES that makes the labels likeliest
    (Guo et al. 2017, ICML, section 4.2)."""
    logs = np.log(np.maximum(probabilities.astype(np.float64), 1e-30))
    own = np.arange(len(labels)), labels

    def at(temperature: float) -> np.ndarray:
        powers = np.exp((logs - logs.max(axis=1, keepdims=True)) / temperature)
        return powers / powers.sum(axis=1, keepdims=True)

    surprise = [-np.log(np.maximum(at(t)[own], 1e-30)).sum() for t in TEMPERATURES]
    return at(TEMPERATURES[int(np.argmin(surprise))])


def held_out_probabilities(
    model: keras.Model, part: Part, classes: int, *, seed: int = 0
) -> np.ndarray:
    """Return probabilities (n, classes), each by a softmax head on the model's last hidden states
    that was trained on the other folds of the part.

    Raises:
        InputError: for a model without reachable layers.
    """
    hidden = last_hidden(model, part.x)
    hidden = zscale(hidden, scale_of(hidden))
    fold = seeds.generator(seed, "folds").permutation(len(part)) % FOLDS
    found = np.zeros((len(part), classes), np.float32)
    for number in range(FOLDS):
        out = fold == number
        rng = seeds.generator(seed, "suspects", number)
        head = softmax_head(hidden[~out], part.y[~out], classes, generator=rng)
        found[out] = head_predict(head, hidden[out])
    return found
