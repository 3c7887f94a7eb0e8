"""What a repair did, as plain values for programs, and as the last lines of the terminal."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from mode.data import Data
from mode.repair import Repair
from mode.repair.round import BROKEN

MOST_NAMED = 5  # classes that a line names


def facts(repaired: Repair, data: Data, *, max_broken: float | None = None) -> dict[str, Any]:
    """Return what a repair did, in values that JSON can hold.

    Args:
        repaired: a finished repair on `data`.
        max_broken: the limit under which it ran, None where it had none.

    Returns:
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
    return {
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
        "classes_at_zero": at_zero[["class", "pool_inputs", "suspects"]].to_dict("records"),
        "classes_worse": worse[["class", "before", "after"]].to_dict("records"),
        "inputs_used": sum(map(len, repaired.chosen[: repaired.kept])),
        "suspects": len(repaired.suspects),
        "round_over_limit": round_over_limit(repaired, max_broken),
        "data_notes": list(data.notes),
        "notes": list(repaired.notes),
        "seconds": round(float(repaired.seconds), 1),
    }


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
        *_at_zero(facts),
        _outcome(facts),
        *_worse(facts["classes_worse"]),
        _used(facts),
        *facts["notes"],
        *_over_limit(facts["round_over_limit"]),
    ]


def _at_zero(facts: dict[str, Any]) -> list[str]:
    fallen = {row["class"] for row in facts["classes_worse"]}
    found = facts["classes_at_zero"]
    return [
        f"class {row['class']} {'falls to' if row['class'] in fallen else 'stays at'} 0 %: "
        f"the pool has {_inputs(row['pool_inputs'])} of it{_of_these(row['suspects'])}"
        for row in found[:MOST_NAMED]
    ] + [f"and {len(found) - MOST_NAMED} more classes at 0 %"] * (len(found) > MOST_NAMED)


def _of_these(suspects: int) -> str:
    return f", {suspects:,} of these set aside because their labels look wrong" if suspects else ""


def _outcome(facts: dict[str, Any]) -> str:
    where = "on the test part" if facts["held_out"] else "on data the model may have seen"
    return (
        f"{_percent(**facts['accuracy'])} {where}, {facts['repaired']:,} repaired, "
        f"{facts['broken']:,} broken; {facts['reason']}"
    )


def _worse(classes: list[dict]) -> list[str]:
    if not classes:
        return []
    named = [f"{row['class']} ({_percent(row['before'], row['after'])})" for row in classes]
    return [f"classes that got worse: {_first(named)}"]


def _used(facts: dict[str, Any]) -> str:
    used = f"{_inputs(facts['inputs_used'])} of the pool used"
    if not facts["suspects"]:
        return used
    return f"{used}, {facts['suspects']:,} set aside because their labels look wrong: suspects.csv"


def _over_limit(best: dict[str, Any] | None) -> list[str]:
    if best is None:
        return []
    return [
        f"--resume --max-broken {best['max_broken']:g} allows round {best['round']}, "
        f"{100 * best['diagnosis_accuracy']:.1f} % on the diagnosis part"
    ]


def _first(names: Iterable[str]) -> str:
    names = list(names)
    more = [f"and {len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    return ", ".join([*names[:MOST_NAMED], *more])


def _inputs(count: int) -> str:
    return f"{count or 'no'} input" if count < 2 else f"{count:,} inputs"


def _percent(before: float, after: float) -> str:
    return f"{100 * before:.1f} -> {100 * after:.1f} %"
