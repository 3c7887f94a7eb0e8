"""Why does this training fail, where, and what mends it.

`check` looks at a model before training, `Diagnosis` watches a training, `autorepair` mends one.
"""

from mode.diagnosis.callback import Diagnosis
from mode.diagnosis.diagnose import check
from mode.diagnosis.findings import Cause, Evidence, Finding, Fix
from mode.diagnosis.repair.autorepair import autorepair
from mode.diagnosis.report import Findings, Report
from mode.diagnosis.script import diagnose_model, run_script

__all__ = [
    "Cause",
    "Diagnosis",
    "Evidence",
    "Finding",
    "Findings",
    "Fix",
    "Report",
    "autorepair",
    "check",
    "diagnose_model",
    "run_script",
]
