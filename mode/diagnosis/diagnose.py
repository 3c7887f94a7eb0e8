"""Findings before a training (`check`) and of a recorded one (`judge`), worst first."""

from collections.abc import Iterable
from dataclasses import replace

from mode.diagnosis.cause_scores import explain, support
from mode.diagnosis.facts.data import Moments, array_moments, head_kind, listed
from mode.diagnosis.facts.model import ModelFacts, model_facts
from mode.diagnosis.facts.outcome import Case, Outcome, judge_outcome
from mode.diagnosis.facts.training import EARLY, Record, first_broken
from mode.diagnosis.findings import SEVERITIES, Finding, Where, worst_first
from mode.diagnosis.report import Findings
from mode.diagnosis.rules import curves, steps
from mode.diagnosis.rules.custom_code import own_code_findings
from mode.diagnosis.rules.data import input_findings, label_findings
from mode.diagnosis.rules.model import model_findings
from mode.diagnosis.rules.outputs import metric_findings, output_findings


def check(model, x=None, y=None) -> Findings:
    """Return the findings of the static rules, worst first, without running the model: a list
    that prints in a terminal and draws in a notebook.

    `x` and `y` are arrays (n x ...), lists or dictionaries of them; rules about data need them.
    What cannot be judged (a model not built, not compiled) becomes a note that says so.
    """
    facts = model_facts(model)
    inputs = _moments("input", listed(x))
    targets = _moments("target", _ordered(y, facts))
    findings = [*static_findings(facts, inputs, targets), *own_code_findings(model, facts)]
    return Findings(worst_first([*findings, *_not_judged(facts, x, y)]))


def _ordered(y, facts: ModelFacts) -> list:
    if isinstance(y, dict):
        y = [y[head.name] for head in facts.heads if head.name in y]
    return listed(y)


def _moments(kind: str, arrays: Iterable) -> tuple[Moments, ...]:
    found = [array_moments(f"{kind} {i}", array) for i, array in enumerate(arrays)]
    return tuple(m for m in found if m is not None)


def static_findings(facts: ModelFacts, inputs, targets) -> list[Finding]:
    """Return the findings about a model whose data are known by their moments."""
    found = list(input_findings(facts, inputs))
    paired = targets if len(targets) == len(facts.heads) else ()
    for i, head in enumerate(facts.heads):
        target = paired[i] if paired else None
        kind = head_kind(head, target)
        wrong = [] if target is None else label_findings(facts, head, target, kind)
        found += wrong or output_findings(head, target)
        found += metric_findings(head, kind, facts.metrics)
    return [*found, *model_findings(facts)]


def _not_judged(facts: ModelFacts, x, y) -> list[Finding]:
    gaps = []
    if not facts.built:
        gaps.append("the outputs: the model is not built")
    if not facts.compiled:
        gaps.append("loss and optimiser: the model is not compiled")
    elif x is None or y is None:
        gaps.append("inputs and targets: no data given")
    where = Where("fit")
    return [Finding("not_judged", "note", where, text=f"could not judge {gap}") for gap in gaps]


RULES = (
    steps.numerical,
    steps.constant_output,
    curves.odd_value,
    steps.output_range,
    curves.disagreement,
    curves.two_losses,
    steps.exploding,
    steps.activation_size,
    steps.vanishing,
    steps.dead_relu,
    steps.saturated,
    steps.unchanged,
    steps.rate,
    curves.crawling,
    curves.rising,
    curves.oscillating,
    curves.flat_loss,
    curves.validation_rows,
    curves.suspicious_validation,
    curves.overfitting,
    curves.unfinished,
)
# once a number is not finite, sizes and shares say nothing any more
AFTER_NAN = (
    steps.numerical,
    curves.odd_value,
    steps.output_range,
    steps.exploding,
    curves.flat_loss,
    curves.validation_rows,
)
# roots before what follows from them, within one severity
ORDER = (
    "unsafe_operation",
    "nan_in_input",
    "bad_labels",
    "single_class_target",
    "target_out_of_range",
    "shape_mismatch",
    "lr_negative",
    "target_mismatch",
    "activation_mismatch",
    "repeated_activation",
    "missing_softmax",
    "loss_mismatch",
    "target_not_distribution",
    "hidden_softmax",
    "unbounded_rnn_activation",
    "bad_initialization",
    "high_dropout",
    "missing_activation",
    "exploding_activation",
    "unnormalized_input",
    "target_scale",
    "lr_high",
    "lr_low",
    "validation_overlap",
    "bottleneck",
    "numerical_error",
    "zero_loss",
    "negative_loss",
    "constant_output",
    "loss_metric_disagree",
    "exploding_gradient",
    "exploding_weights",
    "vanishing_gradient",
    "dead_relu",
    "vanishing_activation",
    "saturated_activation",
    "unchanged_weights",
    "loss_increasing",
    "oscillating_loss",
    "loss_not_decreasing",
)


