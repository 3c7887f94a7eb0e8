"""From facts to findings: a rule for each symptom."""
