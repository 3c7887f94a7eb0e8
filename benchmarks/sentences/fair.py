"""Fair comparisons: equal training and labels, wrong labels, open choices, LeNet-5."""

from collections.abc import Mapping

import pandas as pd

from benchmarks.sentences.tables import (
    HOLDS,
    NOT,
    OPEN,
    Results,
    confirm,
    directions,
    verdict,
    verdict_of_any,
)
from mode.studies.method_tables import DEFAULT, RETRAINED
from mode.studies.tables import EQUIVALENT

MISTAKES = "misclassified_then_margin"
TARGETED = ("mode", "margin", MISTAKES)
SELECTORS = ("margin", "entropy", "badge", MISTAKES)
MOST = {"uniform": "pool_uniform_20", "systematic": "pool_systematic_20"}


def values(results: Results) -> dict:
    """Return the numbers of the templates in fair.md."""
    return {
        **_equal(results),
        **_wrong_labels(results),
        **_choices(results),
        **_convolutions(results),
    }


def turned(row: Mapping) -> dict:
    """Return a difference from a control as the control's difference from the method."""
    ends = {"low": -row["high"], "high": -row["low"], "holm p": row["holm p"]}
    return {"mean difference": -row["mean difference"], **ends}


def _equal(results: Results) -> dict:
    against = results.by("method", "equal-mnist/against_control")
    matched = results.by("method", "equal-mnist/against_matched")
    retrained = results.by("method", "equal-mnist/against_retrained_random")
    retrained = {name.removesuffix(RETRAINED): row for name, row in retrained.items()}
    behind = results.table("equal-mnist/against_default").dropna(subset=["mean difference"])
    nearest = behind.loc[behind["mean difference"].idxmax()]
    lead = turned(nearest)
    confirm(nearest["method"] == f"{MISTAKES}, twice the steps", "mistakes come second")
    confirm(directions(behind)["below"] == len(behind), "the default is ahead of every method")
    for name in SELECTORS:
        confirm(verdict([retrained[name]]) == HOLDS, f"{name} is ahead with equal retraining")
    confirm(verdict([against["no new inputs"]]) == NOT, "without new inputs nothing is repaired")
    return {
        "equal": against,
        "equal_seeds": results.rows("equal-mnist")["seed"].nunique(),
        "matched": {name: matched[name] for name in TARGETED},
        "matched_verdict": {name: verdict([matched[name]]) for name in TARGETED},
        "retrained": retrained,
        "retrained_verdict": {name: verdict([row]) for name, row in retrained.items()},
        "longer": verdict([against["random, twice the steps"]]),
        "whole_verdict": verdict([against["whole pool"]]),
        "lead": lead,
        "lead_verdict": verdict([lead]),
    }


def _wrong_labels(results: Results) -> dict:
    table = results.table("wrong_labels-mnist/damage").set_index(["method", "pool"])
    damage = {
        kind: {name: table.loc[(name, pool)].to_dict() for name in table.index.unique("method")}
        for kind, pool in MOST.items()
    }
    worst = damage["systematic"]
    confirm(verdict([worst[MISTAKES]]) == NOT, "mistakes lose to the labels of look-alikes")
    unhurt = [kind[DEFAULT]["mean difference"] for kind in damage.values()]
    confirm(min(unhurt) > -0.01, "the default repair loses less than a point")
    behind = results.table("wrong_labels-mnist/against_default").set_index(["scenario", "method"])
    unchecked = f"{DEFAULT} without its check of labels"
    checks = {kind: turned(behind.loc[(pool, unchecked)]) for kind, pool in MOST.items()}
    return {
        "damage": damage,
        "damage_verdict": {name: verdict([worst[name]]) for name in worst},
        "checks": checks,
        "checks_verdict": {kind: verdict([row]) for kind, row in checks.items()},
        "wrong_seeds": results.rows("wrong_labels-mnist")["seed"].nunique(),
    }


def _choices(results: Results) -> dict:
    variants = results.by("method", "choices-mnist/against_mode")
    variants = {name: row for name, row in variants.items() if name != "mode"}
    confirm(
        all(verdict([row]) != HOLDS for row in variants.values()),
        "no open choice of the publication is shown to help",
    )
    return {
        "choices": variants,
        "choice_seeds": results.rows("choices-mnist")["seed"].nunique(),
        "choice_verdict": {
            name: NOT if row["equivalent"] else verdict([row]) for name, row in variants.items()
        },
        "choices_equivalent": sum(bool(row["equivalent"]) for row in variants.values()),
        "margin": EQUIVALENT,
        "choices_moved": directions(pd.DataFrame(variants.values())),
    }


def _convolutions(results: Results) -> dict:
    table = results.table("convolutions-mnist/against_control").dropna(subset=["mean difference"])
    pairs = results.table("convolutions-mnist/against_chosen").dropna(subset=["mean difference"])
    best = table.loc[table["mean difference"].idxmax()].to_dict()
    return {
        "lenet_best": best,
        "lenet_verdict": verdict_of_any(table, margin=EQUIVALENT),
        "lenet_pair_verdict": HOLDS if sum(directions(pairs).values()) else OPEN,
        "lenet_methods": len(table),
        "lenet": directions(table),
        "lenet_pairs": {**directions(pairs), "count": len(pairs)},
        "lenet_differences": table["mean difference"],
        "lenet_pair_differences": pairs["mean difference"],
        "lenet_seeds": results.rows("convolutions-mnist")["seed"].nunique(),
    }
