"""Rules about the optimizer, before any step.

Each takes the facts of a model and returns findings of the symptom that it is named after.
"""

from mode.diagnosis.catalog.fixes import make_fix
from mode.diagnosis.catalog.symptoms import make_finding
from mode.diagnosis.facts.model import ModelFacts, OptimizerFacts
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.limits import LIMITS


def lr_negative(facts: ModelFacts) -> list[Finding]:
    """A learning rate of 0 or less."""
    optimizer = facts.optimizer
    if optimizer is None or optimizer.rate > 0:
        return []
    return [_rate_finding("lr_negative", facts, optimizer, 0.0, "fix_learning_rate", gate="none")]


def lr_high(facts: ModelFacts) -> list[Finding]:
    """A learning rate above what its optimizer usually takes, momentum included."""
    optimizer = facts.optimizer
    if optimizer is None:
        return []
    high = LIMITS.rate_high if _unscaled(optimizer) else LIMITS.rate_high_adaptive
    high = LIMITS.rate_high_adadelta if optimizer.name == "adadelta" else high
    if optimizer.rate <= 0 or _effective_rate(optimizer) <= high * LIMITS.rate_rounding:
        return []
    codes = ("lower_learning_rate", "change_optimizer", "clip_gradient")
    return [_rate_finding("lr_high", facts, optimizer, high, *codes)]


def lr_low(facts: ModelFacts) -> list[Finding]:
    """A learning rate below what its optimizer usually takes, momentum included."""
    optimizer = facts.optimizer
    if optimizer is None:
        return []
    low = LIMITS.rate_low * (LIMITS.rate_low_unscaled if _unscaled(optimizer) else 1)
    if optimizer.rate <= 0 or _effective_rate(optimizer) >= low:
        return []
    return [_rate_finding("lr_low", facts, optimizer, low, "raise_learning_rate")]


def _unscaled(optimizer: OptimizerFacts) -> bool:
    return optimizer.usual_rate >= LIMITS.unscaled_rate


def _effective_rate(optimizer: OptimizerFacts) -> float:
    return optimizer.rate / max(1 - optimizer.momentum, LIMITS.momentum_gap)


def _rate_finding(
    code: str, facts: ModelFacts, optimizer: OptimizerFacts, limit: float, *fixes: str,
    gate: str = "fair",
) -> Finding:  # fmt: skip
    evidence = Evidence("learning rate", optimizer.rate, limit)
    text = "the learning rate is out of its usual band"
    where = Where("optimizer", variable=optimizer.name)
    return make_finding(
        code, where, evidence, text=text, fixes=[make_fix(fix, facts) for fix in fixes], gate=gate
    )


def oscillating_loss(facts: ModelFacts) -> list[Finding]:
    """A momentum that overshoots."""
    optimizer = facts.optimizer
    if optimizer is None or optimizer.momentum <= LIMITS.momentum:
        return []
    evidence = Evidence("momentum", optimizer.momentum, LIMITS.momentum)
    where = Where("optimizer", variable=optimizer.name)
    fixes = [make_fix(code, facts) for code in ("reduce_momentum", "lower_learning_rate")]
    return [make_finding("oscillating_loss", where, evidence, text="so much momentum overshoots",
                         fixes=fixes, gate="fair")]  # fmt: skip


RULES = (lr_negative, lr_high, lr_low, oscillating_loss)
