"""The audit of classifiers without their data, and the report's claims about it."""

import json

import pandas as pd

from benchmarks.sentences.tables import Results, confirm, only

TARGETS = {
    "gap": "AUROC, gap over 10 points",
    "rank": "Spearman with the gap",
    "error": "mean absolute error of the test error, points",
    "coverage": "coverage of the 90 % interval",
    "homogeneous": "AUROC, homogeneous",
    "homogeneous_overfitted": "AUROC, homogeneous among over-fitted",
    "kinds": "four-way balanced accuracy",
    "abstention": "abstention across domains",
}
CLAIMS = {
    "restarts": ("(a) over-fitted: restarts converge", "AUROC of -D, gap over 10 points"),
    "restarts_homogeneous": (
        "(a) homogeneous, against the reference model",
        "AUROC of -D / D of the reference model",
    ),
    "few": ("(b) few: training images are reproduced", "nearest training / unseen"),
    "homogeneous_images": (
        "(b) homogeneous: training images are reproduced",
        "nearest training / unseen",
    ),
    "cross_talk": (
        "(c) over-fitted: other classes appear",
        "AUROC of cross-talk, without label noise",
    ),
    "cross_talk_noise": (
        "(c) label noise: other classes appear",
        "AUROC of cross-talk, label noise or not",
    ),
    "weightwatcher": ("WeightWatcher: mean alpha", "AUROC, gap over 10 points"),
    "prototypes": ("pixel prototypes", "AUROC, gap over 10 points"),
}
SETS = {"": "zoo", "_blind": "blind", "_unseen": "unseen"}  # ends of the columns' names
# Targets at which smaller is better.
AT_MOST = ("error",)


def values(results: Results) -> dict:
    """Return the numbers of the templates in featurevis.md."""
    targets = results.by("target", "featurevis_targets")
    claims = results.table("featurevis_claims").set_index(["claim", "measure"])
    unseen = results.table("featurevis_unseen")
    numbers = {key: _target(targets[name], key in AT_MOST) for key, name in TARGETS.items()}
    for key, row in numbers.items():
        reached = row["zoo"] <= row["aim"] if key in AT_MOST else row["zoo"] >= row["aim"]
        confirm(reached, f"the target of {key} holds on the classifiers that were left out")
        missed = row["unseen"] > row["aim"] if key in AT_MOST else row["unseen"] < row["aim"]
        confirm(missed == (key == "rank"), "on unseen classifiers only the rank misses its aim")
    reported = {key: claims.loc[name].to_dict() for key, name in CLAIMS.items()}
    for key in ("restarts", "few", "cross_talk"):
        confirm(reported[key]["verdict"] == "does not hold", f"{key} does not hold")
    return {
        **numbers,
        **_sets(results),
        **reported,
        **_components(results),
        "worst_miss": _largest_miss(unseen),
        "worst_zoo": _largest_miss(results.table("featurevis_classifiers")),
        "worst_blind": _largest_miss(results.table("featurevis_blind")),
        "pictures": results.by("measure", "featurevis_pictures"),
        "picture_classifiers": only(results.table("featurevis_pictures")["classifiers"]),
        "photographs": _photographs(results),
    }


def _target(row: dict, at_most: bool) -> dict:
    """Return a target's numbers by set, and the verdict of the interval on unseen classifiers."""
    numbers = {"aim": row["aim"]}
    for end, name in SETS.items():
        numbers[name] = row[f"reached{end}"]
        numbers[f"{name}_low"], numbers[f"{name}_high"] = row[f"low{end}"], row[f"high{end}"]
    low, high, aim = numbers["unseen_low"], numbers["unseen_high"], numbers["aim"]
    reached, missed = (high <= aim, low > aim) if at_most else (low >= aim, high < aim)
    verdict = "holds" if reached else "does not hold" if missed else "not shown"
    return {**numbers, "verdict": verdict}


def _largest_miss(table: pd.DataFrame) -> float:
    return 100 * (table["error"] - table["true_error"]).abs().max()


WAYS = {
    "audit": "the audit",
    "uncorrected": "error on the prior's samples, uncorrected",
    "images": "error on the 20,000 labeled images of the prior",
}
PARTS = {
    "samples": "all scores of labeled samples (the audit's)",
    "ascent": "activation maximization",
    "both": "labeled samples and activation maximization",
}


def _components(results: Results) -> dict:
    table = results.table("featurevis_components")
    ranks = table[table["measure"] == "Spearman with the gap"].set_index("part")
    parts = {key: ranks.loc[name, "value"] for key, name in PARTS.items()}
    low, high = (ranks.loc[PARTS["both"], end] for end in ("low", "high"))
    confirm(low < parts["samples"] < high, "activation maximization is not shown to add anything")
    ways = results.by("way", "featurevis_baselines")
    baselines = {key: ways[name] for key, name in WAYS.items()}
    confirm(
        baselines["audit"]["high"] < baselines["uncorrected"]["low"],
        "the audit misses by less than the uncorrected error",
    )
    labels = results.table("featurevis_labels").set_index(["set", "label"])
    unclear = {
        name.replace(" ", "_"): int(labels.loc[(name, "no clear label")].sum())
        for name in ("left out", "unseen")
    }
    return {
        "components": {**parts, "both_low": low, "both_high": high},
        "baselines": baselines,
        "unclear": unclear,
    }


def _photographs(results: Results) -> dict:
    """Return the card of the prior of photographs, and how it did."""
    rows = results.rows("featurevis/photographs.csv")
    confirm((rows["verdict"] == "cannot tell").all(), "no verdict is given on photographs")
    miss = 100 * (rows["error"] - (1 - rows["test_accuracy"])).abs()
    card = results.folder / "runs" / "featurevis" / "photographs_prior.json"
    return {
        **json.loads(card.read_text(encoding="utf-8")),
        "classifiers": len(rows),
        "mean_miss": miss.mean(),
    }


def _sets(results: Results) -> dict:
    zoo, unseen = (
        results.table(f"featurevis_{name}") for name in ("architectures", "unseen_architectures")
    )
    return {
        "classifiers": zoo["classifiers"].sum(),
        "architectures": len(zoo),
        "hardest": _worst(zoo),
        "unseen_classifiers": len(results.table("featurevis_unseen")),
        "unseen_hardest": _worst(unseen),
        "blind_classifiers": len(results.table("featurevis_blind")),
    }


def _worst(table: pd.DataFrame) -> dict:
    return table.loc[table["missed_points"].idxmax()].to_dict()
