"""The diagnosis of faulty trainings: programs, healthy ones, repairs, and what watching costs."""

from benchmarks.sentences.formats import part
from benchmarks.sentences.tables import Results, confirm

WATCHED = {
    "lenet5": "watching lenet5",
    "resnet": "watching resnet",
    "tiny": "watching tiny, 150 pairs",
    "whole": "watching tiny, 20 pairs of whole fits",
}


def values(results: Results) -> dict:
    """Return the numbers of the templates in diagnosis.md."""
    sets = results.by("set", "diagnosis_summary")
    every = sets["all"]
    confirm(every["healthy flagged"] == 0, "no healthy training is flagged")
    confirm(every["fixed forms"] == every["fixed forms at their goal"], "fixed forms reach goals")
    confirm(every["fixed forms flagged"] == 0, "no fixed form is flagged")
    repairs = results.rows("diagnosis/repair.csv")
    (short,) = repairs[repairs["reached"].astype(str) == "False"].to_dict("records")
    confirm(short["program"] == "over-fitting", "the one that is not repaired over-fits")
    return {
        "all": every,
        "first": sets["unseen (first run)"],
        "heldout": sets["heldout"],
        "short": {name: float(short[name]) for name in ("goal", "threshold")},
        "parts": _parts(every, sets["unseen (first run)"]),
        "watching": _watching(results),
        "random_models": _random_models(results),
    }


def _parts(every: dict, first: dict) -> dict[str, str]:
    """Return counts with the intervals of their shares."""
    return {
        "found": part(every["found"], every["faulty"]),
        "first found": part(first["found"], first["faulty"]),
        "fixed": part(every["right first fix"], every["faulty"]),
        "first fixed": part(first["right first fix"], first["faulty"]),
        "flagged": part(every["healthy flagged"], every["healthy"]),
        "first flagged": part(first["healthy flagged"], first["healthy"]),
        "repaired": part(every["repaired"], every["repairs tried"]),
        "forms": part(every["fixed forms at their goal"], every["fixed forms"]),
    }


def _watching(results: Results) -> dict[str, float]:
    timings = results.timings("diagnosis")
    confirm((timings["holds"] == "yes").all(), "watching costs no more than its limits")
    cost = timings["ours_seconds"] / timings["peer_seconds"] - 1
    return {name: cost[cost.index.str.startswith(case)].iloc[0] for name, case in WATCHED.items()}


def _random_models(results: Results) -> dict[str, int]:
    rows = results.rows("diagnosis/fuzz.csv")
    confirm((rows["difference"] == "").all(), "no watched training differs from the same alone")
    raised, described = (rows["raised"] != "").sum(), (rows["told"] == "yes").sum()
    return {"models": len(rows), "raised": raised, "described": described,
            "undescribed": raised - described}  # fmt: skip
