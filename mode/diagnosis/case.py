"""What every rule looks at, and where the first value that is not finite began."""

from dataclasses import dataclass

import numpy as np

from mode.diagnosis.findings import Finding, When
from mode.diagnosis.limits import LIMITS
from mode.diagnosis.modelfacts import ModelFacts
from mode.diagnosis.outcome import Outcome
from mode.diagnosis.record import Record


@dataclass(frozen=True)
class Case:
    """What a rule may look at: the record, the model's facts, the outcome."""

    record: Record
    facts: ModelFacts
    outcome: Outcome

    @property
    def now(self) -> When:
        """The present moment of the training."""
        return When(max(len(self.record.epochs), 1), self.record.total_steps)

    def finding(self, symptom, severity, where, *evidence, gate="none", text="", when=None):
        """Return a finding at this moment; causes and fixes are added by the decision tree."""
        return Finding(
            symptom, severity, where, when or self.now, tuple(evidence), text=text, gate=gate
        )


def first_broken(record: Record) -> int | None:
    """Return the row where the first non-finite value began, or None.

    Ties at one step are broken by input < activations in order < loss < gradients in
    reverse < weights.
    """
    bad = np.flatnonzero(record.broken)
    if not record.broken_step or not len(bad):
        return None
    rank = {"input": 0, "activation": 1, "loss": 2, "gradient": 3, "weight": 4, "update": 5}

    def order(i: int) -> tuple[int, int]:
        phase = record.rows[i].phase
        return rank[phase], -i if phase == "gradient" else i

    return min(map(int, bad), key=order)


def steep(record: Record) -> bool:
    """Tell whether gradients broke first, from moderate values: an operation has no finite slope.

    Gradients that had been growing overflow; those leave the reason open.
    """
    row = first_broken(record)
    if row is None or record.rows[row].phase != "gradient":
        return False
    before = record.column("max_abs")[record.steps < record.broken_step]
    largest = before[-1][record.indices("gradient")].max() if len(before) else 0.0
    return bool(largest < LIMITS.moderate_gradient)
