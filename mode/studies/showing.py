"""What the terminal shows of a study: progress while it runs, tables at its end."""

import ast
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from shutil import get_terminal_size

import pandas as pd

HEADINGS = {
    "table_1": "Table 1, with layer selection",
    "table_2": "Table 2, without layer selection",
}
COLUMNS = ["metric", "initial", "final", "control", "finished_early", "final - control"]
BAR = "repairing {percentage:3.0f} %|{bar}| {elapsed}{postfix}"


@contextmanager
def bar() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function (what runs, done, total) that draws a progress bar with the time left."""
    from tqdm import tqdm

    shown = None

    def update(running: str, done: int, total: int) -> None:
        nonlocal shown
        if shown is None:  # not before the input was found good
            shown = tqdm(total=total, initial=done, unit="run", dynamic_ncols=True)
        shown.set_description(running, refresh=False)
        shown.update(done - shown.n)
        shown.refresh()

    try:
        yield update
    finally:
        if shown is not None:
            shown.close()


@contextmanager
def share_bar(show: Callable[[str], None], *, terminal: bool) -> Iterator[Callable[[float], None]]:
    """Yield a function of the share of the work that is done, 0 to 1: it draws a progress bar with
    the time left on standard error. Where that is no `terminal`, it shows a line per quarter."""
    if not terminal:
        yield _quarters(show)
        return
    from tqdm import tqdm

    drawn, seconds_left = None, _time_left()

    def update(share: float) -> None:
        nonlocal drawn
        if drawn is None:  # not before the input was found good
            width, height = get_terminal_size()  # never 0, unlike what some terminals say
            shape = {"ncols": width, "nrows": height}
            drawn = tqdm(total=1, initial=share, bar_format=BAR, **shape)
        seconds = seconds_left(share)
        left = "estimating the time left" if seconds is None else f"{duration(seconds)} left"
        drawn.set_postfix_str(left, refresh=False)
        drawn.update(max(0.0, min(share, 1.0) - drawn.n))
        drawn.refresh()
        if share >= 1:
            drawn.close()

    try:
        yield update
    finally:
        if drawn is not None:
            drawn.close()


def _quarters(show: Callable[[str], None]) -> Callable[[float], None]:
    """Return a function of the share of the work that is done, which shows each new quarter."""
    shown, seconds_left = 0, _time_left()

    def update(share: float) -> None:
        nonlocal shown
        seconds = seconds_left(share)
        quarter = int(4 * share + 1e-9)
        if quarter > shown:
            shown = quarter
            left = f", about {duration(seconds)} left" if seconds else ""
            show(f"{25 * quarter} % done{left}")

    return update


def _time_left() -> Callable[[float], float | None]:
    """Return a function of the share of the work that is done: the seconds left, at the mean speed
    since the work began to advance (preparations do not count); None before."""
    start = None

    def seconds_left(share: float) -> float | None:
        nonlocal start
        now = time.monotonic()
        if start is None or share <= start[0]:
            start = share, now
            return None
        return (now - start[1]) * max(0.0, 1 - share) / (share - start[0])

    return seconds_left


def duration(seconds: float) -> str:
    """Return a time in words.

    Example:
        >>> duration(40.2), duration(150)
        ('40 s', '2 min 30 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def literal(text: str):
    """Return a parameter's value as Python reads it; what is no literal stays text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def show(tables: Mapping[str, pd.DataFrame], out: str | os.PathLike, folder: str) -> str:
    """Return the published tables as text (accuracies in per cent), and where everything lies."""
    parts = []
    for name, table in tables.items():
        number, protocol = name[:7], name[8:]
        if number in HEADINGS:
            parts += [f"{HEADINGS[number]}, {protocol} protocol (accuracy, %)", _per_cent(table)]
    if "against_control" in tables:
        parts += ["Each arm against its control (accuracy, %)", _arms(tables["against_control"])]
    places = ", ".join(f"{part}/{folder}/" for part in ("runs", "tables", "figures", "executed"))
    return "\n".join([*parts, f"Everything lies in {os.path.abspath(out)}: {places}"])


def _arms(table: pd.DataFrame) -> str:
    columns = ["arm", "n", "initial", "final", "median difference", "low", "high"]
    shown = table[[*columns, "holm p"]].copy()
    for column in columns[2:]:
        shown[column] = shown[column].map(lambda value: f"{100 * value:.2f}")
    return shown.sort_values("median difference", key=pd.to_numeric).to_string(index=False) + "\n"


def _per_cent(table: pd.DataFrame) -> str:
    shown = table[COLUMNS].copy()
    for column in ("initial", "final", "control", "final - control"):
        shown[column] = shown[column].map(lambda value: f"{100 * value:.2f}")
    low, high = (table[side].map(lambda value: f"{100 * value:+.2f}") for side in ("low", "high"))
    shown["95 % interval"] = low + " to " + high
    return shown.to_string(index=False) + "\n"
