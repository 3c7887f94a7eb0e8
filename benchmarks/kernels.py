"""A study's runs in one warm kernel against a new kernel for each, both ways taken alternately."""

import os
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.measurements import clocked, in_new_process, row
from mode import notebooks
from mode.results import read_rows
from mode.studies.engine import ENVIRONMENT, close_kernels, execute
from mode.studies.registry import STUDIES

PEER = "the same with a new kernel for each run"


def rows(*, repeats: int = 3, **parameters) -> list[dict]:
    """Return one row: the four runs of one seed of the publication's study, by one worker.

    Args:
        repeats: how often each way is measured; medians are compared.
        parameters: further parameters of the notebook.
    """
    measured: dict[Callable, list] = {execute: [], execute_cold: []}
    for _ in range(repeats):
        for way, results in measured.items():
            results.append(in_new_process(run_all, way, parameters))
    ours, peers = measured.values()
    seconds, cpu = (
        [median(result[place] for result in results) for results in (ours, peers)]
        for place in (0, 1)
    )
    same = all(result[2] == ours[0][2] for result in ours + peers)
    case = "digits, one seed of the publication's study, 4 runs"
    timing = row("kernels", case, *seconds, peer=PEER)
    return [{**timing, "cpu_ratio": cpu[1] / cpu[0], "same_rows": "yes" if same else "no"}]


def run_all(way: Callable, parameters: dict) -> tuple[float, float, str]:
    """Return the seconds of wall time and of processor time of the runs, and their rows."""
    os.environ.update(ENVIRONMENT)
    study = STUDIES["publication"]
    points = study.grid(data="digits", seeds=1, protocol="both")
    with tempfile.TemporaryDirectory() as place:

        def run() -> None:
            for number, point in enumerate(points):
                notebook = notebooks.path(study.notebook)
                way(notebook, Path(place), "study", str(number), {**point, **parameters})
            close_kernels()

        seconds, _ = clocked(run)
        text = read_rows(Path(place) / "runs" / "study").to_csv()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # of kernels, which have ended
    return seconds, used.ru_utime + used.ru_stime, text


def execute_cold(notebook: Path, out: Path, study: str, run: str, parameters: dict) -> None:
    """Execute one run in a new kernel, which ends with it."""
    execute(notebook, out, study, run, parameters)
    close_kernels()
