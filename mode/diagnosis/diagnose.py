"""Findings before a training (`check`) and of a recorded one (`diagnose`), worst first."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mode.diagnosis.catalog.symptoms import SYMPTOMS, by_failure, make_finding
from mode.diagnosis.cause_scores import collect_evidence, explain
from mode.diagnosis.facts.data import Moments, array_moments, arrays_of, head_kind
from mode.diagnosis.facts.model import ModelFacts, model_facts
from mode.diagnosis.facts.outcome import TrainingCase, TrainingOutcome, training_outcome
from mode.diagnosis.facts.training import EARLY, Record, first_broken
from mode.diagnosis.findings import SEVERITIES, Finding, When, Where, worst_first
from mode.diagnosis.limits import LIMITS
from mode.diagnosis.report import Findings
from mode.diagnosis.rules import (
    curves,
    data,
    model,
    optimizer,
    outputs,
    predictions,
    steps,
    validation,
)
from mode.diagnosis.rules.custom_code import custom_code_findings
from mode.diagnosis.rules.metrics import metric_mismatch

_ORDER = {code: i for i, code in enumerate(SYMPTOMS)}
_RULES = (*steps.RULES, *curves.RULES, *validation.RULES, *predictions.RULES)
_TRAINING_RULES = sorted(_RULES, key=lambda rule: _ORDER[rule.__name__])


def check(keras_model, x=None, y=None) -> Findings:
    """Return the findings of the static rules, worst first, without running the model: a list
    that prints in a terminal and draws in a notebook.

    `x` and `y` are arrays (n x ...), lists or dictionaries of them; rules about data need them.
    What cannot be diagnosed (a model not built, not compiled) becomes a note that says so.
    """
    facts = model_facts(keras_model)
    inputs = moments_of("input", x, facts.input_names)
    targets = moments_of("target", y, [head.name for head in facts.heads])
    findings = [*static_findings(facts, inputs, targets), *custom_code_findings(keras_model, facts)]
    findings += data.text_labels(facts, arrays_of(y))
    return Findings(worst_first([*findings, *_gaps(facts, x, y)]))


def moments_of(kind: str, data, names: Sequence[str] = ()) -> tuple[Moments, ...]:
    """Return the moments of each array of the data; a dictionary's in the order of `names`."""
    named = names if isinstance(data, dict) else ()
    in_order = {name: data[name] for name in named if name in data}
    arrays = arrays_of(in_order or data)
    moments = [array_moments(f"{kind} {i}", array) for i, array in enumerate(arrays)]
    return tuple(m for m in moments if m is not None)


def static_findings(facts: ModelFacts, inputs, targets) -> list[Finding]:
    """Return the findings about a model and its data, which are known by their moments."""
    findings: list[Finding] = []
    for i, moments in enumerate(inputs):
        findings += data.nan_in_input(facts, moments)
        looked_up = i < len(facts.embedded) and facts.embedded[i]
        if not looked_up and not facts.normalized:
            findings += data.unnormalized_input(facts, moments)
    paired = targets if len(targets) == len(facts.heads) else [None] * len(facts.heads)
    for head, target in zip(facts.heads, paired, strict=True):
        kind = head_kind(head, target)
        rules = data.TARGET_RULES if target is not None and target.rows else ()
        faults = [f for rule in rules for f in rule(facts, head, target, kind)]
        findings += faults or outputs.output_findings(head, target)
        findings += metric_mismatch(head, target, kind)
    return [*findings, *(f for rule in (*model.RULES, *optimizer.RULES) for f in rule(facts))]


def _gaps(facts: ModelFacts, x, y) -> list[Finding]:
    gaps = []
    if not facts.built:
        gaps.append("the outputs: the model is not built")
    if not facts.compiled:
        gaps.append("loss and optimizer: the model is not compiled")
    elif x is None or y is None:
        gaps.append("inputs and targets: no data given")
    return [
        make_finding("not_diagnosed", Where("fit"), text=f"could not diagnose {gap}")
        for gap in gaps
    ]


