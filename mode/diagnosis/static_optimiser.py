"""Static rules about the optimiser: learning rate and momentum."""

from functools import partial

from mode.diagnosis.details import fix
from mode.diagnosis.findings import Evidence, Finding, Where, before_training
from mode.diagnosis.limits import LIMITS
from mode.diagnosis.modelfacts import ModelFacts, OptimiserFacts
from mode.diagnosis.remedies import usual_rate


def optimiser_findings(facts: ModelFacts) -> list[Finding]:
    """Return what is wrong with the learning rate and the momentum, before any step."""
    return [*_rate(facts), *_momentum(facts)]


def _rate(facts: ModelFacts) -> list[Finding]:
    optimiser = facts.optimiser
    if optimiser is None:
        return []
    rate, usual = optimiser.rate / max(1 - optimiser.momentum, 1e-3), usual_rate(optimiser.name)
    high = LIMITS.rate_high if usual >= 0.01 else LIMITS.rate_high_adaptive
    high = 100.0 if optimiser.name == "adadelta" else high
    low = LIMITS.rate_low * (10 if usual >= 0.01 else 1)
    found = partial(_rate_finding, facts, optimiser)
    if optimiser.rate <= 0:
        return [found("lr_negative", "error", 0.0, ["fix_learning_rate"], "none")]
    if rate > high * 1.001:  # 0.1 with a momentum of 0.9 is usual, and 1 but for rounding
        codes = ["lower_learning_rate", "change_optimizer", "clip_gradient"]
        return [found("lr_high", "warning", high, codes, "fair")]
    if rate < low:
        return [found("lr_low", "warning", low, ["raise_learning_rate"], "fair")]
    return []


def _rate_finding(
    facts: ModelFacts, optimiser: OptimiserFacts, symptom: str, severity: str, limit: float,
    codes: list[str], gate: str,
) -> Finding:  # fmt: skip
    where = Where("optimiser", variable=optimiser.name)
    evidence = (Evidence("learning rate", optimiser.rate, limit),)
    text = "the learning rate is out of its usual band"
    fixes = [fix(code, facts) for code in codes]
    return before_training(symptom, severity, where, evidence, fixes, text, gate)


def _momentum(facts: ModelFacts) -> list[Finding]:
    optimiser = facts.optimiser
    if optimiser is None or optimiser.momentum <= LIMITS.momentum:
        return []
    evidence = (Evidence("momentum", optimiser.momentum, LIMITS.momentum),)
    fixes = (fix("reduce_momentum", facts), fix("lower_learning_rate", facts))
    where = Where("optimiser", variable=optimiser.name)
    text = "so much momentum overshoots"
    return [before_training("oscillating_loss", "warning", where, evidence, fixes, text, "fair")]
