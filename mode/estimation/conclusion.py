"""The result of an estimate: what it says, and when it says nothing."""

from dataclasses import dataclass, field
from html import escape
from typing import Any

import pandas as pd

from mode.estimation.calibration import Calibration, Description

CANNOT_TELL = "cannot tell"
NO_SHIFT, CLASS_SHARES, SHIFTED = "no shift found", "class shares differ", "shifted"
WIDEST = 0.15  # half the width of an interval that is still an answer
DIFFERENT = 0.1  # total variation distance, from which on class shares are called different
APART = 0.3  # domain measure, from which on inputs are called shifted
NEW_KINDS = 0.1  # domain measure, from which on images that are alike otherwise may show new kinds
ALIKE = 0.75  # domain measure by the statistics of images, beyond which they are corrupted


@dataclass(frozen=True, repr=False)
class Estimate:
    """An estimated accuracy on inputs without labels.

    Attributes:
        accuracy: estimated share of right predictions, 0 to 1; a best guess where the verdict is
            "cannot tell".
        interval: (low, high) that holds the accuracy of these inputs in 90 % of cases.
        by_class: one row per predicted class: its inputs, their estimated accuracy, the accuracy on
            the labeled set, and the class's share in the labeled and (estimated) unlabeled set.
        method: the method's name.
        verdict: "no shift found", "class shares differ", "shifted" or "cannot tell".
        shift: measures of the distance between the two sets, 0 for none, and the residual of the
            class shares.
        labeled_accuracy: accuracy on the labeled set.
        estimates: accuracy by every method.
        inputs: number of unlabeled inputs.
        reasons: sentences.
    """

    accuracy: float
    interval: tuple[float, float]
    by_class: pd.DataFrame
    method: str
    verdict: str
    shift: dict[str, float]
    labeled_accuracy: float
    estimates: dict[str, float]
    inputs: int
    reasons: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        low, high = (100 * end for end in self.interval)
        if self.verdict == CANNOT_TELL:
            return (
                f"cannot tell the accuracy on {self.inputs:,} unlabeled inputs: "
                f"{low:.0f} to {high:.0f} %, best guess {100 * self.accuracy:.0f} %; "
                f"{100 * self.labeled_accuracy:.1f} % on the labeled set"
            )
        return (
            f"accuracy {100 * self.accuracy:.1f} % ({low:.1f} to {high:.1f} %) on "
            f"{self.inputs:,} unlabeled inputs, {100 * self.labeled_accuracy:.1f} % on the labeled "
            f"set: {self.verdict}"
        )

    def __str__(self) -> str:
        return "\n  ".join([repr(self), *self.reasons])

    def _repr_html_(self) -> str:
        reasons = "".join(f"<li>{escape(reason)}</li>" for reason in self.reasons)
        return f"<p><b>{escape(repr(self))}</b></p><ul>{reasons}</ul>"

    def to_dict(self) -> dict[str, Any]:
        """Return all values as plain numbers and texts, for JSON."""
        return {
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "verdict": self.verdict,
            "method": self.method,
            "labeled_accuracy": self.labeled_accuracy,
            "inputs": self.inputs,
            "shift": dict(self.shift),
            "estimates": dict(self.estimates),
            "by_class": self.by_class.to_dict("records"),
            "reasons": list(self.reasons),
        }


def abstention_reasons(
    description: Description,
    calibration: Calibration,
    half_width: float,
    images_apart: float | None = None,
) -> list[str]:
    """Return why no accuracy can be estimated; empty where one can.

    images_apart: the domain measure by `image_statistics`; None for inputs that are no images.
    """
    reasons = []
    if half_width > WIDEST:
        reasons.append(
            f"On made shifts like this one the estimate may be wrong by {100 * half_width:.0f} "
            f"points (limit {100 * WIDEST:.0f}): label a few of these inputs."
        )
    apart = description.measures["domain"]
    limit = min(ALIKE, 1.1 * apart)  # a corruption of the images is far beyond
    if images_apart is not None and apart > NEW_KINDS and images_apart <= limit:
        reasons.append(
            f"The model sees these images otherwise than the labeled ones ({apart:.2f}) though "
            f"their light, edges and noise hardly differ more ({images_apart:.2f}): they may show "
            "kinds of things that the labeled set lacks, which no made shift does."
        )
    beyond = calibration.beyond(description)
    if beyond:
        reasons.append(
            f"The inputs lie beyond all shifts that were made of the labeled set "
            f"({', '.join(beyond)}): nothing was learned about inputs like these."
        )
    return reasons


def verdict_of(description: Description) -> str:
    """Return what kind of shift was found."""
    if description.measures["domain"] > APART:
        return SHIFTED
    return CLASS_SHARES if description.shares.distance > DIFFERENT else NO_SHIFT


def shift_sentences(description: Description) -> list[str]:
    """Return what is known of the shift, in sentences."""
    shares, apart = description.shares, description.measures["domain"]
    differ = f"The class shares differ from the labeled set's by {100 * shares.distance:.0f} %"
    left = 100 * shares.residual
    unexplained = f", which leaves {left:.1f} points of the predictions unexplained"
    skill = f"A classifier trained to tell the two sets apart has skill {apart:.2f} (0 is chance, "
    return [differ + (unexplained if left >= 0.05 else "") + ".", skill + "1 is always right)."]