def diagnose(
    record: Record, facts: ModelFacts, extra: tuple[Finding, ...] = ()
) -> tuple[list[Finding], TrainingOutcome]:
    """Return the findings, worst and most fundamental first, and the outcome behind the gates.

    `extra` are findings made elsewhere, such as unsafe operations found by tracing.
    """
    outcome = training_outcome(record, facts.heads)
    case = TrainingCase(record, facts, outcome)
    before = static_findings(facts, record.inputs, record.targets)
    before += [_confirmed(f, record) for f in extra]
    before = [f for f in before if f.symptom != "single_class_target" or _rows_enough(record)]
    static = [_escalated(gated(f, outcome), f, outcome) for f in before]
    dynamic = [gated(f, outcome) for rule in _TRAINING_RULES for f in _apply(rule, case)]
    if any(f.symptom == "nothing_to_learn" for f in dynamic):
        static, dynamic = ([_excused(f) for f in part] for part in (static, dynamic))
    evidence = collect_evidence(case, static, [f for f in dynamic if f.severity != "note"])
    explained = [explain(f, case, evidence) for f in (*static, *dynamic)]
    missing = [
        make_finding("not_diagnosed", Where("fit"), text=f"not recorded: {reason}")
        for reason in record.missing
    ]
    return ordered([*_worst_of_each(explained), *missing]), outcome


def _rows_enough(record: Record) -> bool:
    """Tell whether so many rows were recorded that a rare class would have been among them.

    An epoch of so few steps that each one was recorded has shown every row.
    """
    if record.epochs and record.total_steps <= EARLY * len(record.epochs):
        return True
    rows = max((target.rows for target in record.targets), default=0)
    enough = LIMITS.single_class_rows_finished if record.finished else LIMITS.single_class_rows
    return rows >= enough


def _apply(rule, case: TrainingCase) -> list[Finding]:
    """Apply one rule; where it meets numbers it cannot take, the others still speak."""
    if case.record.broken_step and not SYMPTOMS[rule.__name__].after_nan:
        return []  # once a number is not finite, sizes and shares say nothing any more
    try:
        findings = rule(case)
    except (ArithmeticError, ValueError, IndexError) as error:
        text = f"rule {rule.__name__} failed: {type(error).__name__}: {error}"
        return [make_finding("not_diagnosed", Where("fit"), text=text)]
    return [f if f.when != When() else replace(f, when=case.now) for f in findings]


def _confirmed(finding: Finding, record: Record) -> Finding:
    """Make an unguarded operation an error where non-finite values were seen behind it."""
    row = first_broken(record)
    if row is None or finding.symptom != "unsafe_operation":
        return finding
    first, where = record.rows[row], finding.where
    behind = where.phase == "loss" and first.phase in ("loss", "gradient")
    inside = where.layer and where.layer in first.layer
    # values that are finite while their gradients are not come from an infinite slope
    steep = where.phase == "layer" and first.phase == "gradient"
    return replace(finding, severity="error") if behind or inside or steep else finding


def gated(finding: Finding, outcome: TrainingOutcome) -> Finding:
    """Turn a finding into a note where the outcome is better than its gate."""
    sure = outcome.enough or finding.gate == "none"
    return finding if sure and outcome.at_least(finding.gate) else replace(finding, severity="note")


def _excused(finding: Finding) -> Finding:
    """Turn what only a training that fails shows into a note: there was nothing to learn."""
    return replace(finding, severity="note") if by_failure(finding) else finding


def _escalated(finding: Finding, before: Finding, outcome: TrainingOutcome) -> Finding:
    """Make what was suspicious before a training that failed an error: its likely cause."""
    failed = outcome.level == "bad" and outcome.enough
    if failed and finding.severity == "warning" and before.gate != "none":
        return replace(finding, severity="error")
    return finding


def _worst_of_each(findings: Iterable[Finding]) -> list[Finding]:
    """Return the worst finding of each symptom at each place, the first where they are alike."""
    worst: list[Finding] = []
    for new in worst_first(findings):
        same = (f for f in worst if f.symptom == new.symptom)
        if not any(f.where.overlaps(new.where) for f in same):
            worst.append(new)
    return worst


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings by severity, then from root to consequence."""
    return sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), _ORDER[f.symptom]))
