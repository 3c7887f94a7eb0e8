"""The side questions: metric, map, layer, share, retraining, selectors, further faults, chance."""

import pandas as pd

from benchmarks.sentences.tables import (
    HOLDS,
    NOT,
    OPEN,
    Results,
    confirm,
    directions,
    only,
    verdict,
    verdict_of_any,
)
from mode.figures.names import method_words
from mode.studies.tables import EQUIVALENT

STUDIES = ("metrics", "maps", "layers", "retraining", "alpha", "selectors", "further", "budget")
STUDIES += ("oracle",)
CLASSES = (10, 5, 2)


def values(results: Results) -> dict:
    """Return the numbers of the templates in side_studies.md: study -> method -> row, and more."""
    for question in ("states", "pixels"):
        row = results.by("question", "metrics-mnist/differ")[question]
        confirm(not row["significant"], "that the metrics differ is not shown")
    compared = {
        study: results.by("method", f"{study}-mnist/against_control")
        for study in STUDIES
        if study != "alpha"  # whose methods repeat for each number of classes
    }
    _confirm_verdicts(compared)
    seeds = {study: results.rows(f"{study}-mnist")["seed"].nunique() for study in STUDIES}
    return {
        **compared,
        "seeds": only(seeds.values()),
        **{f"{study}_extent": _extent(results, study) for study in ("metrics", "maps", "layers")},
        "friedman": results.by("question", "metrics-mnist/differ"),
        "maps_differ": results.table("maps-mnist/differ").iloc[0].to_dict(),
        **_maps(results),
        **_layers(results),
        **_alpha(results),
        "fashion": results.by("method", "further-fashion_mnist/against_control"),
        "fashion_seeds": results.rows("further-fashion_mnist")["seed"].nunique(),
        **_selectors(results),
    }


def _confirm_verdicts(compared: dict[str, dict[str, dict]]) -> None:
    difference = {
        study: pd.Series({name: row["mean difference"] for name, row in methods.items()})
        for study, methods in compared.items()
    }
    for study in ("budget", "further"):
        best = difference[study].idxmax()
        confirm(best == "recommended", f"the recommended repair leads in {study}")
    retraining = difference["retraining"]
    for selector in ("targeted_random", "margin", "misclassified_then_margin"):
        worst = retraining[retraining.index.str.startswith(f"{selector}, ")].idxmin()
        confirm(worst == f"{selector}, new batch", "retraining on the new batch alone is worst")
    for way in ("scratch", "new batch"):
        row = compared["retraining"][f"targeted_random, {way}"]
        confirm(verdict([row]) == NOT, f"random inputs lose by {way} instead of replay")
    less = (
        retraining["misclassified_then_margin, scratch"]
        < retraining["misclassified_then_margin, replay"]
    )
    confirm(less, "with mistakes, replay gains more than training from scratch")
    confirm(verdict([compared["oracle"]["oracle"]]) == OPEN, "chance among batches is not shown")
    for study in ("budget", "further"):
        holds = verdict([compared[study]["recommended"]]) == HOLDS
        confirm(holds, f"the recommended repair is above the control in {study}")


def _extent(results: Results, study: str) -> dict:
    """Return how the methods of a study differ from their control, repetitions left out."""
    table = results.table(f"{study}-mnist/against_control").dropna(subset=["mean difference"])
    table = table[~table["method"].str.endswith(" again")]
    counts = directions(table)
    confirm(counts["above"] == 0, f"none of the {study} is above random inputs")
    best = table.loc[table["mean difference"].idxmax()].to_dict()
    return {
        **counts,
        "methods": len(table),
        "differences": table["mean difference"],
        "best": {**best, "name": method_words(best["method"])},
        "verdict": verdict_of_any(table, margin=EQUIVALENT),
    }


def _maps(results: Results) -> dict:
    """By fault, the map is DHMI for over-fitting and DHWI for mislabeling."""
    table = results.table("maps-mnist/least_similar").dropna(subset=["mean difference"])
    rows = table.set_index("scenario").astype(object).to_dict("index")
    pair = {"over_fitted": rows["over_fitted_500"], "mislabeled": rows["mislabeled"]}
    confirm(verdict(pair.values()) == OPEN, "which inputs serve over-fitting is not shown")
    return {"least_similar": pair}


def _layers(results: Results) -> dict:
    overlap = results.table("layers-mnist/layer_overlap")
    shared = overlap[overlap["compared"] == "output"]["mean"]
    pairs = results.table("layers-mnist/against_chosen").dropna(subset=["mean difference"])
    best = pairs.loc[pairs["mean difference"].idxmax()].to_dict()
    confirm(best["method"] == "euclidean: output", "the largest gain is Euclidean, output layer")
    confirm(verdict([best]) == HOLDS, "one other layer is above the selected one")
    confirm(directions(pairs) == {"above": 1, "below": 0}, "it is the only one that differs")
    return {
        "least_shared": shared.min(),
        "most_shared": shared.max(),
        "pairs": len(pairs),
        "others": len(pairs) - 1,
        "equivalent": int(pairs["equivalent"].sum()),
        "margin": EQUIVALENT,
        "pair_differences": pairs["mean difference"],
        "best_layer": best,
    }


def _alpha(results: Results) -> dict:
    table = results.table("alpha-mnist/against_control").set_index(["method", "classes"])
    alone = {
        selector: {f"of_{n}": table.loc[(f"{selector}, alpha 1.0", n)].to_dict() for n in CLASSES}
        for selector in ("mode", "margin")
    }
    shares = ("0.25", "0.5", "1.0")
    for n in (5, 10):
        for selector, sign in {"mode": -1, "margin": 1}.items():
            rows = [table.loc[(f"{selector}, alpha {s}", n), "mean difference"] for s in shares]
            confirm(
                sorted(rows, key=lambda d: sign * d) == rows,
                "with five and ten classes, fewer by heat map and more by margin are better",
            )
    return {"alone": alone}


def _selectors(results: Results) -> dict:
    """Return the selectors beside the margin, which the main comparison has, too."""
    table = results.table("selectors-mnist/against_control").dropna(subset=["mean difference"])
    table = table[~table["method"].str.endswith(" again")]
    table = table.sort_values("mean difference", ascending=False)
    confirm(table["method"].iloc[-1] == "typiclust", "TypiClust alone loses")
    confirm(directions(table) == {"above": len(table) - 1, "below": 1}, "TypiClust alone loses")
    confirm(table["method"].iloc[0] == "signed_margin", "the signed margin gains most")
    return {
        "further_selectors": len(table) - 1,
        "best_selector": table.iloc[0].to_dict(),
    }
