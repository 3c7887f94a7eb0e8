"""`check`: everything that can be said about a model and its data before training."""

from collections.abc import Iterable

from mode.diagnosis.datafacts import array_moments, listed
from mode.diagnosis.findings import Finding, Where, worst_first
from mode.diagnosis.modelfacts import ModelFacts, model_facts
from mode.diagnosis.own_code import own_code_findings
from mode.diagnosis.record import Moments
from mode.diagnosis.report import Findings
from mode.diagnosis.static_data import input_findings, label_findings
from mode.diagnosis.static_model import model_findings
from mode.diagnosis.static_output import head_kind, metric_findings, output_findings


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
