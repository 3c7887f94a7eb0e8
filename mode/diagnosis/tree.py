"""From findings to causes: votes for each cause, and the fixes of those with the most.

A cause's weight for a symptom is multiplied by its support, a number in [0, 1] that `support`
reads off the other findings and the record. The sum decides, not the first branch: a slow
learning rate that would explain everything but is contradicted by its numbers gets no vote.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mode.diagnosis.causes import CAUSES, TREE
from mode.diagnosis.details import RECURRENT, fix, hidden_kernels
from mode.diagnosis.findings import Cause, Finding
from mode.diagnosis.modelfacts import RECTIFIERS
from mode.diagnosis.symptoms import Case, steep
from mode.diagnosis.symptoms_curves import slope
from mode.diagnosis.symptoms_weights import gradient_arrives, update_ratio


@dataclass(frozen=True)
class Support:
    """What speaks for each cause in one training: cause -> (support in [0, 1], why)."""

    votes: dict

    def of(self, cause: str) -> tuple[float, str]:
        """Return support and reason of one cause."""
        return self.votes.get(cause, (0.0, ""))


_STATIC = {
    "activation_mismatch": "output",
    "loss_mismatch": "output",
    "missing_softmax": "output",
    "target_mismatch": "output",
    "shape_mismatch": "output",
    "target_out_of_range": "output",
    "target_not_distribution": "output",
    "bad_labels": "labels",
    "single_class_target": "labels",
    "nan_in_input": "missing_values",
    "unnormalized_input": "scale",
    "target_scale": "target_scale",
    "lr_high": "rate_high",
    "lr_negative": "rate_high",
    "lr_low": "rate_low",
    "oscillating_loss": "momentum",
    "bad_initialization": "initialisation",
    "vanishing_gradient": "activation",
    "exploding_activation": "explosive",
    "missing_activation": "linearity",
    "high_dropout": "dropout",
    "bottleneck": "capacity",
    "unsafe_operation": "operation",
}
_WEIGHT = {
    "output": 1.0,
    "labels": 1.0,
    "missing_values": 1.0,
    "scale": 0.8,
    "rate_high": 0.9,
    "rate_low": 0.9,
    "explosive": 0.95,
    "activation": 0.75,
    "initialisation": 0.85,
    "linearity": 0.8,
    "target_scale": 0.75,
    "momentum": 0.85,
    "dropout": 0.9,
    "capacity": 0.85,
    "operation": 1.0,
}


def support(case: Case, static: list[Finding], dynamic: list[Finding]) -> Support:
    """Return what the static findings and the numbers of the record say for each cause."""
    votes: dict = {}

    def vote(cause: str, value: float, why: str) -> None:
        if value > votes.get(cause, (0.0, ""))[0]:
            votes[cause] = (value, why)

    for finding in static:
        cause = _STATIC.get(finding.symptom)
        if cause and finding.severity != "note":
            sure = 1.0 if finding.severity == "error" else 0.85
            vote(cause, _WEIGHT[cause] * sure, finding.text)
    for finding in dynamic:
        for cause, value in _HINTS.get(finding.symptom, {}).items():
            vote(cause, value, f"{finding.symptom} at {finding.where}")
    for cause, value, why in _numbers(case):
        vote(cause, value, why)
    _explain_away(votes)
    return Support(votes)


def _explain_away(votes: dict) -> None:
    """Small steps follow from a gradient that does not arrive; then the rate is not their cause."""
    known = [
        votes.get(c, (0.0,))[0] for c in ("activation", "initialisation", "output", "explosive")
    ]
    if max(known) >= 0.6 and votes.get("rate_low", (0.0,))[0] < 0.9:
        votes["rate_low"] = (votes.get("rate_low", (0.0, ""))[0] * 0.5, "small updates")


_HINTS = {
    "dead_relu": {"activation": 0.45, "initialisation": 0.35, "rate_high": 0.35},
    "saturated_activation": {"activation": 0.45, "scale": 0.2},
    "vanishing_gradient": {"activation": 0.55, "initialisation": 0.3},
    "exploding_weights": {"rate_high": 0.6},
    "exploding_gradient": {"rate_high": 0.5},
    "lr_high": {"rate_high": 0.75},
    "lr_low": {"rate_low": 0.75},
    "unchanged_weights": {"rate_low": 0.6},
    "vanishing_activation": {"initialisation": 0.5, "activation": 0.4},
    "exploding_activation": {"initialisation": 0.35, "rate_high": 0.4},
    "oscillating_loss": {"rate_high": 0.6},
    "overfitting": {"excess": 0.9},
    "validation_overlap": {"split": 1.0},
    "output_out_of_range": {"output": 0.9},
    "output_not_distribution": {"output": 0.9},
    "zero_loss": {"output": 0.9},
    "loss_metric_disagree": {"output": 0.5},
    "negative_loss": {"output": 0.6},
    "slow_convergence": {"duration": 0.55},
}


def _numbers(case: Case):
    """Yield support from the numbers of the record and the shape of the model."""
    ratio = update_ratio(case.record)
    if np.isfinite(ratio) and ratio > 0:
        yield (
            "rate_high",
            float(np.clip((np.log10(ratio) + 2.3) / 2.3, 0, 0.8)),
            f"|update| / |weight| is {ratio:.2g}",
        )
        if gradient_arrives(case.record):
            low = float(np.clip((-np.log10(ratio) - 3.5) / 2.5, 0, 0.85))
            yield "rate_low", low, f"|update| / |weight| is {ratio:.2g}"
    hidden = hidden_kernels(case.facts)
    if len(hidden) >= 8:
        yield "depth", 0.5, f"{len(hidden)} hidden layers"
    rectified = [s for s in hidden if s.activation in RECTIFIERS]
    if any(s.kind in ("SimpleRNN",) for s in case.facts.layers):
        yield "recurrence", 0.5, "a plain recurrent layer"
    if any(s.kind in RECURRENT and s.activation in RECTIFIERS for s in case.facts.layers):
        yield "explosive", 0.6, "an unbounded recurrent state"
    if hidden and max(s.units for s in hidden) <= 4 and len(rectified) <= len(hidden):
        yield "capacity", 0.6, f"at most {max(s.units for s in hidden)} units a layer"
    yield from _training(case)

    if steep(case.record):
        yield "operation", 0.95, "gradients are not finite where all values still are"


def _training(case: Case):
    record, optimiser = case.record, case.facts.optimiser
    per_epoch = record.total_steps / max(len(record.epochs), 1)
    if per_epoch <= 2 and record.total_steps < 200:
        yield "batch", 0.55, f"{per_epoch:.0f} steps an epoch"
    losses = [loss for loss in record.log("loss") if np.isfinite(loss)]
    if len(losses) > 2 and slope(np.array(losses))[0] > 0.1 and losses[-1] < losses[0]:
        yield "duration", 0.5, "the loss still falls at the end"
    if record.total_steps < 100:
        yield "duration", 0.5, f"only {record.total_steps} steps"
    if optimiser is not None and optimiser.name in ("sgd", "adadelta", "adagrad", "ftrl"):
        yield "optimiser", 0.5, optimiser.name
    else:
        yield "optimiser", 0.1, "the optimiser is adaptive"


def explain(finding: Finding, case: Case, votes: Support) -> Finding:
    """Return the finding with its causes by weight and their fixes in that order."""
    branch = TREE.get(finding.symptom)
    if branch is None or finding.fixes:
        return finding
    ranked = [(weight * votes.of(cause)[0], cause) for cause, weight in branch.items()]
    ranked = sorted([r for r in ranked if r[0] > 0.05], key=lambda r: -r[0])
    ranked = ranked or [(weight * 0.1, cause) for cause, weight in branch.items()][:3]
    causes = tuple(Cause(c, round(float(w), 3), votes.of(c)[1] or CAUSES[c][0]) for w, c in ranked)
    codes = dict.fromkeys(code for _, c in ranked for code in _cause_fixes(c, votes))
    return replace(finding, causes=causes, fixes=tuple(_fix(code, case, votes) for code in codes))


def _cause_fixes(cause: str, votes: Support) -> list[str]:
    static = votes.votes.get(f"fixes of {cause}")
    return static if static else CAUSES[cause][1].split()


def _fix(code: str, case: Case, votes: Support):
    known = votes.votes.get("fixes", {}).get(code)
    return known if known is not None else fix(code, case.facts, epochs="4 x as many", batch=32)


def with_static_fixes(votes: Support, static: list[Finding]) -> Support:
    """Let the causes found before training bring the very fixes those findings name."""
    known: dict[str, Any] = {}
    codes: dict[str, list[str]] = {}
    for finding in static:
        cause = _STATIC.get(finding.symptom)
        if cause is None or finding.severity == "note":
            continue
        for found in finding.fixes:
            known.setdefault(found.code, found)
            codes.setdefault(f"fixes of {cause}", []).append(found.code)
    return Support({**votes.votes, **codes, "fixes": known})
