"""From findings to causes: a finding's causes by weight, and their fixes in that order.

A cause's weight for a symptom is multiplied by its support, a number in [0, 1] that `support`
reads off the other findings and the record. The sum decides, not the first branch: a slow
learning rate that would explain everything but is contradicted by its numbers gets no vote.
"""

from dataclasses import replace

from mode.diagnosis.case import Case
from mode.diagnosis.causes import CAUSES, TREE
from mode.diagnosis.details import fix
from mode.diagnosis.findings import Cause, Finding, Fix
from mode.diagnosis.limits import LIMITS
from mode.diagnosis.support import Support


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
