"""What the methods of the studies are called, and the one look that each has in every figure."""

import re
from collections.abc import Sequence
from typing import Any

from mode.figures import style

# Those that several studies compare, in the order in which they get their looks.
WORDS = {
    "targeted_random": "targeted random",
    "random": "random",
    "published": "MODE as published",
    "mode": "MODE in feature space",
    "margin": "smallest margin",
    "recommended": "misclassified, then margin; longer retraining",
    "misclassified_then_margin": "misclassified, then margin",
    "entropy": "largest entropy",
    "badge": "BADGE",
    "misclassified_then_random": "misclassified, then random",
    "mdsa": "surprise (MDSA)",
    "core_set": "core-set",
    "random, retrained as recommended": "random; longer retraining",
    "random again": "random, second draw",
    "targeted_random again": "targeted random, second draw",
    "default repair": "default repair",
    "whole pool": "the whole pool",
    "signed_margin": "smallest signed margin",
    "least_confidence": "least confidence",
    "gini": "largest Gini impurity",
    "dsa": "surprise (DSA)",
    "typiclust": "TypiClust",
    "clusters": "clusters of errors",
    "diverse_margin": "smallest margin, diverse",
    "oracle": "best of five random batches",
}
DATA = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
WRONG_LABELS = {"uniform": "at random", "systematic": "as look-alikes"}
SCENARIOS = {
    "under_trained": "too little training",
    "over_fitted_300": "over-fitted on 300 images",
    "over_fitted_500": "over-fitted on 500 images",
    "under_sampled_10": "classes cut to 10 %",
    "under_sampled_5": "classes cut to 5 %",
    "under_sampled_2": "classes cut to 2 %",
    "label_noise": "labels wrong at random",
    "mislabeled": "labels of look-alikes",
    "missing_thin": "thin shapes missing",
    "missing_rotated": "rotated shapes missing",
    "shifted_blur": "blurred inputs",
    "shifted_noise": "noisy inputs",
    "no_planted_fault": "nothing planted",
    **{
        f"pool_{kind}_{percent}": f"{percent} % of the pool's labels wrong, {how}"
        for kind, how in WRONG_LABELS.items()
        for percent in (5, 10, 20)
    },
}
# Words of names that follow a comma or a colon, and of what single studies compare.
PARTS = {
    "dot": "dot product",
    "manhattan": "Manhattan",
    "euclidean": "Euclidean",
    "minkowski": "Minkowski",
    "chebyshev": "Chebyshev",
    "canberra": "Canberra",
    "bray_curtis": "Bray-Curtis",
    "states": "activations",
    "chosen": "selected layer",
    "last hidden": "last hidden layer",
    "output": "output layer",
    "hci": "HCI",
    "dhci": "DHCI",
    "dhmi": "DHMI",
    "dhwi": "DHWI",
    "by fault": "MODE's map of the fault",
    "importance": "weighted by importance",
    "scratch": "from scratch",
    "new batch": "on the new batch alone",
    "replay": "with replay",
    "replay of right ones": "replay of correct inputs",
}
DEFECTS = {
    "earth_mover_unflipped": "sign of the earth mover reversed",
    "canberra_is_chebyshev": "Canberra computes Chebyshev",
    "gray_level_earth_mover": "earth mover ignores places",
    "pixel_hci_only": "maps are mean images",
    "layer_never_differs": "always the output layer",
    "test_leak": "the test split diagnoses",
    "one_split_diagnosis": "faults found on one split",
    "probe_diagnoses": "a probe is diagnosed",
    "extra_control_batch": "extra batch for the control",
    "fresh_init": "a new model per metric",
    "no_replay": "retraining without old inputs",
    "swapped_hmi_hwi": "HMI and HWI swapped",
    "depleted_figures": "figures of a used-up pool",
    "all of them": "all of them",
}
MATCHED = "class-matched random for "
MARKS = "sX^vDoP*"
STYLES = ("-", "--", ":", "-.")


def method_words(name: str) -> str:
    """Return a method's name as people read it; what follows a comma or colon is kept.

    Example:
        >>> method_words("mode, alpha 0.5")
        'MODE in feature space, alpha 0.5'
        >>> method_words("euclidean: chosen")
        'Euclidean: selected layer'
        >>> method_words("class-matched random for margin")
        'class-matched random for smallest margin'
    """
    if name.startswith(MATCHED):
        return MATCHED + method_words(name.removeprefix(MATCHED))
    if name in WORDS:
        return WORDS[name]
    parts = re.split("(, |: )", name)
    return "".join(WORDS.get(part, PARTS.get(part, style.words(part))) for part in parts)


def method_looks(methods: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return method -> color, marker and dashes; a method of WORDS has the same in every figure.

    The others take colors that no method has yet, as long as there are any.

    Example:
        >>> method_looks(["margin", "new"])["margin"] == method_looks(["margin"])["margin"]
        True
    """
    places = {name: n for n, name in enumerate(WORDS) if name in methods}
    colors = len(style.COLORS)
    beyond = range(len(WORDS), len(WORDS) + len(methods) + colors)
    for method in methods:
        if method not in places:
            free = [n for n in beyond if n not in places.values()]
            used = {n % colors for n in places.values()}
            places[method] = next((n for n in free if n % colors not in used), free[0])
    return {method: _look(places[method]) for method in methods}


def _look(n: int) -> dict[str, Any]:
    look: dict[str, Any] = {"markersize": 4.5, "linewidth": 1.5}
    look["color"] = style.COLORS[n % len(style.COLORS)]
    look["linestyle"] = STYLES[n // len(style.COLORS) % len(STYLES)]
    return look | {"marker": MARKS[n % len(MARKS)]}
