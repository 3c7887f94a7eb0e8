"""Static rules about the optimiser: learning rate and momentum."""

from mode.diagnosis.details import fix
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.limits import LIMITS
from mode.diagnosis.modelfacts import ModelFacts
from mode.diagnosis.remedies import usual_rate


def optimiser_findings(facts: ModelFacts) -> list[Finding]:
    """Return what is wrong with the learning rate and the momentum, before any step."""
    return [*_rate(facts), *_momentum(facts)]


def _rate(facts: ModelFacts) -> list[Finding]:
    optimiser = facts.optimiser
    if optimiser is None:
        return []
    rate, usual = optimiser.rate / max(1 - optimiser.momentum, 1e-3), usual_rate(optimiser.name)
    where = Where("optimiser", variable=optimiser.name)
    high = LIMITS.rate_high if usual >= 0.01 else LIMITS.rate_high_adaptive
    high = 100.0 if optimiser.name == "adadelta" else high
    low = LIMITS.rate_low * (10 if usual >= 0.01 else 1)
    known = {"phase": where, "rate": optimiser.rate}
    if optimiser.rate <= 0:
        return [
            _rate_finding("lr_negative", "error", known, 0.0, "fix_learning_rate", facts, "none")
        ]
    if rate > high * 1.001:  # 0.1 with a momentum of 0.9 is usual, and 1 but for rounding
        return [
            _rate_finding("lr_high", "warning", known, high, "lower_learning_rate", facts, "fair")
        ]
    if rate < low:
        return [
            _rate_finding("lr_low", "warning", known, low, "raise_learning_rate", facts, "fair")
        ]
    return []


def _rate_finding(symptom, severity, known, limit, code, facts, gate) -> Finding:
    codes = [code] if symptom != "lr_high" else [code, "change_optimizer", "clip_gradient"]
    evidence = (Evidence("learning rate", known["rate"], limit),)
    return Finding(
        symptom,
        severity,
        known["phase"],
        evidence=evidence,
        gate=gate,
        fixes=tuple(fix(c, facts) for c in codes),
        text="the learning rate is out of its usual band",
    )


def _momentum(facts: ModelFacts) -> list[Finding]:
    optimiser = facts.optimiser
    if optimiser is None or optimiser.momentum <= LIMITS.momentum:
        return []
    evidence = (Evidence("momentum", optimiser.momentum, LIMITS.momentum),)
    fixes = (fix("reduce_momentum", facts), fix("lower_learning_rate", facts))
    where = Where("optimiser", variable=optimiser.name)
    return [
        Finding(
            "oscillating_loss",
            "warning",
            where,
            evidence=evidence,
            fixes=fixes,
            text="so much momentum overshoots",
            gate="fair",
        )
    ]
