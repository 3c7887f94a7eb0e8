"""The accuracy that is estimated without labels, beside the known one."""

from benchmarks.estimation_tables import AIMS, METHODS
from benchmarks.sentences.tables import HOLDS, NOT, OPEN, Results
from mode.estimation.calibration import DEFAULT

KEYS = dict(zip(("unshifted", "worse", "of_atc", "coverage", "abstained"), AIMS, strict=True))
PARTS = {"chosen on": "chosen", "left out": "left", "all": "both"}
FAMILIES = {"no shift": "none", "class shares": "shares", "corruption": "corrupted"}
FAMILIES |= {"sub-populations": "new", "all": "all"}
RIVALS = {"doc": "difference of confidences", "cot": "COT", "cott": "COTT"}


def values(results: Results) -> dict:
    """Return the numbers of the templates in estimation.md."""
    misses = results.table("estimation").set_index(["part", "family"])
    answers = results.table("estimation_abstention").set_index(["part", "family"])
    left = misses.loc["left out"]
    rivals = [method for method in METHODS if method != DEFAULT]
    return {
        **_targets(results),
        "misses": {
            key: {
                "default": left.loc[family, DEFAULT],
                "best": left.loc[family, rivals].min(),
                "which": _words(left.loc[family, rivals].idxmin()),
                "doc": left.loc[family, "doc"],
                "sets": int(left.loc[family, "sets"]),
                "abstained": answers.loc[("left out", family), "abstained"],
            }
            for family, key in FAMILIES.items()
        },
        "answered": answers.loc[("left out", "all"), "missed_points"],
    }


def _words(method: str) -> str:
    return RIVALS.get(method, method.replace("_", " "))


def _targets(results: Results) -> dict:
    """Return by target: the aim, value and interval of each part, and the verdict on those that
    were left out."""
    table = results.table("estimation_targets").set_index(["target", "part"])
    numbers = {}
    for key, target in KEYS.items():
        row = {"aim": table.loc[(target, "all"), "aim"]}
        for part, name in PARTS.items():
            measured = table.loc[(target, part)]
            row |= {name: measured["value"], f"{name}_low": measured["low"]}
            row |= {
                f"{name}_high": measured["high"],
                f"{name}_classifiers": measured["classifiers"],
            }
        low, high, aim = row["left_low"], row["left_high"], row["aim"]
        most = table.loc[(target, "all"), "side"] == "at most"
        reached, missed = (high <= aim, low > aim) if most else (low >= aim, high < aim)
        numbers[key] = row | {"verdict": HOLDS if reached else NOT if missed else OPEN}
    return numbers
