"""The side questions: metric, map, layer, share, retraining, selectors, further faults, chance."""

import pandas as pd

from benchmarks.sentences.formats import effect
from benchmarks.sentences.tables import SIGNIFICANT, Results, confirm, directions, markdown, only

STUDIES = ("metrics", "maps", "layers", "retraining", "alpha", "selectors", "further", "budget")
STUDIES += ("oracle",)
CLASSES = (10, 5, 2)


def values(results: Results) -> dict:
    """Return the numbers of the templates in side_studies.md: study -> method -> row, and more."""
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
        "friedman": results.table("metrics-mnist/differ").iloc[0].to_dict(),
        **_maps(results),
        **_layers(results),
        **_alpha(results),
        "fashion": results.by("method", "further-fashion_mnist/against_control"),
        "fashion_seeds": results.rows("further-fashion_mnist")["seed"].nunique(),
        **_selectors(results),
    }


def _confirm_verdicts(compared: dict[str, dict[str, dict]]) -> None:
    difference = {
        study: pd.Series({name: row["median difference"] for name, row in methods.items()})
        for study, methods in compared.items()
    }
    for study in ("budget", "further"):
        best = difference[study].idxmax()
        confirm(best == "recommended", f"the recommended repair leads in {study}")
    retraining = difference["retraining"]
    for selector in ("mode", "margin", "misclassified_then_margin"):
        worst = retraining[retraining.index.str.startswith(f"{selector}, ")].idxmin()
        confirm(worst == f"{selector}, new batch", "retraining on the new batch alone is worst")
    less = (
        retraining["misclassified_then_margin, scratch"]
        < retraining["misclassified_then_margin, replay"]
    )
    confirm(less, "with mistakes, replay gains more than training from scratch")
    chance = compared["oracle"]["oracle"]["holm p"] > SIGNIFICANT
    confirm(chance, "nothing is shown to be gained among random batches")


def _extent(results: Results, study: str) -> dict:
    """Return how the methods of a study differ from their control, repetitions left out."""
    table = results.table(f"{study}-mnist/against_control").dropna(subset=["median difference"])
    table = table[~table["method"].str.endswith(" again")]
    counts = directions(table)
    confirm(counts["above"] == 0, f"none of the {study} is above random inputs")
    return {**counts, "methods": len(table), "differences": table["median difference"]}


def _maps(results: Results) -> dict:
    """By fault, the map is DHMI for over-fitting and DHWI for mislabeling."""
    table = results.table("maps-mnist/by_scenario").set_index(["scenario", "method"])
    scenarios = {"over_fitted": "over_fitted_500", "mislabeled": "mislabeled"}
    methods = {"least": "dhci, least similar", "most": "by fault"}
    rows = {
        fault: {key: table.loc[(scenario, method)].to_dict() for key, method in methods.items()}
        for fault, scenario in scenarios.items()
    }
    for row in rows.values():
        least, most = row["least"], row["most"]
        overlap = least["low"] < most["high"] and most["low"] < least["high"]
        confirm(overlap, "the intervals of the least and the most similar overlap")
    return {"similarity": rows}


def _layers(results: Results) -> dict:
    overlap = results.table("layers-mnist/layer_overlap")
    shared = overlap[overlap["compared"] == "output"]["mean"]
    equivalence = results.table("layers-mnist/layer_equivalence")
    best = equivalence.loc[equivalence["mean difference"].idxmax()]
    confirm(best["low"] > 0, "one other layer is above the selected one")
    confirm((best["method"], best["metric"]) == ("output", "euclidean"), "it is Euclidean, output")
    return {
        "least_shared": shared.min(),
        "most_shared": shared.max(),
        "pairs": len(equivalence),
        "equivalent": int(equivalence["equivalent"].sum()),
        "margin": only(equivalence["margin"]),
        "mean_differences": equivalence["mean difference"],
        "best_layer": {**best.to_dict(), "median difference": best["mean difference"]},
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
            rows = [table.loc[(f"{selector}, alpha {s}", n), "median difference"] for s in shares]
            confirm(
                sorted(rows, key=lambda d: sign * d) == rows,
                "with five and ten classes, fewer by heat map and more by margin are better",
            )
    lines = [
        [f"{n} classes", effect(alone["mode"][f"of_{n}"]), effect(alone["margin"][f"of_{n}"])]
        for n in CLASSES
    ]
    header = ("all inputs chosen", "by heat map", "by margin")
    return {"alone": alone, "alpha_table": markdown(header, lines)}


def _selectors(results: Results) -> dict:
    """Return the selectors beside the margin, which the main comparison has, too."""
    table = results.table("selectors-mnist/against_control").dropna(subset=["median difference"])
    table = table[~table["method"].str.endswith(" again")]
    table = table.sort_values("median difference", ascending=False)
    confirm(table["method"].iloc[-1] == "typiclust", "TypiClust alone loses")
    confirm(directions(table) == {"above": len(table) - 1, "below": 1}, "TypiClust alone loses")
    confirm(table["method"].iloc[0] == "signed_margin", "the signed margin gains most")
    listed = "; ".join(f"{row['method']} {effect(row)}" for _, row in table.iterrows())
    return {"all_selectors": listed, "further_selectors": len(table) - 1}
