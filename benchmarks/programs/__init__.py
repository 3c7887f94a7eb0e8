"""Training programs that are known to be faulty or healthy, each with a goal."""
