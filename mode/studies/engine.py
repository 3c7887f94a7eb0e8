"""Run a study: papermill executes its notebook once a grid point, on a Dask client.

A run is finished when its rows are there, and rows are renamed into place as the notebook's last
act; so whatever kills a run, starting again repeats no finished one.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mode import checks, notebooks
from mode.data import load
from mode.distances import DISTANCES
from mode.studies.registry import STUDIES, Study

# One thread a run: as many runs as cores, and the same bits whatever the number of workers.
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    # Dask's workers give freed memory back at once; taking it again is a third of a run's time.
    "MALLOC_TRIM_THRESHOLD_": "2000000000",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
}


@dataclass(frozen=True)
class Outcome:
    """What became of a study: names of runs done now, found finished, and failed (with reason).

    `folder` is where its rows, tables, figures and executed notebooks lie, below runs/ and so on.
    """

    folder: str
    done: tuple[str, ...]
    skipped: tuple[str, ...]
    failed: Mapping[str, str]


def run_study(
    name: str,
    *,
    out: str | os.PathLike,
    data: str = "digits",
    seeds: int = 5,
    protocol: str = "both",
    parameters: Mapping | None = None,
    data_dir: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[str, int, int], None] = lambda running, done, total: None,
) -> Outcome:
    """Run every grid point of a study that is not finished yet.

    Args:
        name: a name of STUDIES.
        out: folder for runs/<study>/ (rows and records) and executed/<study>/ (notebooks);
            other data than the digits have their name behind the study's.
        data, seeds, protocol: what the grid is made of.
        parameters: further parameters of the notebook, for every run.
        data_dir: folder with `mnist.npz` and `fashion_mnist.npz`.
        workers: processes of the local cluster; one a core where None.
        scheduler: address of a running Dask scheduler, instead of a local cluster.
        progress: called with what is running, and how many of how many runs have ended.

    Raises:
        InputError: for an unknown study or parameter, before any run is started.
    """
    study = STUDIES[checks.one_of("study", name, STUDIES)]
    workers = checks.number("workers", workers or os.cpu_count() or 1, 1, integer=True)
    common = {**(parameters or {}), **({"data_dir": str(data_dir)} if data_dir else {})}
    runs = _runs(study, common, data=data, seeds=seeds, protocol=protocol)
    out = Path(out).resolve()
    place = name if data == "digits" else f"{name}-{Path(data).stem}"
    folder = out / "runs" / place
    pending = {run: p for run, p in runs.items() if not (folder / f"{run}.csv").exists()}
    failed, ended = {}, set()
    labels = _labels(runs)

    def report() -> None:
        waiting = [labels[run] for run in pending if run not in ended]
        progress("; ".join(waiting[:workers]), len(runs) - len(waiting), len(runs))

    report()
    if pending:
        notebook = notebooks.path(study.notebook)
        jobs = {run: (notebook, out, place, run, p) for run, p in pending.items()}
        for run, error in _execute(jobs, workers, scheduler):
            ended.add(run)
            if error:
                failed[run] = error
            report()
    done = tuple(run for run in pending if run not in failed)
    return Outcome(place, done, tuple(run for run in runs if run not in pending), failed)


def _runs(study: Study, common: dict, *, data: str, seeds: int, protocol: str) -> dict[str, dict]:
    """Return run's name -> its parameters; the name says what differs, then what was set."""
    defaults = notebooks.parameters(study.notebook)
    for parameter in common:
        checks.one_of(f"parameter of {study.notebook}", parameter, defaults)
    _check_names(data, common)
    runs = {}
    for point in study.grid(data=data, seeds=seeds, protocol=protocol):
        parameters = {**point, **common}
        named = {k: v for k, v in parameters.items() if k != "data_dir"}
        runs[_name(named)] = parameters
    return runs


def _labels(runs: Mapping[str, Mapping]) -> dict[str, str]:
    """Return run's name -> what tells it from the other runs, in short."""
    first = next(iter(runs.values()))
    varying = [key for key in first if len({str(p[key]) for p in runs.values()}) > 1]
    return {run: ", ".join(f"{k} {p[k]}" for k in varying) or run for run, p in runs.items()}


def _check_names(data: str, parameters: Mapping) -> None:
    """Refuse here, in one line, what every run would only refuse in its notebook."""
    if data != "digits":
        load(data, data_dir=parameters.get("data_dir"))
    for metric in parameters.get("metrics") or ():
        checks.one_of("metric", metric, DISTANCES)


def _name(parameters: Mapping) -> str:
    text = ",".join(f"{key}={_word(value)}" for key, value in parameters.items())
    return "".join(c if c.isalnum() or c in "=,._-+" else "_" for c in text)


def _word(value) -> str:
    return "+".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _execute(jobs: dict, workers: int, scheduler: str | None) -> Iterator[tuple[str, str]]:
    """Yield (run, error or "") as the runs end, in whatever order they do."""
    from dask.distributed import Client, LocalCluster, as_completed

    os.environ.update(ENVIRONMENT)  # for the local workers, which inherit it
    local = {
        "n_workers": min(workers, len(jobs)),
        "threads_per_worker": 1,
        "dashboard_address": ":0",
        "silence_logs": logging.ERROR,
    }
    with Client(scheduler or LocalCluster(**local)) as client:
        try:
            futures = {client.submit(execute, *job, pure=False): run for run, job in jobs.items()}
            for future in as_completed(futures):
                error, run = future.exception(), futures.pop(future)
                future.release()
                yield run, f"{type(error).__name__}: {error}" if error else ""
        finally:
            client.run(close_kernels)
            if scheduler is None:
                client.cluster.close()


def execute(notebook: Path, out: Path, study: str, run: str, parameters: dict) -> None:
    """Execute one run in the warm kernel; its notebook is kept, marked where it failed."""
    from mode.studies import kernels

    os.environ.update(ENVIRONMENT)
    copy = out / "executed" / study / f"{run}.ipynb"
    copy.parent.mkdir(parents=True, exist_ok=True)
    rows = out / "runs" / study / f"{run}.csv"
    rows.parent.mkdir(parents=True, exist_ok=True)
    parameters = {**parameters, "out": str(rows)}
    log = copy.with_suffix(".log")
    notebooks.execute(notebook, copy, parameters, log=log, engine=kernels.ENGINE)


def close_kernels() -> None:
    """End the warm kernels of a worker."""
    from mode.studies import kernels

    kernels.close()
