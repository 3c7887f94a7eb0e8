"""Which inputs repair: the main comparison on MNIST and Fashion-MNIST, six planted faults."""

import pandas as pd

from benchmarks.sentences.formats import effect
from benchmarks.sentences.tables import SIGNIFICANT, Results, confirm, markdown, only

DATA = {"mnist": "selection-mnist", "fashion": "selection-fashion_mnist"}
UNPLANTED = "no_planted_fault"
# Methods as people call them; the control is not among them.
METHODS = {
    "recommended": "misclassified, then smallest margin; longer retraining",
    "misclassified_then_margin": "misclassified, then smallest margin",
    "margin": "smallest margin",
    "entropy": "largest entropy",
    "badge": "BADGE",
    "misclassified_then_random": "misclassified, then random",
    "mdsa": "surprise (MDSA)",
    "core_set": "core-set",
    "random, retrained as recommended": "random; longer retraining",
    "random": "random",
    "mode": "MODE in feature space",
    "published": "MODE as published",
}
THIRD = 1 / 3


def values(results: Results) -> dict:
    """Return the numbers of the templates in selection.md, for each data set."""
    data = {name: _measured(results, folder) for name, folder in DATA.items()}
    compared = {name: numbers["methods"] for name, numbers in data.items()}
    for method, sign in {
        "mode": -1,
        "published": -1,
        "misclassified_then_margin": 1,
        "recommended": 1,
    }.items():
        rows = [methods[method] for methods in compared.values()]
        clear = all(r["significant"] and sign * r["median difference"] > 0 for r in rows)
        confirm(clear, f"{method} is {'above' if sign > 0 else 'below'} the control on both")
    recommended = [methods["recommended"]["median difference"] for methods in compared.values()]
    confirm(min(recommended) >= 0.008, "the recommended repair is at least 0.8 points above")
    fashion = compared["fashion"]
    ahead = (
        fashion["margin"]["median difference"]
        > fashion["misclassified_then_margin"]["median difference"]
    )
    confirm(ahead, "on Fashion-MNIST the margin is ahead of the mistakes")
    return {
        "seeds": only(numbers["seeds"] for numbers in data.values()),
        "table": _table(compared),
        **data,
    }


def _measured(results: Results, folder: str) -> dict:
    behind = results.table(f"{folder}/against_recommended")
    behind = behind[(behind["scenario"] != UNPLANTED) & (behind["method"] != "recommended")]
    lead = -behind.groupby("scenario")["median difference"].max()
    confirm((lead > 0).all(), "the recommended repair is above every method under every fault")
    above_published = -behind[behind["method"] == "published"]["median difference"]
    confirm((above_published >= 0.015).all(), "it is at least 1.5 points above the published one")
    needed = results.table(f"{folder}/inputs_needed")
    needed = needed[(needed["method"] == "recommended") & (needed["scenario"] != UNPLANTED)][
        "share"
    ]
    unplanted = results.by("method", f"{folder}/harm_without_fault")["recommended"]
    harmless = unplanted["holm p"] <= SIGNIFICANT and unplanted["median difference"] > 0
    confirm(harmless, "the recommended repair gains where nothing was planted")
    return {
        "methods": results.by("method", f"{folder}/against_control"),
        "seeds": only(results.table(f"{folder}/power")["seeds"]),
        "above_published": above_published,
        "lead": lead,
        "least_lead": lead.min(),
        "fewest": needed.min(),
        "most": needed.max(),
        "faults": len(needed),
        "within_third": int((needed <= THIRD).sum()),
        "missed_third": int((needed > THIRD).sum()),
        "unplanted": unplanted,
    }


def _table(compared: dict[str, dict[str, dict]]) -> str:
    order = pd.Series({m: compared["mnist"][m]["median difference"] for m in METHODS})
    lines = [
        [METHODS[method], *(effect(methods[method]) for methods in compared.values())]
        for method in order.sort_values(ascending=False).index
    ]
    return markdown(("inputs", "MNIST", "Fashion-MNIST"), lines)