def judge(
    record: Record, facts: ModelFacts, extra: tuple[Finding, ...] = ()
) -> tuple[list[Finding], Outcome]:
    """Return the findings, worst and most fundamental first, and the outcome behind the gates.

    `extra` are findings made elsewhere, such as unsafe operations found by tracing.
    """
    outcome = judge_outcome(record, facts.heads)
    case = Case(record, facts, outcome)
    extra = tuple(_seen_to_fail(f, record) for f in extra)
    static = [*static_findings(facts, record.inputs, record.targets), *extra]
    static = [f for f in static if f.symptom != "single_class_target" or _rows_enough(record)]
    static = [_escalated(gated(f, outcome), f, outcome) for f in static]
    rules = AFTER_NAN if record.broken_step else RULES
    dynamic = [gated(f, outcome) for rule in rules for f in _applied(rule, case)]
    votes = support(case, static, [f for f in dynamic if f.severity != "note"])
    found = [explain(f, case, votes) for f in (*static, *dynamic)]
    return ordered([*_worst_of_each(found), *_missing(record)]), outcome


def _rows_enough(record: Record) -> bool:
    """A rare class may be missing from the first batches; it takes many to miss it.

    An epoch of so few steps that each one was recorded has shown every row.
    """
    rows = max((t.rows for t in record.targets), default=0)
    shown = record.epochs and record.total_steps <= EARLY * len(record.epochs)
    return bool(shown) or rows >= (300 if record.finished else 1000)


def _applied(rule, case: Case) -> list[Finding]:
    """Apply one rule; where it meets numbers it cannot take, the others still speak."""
    try:
        return rule(case)
    except (ArithmeticError, ValueError, IndexError) as error:
        text = f"rule {rule.__name__} failed: {type(error).__name__}: {error}"
        return [Finding("not_judged", "note", Where("fit"), text=text)]


def _seen_to_fail(finding: Finding, record: Record) -> Finding:
    """An unguarded operation becomes an error where non-finite values were seen behind it."""
    row = first_broken(record)
    if row is None or finding.symptom != "unsafe_operation":
        return finding
    first = record.rows[row]
    behind = finding.where.phase == "loss" and first.phase in ("loss", "gradient")
    inside = finding.where.layer and finding.where.layer in first.layer
    # values that are finite while their gradients are not come from an infinite slope
    steep = finding.where.phase == "layer" and first.phase == "gradient"
    return replace(finding, severity="error") if behind or inside or steep else finding


def gated(finding: Finding, outcome: Outcome) -> Finding:
    """Turn a finding into a note where the outcome is better than its gate."""
    judged = outcome.enough or finding.gate == "none"
    if judged and outcome.at_least(finding.gate):
        return finding
    return replace(finding, severity="note")


def _escalated(finding: Finding, before: Finding, outcome: Outcome) -> Finding:
    """What was suspicious before a training that failed is its likely cause."""
    failed = outcome.level == "bad" and outcome.enough
    if failed and finding.severity == "warning" and before.gate != "none":
        return replace(finding, severity="error")
    return finding


def _worst_of_each(findings) -> list[Finding]:
    """Return the worst finding of each symptom at each place, the first where they are alike."""
    kept: list[Finding] = []
    for finding in worst_first(findings):
        same = (k for k in kept if k.symptom == finding.symptom)
        if not any(k.where.overlaps(finding.where) for k in same):
            kept.append(finding)
    return kept


def _rank(finding: Finding) -> tuple[int, int]:
    order = ORDER.index(finding.symptom) if finding.symptom in ORDER else len(ORDER)
    return SEVERITIES.index(finding.severity), order


def ordered(findings) -> list[Finding]:
    """Return the findings by severity, then from root to consequence."""
    return sorted(findings, key=_rank)


def _missing(record: Record) -> list[Finding]:
    return [
        Finding("not_judged", "note", Where("fit"), text=f"not recorded: {reason}")
        for reason in record.missing
    ]
