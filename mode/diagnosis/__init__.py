"""Find out why a training fails, where, and what fixes it.

`check` looks at a model before training, `Diagnosis` watches a training, `autorepair` repairs one,
`diagnose_history` reads the log of one that is over.
Imports go down only:

    command                            what the command `diagnose` is given decides what it does
    repair/ | script                   plans, trials, `autorepair` | a script with a diagnosis
    watched_fits                       each `fit` of a script with its `Diagnosis`
    callback                           `Diagnosis`
    diagnose | history                 `check`, and a record -> findings with causes and fixes
    output, places                     JSON, a page, lines of a script
    rules/ | cause_scores | report     facts -> findings | evidence for causes | text and HTML
    catalog/ | recorder/               symptoms, causes, fixes | statistics of training steps
    facts/                             model, data, training and outcome as plain values
    findings | limits                  what is handed on | every threshold
"""

from mode.diagnosis.callback import Diagnosis, HopelessTrainingError
from mode.diagnosis.diagnose import check
from mode.diagnosis.findings import Cause, Evidence, Finding, Fix
from mode.diagnosis.history import diagnose_history
from mode.diagnosis.repair.autorepair import autorepair
from mode.diagnosis.report import Findings, Report
from mode.diagnosis.script import diagnose_model, run_script

__all__ = [
    "Cause", "Diagnosis", "Evidence", "Finding", "Findings", "Fix", "HopelessTrainingError",
    "Report", "autorepair", "check", "diagnose_history", "diagnose_model", "run_script",
]  # fmt: skip
