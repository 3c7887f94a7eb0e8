"""Rules about the predictions of single outputs: what a mean over rows or outputs hides.

Each takes a `TrainingCase` and returns findings of the symptom that it is named after.
"""

import numpy as np

from mode.diagnosis.catalog.fixes import make_fix
from mode.diagnosis.catalog.symptoms import make_finding
from mode.diagnosis.facts.data import class_shares, head_kind
from mode.diagnosis.facts.dependence import dependence_p
from mode.diagnosis.facts.heads import PROBABILITY, Head
from mode.diagnosis.facts.outcome import TrainingCase
from mode.diagnosis.facts.training import HEAD_COLUMNS, Record
from mode.diagnosis.findings import Evidence, Finding, Where
from mode.diagnosis.limits import LIMITS

_CLASSES_SHOWN = 10  # weights of more classes make no line of code
_FEW_UPDATES = 0.01  # of the initial statistics are left with the momentum that is proposed


def _recorded(case: TrainingCase):
    """Yield number and facts of each output whose targets are known."""
    paired = len(case.record.targets) == len(case.facts.heads)
    yield from enumerate(case.facts.heads[: case.record.heads.shape[1] if paired else 0])


def lagging_statistics(case: TrainingCase) -> list[Finding]:
    """The model evaluates rows far worse than it trained on them, after few steps."""
    record, facts = case.record, case.facts
    left = facts.lag(record.total_steps)
    if not len(record.same_rows) or left <= LIMITS.lag_left:
        return []
    layers = [layer for layer in facts.layers if layer.momentum]
    momentum = min(0.9, round(_FEW_UPDATES ** (1 / max(record.total_steps, 1)), 1))
    findings = []
    for i, head in _recorded(case):
        trained, evaluated = (_score(record, head, i, part[i]) for part in record.same_rows)
        if trained - evaluated > LIMITS.lag_drop:
            names = {"layers": [layer.name for layer in layers]}
            fixes = [make_fix("lower_batchnorm_momentum", facts, momentum=momentum, **names),
                     make_fix("train_longer", facts, epochs="4 x as many")]  # fmt: skip
            evidence = (
                Evidence("score of a batch in training", trained),
                Evidence("of the same rows in evaluation", evaluated, trained),
                Evidence("share of the initial statistics left", left, LIMITS.lag_left),
            )
            findings.append(make_finding("lagging_statistics", Where("layer", layers[0].name),
                                         *evidence, fixes=fixes))  # fmt: skip
    return findings[:1]


def _score(record: Record, head: Head, i: int, columns: np.ndarray) -> float:
    """Return the accuracy of one batch, or the share of its targets' variance that is explained."""
    measured = dict(zip(HEAD_COLUMNS, columns, strict=True))
    kind = head_kind(head, record.targets[i])
    if len(class_shares(record.targets[i], kind)):
        return float(measured["hits"])
    variance = float(np.mean(record.targets[i].std ** 2))
    return 1 - float(measured["square"]) / variance if variance > 0 else np.nan


def nothing_to_learn(case: TrainingCase) -> list[Finding]:
    """A training that fails, on targets that go with the inputs as targets by chance do.

    Numbers that an Embedding looks up are names: near ones are not alike, and nothing is said.
    """
    record, heads, outcome = case.record, case.facts.heads, case.outcome
    failed = outcome.at_least("poor") and not outcome.skill >= LIMITS.hardly_learned
    if (
        not (outcome.enough and failed and len(heads) == 1)
        or any(case.facts.embedded)
        or len(record.targets) != 1
    ):
        return []
    single = len(class_shares(record.targets[0], head_kind(heads[0], record.targets[0]))) > 0
    x, y = record.sample
    p = dependence_p(x, y, classes=single)
    if not p > LIMITS.dependence_p:
        return []
    evidence = (Evidence("p that targets in another order go with the inputs as well", p,
                         LIMITS.dependence_p), Evidence("rows", len(x)))  # fmt: skip
    fixes = [make_fix("fix_labels", labels="of the same rows as the inputs")]
    return [make_finding("nothing_to_learn", Where("data"), *evidence, fixes=fixes)]


