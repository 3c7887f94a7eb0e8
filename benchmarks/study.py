"""The whole study of one seed on MNIST at the published sizes, notebooks included."""

import subprocess
import sys
import tempfile

from benchmarks.measurements import clocked, row

# "26 minutes a run, about 4 hours in all on one CPU", as the publication says of itself.
PUBLISHED_SECONDS = 4 * 3600
LIMIT = 180


def rows(*, data: str = "mnist") -> list:
    """Return one row: nine metrics with and without layer selection, as published, one seed."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "mode", "reproduce", "--data", data, "--seeds", "1"]
        command += ["--protocol", "published", "--out", out]
        seconds, _ = clocked(lambda: subprocess.run(command, check=True, capture_output=True))
    return [
        row(
            "study",
            f"{data}, one seed, nine metrics, with and without layer selection (limit {LIMIT} s)",
            seconds,
            PUBLISHED_SECONDS,
            peer="the publication's own statement, another machine",
            at_least=PUBLISHED_SECONDS / LIMIT,
        )
    ]
