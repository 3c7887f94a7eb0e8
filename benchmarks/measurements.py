"""Clocks, new processes, and the row that every benchmark writes."""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from statistics import median
from typing import Any


def clocked(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of wall time of one call, and what it returned."""
    start = time.perf_counter()
    value = function()
    return time.perf_counter() - start, value


def cold_and_warm(seconds: list[float]) -> dict[str, float]:
    """Return the first call's seconds as "cold", the median of the later ones as "warm"."""
    return {"cold": seconds[0], "warm": median(seconds[1:])}


def in_new_process(function: Callable, *args: Any, **options: Any) -> Any:
    """Return `function(...)`, called in an interpreter where nothing has been compiled yet."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args, **options).result()


def row(
    benchmark: str,
    case: str,
    ours: float,
    peer_seconds: float,
    *,
    peer: str,
    at_least: float | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return one measurement; `ratio` says how many times faster ours is than the peer.

    Args:
        benchmark, case: what was measured.
        ours, peer_seconds: seconds of wall time.
        peer: what ours is compared with.
        at_least: the ratio aimed at, where there is one; `holds` says whether it was reached.
        more: further columns.
    """
    ratio = peer_seconds / ours
    aim = {"target": "", "holds": ""}
    if at_least is not None:
        aim = {"target": f"at least {at_least:g}x", "holds": "yes" if ratio >= at_least else "no"}
    seconds = {"ours_seconds": round(ours, 4), "peer_seconds": round(peer_seconds, 4)}
    return {
        "benchmark": benchmark,
        "case": case,
        **seconds,
        "ratio": round(ratio, 2),
        "peer": peer,
        **aim,
        **more,
    }
