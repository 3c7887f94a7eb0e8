"""The audit of classifiers without their data, and the report's claims about it."""

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
SETS = {"reached": "zoo", "reached_blind": "blind", "reached_unseen": "unseen"}
# Targets at which smaller is better.
AT_MOST = ("error",)


def values(results: Results) -> dict:
    """Return the numbers of the templates in featurevis.md."""
    targets = results.by("target", "featurevis_targets")
    claims = results.table("featurevis_claims").set_index(["claim", "measure"])
    unseen = results.table("featurevis_unseen")
    numbers = {
        key: {"aim": targets[name]["aim"], **{SETS[s]: targets[name][s] for s in SETS}}
        for key, name in TARGETS.items()
    }
    for key, row in numbers.items():
        reached = row["zoo"] <= row["aim"] if key in AT_MOST else row["zoo"] >= row["aim"]
        confirm(reached, f"the target of {key} holds on the classifiers that were left out")
        missed = row["unseen"] > row["aim"] if key in AT_MOST else row["unseen"] < row["aim"]
        confirm(missed == (key == "rank"), "on unseen classifiers only the rank misses its aim")
    reported = {key: claims.loc[name].to_dict() for key, name in CLAIMS.items()}
    for key in ("restarts", "few", "cross_talk"):
        confirm(reported[key]["verdict"] == "does not hold", f"{key} does not hold")
    judged = unseen[unseen["truth"].notna()]
    return {
        **numbers,
        **_sets(results),
        **reported,
        "worst_miss": 100 * (unseen["error"] - unseen["true_error"]).abs().max(),
        "judged": len(judged),
        "right": int((judged["verdict"] == judged["truth"]).sum()),
        "pictures": results.by("measure", "featurevis_pictures"),
        "picture_classifiers": only(results.table("featurevis_pictures")["classifiers"]),
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
