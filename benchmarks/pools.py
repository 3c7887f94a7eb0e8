"""Choosing from a pool on disk: `python -m benchmarks.pools [--inputs N] [--place DIR]`.

The pool is an `.npy` file of 28 x 28 bytes, augmented digits: each is one of the embedded digits,
moved by up to three pixels, darkened and with a little noise. It is read from the disk, not from
the memory that the operating system keeps files in, as a pool larger than memory would be.
"""

import os
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pandas as pd

from benchmarks.measurements import clocked, in_new_process, row
from benchmarks.suite import keep, shown
from mode.data import load, open_pool
from mode.seeds import generator
from mode.streaming import DistanceScorer, best
from mode.streaming.blocks import block_size

SIDE, CHOSEN, AT_ONCE = 28, 2_000, 50_000
METRICS = ("euclidean", "manhattan", "dot", "cosine")
LEAST = 0.5


def make(path: Path, inputs: int) -> Path:
    """Write the pool, unless it is there."""
    if path.is_file() and open_pool(path).shape == (SIDE, SIDE) and len(open_pool(path)) == inputs:
        return path
    data, rng = load("digits"), generator(0, "benchmark", "pools")
    digits = np.concatenate([data.train.x, data.pool.x])[..., 0]
    digits = np.round(255 * digits).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (inputs, SIDE, SIDE)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, inputs, AT_ONCE):
            augmented(digits, min(AT_ONCE, inputs - start), rng).tofile(file)
    return path


def augmented(digits: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return `count` of the digits, n x 28 x 28 bytes, each changed a little."""
    around = np.pad(digits, ((0, 0), (3, 3), (3, 3)))
    windows = np.lib.stride_tricks.sliding_window_view(around, (SIDE, SIDE), axis=(1, 2))
    which, (down, right) = rng.integers(0, len(digits), count), rng.integers(0, 7, (2, count))
    x = windows[which, down, right]
    light = rng.integers(160, 257, (count, 1, 1), dtype=np.uint16)
    x = (x.astype(np.uint16) * light >> 8).astype(np.uint8)
    return x + (rng.integers(0, 8, x.shape, dtype=np.uint8) & (x > 0))


def forget(path: Path) -> None:
    """Let the operating system forget what it keeps of a file, so that it is read again."""
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def reading(path: Path) -> float:
    """Return the seconds of merely reading the pool, in the blocks that choosing reads."""
    pool = open_pool(path)
    forget(path)
    return clocked(lambda: [None for _ in pool.blocks(block_size(pool))])[0]


def heatmap() -> np.ndarray:
    data = load("digits")
    return data.train.x[data.train.y == 3].mean(axis=0)


def by_metric(path: Path, metric: str) -> tuple[float, int]:
    """Return seconds and bytes beyond what there was before, for choosing by a metric."""
    pool, scorer = open_pool(path), DistanceScorer(metric, heatmap())
    best(open_pool(pool.take(np.arange(3_000))), scorer, 10)  # imports
    forget(path)
    return watched(lambda: best(pool, scorer, CHOSEN))


def by_doubt(path: Path, selector: str = "margin") -> tuple[float, int]:
    """Return the same for choosing by a model's uncertainty; beyond the model in memory."""
    from mode.models import build, train
    from mode.repair.streamed_selection import UncertaintyScorer

    data, pool = load("digits"), open_pool(path)
    model = train(build("published", seed=0), data.train.x, data.train.y, epochs=3)
    scorer = UncertaintyScorer(model, selector, data.shape, generator(0, "benchmark", "margin"))
    best(open_pool(pool.take(np.arange(9_000))), scorer, 10)
    forget(path)
    return watched(lambda: best(pool, scorer, CHOSEN))


def spread_over(path: Path, workers: int) -> float:
    """Return the seconds of choosing by a metric on so many workers of one machine."""
    from dask.distributed import Client, LocalCluster

    pool, scorer = open_pool(path), DistanceScorer("euclidean", heatmap())
    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options, protocol="tcp://") as cluster, Client(cluster) as client:
        best(pool, scorer, 10, among=np.arange(64), client=client)  # imports
        forget(path)
        return clocked(lambda: best(pool, scorer, CHOSEN, client=client))[0]


def watched(function: Callable) -> tuple[float, int]:
    """Return a call's seconds, and by how many bytes resident memory rose above what it was."""
    page, ended, peak = resource.getpagesize(), threading.Event(), 0

    def resident() -> int:
        return page * int(Path("/proc/self/statm").read_text().split()[1])

    def look() -> None:
        nonlocal peak
        while not ended.wait(0.01):
            peak = max(peak, resident())

    before, watch = resident(), threading.Thread(target=look)
    watch.start()
    began = time.perf_counter()
    function()
    seconds = time.perf_counter() - began
    ended.set()
    watch.join()
    return seconds, max(0, peak - before)


def rows(inputs: int, place: Path) -> list[dict]:
    """Return the rows for pools of `inputs` and of a tenth as many."""
    sizes = {size: make(place / f"pool_{size}.npy", size) for size in (inputs // 10, inputs)}
    timings, linear = [], {}
    for size, path in sizes.items():
        read = min(in_new_process(reading, path) for _ in range(3))
        for metric in METRICS if size == inputs else METRICS[:1]:
            seconds, memory = in_new_process(by_metric, path, metric)
            linear[size] = linear.get(size, seconds)
            case = f"{CHOSEN} of {size} x 28 x 28 bytes by {metric}"
            peer = "merely reading the file"
            timings.append(row("pools", case, seconds, read, peer=peer, at_least=LEAST))
            timings[-1]["peak_memory"] = memory / 2**30
    timings += _doubted(sizes[inputs], inputs, read)
    small, large = linear.values()
    peer = "ten times the time for a tenth of the inputs"
    timings.append(row("pools", f"linear up to {inputs} inputs", large, 10 * small, peer=peer))
    alone, both = (in_new_process(spread_over, sizes[inputs], n) for n in (1, 2))
    case = f"euclidean, {inputs} inputs, 2 workers"
    timings.append(row("pools", case, both, alone, peer="1 worker"))
    return timings


def _doubted(path: Path, inputs: int, read: float) -> list[dict]:
    seconds, memory = in_new_process(by_doubt, path)
    case = f"{CHOSEN} of {inputs} x 28 x 28 bytes by margin of a 784-28-28-10 network"
    measured = row("pools", case, seconds, read, peer="merely reading the file")
    return [{**measured, "peak_memory": memory / 2**30}]


@click.command()
@click.option("--inputs", default=10_000_000, show_default=True, help="7.8 GB for the default.")
@click.option("--place", default="/tmp/mode-pools", show_default=True, help="Folder of the pools.")
@click.option("--out", default="results/benchmarks.csv", show_default=True, help="Table to write.")
def main(inputs: int, place: str, out: str) -> None:
    """Measure choosing from a pool on disk against merely reading it; peak_memory is in GiB."""
    measured = pd.DataFrame(rows(inputs, Path(place))).round(4)
    keep(measured, out)
    click.echo(shown(measured))


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.pools")
