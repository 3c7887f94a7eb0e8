"""Output of a repair: its progress, plain values for programs, and the last lines for people."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import Any

import numpy as np
import pandas as pd

from mode.data import Data
from mode.repair import Repair
from mode.repair.round import BROKEN

MAX_NAMES = 5  # classes that a line names
RETURNED = "the original is returned: "  # how `mode.repair` begins the reason of that
BAR = "repairing {percentage:3.0f} %|{bar}| {elapsed}{postfix}"


def facts(repaired: Repair, data: Data, *, max_broken: float | None = None) -> dict[str, Any]:
    """Return what a repair did, in values that JSON can hold.

    Args:
        repaired: a finished repair on `data`.
        max_broken: the limit under which it ran, None where it had none.

    Returns:
        summary: the first sentence of the report, see `headline`.
        accuracy: {before, after}, shares on the test part, as are all accuracies but one.
        repaired, broken: test inputs that became right, that became wrong.
        kept_round: the round whose model is returned, 0 for the original; rounds: how many ran.
        reason: why this model is returned.
        held_out: whether the model cannot have seen the test and diagnosis parts.
        classes_at_zero: [{class, pool_inputs, suspects}], none of whose test inputs is right
            afterwards; how many inputs the pool has, and how many of these were set aside.
        classes_worse: [{class, before, after}], the largest fall first.
        inputs_used: inputs of the pool that the returned model learned from.
        suspects: inputs of the pool that were set aside because their labels look wrong.
        round_over_limit: {round, diagnosis_accuracy, max_broken}, the best round on the diagnosis
            part that `max_broken` ruled out, and the limit that allows it; None where it ruled
            out none that is better there than the returned model.
        data_notes, notes: warnings about the data, and about the repair.
        seconds: wall time.
    """
    classes = class_accuracies(repaired, data)
    at_zero = classes[classes["after"] == 0]
    fall = (classes["before"] - classes["after"]).sort_values(ascending=False, kind="stable")
    worse = classes.loc[fall[fall > 0].index]
    outcome = {
        "accuracy": {
            "before": float(repaired.rounds["accuracy"].iloc[0]),
            "after": float(repaired.result["accuracy"]),
        },
        "repaired": int(repaired.result["repaired"]),
        "broken": int(repaired.result["broken"]),
        "kept_round": int(repaired.kept),
        "rounds": len(repaired.rounds) - 1,
        "reason": repaired.reason,
        "held_out": bool(data.held_out),
    }
    return {
        "summary": headline(outcome),
        **outcome,
        "classes_at_zero": at_zero[["class", "pool_inputs", "suspects"]].to_dict("records"),
        "classes_worse": worse[["class", "before", "after"]].to_dict("records"),
        "inputs_used": sum(map(len, repaired.chosen[: repaired.kept])),
        "suspects": len(repaired.suspects),
        "round_over_limit": round_over_limit(repaired, max_broken),
        "data_notes": list(data.notes),
        "notes": list(repaired.notes),
        "seconds": round(float(repaired.seconds), 1),
    }


def headline(outcome: dict[str, Any]) -> str:
    """Return what a repair came to, in one sentence.

    Args:
        outcome: accuracy, repaired, broken, kept_round, rounds, reason and held_out of `facts`.

    Example:
        >>> outcome = {"accuracy": {"before": 0.76, "after": 0.915}, "repaired": 177, "broken": 21}
        >>> headline({**outcome, "kept_round": 3, "rounds": 3, "reason": "", "held_out": True})
        'Accuracy rose from 76.0 % to 91.5 %: 177 test inputs repaired, 21 broken; round 3 of 3 was kept.'
    """  # noqa: E501
    before, after = (f"{100 * outcome['accuracy'][when]:.1f} %" for when in ("before", "after"))
    subject = "Accuracy" if outcome["held_out"] else "Accuracy on data that the model may have seen"
    if not outcome["kept_round"]:
        why = outcome["reason"].removeprefix(RETURNED)
        return f"{subject} stays at {before}: the original model is returned, because {why}."
    rise = outcome["accuracy"]["after"] - outcome["accuracy"]["before"]
    moved = f"{'rose' if rise > 0 else 'fell'} from {before} to {after}"
    if before == after:
        moved = f"stays at {after}"
    count = f"{outcome['repaired']:,} test input{'s' * (outcome['repaired'] != 1)} repaired"
    kept_round = f"round {outcome['kept_round']} of {outcome['rounds']} was kept"
    return f"{subject} {moved}: {count}, {outcome['broken']:,} broken; {kept_round}."


def class_accuracies(repaired: Repair, data: Data) -> pd.DataFrame:
    """Return one row per class: its name, test accuracy before and after (NaN where it has no test
    inputs), its inputs in the pool, and how many of these were set aside."""
    first = repaired.rounds.iloc[0]
    columns = [f"accuracy of {label}" for label in range(data.classes)]
    return pd.DataFrame(
        {
            "class": [data.name(label) for label in range(data.classes)],
            "before": [float(first[column]) for column in columns],
            "after": [float(repaired.result[column]) for column in columns],
            "pool_inputs": np.bincount(data.pool.y, minlength=data.classes),
            "suspects": np.bincount(
                repaired.suspects["label"].to_numpy(np.int64), minlength=data.classes
            ),
        }
    )


def round_over_limit(repaired: Repair, max_broken: float | None) -> dict[str, Any] | None:
    """Return the best round on the diagnosis part that broke more than `max_broken`, or None where
    the returned model is as good there. The test part decides nothing here."""
    if max_broken is None:
        return None
    accuracy = repaired.rounds["diagnosis accuracy"]
    better = accuracy > repaired.result["diagnosis accuracy"]
    over = better & (repaired.rounds[BROKEN] > max_broken)
    if not over.any():
        return None
    best = repaired.rounds.loc[accuracy[over].idxmax()]
    return {
        "round": int(best["round"]),
        "diagnosis_accuracy": float(best["diagnosis accuracy"]),
        "max_broken": float(np.ceil(1e4 * best[BROKEN]) / 1e4),
    }


def lines(facts: dict[str, Any]) -> list[str]:
    """Return the facts as lines, the most important one first."""
    return [
        facts["summary"],
        *_at_zero(facts),
        *[facts["reason"]] * (facts["kept_round"] > 0),
        *_worse(facts["classes_worse"]),
        _used(facts),
        *facts["notes"],
        *_over_limit(facts["round_over_limit"]),
    ]


def _at_zero(facts: dict[str, Any]) -> list[str]:
    fallen = {row["class"] for row in facts["classes_worse"]}
    rows = facts["classes_at_zero"]
    return [
        f"class {row['class']} {'falls to' if row['class'] in fallen else 'stays at'} 0 %: "
        f"the pool has {_inputs(row['pool_inputs'])} of it{_of_these(row['suspects'])}"
        for row in rows[:MAX_NAMES]
    ] + [f"and {len(rows) - MAX_NAMES} more classes at 0 %"] * (len(rows) > MAX_NAMES)


def _of_these(suspects: int) -> str:
    return f", {suspects:,} of these set aside because their labels look wrong" if suspects else ""


def _worse(classes: list[dict]) -> list[str]:
    if not classes:
        return []
    names = [f"{row['class']} ({_percent(row['before'], row['after'])})" for row in classes]
    more = [f"and {len(names) - MAX_NAMES} more"] if len(names) > MAX_NAMES else []
    return [f"classes that got worse: {', '.join([*names[:MAX_NAMES], *more])}"]


def _used(facts: dict[str, Any]) -> str:
    used = f"the model learned from {_inputs(facts['inputs_used'])} of the pool"
    if not facts["suspects"]:
        return used
    return f"{used}; {facts['suspects']:,} were set aside, their labels look wrong: suspects.csv"


def _over_limit(best: dict[str, Any] | None) -> list[str]:
    if best is None:
        return []
    return [
        f"--resume --max-broken {best['max_broken']:g} allows round {best['round']}, "
        f"{100 * best['diagnosis_accuracy']:.1f} % on the diagnosis part"
    ]


def _inputs(count: int) -> str:
    return f"{count or 'no'} input" if count < 2 else f"{count:,} inputs"


def _percent(before: float, after: float) -> str:
    return f"{100 * before:.1f} -> {100 * after:.1f} %"


@contextmanager
def share_bar(show: Callable[[str], None], *, terminal: bool) -> Iterator[Callable[[float], None]]:
    """Yield a function of the share of the work that is done, 0 to 1: it draws a progress bar with
    the time left on standard error. Where that is no `terminal`, it shows a line per quarter."""
    if not terminal:
        yield _quarters(show)
        return
    from tqdm import tqdm

    bar, seconds_left = None, _time_left()

    def update(share: float) -> None:
        nonlocal bar
        if bar is None:  # not before the input was validated
            width, height = get_terminal_size()  # never 0, unlike what some terminals report
            bar = tqdm(total=1, initial=share, bar_format=BAR, ncols=width, nrows=height)
        seconds = seconds_left(share)
        left = "estimating the time left" if seconds is None else f"{duration(seconds)} left"
        bar.set_postfix_str(left, refresh=False)
        bar.update(max(0.0, min(share, 1.0) - bar.n))
        bar.refresh()
        if share >= 1:
            bar.close()

    try:
        yield update
    finally:
        if bar is not None:
            bar.close()


def _quarters(show: Callable[[str], None]) -> Callable[[float], None]:
    """Return a function of the share of the work that is done, which shows each new quarter."""
    last, seconds_left = 0, _time_left()

    def update(share: float) -> None:
        nonlocal last
        seconds = seconds_left(share)
        quarter = int(4 * share + 1e-9)
        if quarter > last:
            last = quarter
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
