"""From findings to a repaired model: plans, trials and `autorepair`."""
