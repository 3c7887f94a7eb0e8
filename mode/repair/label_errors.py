"""Labels that look wrong, by confident learning (Northcutt, Jiang, Chuang 2021, JAIR 70)."""

import keras
import numpy as np
import pandas as pd

from mode import checks, seeds
from mode.data import Part
from mode.layers import layer_names, states
from mode.layers.blocks import last_hidden_layer
from mode.layers.probes import head_predict, scale_of, softmax_head, zscale

FOLDS = 5
FAR = 0.1  # a label is far from likely below this share of what chance gives it, 1 / classes
# So many more such labels than the probabilities themselves predict, and labels look wrong; heads
# of fewer than LEAST inputs say too little. `benchmarks.suspect_labels` measures both.
ALARM, LEAST = 0.01, 1000
UNLIKELY = 0.5  # of what chance gives a label: models that were fine-tuned say so of wrong ones
TEMPERATURES = np.geomspace(1, 8, 25)


def suspects(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Return the inputs whose labels look wrong: index, label, suggested, worst first.

    An input counts as confidently of class j where its probability of j is at least the mean
    probability of j over the inputs labeled j; it is suspect where the likeliest such class is
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
    label_probability = probabilities[np.arange(len(labels)), labels]
    sums = np.bincount(labels, label_probability, minlength=probabilities.shape[1])
    # A class that no input is labeled as has no threshold, and is never suggested.
    limits = np.divide(sums, counts, out=np.full(len(counts), np.inf), where=counts > 0)
    confident = np.where(probabilities >= limits, probabilities, -1)
    suggested = confident.argmax(axis=1)
    hit = np.flatnonzero((confident.max(axis=1) >= 0) & (suggested != labels))
    margin = label_probability[hit] - probabilities[hit, suggested[hit]]
    hit = hit[np.argsort(margin, kind="stable")]
    return pd.DataFrame({"index": hit, "label": labels[hit], "suggested": suggested[hit]})


def far_excess(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the share of labels that are far from likely, less the share that is to be expected.

    Suspects alone do not tell wrong labels from classes that are hard to tell apart. Where all
    labels are right, calibrated probabilities say how many are far from likely; wrong ones come on
    top. The probabilities are tempered first, for heads of few inputs are too sure.

    Args:
        labels, probabilities: as `suspects` takes them.

    Raises:
        InputError: for arrays that do not fit each other.
    """
    probabilities = checks.numeric("probabilities", probabilities, ndim=2)
    labels = checks.labels("labels", labels, probabilities.shape[1])
    checks.same_length(labels=labels, probabilities=probabilities)
    tempered_probabilities = tempered(labels, probabilities)
    far = tempered_probabilities < FAR / tempered_probabilities.shape[1]
    expected = (tempered_probabilities * far).sum(axis=1).mean()
    return float(far[np.arange(len(labels)), labels].mean() - expected)


def look_wrong(labels: np.ndarray, probabilities: np.ndarray) -> bool:
    """Say whether so many labels are wrong that they are to be looked at before anything else."""
    return len(labels) >= LEAST and far_excess(labels, probabilities) > ALARM


def alarming(model: keras.Model, part: Part, classes: int, *, seed: int = 0) -> bool:
    """Say whether a part's labels look wrong to heads on the model's last hidden states; never
    where the part is too small or the model's layers cannot be reached."""
    if len(part) < LEAST:
        return False
    try:
        probabilities = held_out_probabilities(model, part, classes, seed=seed)
    except checks.InputError:
        return False
    return look_wrong(part.y, probabilities)


def unlikely(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Return the inputs whose label is less than half as likely as chance gives it: index, label,
    suggested (the likeliest class), least likely first.

    Of these more are wrong than of `suspects`, which are classes that are easily confused as well.

    Args:
        labels, probabilities: as `suspects` takes them; the probabilities are tempered first.
    """
    likely = tempered(labels, probabilities)
    label_probability = likely[np.arange(len(labels)), labels]
    index = np.flatnonzero(label_probability < UNLIKELY / likely.shape[1])
    index = index[np.argsort(label_probability[index], kind="stable")]
    suggested = likely[index].argmax(axis=1)
    return pd.DataFrame({"index": index, "label": labels[index], "suggested": suggested})


def tempered(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return probabilities (n, classes) by the one of TEMPERATURES that makes the labels likeliest
    (Guo et al. 2017, ICML, section 4.2)."""
    logs = np.log(np.maximum(probabilities.astype(np.float64), 1e-30))
    label_places = np.arange(len(labels)), labels

    def at(temperature: float) -> np.ndarray:
        powers = np.exp((logs - logs.max(axis=1, keepdims=True)) / temperature)
        return powers / powers.sum(axis=1, keepdims=True)

    surprise = [-np.log(np.maximum(at(t)[label_places], 1e-30)).sum() for t in TEMPERATURES]
    return at(TEMPERATURES[int(np.argmin(surprise))])


def held_out_probabilities(
    model: keras.Model, part: Part, classes: int, *, seed: int = 0
) -> np.ndarray:
    """Return probabilities (n, classes), each by a softmax head on the model's last hidden states
    that was trained on the other folds of the part.

    Raises:
        InputError: for a model without reachable layers.
    """
    layer = last_hidden_layer(layer_names(model))
    hidden = states(model, part.x, layer)[layer]
    hidden = zscale(hidden, scale_of(hidden))
    fold = seeds.generator(seed, "folds").permutation(len(part)) % FOLDS
    held_out = np.zeros((len(part), classes), np.float32)
    for number in range(FOLDS):
        out = fold == number
        rng = seeds.generator(seed, "suspects", number)
        head = softmax_head(hidden[~out], part.y[~out], classes, generator=rng)
        held_out[out] = head_predict(head, hidden[out])
    return held_out