def output_not_learning(case: TrainingCase) -> list[Finding]:
    """One of several outputs explains nothing of its targets where another explains much."""
    heads = [*_recorded(case)]
    shares = [_explained(case, head, i) for i, head in heads]
    best = max((share for share in shares if np.isfinite(share)), default=0.0)
    if len(heads) < 2 or case.record.weighted or not case.outcome.enough:
        return []
    return [
        make_finding("output_not_learning", head.place,
                     Evidence(f"share of the targets of {head.name!r} explained", share,
                              LIMITS.bad_gain),
                     Evidence("the most of another output", best),
                     text=f"the output {head.name!r} learns nothing, another does",
                     fixes=[make_fix("weight_outputs", name=head.name),
                            make_fix("fix_labels", labels=f"of {head.name!r}")])
        for (_, head), share in zip(heads, shares, strict=True)
        if head.family not in ("custom", "none")
        and share < LIMITS.bad_gain and best > LIMITS.other_learned
    ]  # fmt: skip


def _explained(case: TrainingCase, head: Head, i: int) -> float:
    """Return the share of an output's targets that is explained lately, NaN where not known.

    The squared correlation; of a few batches it is steadier than their error. Of real targets no
    more than the error leaves: what is correlated may be far off.
    """
    record = case.record
    recent = max(LIMITS.records, len(record.steps) // LIMITS.recent_part)
    follows = record.head("follows")[-recent:, i]
    follows = follows[np.isfinite(follows)]
    share = float(max(follows.mean(), 0.0) ** 2) if len(follows) else np.nan
    skill = case.outcome.skills[i] if i < len(case.outcome.skills) else np.nan
    classes = len(class_shares(record.targets[i], head_kind(head, record.targets[i])))
    return share if classes or not np.isfinite(skill) else min(share, skill)


def majority_only(case: TrainingCase) -> list[Finding]:
    """Every prediction names one class though others are there."""
    record, findings = case.record, []
    few = record.head("common")[-LIMITS.records :]
    if len(few) < LIMITS.records or not case.outcome.enough or case.outcome.constant:
        return []
    for i, head in _recorded(case):
        shares = class_shares(record.targets[i], head_kind(head, record.targets[i]))
        largest = float(shares.max(initial=0.0))
        rare = record.targets[i].rows * (1 - largest) if len(shares) else 0.0
        # a single unit that gives logits, or signs, is not above 0.5 where it names class 1
        clear = head.family in PROBABILITY and not (head.units == 1 and head.from_logits)
        hidden = largest >= LIMITS.clear_majority and rare > LIMITS.few_rare and clear
        if hidden and few[:, i].min() > LIMITS.one_class and not record.weighted:
            evidence = (Evidence("share of rows with one predicted class", float(few[:, i].min()),
                                 LIMITS.one_class),
                        Evidence("share of the largest class", largest))  # fmt: skip
            fixes = [make_fix("weight_classes", weights=_weights(shares)),
                     make_fix("change_metric", metric=_metric(head))]  # fmt: skip
            # where the loss has learned, the probabilities are of use though no class is named
            severity = "" if case.outcome.gain <= LIMITS.majority_gain else "note"
            findings.append(make_finding("majority_only", head.place, *evidence, fixes=fixes,
                                         severity=severity))  # fmt: skip
    return findings


def _weights(shares: np.ndarray) -> str:
    """Return weights that make all classes count alike, as one writes them."""
    if len(shares) > _CLASSES_SHOWN or not shares.all():
        return "{...}"
    weights = (f"{label}: {1 / (len(shares) * share):.2g}" for label, share in enumerate(shares))
    return "{" + ", ".join(weights) + "}"


def _metric(head: Head) -> str:
    return "keras.metrics.AUC()" if head.units == 1 else 'keras.metrics.F1Score(average="macro")'


RULES = (lagging_statistics, nothing_to_learn, output_not_learning, majority_only)
