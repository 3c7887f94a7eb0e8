"""What speaks for each cause in one training, and a finding's causes and fixes in that order.

A cause's weight for a symptom is multiplied by its evidence, a number in [0, 1] from the other
findings and the record. The product decides, not the first branch: a slow learning rate that
would explain everything but is contradicted by its numbers scores nothing.
"""

from dataclasses import dataclass, replace

import numpy as np

from mode.diagnosis.catalog.causes import CAUSES, TREE
from mode.diagnosis.catalog.fixes import fix
from mode.diagnosis.facts.layers import RECTIFIERS, RECURRENT
from mode.diagnosis.facts.model import hidden_kernels
from mode.diagnosis.facts.outcome import Case
from mode.diagnosis.facts.training import accuracies, gradient_arrives, slope, steep, update_ratio
from mode.diagnosis.findings import Cause, Finding, Fix
from mode.diagnosis.limits import LIMITS

# The cause that a finding before training speaks for, and how loudly that cause is heard.
_STATIC = {
    "activation_mismatch": "output",
    "repeated_activation": "output",
    "hidden_softmax": "activation",
    "unbounded_rnn_activation": "explosive",
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
    "unchanged_weights": "frozen",
    "high_dropout": "dropout",
    "bottleneck": "capacity",
    "unsafe_operation": "operation",
}
_WEIGHT = {
    "frozen": 1.0,
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
# What a finding during training says for causes.
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


@dataclass(frozen=True)
class Support:
    """votes: cause -> (support in [0, 1], why). fixes and codes: code -> fix, and cause -> codes,
    of the fixes that were filled in before training."""

    votes: dict[str, tuple[float, str]]
    fixes: dict[str, Fix]
    codes: dict[str, list[str]]

    def of(self, cause: str) -> tuple[float, str]:
        """Return support and reason of one cause."""
        return self.votes.get(cause, (0.0, ""))


def support(case: Case, static: list[Finding], dynamic: list[Finding]) -> Support:
    """Return what the findings and the numbers of the record say for each cause."""
    votes: dict[str, tuple[float, str]] = {}

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
    return Support(votes, *_named_fixes(static))


def _explain_away(votes: dict) -> None:
    """Small steps follow from a gradient that does not arrive; then the rate is not their cause."""
    known = [
        votes.get(c, (0.0,))[0] for c in ("activation", "initialisation", "output", "explosive")
    ]
    if max(known) >= 0.6 and votes.get("rate_low", (0.0,))[0] < 0.9:
        votes["rate_low"] = (votes.get("rate_low", (0.0, ""))[0] * 0.5, "small updates")


def _named_fixes(static: list[Finding]) -> tuple[dict[str, Fix], dict[str, list[str]]]:
    """Return code -> fix, and cause -> codes, of the fixes that findings before training name."""
    fixes: dict[str, Fix] = {}
    codes: dict[str, list[str]] = {}
    for finding in static:
        cause = _STATIC.get(finding.symptom)
        if cause is None or finding.severity == "note":
            continue
        for found in finding.fixes:
            fixes.setdefault(found.code, found)
            codes.setdefault(cause, []).append(found.code)
    return fixes, codes


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
    if any(s.kind == "SimpleRNN" for s in case.facts.layers):
        yield "recurrence", 0.5, "a plain recurrent layer"
    if any(s.kind in RECURRENT and s.activation in RECTIFIERS for s in case.facts.layers):
        yield "explosive", 0.6, "an unbounded recurrent state"
    if hidden and max(s.units for s in hidden) <= 4 and len(rectified) <= len(hidden):
        yield "capacity", 0.6, f"at most {max(s.units for s in hidden)} units a layer"
    yield from _training(case)
    if steep(case.record):
        yield "operation", 0.95, "gradients are not finite where all values still are"


def _training(case: Case):
    """Yield support from how long training was, in what steps, and where its loss stands."""
    record, optimiser = case.record, case.facts.optimiser
    per_epoch = record.total_steps / max(len(record.epochs), 1)
    if per_epoch <= 2 and record.total_steps < 200 and record.batch >= LIMITS.batch_part:
        yield "batch", 0.55, f"{per_epoch:.0f} steps an epoch"
    logged, chance = accuracies(record), case.outcome.majority
    by_heart = logged is not None and logged[0][-1] > chance + 0.2
    if logged is not None and by_heart and logged[1].max() < chance + LIMITS.chance_margin:
        yield "labels", 0.95, "nothing that is learned holds for validation rows"
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
    codes = dict.fromkeys(code for _, c in ranked for code in _codes(c, votes))
    return replace(finding, causes=causes, fixes=tuple(_fix(code, case, votes) for code in codes))


def _codes(cause: str, votes: Support) -> list[str]:
    return votes.codes.get(cause) or CAUSES[cause][1].split()


def _fix(code: str, case: Case, votes: Support) -> Fix:
    batch = min(case.record.batch // LIMITS.batch_part, LIMITS.batch_usual)
    return votes.fixes.get(code) or fix(code, case.facts, epochs="4 x as many", batch=batch)
